"""The store of the use cases on a SQL database."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import structlog

from bot.domain.approval import Approval
from bot.domain.audit import Head, Row, Verdict
from bot.domain.errors import StoreError
from bot.domain.operation import Operation
from bot.domain.plan import Plan
from bot.service.ports import (
    Card,
    Docket,
    Job,
    Matter,
    Pause,
    Promise,
    Reference,
    Retention,
    Waits,
)
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
    pruning,
)
from bot.store.database import Database
from bot.store.transaction import SqlTransaction
from bot.store.watching import SqlWatchStore

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


class SqlStore(SqlWatchStore):
    """The port's `Store`, and the audit's reading side."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._clock = database.terms.clock
        self._lease = timedelta(seconds=database.terms.lease_s)
        self._head_file = database.terms.head_file

    @asynccontextmanager
    async def begin(self, busy_s: float | None = None) -> AsyncIterator[SqlTransaction]:
        """Open a transaction; an exception inside rolls back everything.

        `busy_s` is how long a locked file is waited for, where that is less than usual.

        Where a head file is kept, a head that cannot be written down there is not committed.
        """
        async with self._database.write(busy_s) as session:
            transaction = SqlTransaction(session, clock=self._clock, lease=self._lease)
            yield transaction
            rows = await transaction.seal()
            await self._announce(rows)
        await self._confirm(rows)

    async def knows_activity(self, tenant: str, conversation: str, activity: str) -> bool:
        """Whether an inbound activity was recorded."""
        async with self._database.read() as session:
            return await inbox.knows(
                session, tenant=tenant, conversation=conversation, activity=activity
            )

    async def operation(self, operation_id: str) -> Operation | None:
        """Return one operation by its full id."""
        async with self._database.read() as session:
            return await operations.get(session, operation_id)

    async def client_request_id(self, operation_id: str) -> str | None:
        """Return the id that the operation's Graph request carries."""
        async with self._database.read() as session:
            return await operations.client_request_id(session, operation_id)

    async def find_operation(self, short: str) -> Operation | None:
        """Return one operation by the short id people type, or a full id, in any case."""
        async with self._database.read() as session:
            return await operations.find(session, short)

    async def is_short_free(self, short: str) -> bool:
        """Whether no operation has that short id yet."""
        async with self._database.read() as session:
            return await operations.is_short_free(session, short)

    async def operations(
        self, *, tenant: str | None, target: str | None, offset: int, limit: int
    ) -> Sequence[Operation]:
        """Return operations newest first; `target` matches a record's id or name, any case.

        `tenant` is that of who asked for them; None: all.
        """
        async with self._database.read() as session:
            return await operations.newest(
                session, tenant=tenant, target=target, offset=offset, limit=limit
            )

    async def card(self, operation_id: str) -> Card | None:
        """Return the card of an operation."""
        async with self._database.read() as session:
            return await cards.get(session, operation_id)

    async def approval(self, operation_id: str) -> Approval | None:
        """Return what an operation waits, or waited, for."""
        async with self._database.read() as session:
            return await approvals.get(session, operation_id)

    async def matters(self, tenant: str) -> Sequence[Matter]:
        """Return what waits for consent in a tenant, by what it is and who may decide, each once."""
        async with self._database.read() as session:
            return await approvals.matters(session, tenant)

    async def to_decide(
        self, voter: tuple[str, str], dockets: Sequence[Docket], limit: int, *, now: datetime
    ) -> Waits:
        """Return what of these others wait for that this (tenant, object id) has not voted on."""
        async with self._database.read() as session:
            return await approvals.to_decide(session, voter, dockets, limit, now=now)

    async def asked_by(self, asker: tuple[str, str], limit: int) -> Waits:
        """Return what this (tenant, object id) waits for."""
        async with self._database.read() as session:
            return await approvals.asked_by(session, asker, limit)

    async def waiting_alike(self, asker: tuple[str, str], plan: Plan) -> Operation | None:
        """Return what this (tenant, object id) waits to do in the same way to the plan's target."""
        async with self._database.read() as session:
            return await approvals.alike(session, asker, plan)

    async def reference(self, tenant: str, root: str) -> Reference | None:
        """Return how a conversation, or the thread of it that changed last, can be reached."""
        async with self._database.read() as session:
            return await conversations.latest(session, tenant=tenant, root=root)

    async def promise(self, promise_id: str) -> Promise | None:
        """Return an answer that is owed, or None where it was given."""
        async with self._database.read() as session:
            return await promises.get(session, promise_id)

    async def is_card(self, conversation: str, activity_id: str) -> bool:
        """Whether a message of the bot is the card of an operation."""
        async with self._database.read() as session:
            return await promises.is_card(session, conversation, activity_id)

    async def pause(self) -> Pause | None:
        """Return who paused writes, or None while they run."""
        async with self._database.read() as session:
            return await control.pause(session)

    async def claim_jobs(
        self, kinds: Sequence[str], limit: int, *, besides: Collection[int] = ()
    ) -> Sequence[Job]:
        """Claim due jobs of these kinds under a lease; nobody waits for a look that finds none.

        `besides` are the ids of jobs that are passed over, due or not.
        """
        async with self._database.read() as session:
            if not await jobs.is_any_due(session, kinds, besides, self._clock.now()):
                return ()
        async with self._database.write() as session:
            now = self._clock.now()
            lease = (now, now + self._lease)
            return await jobs.claim(session, kinds, besides, limit=limit, lease=lease)

    async def recall_jobs(self, kinds: Sequence[str], behind: datetime) -> None:
        """Let jobs that lie behind an instant fall due now, or after a lease where one is held."""
        async with self._database.write() as session:
            now = self._clock.now()
            await jobs.recall(session, kinds, behind, lease=(now, now + self._lease))

    async def renew_job(self, job: Job) -> bool:
        """Extend a lease; False when it was lost."""
        async with self.begin() as tx:
            return await tx.renew_job(job)

    async def next_due(self, kinds: Sequence[str]) -> datetime | None:
        """Return when the earliest job of these kinds falls due."""
        async with self._database.read() as session:
            return await jobs.next_due(session, kinds)

    async def prune(self, kept: Retention) -> None:
        """Forget what is over and older than it is to be kept, a few rows at a time."""
        await pruning.prune(self._database, kept, self._clock.now())

    async def audit_head(self) -> Head:
        """Return where the audit's chain ends."""
        async with self._database.read() as session:
            return (await audit.head_of(session))[0]

    async def audit_rows(
        self, after_seq: int = 0, *, operation_id: str | None = None
    ) -> AsyncIterator[Row]:
        """Yield the lines of the audit in order, all or those of one operation."""
        async for row in audit.rows(self._database, after_seq, None):
            if operation_id is None or audit.exported(row)["operation"] == operation_id:
                yield row

    async def audit_end_before(self, moment: datetime) -> Head | None:
        """Return the last line of the audit before a moment; None when none may be cut."""
        async with self._database.read() as session:
            return await audit.newest_before(session, moment)

    async def cut_audit(self, until: Head) -> None:
        """Delete the audit up to a line, behind a checkpoint that the chain records.

        Raises:
            StoreError: the database or the head file cannot be written.
        """
        async with self.begin() as tx:
            await tx.cut_audit(until)

    async def verify_audit(self) -> Verdict:
        """Check the whole chain against its head and, where one is kept, the head file.

        Needs no right to write and may run beside a working bot.

        Raises:
            StoreError: the database or the head file cannot be read.
        """
        anchors: tuple[Head, ...] = ()
        if self._head_file is not None:
            try:
                # Before the chain is looked at: what is confirmed by now must be in it.
                anchors = await self._head_file.confirmed()
            except OSError as error:
                raise StoreError("the audit's head file cannot be read") from error
        return await audit.verify(self._database, anchors)

    async def _announce(self, rows: Sequence[Row]) -> None:
        if rows and self._head_file is not None:
            try:
                await self._head_file.announce(Head(rows[-1].seq, rows[-1].hash))
            except OSError as error:
                raise StoreError("the audit's head file cannot be written") from error

    async def _confirm(self, rows: Sequence[Row]) -> None:
        for row in rows:
            log.info("audit appended", seq=row.seq, hash=row.hash)
        if rows and self._head_file is not None:
            try:
                await self._head_file.confirm(Head(rows[-1].seq, rows[-1].hash))
            except OSError:
                # Too late to fail: the line is committed. The next one will try again.
                log.exception("audit head not confirmed", seq=rows[-1].seq)
