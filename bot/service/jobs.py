"""The one engine of background work: claims due jobs under a lease and runs their handlers.

A process that dies leaves a lease that falls due; nothing has to be recovered.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from types import MappingProxyType

import structlog

from bot.domain.errors import StoreError
from bot.service.ports import Clock, Handler, Job, Store

log = structlog.get_logger(__name__)
IDLE_S = 1.0
BACKOFF_CAP_S = 60.0
LONGEST_DELAY = timedelta(minutes=2)
"""How far most work is ever put off: what lies further ahead waits by mistake."""


class Runner:
    """Runs jobs until stopped; `wake` tells it that a job was just added.

    `lease_s` must be the store's: a lease is renewed at a third of it while a handler works.
    `delays` are the kinds whose work is put off further than most, and how far; None stands for
    timers, whose instant may lie anywhere ahead. A clock that is set ahead ends leases early, and
    one that is set back makes work wait; neither makes the runner take over from itself, or wait
    until the time has come again.
    """

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        handlers: Mapping[str, Handler],
        lease_s: float,
        delays: Mapping[str, timedelta | None] = MappingProxyType({}),
        at_once: int,
    ) -> None:
        self._store = store
        self._clock = clock
        self._handlers = handlers
        self._lease_s = lease_s
        self._by_delay: dict[timedelta, list[str]] = {}
        for kind in handlers:
            delay = delays.get(kind, LONGEST_DELAY)
            if delay is not None:
                self._by_delay.setdefault(delay, []).append(kind)
        self._latest: datetime | None = None
        self._at_once = at_once
        self._awake = asyncio.Event()
        self._stopping = False
        self._claiming = False
        self._running: dict[asyncio.Task[None], int] = {}

    @property
    def wake(self) -> Callable[[], None]:
        """The call that makes the runner look for due jobs at once."""
        return self._awake.set

    @property
    def is_busy(self) -> bool:
        """Whether a handler works, or a job is being claimed for one."""
        return self._claiming or bool(self._running)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of jobs this runner knows."""
        return tuple(self._handlers)

    async def run(self) -> None:
        """Claim and run jobs until `stop`; a store that cannot serve only delays them."""
        async with asyncio.TaskGroup() as group:
            while not self._stopping:
                self._awake.clear()
                await self._follow_clock()
                if not await self._claim(group):
                    await self._rest()

    async def stop(self, grace_s: float) -> None:
        """Claim nothing more and give the running handlers `grace_s` seconds to finish."""
        self._stopping = True
        self._awake.set()
        running = tuple(self._running)
        if running:
            _, late = await asyncio.wait(running, timeout=grace_s)
            for task in late:
                task.cancel()

    async def _follow_clock(self) -> None:
        """Recall what a clock put off that was set back since the last look, or before the first."""
        now = self._clock.now()
        slack = timedelta(seconds=self._lease_s)
        if self._latest is not None and now >= self._latest - slack:
            self._latest = max(now, self._latest)
            return
        try:
            for delay, kinds in self._by_delay.items():
                await self._store.recall_jobs(kinds, now + delay)
        except StoreError:
            log.warning("jobs not recalled", reason="store unavailable")
            return
        self._latest = now

    async def _claim(self, group: asyncio.TaskGroup) -> bool:
        free = self._at_once - len(self._running)
        if free <= 0:
            return False
        self._claiming = True
        try:
            # A lease that ran out all the same is nobody's to take over in this process.
            mine = tuple(self._running.values())
            jobs = await self._store.claim_jobs(tuple(self._handlers), free, besides=mine)
        except StoreError:
            log.warning("jobs not claimed", reason="store unavailable")
            return False
        finally:
            self._claiming = False
        for job in jobs:
            task = group.create_task(self._work(job))
            self._running[task] = job.id
            task.add_done_callback(self._finished)
        return bool(jobs)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        self._awake.set()

    async def _rest(self) -> None:
        wait = IDLE_S
        try:
            due = await self._store.next_due(tuple(self._handlers))
            if due is not None and len(self._running) < self._at_once:
                wait = min(IDLE_S, max(0.02, (due - self._clock.now()).total_seconds()))
        except StoreError:
            pass
        with suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await self._awake.wait()

    async def drain(self) -> int:
        """Run what is due now, and what that makes due, one after another; return how many."""
        count = 0
        while jobs := await self._store.claim_jobs(tuple(self._handlers), 1):
            await self._work(jobs[0])
            count += 1
        return count

    async def _work(self, job: Job) -> None:
        structlog.contextvars.bind_contextvars(job=job.kind, subject=job.subject)
        heart = asyncio.create_task(self._renew(job))
        try:
            await self._handlers[job.kind](job)
        except StoreError:
            # The lease falls due by itself, so the job is not lost.
            log.warning("job left", reason="store unavailable", attempts=job.attempts)
        except Exception:
            # The boundary of background work: one broken job must not end the others.
            log.exception("job failed", attempts=job.attempts)
            await self._give_back(job)
        finally:
            heart.cancel()
            structlog.contextvars.unbind_contextvars("job", "subject")

    async def _give_back(self, job: Job) -> None:
        delay = min(BACKOFF_CAP_S, 2.0 ** min(job.attempts, 10))
        try:
            async with self._store.begin() as tx:
                await tx.postpone_job(
                    job, self._clock.now() + timedelta(seconds=delay), "handler failed"
                )
        except StoreError:
            log.warning("job left", reason="store unavailable", attempts=job.attempts)

    async def _renew(self, job: Job) -> None:
        while True:
            await asyncio.sleep(self._lease_s / 3)
            try:
                if not await self._store.renew_job(job):
                    return
            except StoreError:
                log.warning("lease not renewed", reason="store unavailable")


class Runners:
    """Several runners as one, each with slots of its own: what is slow cannot starve the others."""

    def __init__(self, *runners: Runner) -> None:
        self._runners = runners

    @property
    def is_busy(self) -> bool:
        """Whether a handler works."""
        return any(runner.is_busy for runner in self._runners)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of jobs these runners know."""
        return tuple(kind for runner in self._runners for kind in runner.kinds)

    def wake(self) -> None:
        """Make every runner look for due jobs at once."""
        for runner in self._runners:
            runner.wake()

    async def drain(self) -> int:
        """Run what is due now, and what that makes due, one after another; return how many."""
        count = 0
        while ran := sum([await runner.drain() for runner in self._runners]):
            count += ran
        return count

    async def run(self) -> None:
        """Claim and run jobs until `stop`."""
        async with asyncio.TaskGroup() as group:
            for runner in self._runners:
                _ = group.create_task(runner.run())

    async def stop(self, grace_s: float) -> None:
        """Claim nothing more and give the running handlers `grace_s` seconds together."""
        _ = await asyncio.gather(*(runner.stop(grace_s) for runner in self._runners))
