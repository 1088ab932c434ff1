"""Answers that somebody was told would follow: durable, so that they outlive the process.

The process that promised one holds its job while it works on it. Where that process ends first,
the lease runs out, another one carries the request out anew and gives the answer. What the request
had changed by then is not changed twice: the activity is known.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import TypeAlias

import structlog
from pydantic import ValidationError
from typing_extensions import override

from bot.domain.errors import MessengerError, StoreError, Trouble
from bot.domain.outcome import Failed, Noted, Outcome
from bot.service.ports import Answer, Job, Messenger, Promise, Request, World

log = structlog.get_logger(__name__)
PROMISE_JOB = "promise"
MAKE_S = 0.4
"""How long a locked database is waited for: a person waits for the promise, and others for the lock."""
GOOD_FOR = timedelta(minutes=15)
"""How long an answer is owed; later nobody expects that what they asked for happens."""
REMEMBERED = 1000
AGAIN = timedelta(seconds=10)
STOPPED = Noted("stopped")
STARTED = Noted("started")
Made: TypeAlias = Callable[[Job | None], None]


class Promises:
    """Makes promises, keeps them, and redeems those that other processes left behind.

    `handle` carries a request out as if it had just been made.
    """

    def __init__(
        self,
        world: World,
        *,
        messenger: Messenger,
        handle: Callable[[Request, Answer], Awaitable[None]],
        lease_s: float,
    ) -> None:
        self._store = world.store
        self._clock = world.clock
        self._ids = world.ids
        self._messenger = messenger
        self._handle = handle
        self._lease_s = lease_s
        self._held: set[str] = set()
        self._doubtful: deque[str] = deque(maxlen=REMEMBERED)

    async def make(self, promise: Promise) -> Job | None:
        """Commit a promise and return its job; None where the database could not take it in time."""
        promise_id = self._ids.new()
        try:
            async with self._store.begin(MAKE_S) as tx:
                return await tx.add_promise(promise_id, promise)
        except StoreError:
            log.warning("answer not promised", reason="store unavailable")
            # Nobody knows whether it was committed: what nobody keeps must not be redeemed.
            self._doubtful.append(promise_id)
            return None

    async def hold(self, promise: Promise, work: asyncio.Task[None], made: Made) -> None:
        """Make a promise, tell `made`, and keep it until its work is over."""
        job = await self.make(promise)
        made(job)
        if job is not None:
            await self.keep(job, work)

    async def keep(self, job: Job, work: asyncio.Task[None]) -> None:
        """Hold the promise while its work goes on here, and strike it out at the end of it."""
        self._held.add(job.subject)
        try:
            while not work.done():
                await asyncio.wait({work}, timeout=self._lease_s / 3)
                if not work.done():
                    await self._renew(job)
            if not work.cancelled():
                await self._strike_out(job)
        finally:
            self._held.discard(job.subject)

    async def _renew(self, job: Job) -> None:
        try:
            if not await self._store.renew_job(job):
                log.warning("lease lost", promise=job.subject)
        except StoreError:
            log.warning("lease not renewed", reason="store unavailable")

    async def redeem(self, job: Job) -> None:
        """Give an answer that a process promised which did not live to give it."""
        if job.subject in self._held:
            # Its lease ran out, but the work for it goes on here.
            wait: timedelta | None = timedelta(seconds=self._lease_s)
        elif job.subject in self._doubtful:
            wait = None
        else:
            wait = await self._redeemed(job)
        if wait is None:
            await self._strike_out(job)
            return
        async with self._store.begin() as tx:
            await tx.postpone_job(job, self._clock.now() + wait, "not given yet")

    async def _redeemed(self, job: Job) -> timedelta | None:
        """Give the answer; return when to give it once more, None where that is over."""
        try:
            promise = await self._store.promise(job.subject)
        except ValidationError:
            log.exception("promise not read")
            return None
        if promise is None or await self._has_become_a_card(promise):
            return None
        answer = Late(promise, self._messenger)
        if self._clock.now() - promise.made_at > GOOD_FOR:
            with suppress(MessengerError):
                await answer.show(STOPPED)
            return None
        request = replace(promise.request, asked_at=promise.made_at)
        try:
            await self._handle(request, answer)
        except Exception:
            error_id = self._ids.new()[:8]
            log.exception("turn broke", error_id=error_id)
            with suppress(MessengerError):
                await answer.show(Failed("internal", error_id))
            return None
        return answer.owed_for

    async def _has_become_a_card(self, promise: Promise) -> bool:
        """Whether the process that promised it came so far that an operation's card stands there."""
        message, place = promise.message, promise.place
        return message is not None and await self._store.is_card(place.conversation, message)

    async def _strike_out(self, job: Job) -> None:
        try:
            async with self._store.begin() as tx:
                await tx.drop_promise(job.subject)
                await tx.finish_job(job)
        except StoreError:
            # Its lease runs out, and whoever redeems it finds that it was carried out.
            log.warning("promise not struck out", reason="store unavailable")


class Late(Answer):
    """The answer that was promised: the message that promised it becomes it, else it is a new one.

    `owed_for` is how long to wait before it is given once more, where Teams did not take it now.
    """

    def __init__(self, promise: Promise, messenger: Messenger) -> None:
        self._place = promise.place
        self._message = promise.message
        self._messenger = messenger
        self.owed_for: timedelta | None = None

    @override
    def hold(self) -> None:
        """Do nothing: Teams waits no more."""

    @override
    async def show(self, outcome: Outcome) -> None:
        try:
            await self._show(outcome)
        except MessengerError as error:
            if error.trouble is Trouble.PASSING:
                self.owed_for = max(AGAIN, timedelta(seconds=error.retry_after_s or 0))
            raise

    async def _show(self, outcome: Outcome) -> None:
        if self._message is not None:
            try:
                await self._messenger.edit(self._place, self._message, outcome)
            except MessengerError as error:
                if not error.is_gone:
                    raise
            else:
                return
        await self._messenger.post(self._place, outcome)

    @override
    @asynccontextmanager
    async def hand_over(self) -> AsyncIterator[str | None]:
        is_private = self._place.private_to is not None
        # An operation is for everybody to see: its card cannot be what one person alone sees.
        yield None if is_private else self._message
        if is_private and self._message is not None:
            with suppress(MessengerError):
                await self._messenger.edit(self._place, self._message, STARTED)
