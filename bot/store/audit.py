"""The audit as rows of a hash chain."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from pydantic import JsonValue
from sqlalchemy import RowMapping, delete, func, insert, select, update

from bot.domain.audit import Head, Row, Verdict, Verifier, canonical, next_row
from bot.domain.errors import StoreError
from bot.service.ports import AuditRecord
from bot.store.lane import Session
from bot.store.tables import audit as table, audit_checkpoint, audit_head
from bot.store.types import from_us, to_us

PAGE = 500


class Readable(Protocol):
    """A database that can be read."""

    def read(self) -> AbstractAsyncContextManager[Session]:
        """Open a transaction that only reads."""
        ...


async def append(session: Session, records: Sequence[AuditRecord], now: datetime) -> Sequence[Row]:
    """Add lines to the chain, whose head stays locked until the transaction ends."""
    last = await session.first(select(audit_head).with_for_update())
    if last is None:
        raise StoreError("the audit has no head")
    head = Head(last["seq"], last["hash"])
    rows: list[Row] = []
    for record in records:
        event = canonical(record.what, record.actor, record.operation_id, record.details)
        row = next_row(head, to_us(now), event)
        head = Head(row.seq, row.hash)
        rows.append(row)
    await session.change(
        insert(table).values(
            [
                {"seq": r.seq, "at": r.at_us, "event": r.event, "prev": r.prev, "hash": r.hash}
                for r in rows
            ]
        )
    )
    await session.change(update(audit_head).values(seq=head.seq, hash=head.hash))
    return rows


async def base_of(session: Session) -> Head:
    """Return the newest checkpoint: the last line that was cut; `Head()` where nothing was."""
    row = await session.first(select(audit_checkpoint).order_by(audit_checkpoint.c.seq.desc()))
    return Head() if row is None else Head(row["seq"], row["hash"])


async def newest_before(session: Session, moment: datetime) -> Head | None:
    """Return the last line before any younger than a moment, behind which there is another.

    A clock that once stood wrong must not make what is young count as old.
    """
    head, _ = await head_of(session)
    young = select(func.min(table.c.seq)).where(table.c.at >= to_us(moment)).scalar_subquery()
    kept = (
        select(table.c.seq, table.c.hash)
        .where(table.c.seq < head.seq, table.c.seq < func.coalesce(young, head.seq))
        .order_by(table.c.seq.desc())
    )
    row = await session.first(kept.limit(1))
    return None if row is None else Head(row["seq"], row["hash"])


async def cut(session: Session, until: Head, now: datetime) -> None:
    """Write a checkpoint and delete what stands up to it."""
    await session.change(
        insert(audit_checkpoint).values(seq=until.seq, hash=until.hash, at=to_us(now))
    )
    await session.change(delete(table).where(table.c.seq <= until.seq))


async def head_of(session: Session) -> tuple[Head, int]:
    """Return where the chain is said to end and the number of its last line, at one instant."""
    newest = select(func.coalesce(func.max(table.c.seq), 0)).scalar_subquery()
    row = await session.first(select(audit_head.c.seq, audit_head.c.hash, newest.label("last")))
    if row is None:
        raise StoreError("the audit has no head")
    return Head(row["seq"], row["hash"]), row["last"]


async def rows(database: Readable, after_seq: int, until_seq: int | None) -> AsyncIterator[Row]:
    """Yield the lines behind `after_seq` in order, page by page, so that no writer waits."""
    while True:
        statement = select(table).where(table.c.seq > after_seq)
        if until_seq is not None:
            statement = statement.where(table.c.seq <= until_seq)
        async with database.read() as session:
            page = await session.all(statement.order_by(table.c.seq).limit(PAGE))
        for row in page:
            yield _row(row)
        if len(page) < PAGE:
            return
        after_seq = page[-1]["seq"]


async def verify(database: Readable, anchors: Sequence[Head]) -> Verdict:
    """Check the whole chain as it is now; the bot may go on writing meanwhile."""
    async with database.read() as session:
        head, last = await head_of(session)
        base = await base_of(session)
    verifier = Verifier(head, anchors, base=base)
    async for row in rows(database, base.seq, last):
        broken = verifier.check(row)
        if broken is not None:
            return broken
    return verifier.close()


def exported(row: Row) -> dict[str, JsonValue]:
    """Return a line as one object, with all that is needed to check its hash elsewhere."""
    event: dict[str, JsonValue] = json.loads(row.event)
    return {
        "seq": row.seq,
        "at": from_us(row.at_us).isoformat(),
        "at_us": row.at_us,
        "prev": row.prev,
        "hash": row.hash,
        **event,
    }


def _row(row: RowMapping) -> Row:
    return Row(row["seq"], row["at"], row["prev"], row["event"], row["hash"])
