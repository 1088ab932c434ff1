"""Approvals as rows: locked before a vote is counted, so that no two votes miss each other."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, false, func, insert, or_, select, update

from bot.domain.approval import Approval
from bot.domain.operation import Operation, State
from bot.domain.plan import Plan
from bot.service.ports import Matter, Waits
from bot.store import operations
from bot.store.lane import Session
from bot.store.tables import approval as table, operation


async def add(session: Session, approval: Approval) -> None:
    """Insert an approval."""
    await session.change(
        insert(table).values(
            operation_id=approval.operation_id,
            expires_at=approval.expires_at,
            approvers=approval.rule.approvers,
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
        .values(
            expires_at=approval.expires_at,
            approvers=approval.rule.approvers,
            document=approval,
        )
    )


async def get(session: Session, operation_id: str) -> Approval | None:
    """Return an approval."""
    row = await session.first(select(table.c.document).where(table.c.operation_id == operation_id))
    return None if row is None else row["document"]


async def matters(session: Session, tenant: str) -> Sequence[Matter]:
    """Return what waits, by what it is and who may decide, each once."""
    rows = await session.all(
        select(operation.c.kind, operation.c.verb, table.c.approvers)
        .join(table, table.c.operation_id == operation.c.id)
        .where(operation.c.state == State.WAITING, operation.c.actor_tenant == tenant)
        .distinct()
    )
    return tuple(Matter(row["kind"], row["verb"], row["approvers"]) for row in rows)


async def to_decide(
    session: Session, asker: tuple[str, str], chosen: Sequence[Matter], limit: int
) -> Waits:
    """Return what others in the asker's tenant wait for in these matters."""
    tenant, oid = asker
    fits = or_(
        false(),
        *(
            and_(
                operation.c.kind == matter.kind,
                operation.c.verb == matter.verb,
                table.c.approvers == matter.approvers,
            )
            for matter in chosen
        ),
    )
    others = and_(operation.c.actor_tenant == tenant, operation.c.actor_oid != oid)
    return await _waits(session, and_(others, fits), limit)


async def asked_by(session: Session, asker: tuple[str, str], limit: int) -> Waits:
    """Return what the asker waits for."""
    return await _waits(session, _is_of(asker), limit)


async def alike(session: Session, asker: tuple[str, str], plan: Plan) -> Operation | None:
    """Return what the asker waits to do in the same way to the plan's one target."""
    fits = and_(
        _is_of(asker),
        operation.c.kind == plan.kind,
        operation.c.verb == plan.verb,
        operation.c.target_id == (plan.target_id or "").casefold(),
    )
    waits = await _waits(session, fits, 1)
    return waits.rows[0][0] if waits.rows else None


def _is_of(asker: tuple[str, str]) -> ColumnElement[bool]:
    tenant, oid = asker
    return and_(operation.c.actor_tenant == tenant, operation.c.actor_oid == oid)


async def _waits(session: Session, fits: ColumnElement[bool], limit: int) -> Waits:
    """Return what waits and fits, the one that lapses first first, and how much more there is."""
    found = and_(operation.c.state == State.WAITING, table.c.operation_id == operation.c.id, fits)
    rows = await session.all(
        select(*operations.COLUMNS, table.c.document.label("approval_document"))
        .where(found)
        .order_by(table.c.expires_at, operation.c.id)
        .limit(limit)
    )
    counted = await session.first(select(func.count().label("all")).where(found))
    total = counted["all"] if counted else 0
    pairs = tuple((operations.of_row(row), row["approval_document"]) for row in rows)
    return Waits(pairs, total - len(pairs))
