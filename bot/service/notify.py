"""Shows operations in Teams: the card outbox.

A job renders the current state, so repeats are harmless and bursts collapse into one edit.
"""

from dataclasses import replace
from datetime import timedelta

import structlog

from bot.domain.command import Catalogue
from bot.domain.errors import MessengerError
from bot.domain.operation import State
from bot.domain.outcome import Decided, Operated
from bot.service.ports import Card, Clock, Job, Messenger, Store

log = structlog.get_logger(__name__)
CARD_JOB = "card"
BACKOFF_CAP_S = 120.0


class CardOutbox:
    """Posts or edits the one message of an operation."""

    def __init__(
        self, *, store: Store, messenger: Messenger, clock: Clock, catalogue: Catalogue
    ) -> None:
        self._store = store
        self._messenger = messenger
        self._clock = clock
        self._catalogue = catalogue

    async def show(self, job: Job) -> None:
        """Bring the card of operation `job.subject` up to date."""
        card = await self._store.card(job.subject)
        operation = await self._store.operation(job.subject)
        if card is None or operation is None:
            await self._finish(job)
            return
        approval = await self._store.approval(job.subject)
        is_waiting = operation.state is State.WAITING
        viewers = await self._messenger.members(card.reference) if is_waiting else ()
        kind = self._catalogue.kinds[operation.plan.kind]
        outcome = Operated(kind, operation, approval, viewers=viewers)
        try:
            activity_id = await self._send(card, outcome)
        except MessengerError as error:
            await self._later(job, error)
            return
        async with self._store.begin() as tx:
            await tx.card_shown(
                card.operation_id, activity_id=activity_id, revision=card.revision_wanted
            )
            await tx.finish_job(job)

    async def tell(self, job: Job) -> None:
        """Tell the one who asked, in their thread, what became of operation `job.subject`."""
        operation = await self._store.operation(job.subject)
        approval = await self._store.approval(job.subject)
        card = await self._store.card(job.subject)
        if operation is None or approval is None or card is None:
            await self._finish(job)
            return
        root = approval.thread.partition(";")[0]
        heard = await self._store.reference(operation.actor.tenant, root) or card.reference
        thread = replace(heard, conversation=approval.thread, reply_to=approval.reply_to)
        outcome = Decided(self._catalogue.kinds[operation.plan.kind], operation, approval)
        try:
            _ = await self._messenger.post(thread, outcome)
        except MessengerError as error:
            await self._later(job, error)
            return
        await self._finish(job)

    async def _send(self, card: Card, outcome: Operated) -> str:
        if card.activity_id is None:
            return await self._messenger.post(card.reference, outcome)
        try:
            await self._messenger.edit(card.reference, card.activity_id, outcome)
        except MessengerError as error:
            if not error.is_gone:
                raise
            # Somebody may have deleted the message; how the write went is still owed.
            return await self._messenger.post(card.reference, outcome)
        return card.activity_id

    async def _later(self, job: Job, error: MessengerError) -> None:
        if error.is_final:
            log.error("card not delivered", reason=str(error), attempts=job.attempts)
            await self._finish(job)
            return
        delay = error.retry_after_s or min(BACKOFF_CAP_S, 2.0 ** min(job.attempts, 8))
        log.warning("card delayed", reason=str(error), delay_s=delay)
        async with self._store.begin() as tx:
            await tx.postpone_job(job, self._clock.now() + timedelta(seconds=delay), str(error))

    async def _finish(self, job: Job) -> None:
        async with self._store.begin() as tx:
            await tx.finish_job(job)
