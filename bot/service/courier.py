"""What background messages have in common: their pace, and what becomes of those that fail.

What had no effect is tried again, for ever where the trouble passes. A new message that may have
arrived is not: Teams knows no idempotency key and shows a bot no messages, so nobody but a person
can tell. Not repeating it at all would lose most alarms of an outage, repeating it like the others
would post one copy per try. So it is repeated at most twice, later than the others, and only once
the service is seen to answer a harmless question: an outage, however long, costs one repeat. After
that it is a dead letter which says that it may have arrived, and `/replay` is a person's decision.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from bot.domain.errors import MessengerError, StoreError, Trouble
from bot.service.pacing import Pacer
from bot.service.ports import Clock, Job, Messenger, Reference, Store, Transaction

log = structlog.get_logger(__name__)
BACKOFF_CAP_S = 120.0
REFUSALS = 3
"""A conversation is given up after so many refusals in a row: single ones come in error."""
REFUSED_S = 10.0
TRIES = 10
"""So often a message is tried that fails for no reason known to pass: about ten minutes."""
RECORDS = 3
"""How often it is tried to write down that a message stands; each waits for a busy database."""
DOUBTS_S = (30.0, 120.0)
"""How long it takes until a message is repeated that may have arrived, the first time and again."""


class Courier:
    """Lets jobs send when it is their turn, and puts off or buries what Teams refused."""

    def __init__(self, *, store: Store, messenger: Messenger, clock: Clock, pacer: Pacer) -> None:
        self._store = store
        self._messenger = messenger
        self._clock = clock
        self._pacer = pacer

    async def may_send(self, job: Job, place: Reference) -> bool:
        """Wait for the turn of one message; False when the job was put off until it comes."""
        reach = await self._store.reach(place.tenant, place.root)
        if reach is not None and reach.blocked is not None:
            await self._bury(job, reach.blocked)
            return False
        if job.doubts and not await self._messenger.is_answering(place):
            await self._later(job, _backoff_s(job), "not answering")
            return False
        slot = await self._pacer.turn(place.tenant, place.root)
        if slot.later is None:
            return True
        async with self._store.begin() as tx:
            await tx.postpone_job(job, slot.later, None)
        return False

    async def record(self, write: Callable[[Transaction], Awaitable[None]]) -> None:
        """Write down that a message was taken: tried more than once, for it stands there already.

        Raises:
            StoreError: the database cannot serve; the message will be sent once more.
        """
        for _ in range(RECORDS - 1):
            try:
                return await self._recorded(write)
            except StoreError:
                log.warning("message not recorded", reason="store unavailable")
        return await self._recorded(write)

    async def _recorded(self, write: Callable[[Transaction], Awaitable[None]]) -> None:
        async with self._store.begin() as tx:
            await write(tx)

    async def delivered(self, tx: Transaction, job: Job, place: Reference) -> None:
        """Finish a job whose messages were taken."""
        await tx.note_success(place.tenant, place.root)
        await tx.finish_job(job)

    async def failed(self, job: Job, place: Reference, error: MessengerError) -> None:
        """Decide what becomes of a job whose message was not taken; it is never just dropped."""
        if error.retry_after_s is not None:
            until = await self._pacer.stop(place.tenant, place.root, error.retry_after_s)
            await self._later(job, (until - self._clock.now()).total_seconds(), error.code)
            return
        match error.trouble:
            case Trouble.DOUBTFUL:
                await self._doubt(job, error)
            case Trouble.REFUSED | Trouble.GONE:
                await self._refused(job, place, error)
            case Trouble.FINAL:
                await self._bury(job, error.code)
            case Trouble.OTHER if job.failures(error.code) >= TRIES:
                await self._bury(job, error.code)
            case Trouble.OTHER | Trouble.PASSING:
                await self._later(job, _backoff_s(job), error.code)

    async def _doubt(self, job: Job, error: MessengerError) -> None:
        if job.doubts >= len(DOUBTS_S):
            await self._bury(job, error.code, is_doubtful=True)
        else:
            await self._later(job, DOUBTS_S[job.doubts], error.code, is_doubtful=True)

    async def _refused(self, job: Job, place: Reference, error: MessengerError) -> None:
        """Count a refusal against the conversation, and give both up after several.

        Several messages refused in one moment are one refusal, so a message gives up the
        conversation only when it was itself tried so often.
        """
        refusals = job.failures(error.code)
        is_last = refusals >= REFUSALS
        if _is_about_all(place, error):
            limit = REFUSALS if is_last else None
            async with self._store.begin() as tx:
                is_over = await tx.note_refusal(place.tenant, place.root, error.code, limit=limit)
            if is_over:
                log.warning("conversation given up", code=error.code)
        if is_last:
            await self._bury(job, error.code)
        else:
            await self._later(job, REFUSED_S * 3 ** (refusals - 1), error.code)

    async def _later(
        self, job: Job, delay_s: float, reason: str, *, is_doubtful: bool = False
    ) -> None:
        log.warning("message delayed", reason=reason, delay_s=delay_s)
        due = self._clock.now() + timedelta(seconds=delay_s)
        async with self._store.begin() as tx:
            await tx.postpone_job(job, due, reason, is_doubtful=is_doubtful)

    async def _bury(self, job: Job, reason: str, *, is_doubtful: bool = False) -> None:
        log.error("message not delivered", reason=reason, attempts=job.attempts)
        async with self._store.begin() as tx:
            await tx.bury_job(job, reason, is_doubtful=is_doubtful)


def is_deleted(job: Job, error: MessengerError) -> bool:
    """Whether a message that was edited or answered is not there any more.

    A 404 that does not name the message comes in error now and then, so it has to come repeatedly.
    """
    return error.is_gone and ("Activity" in error.code or job.failures(error.code) >= REFUSALS)


def _backoff_s(job: Job) -> float:
    return min(BACKOFF_CAP_S, 2.0 ** min(job.attempts, 8))


def _is_about_all(place: Reference, error: MessengerError) -> bool:
    """Whether a refusal concerns the whole conversation, and not a single message or thread."""
    if error.trouble is Trouble.REFUSED:
        return True
    return place.conversation == place.root and "Activity" not in error.code
