"""Shows operations in Teams: the card outbox.

A job renders the current state, so repeats are harmless and bursts collapse into one edit.
"""

from dataclasses import replace

import structlog

from bot.domain.command import Catalogue
from bot.domain.errors import MessengerError
from bot.domain.operation import State
from bot.domain.outcome import Decided, Operated
from bot.service.courier import Courier, is_deleted
from bot.service.ports import Card, Job, Messenger, Reference, Store, Transaction

log = structlog.get_logger(__name__)
CARD_JOB = "card"


class CardOutbox:
    """Posts or edits the one message of an operation."""

    def __init__(
        self, *, store: Store, messenger: Messenger, courier: Courier, catalogue: Catalogue
    ) -> None:
        self._store = store
        self._messenger = messenger
        self._courier = courier
        self._catalogue = catalogue

    async def show(self, job: Job) -> None:
        """Bring the card of operation `job.subject` up to date."""
        card = await self._store.card(job.subject)
        operation = await self._store.operation(job.subject)
        if card is None or operation is None:
            await self._finish(job)
            return
        approval = await self._store.approval(job.subject)
        place = await self._place(card.reference)
        is_waiting = operation.state is State.WAITING
        viewers = await self._messenger.members(place) if is_waiting else ()
        kind = self._catalogue.kinds[operation.plan.kind]
        outcome = Operated(kind, operation, approval, viewers=viewers, is_unseen=place.is_personal)
        if not await self._courier.may_send(job, place):
            return
        try:
            activity_id = await self._send(job, replace(card, reference=place), outcome)
        except MessengerError as error:
            await self._courier.failed(job, place, error)
            return

        async def write(tx: Transaction) -> None:
            await tx.card_shown(
                card.operation_id, activity_id=activity_id, revision=card.revision_wanted
            )
            await self._courier.delivered(tx, job, place)

        await self._courier.record(write)

    async def tell(self, job: Job) -> None:
        """Tell the one who asked, in their thread, what became of operation `job.subject`."""
        operation = await self._store.operation(job.subject)
        approval = await self._store.approval(job.subject)
        card = await self._store.card(job.subject)
        if operation is None or approval is None or card is None:
            await self._finish(job)
            return
        asked_in = replace(
            card.reference, conversation=approval.thread, reply_to=approval.reply_to
        )
        thread = await self._place(asked_in)
        outcome = Decided(self._catalogue.kinds[operation.plan.kind], operation, approval)
        if not await self._courier.may_send(job, thread):
            return
        try:
            _ = await self._messenger.post(thread, outcome)
        except MessengerError as error:
            await self._courier.failed(job, thread, error)
            return

        async def write(tx: Transaction) -> None:
            await self._courier.delivered(tx, job, thread)

        await self._courier.record(write)

    async def _place(self, reference: Reference) -> Reference:
        """Return an address through the service URL that its conversation was last heard by."""
        heard = await self._store.reference(reference.tenant, reference.root)
        if heard is None:
            return reference
        return replace(reference, service_url=heard.service_url, kind=heard.kind)

    async def _send(self, job: Job, card: Card, outcome: Operated) -> str | None:
        if card.activity_id is None:
            return await self._messenger.post(card.reference, outcome)
        try:
            await self._messenger.edit(card.reference, card.activity_id, outcome)
        except MessengerError as error:
            if not is_deleted(job, error):
                raise
            # Somebody may have deleted the message; how the write went is still owed.
            return await self._messenger.post(card.reference, outcome)
        return card.activity_id

    async def _finish(self, job: Job) -> None:
        async with self._store.begin() as tx:
            await tx.finish_job(job)
