"""Approvals as rows: locked before a vote is counted, so that no two votes miss each other."""

from collections.abc import Sequence

from sqlalchemy import insert, select, update

from bot.domain.approval import Approval
from bot.domain.operation import Operation, State
from bot.store import operations
from bot.store.lane import Session
from bot.store.tables import approval as table, operation


async def add(session: Session, approval: Approval) -> None:
    """Insert an approval."""
    await session.change(
        insert(table).values(
            operation_id=approval.operation_id,
            expires_at=approval.expires_at,
            document=approval,
        )
    )


async def lock(session: Session, operation_id: str) -> Approval | None:
    """Return an approval; on PostgreSQL its row is locked, on SQLite the whole database is."""
    row = await session.first(
        select(table.c.document).where(table.c.operation_id == operation_id).with_for_update()
    )
    return None if row is None else row["document"]


async def save(session: Session, approval: Approval) -> None:
    """Replace an approval."""
    await session.change(
        update(table)
        .where(table.c.operation_id == approval.operation_id)
        .values(expires_at=approval.expires_at, document=approval)
    )


async def get(session: Session, operation_id: str) -> Approval | None:
    """Return an approval."""
    row = await session.first(select(table.c.document).where(table.c.operation_id == operation_id))
    return None if row is None else row["document"]


async def waiting(session: Session, limit: int) -> Sequence[tuple[Operation, Approval]]:
    """Return what waits for consent, the one that lapses first first."""
    rows = await session.all(
        select(*operations.COLUMNS, table.c.document.label("approval_document"))
        .join(table, table.c.operation_id == operation.c.id)
        .where(operation.c.state == State.WAITING)
        .order_by(table.c.expires_at, operation.c.id)
        .limit(limit)
    )
    return tuple((operations.of_row(row), row["approval_document"]) for row in rows)
