"""One atomic change, composed of what each aggregate offers."""

from datetime import datetime, timedelta

from bot.domain.approval import Approval
from bot.domain.audit import CUT, Head, Row, cut_details
from bot.domain.operation import Operation, Result, State
from bot.service.ports import AuditRecord, Card, Clock, Job, Pause, Promise, Reference
from bot.store import (
    approvals,
    audit,
    cards,
    control,
    conversations,
    inbox,
    jobs,
    operations,
    promises,
)
from bot.store.lane import Session
from bot.store.watching import SqlWatchTransaction


class SqlTransaction(SqlWatchTransaction):
    """The port's `Transaction` on one database session.

    Audit lines are put to the chain by `seal`, last of all: the head of the chain is the one row
    that every transaction wants, so it is locked as late and as briefly as possible, and nobody
    can wait for it while holding what the other one needs.
    """

    def __init__(self, session: Session, *, clock: Clock, lease: timedelta) -> None:
        super().__init__(session)
        self._clock = clock
        self._lease = lease
        self._records: list[AuditRecord] = []

    async def claim_activity(self, tenant: str, conversation: str, activity: str) -> bool:
        """Record an inbound activity; False when it was recorded before."""
        return await inbox.claim(
            self._session,
            tenant=tenant,
            conversation=conversation,
            activity=activity,
            now=self._clock.now(),
        )

    async def add_operation(self, operation: Operation, client_request_id: str) -> None:
        """Insert a new operation."""
        await operations.add(self._session, operation, client_request_id)

    async def move_operation(
        self, operation_id: str, *, source: State, target: State, result: Result | None = None
    ) -> bool:
        """Compare-and-set the state (and result); False when the operation is not in `source`."""
        return await operations.move(
            self._session,
            operation_id,
            source=source,
            target=target,
            result=result,
            now=self._clock.now(),
        )

    async def replan(self, operation: Operation) -> bool:
        """Replace command, plan and reason of an operation that waits; False when it does not."""
        return await operations.replan(self._session, operation, self._clock.now())

    async def set_result(self, operation_id: str, state: State, result: Result) -> bool:
        """Replace the result of an operation that is in `state`; False when it is not."""
        return await self.move_operation(operation_id, source=state, target=state, result=result)

    async def add_card(self, card: Card) -> None:
        """Insert the card of an operation and the job that shows it, due at once."""
        await cards.add(self._session, card, self._clock.now())

    async def want_card(self, operation_id: str) -> None:
        """Ask for the operation's card to be shown anew: revision + 1 and a job, due at once."""
        await cards.want(self._session, operation_id, self._clock.now())

    async def add_approval(self, approval: Approval) -> None:
        """Insert what an operation waits for."""
        await approvals.add(self._session, approval)

    async def lock_approval(self, operation_id: str) -> Approval | None:
        """Return an approval and keep everybody else from changing it until the block ends."""
        return await approvals.lock(self._session, operation_id)

    async def save_approval(self, approval: Approval) -> None:
        """Replace an approval that this transaction has locked."""
        await approvals.save(self._session, approval)

    async def card_shown(
        self, operation_id: str, *, activity_id: str | None, revision: int
    ) -> None:
        """Record that a revision of the card stands in Teams, under an id where one is known."""
        await cards.shown(self._session, operation_id, activity_id=activity_id, revision=revision)

    async def add_job(self, kind: str, subject: str, due_at: datetime) -> None:
        """Add a job; one that is already there for (kind, subject) is moved to the earlier time."""
        await jobs.add(self._session, kind, subject, due_at)

    async def renew_job(self, job: Job) -> bool:
        """Extend a lease, which nobody takes over until the block ends; False when it was lost."""
        return await jobs.renew(self._session, job, self._clock.now() + self._lease)

    async def finish_job(self, job: Job) -> bool:
        """Delete a claimed job, or arm it anew; False when the lease was lost."""
        return await jobs.finish(self._session, job)

    async def postpone_job(
        self, job: Job, due_at: datetime, error: str | None, *, is_doubtful: bool = False
    ) -> bool:
        """Give a claimed job back, to fall due later; False when the lease was lost."""
        return await jobs.postpone(self._session, job, due_at, error, is_doubtful=is_doubtful)

    async def bury_job(self, job: Job, reason: str, *, is_doubtful: bool = False) -> bool:
        """Keep a claimed job that is not to be tried again; False when the lease was lost."""
        now = self._clock.now()
        return await jobs.bury(self._session, job, reason, now, is_doubtful=is_doubtful)

    async def add_promise(self, promise_id: str, promise: Promise) -> Job:
        """Insert a promise and return its job, which the caller holds for a lease."""
        until = self._clock.now() + self._lease
        return await promises.add(self._session, promise_id, promise, until)

    async def drop_promise(self, promise_id: str) -> None:
        """Delete a promise."""
        await promises.drop(self._session, promise_id)

    async def append_audit(self, record: AuditRecord) -> None:
        """Add a line to the hash chain."""
        self._records.append(record)

    async def cut_audit(self, until: Head) -> None:
        """Delete the chain up to a line, which the chain itself records."""
        await audit.cut(self._session, until, self._clock.now())
        self._records.append(AuditRecord(CUT, None, None, cut_details(until)))

    async def save_reference(self, reference: Reference) -> None:
        """Keep where a conversation can be reached."""
        await conversations.save(self._session, reference, self._clock.now())

    async def set_pause(self, pause: Pause | None) -> None:
        """Stop or resume all writes."""
        await control.set_pause(self._session, pause)

    async def operation(self, operation_id: str) -> Operation | None:
        """Return an operation as this transaction sees it."""
        return await operations.get(self._session, operation_id)

    async def pause(self) -> Pause | None:
        """Return who paused writes, as this transaction sees it."""
        return await control.pause(self._session)

    async def seal(self) -> tuple[Row, ...]:
        """Put the audit lines of this transaction to the chain and return them."""
        if not self._records:
            return ()
        return tuple(await audit.append(self._session, self._records, self._clock.now()))
