"""Approvals as rows: locked before a vote is counted, so that no two votes miss each other."""

from collections.abc import Sequence
from datetime import datetime

from pydantic_core import to_json
from sqlalchemy import (
    ColumnElement,
    Text,
    and_,
    false,
    func,
    insert,
    not_,
    or_,
    select,
    type_coerce,
    update,
)

from bot.domain.approval import Approval
from bot.domain.operation import Operation, State
from bot.domain.plan import Plan
from bot.service.ports import Docket, Matter, Waits
from bot.store import operations
from bot.store.lane import Session
from bot.store.tables import approval as table, operation, operation_target as target


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
    session: Session,
    voter: tuple[str, str],
    dockets: Sequence[Docket],
    limit: int,
    *,
    now: datetime,
) -> Waits:
    """Return what others in the voter's tenant wait for in these, in time and not voted on yet."""
    tenant, oid = voter
    others = and_(operation.c.actor_tenant == tenant, operation.c.actor_oid != oid)
    open_to_all = and_(others, table.c.expires_at > now, not_(_has_vote_of(oid)))
    fits = or_(false(), *(_is_on(docket, now) for docket in dockets))
    return await _waits(session, and_(open_to_all, fits), limit)


def _is_on(docket: Docket, now: datetime) -> ColumnElement[bool]:
    matter = docket.matter
    holds = [
        operation.c.kind == matter.kind,
        operation.c.verb == matter.verb,
        table.c.approvers == matter.approvers,
    ]
    if docket.within is not None:
        # What waits was changed last by its request or its revision.
        holds.append(operation.c.updated_at > now - docket.within)
    size = (
        select(func.count())
        .where(target.c.operation_id == operation.c.id)
        .correlate(operation)
        .scalar_subquery()
    )
    if docket.fewest:
        holds.append(size >= docket.fewest)
    if docket.most is not None:
        holds.append(size <= docket.most)
    return and_(*holds)


def _has_vote_of(oid: str) -> ColumnElement[bool]:
    """Return whether an approval names this person; nobody but those who voted stands in it.

    Quotation marks in what people wrote are escaped there, so that no comment can look like it.
    """
    name = to_json({"oid": oid.lower()}).decode()[1:-1]
    return func.lower(type_coerce(table.c.document, Text)).contains(name, autoescape=True)


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
