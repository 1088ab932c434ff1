"""Answers that somebody was told would follow: durable, so that they outlive the process.

The process that promised one holds its job while it works on it. Where that process ends first,
the lease runs out, another one carries the request out anew and gives the answer. What the request
had changed by then is not changed twice: the activity is known.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import structlog
from typing_extensions import override

from bot.domain.errors import MessengerError, StoreError, Trouble
from bot.domain.outcome import Noted, Outcome
from bot.service.ports import Answer, Job, Messenger, Promise, Request, Store, World

log = structlog.get_logger(__name__)
PROMISE_JOB = "promise"
MAKE_S = 0.4
"""How long the database may take for a promise: a person waits for it."""
GOOD_FOR = timedelta(minutes=15)
"""How long an answer is owed; later nobody expects that what they asked for happens."""
AGAIN = timedelta(seconds=10)
STOPPED = Noted("stopped")


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

    async def make(self, promise: Promise) -> Job | None:
        """Commit a promise and return its job; None where the database could not take it in time."""
        try:
            async with self._store.begin(MAKE_S) as tx:
                return await tx.add_promise(self._ids.new(), promise)
        except StoreError:
            log.warning("answer not promised", reason="store unavailable")
            return None

    async def keep(self, job: Job, work: asyncio.Task[None]) -> None:
        """Hold the promise while its work goes on here, and strike it out at the end of it."""
        while not work.done():
            await asyncio.wait({work}, timeout=self._lease_s / 3)
            try:
                if not work.done() and not await self._store.renew_job(job):
                    return
            except StoreError:
                log.warning("lease not renewed", reason="store unavailable")
        if not work.cancelled():
            await self._strike_out(job)

    async def redeem(self, job: Job) -> None:
        """Give an answer that a process promised which did not live to give it."""
        promise = await self._store.promise(job.subject)
        wait = await self._give(promise) if promise else None
        if wait is None:
            await self._strike_out(job)
            return
        async with self._store.begin() as tx:
            await tx.postpone_job(job, self._clock.now() + wait, "not delivered")

    async def _give(self, promise: Promise) -> timedelta | None:
        """Give the answer; return when to give it once more, None where that is over."""
        answer = Late(promise, self._messenger, self._store)
        if self._clock.now() - promise.made_at > GOOD_FOR:
            with suppress(MessengerError):
                await answer.show(STOPPED)
            return None
        await self._handle(promise.request, answer)
        return answer.owed_for

    async def _strike_out(self, job: Job) -> None:
        try:
            async with self._store.begin() as tx:
                if await tx.finish_job(job):
                    await tx.drop_promise(job.subject)
        except StoreError:
            # Its lease runs out, and whoever redeems it finds that it was carried out.
            log.warning("promise not struck out", reason="store unavailable")


class Late(Answer):
    """The answer that was promised: the message that promised it becomes it, else it is a new one.

    `owed_for` is how long to wait before it is given once more, where Teams did not take it now.
    """

    def __init__(self, promise: Promise, messenger: Messenger, store: Store) -> None:
        self._place = promise.place
        self._message = promise.message
        self._messenger = messenger
        self._store = store
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
        if self._message is None or self._place.private_to is not None:
            yield None
        elif await self._store.is_card(self._place.conversation, self._message):
            # The process that promised it came that far.
            yield None
        else:
            yield self._message
