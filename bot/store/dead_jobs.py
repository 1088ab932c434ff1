"""Jobs that are not tried again by themselves: listed for people, who may have them tried."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update

from bot.service.ports import root_of
from bot.service.watch_ports import DeadJob
from bot.store.lane import Session
from bot.store.tables import approval, card, job as table, post, subscription


async def places(session: Session, ids: Sequence[int]) -> set[tuple[str, str]]:
    """Return the conversations, by tenant and root, that what jobs would tell may go to."""
    found: set[tuple[str, str]] = set()
    addressed = (
        (post.c.id, post.c.tenant, post.c.root),
        (subscription.c.id, subscription.c.tenant, subscription.c.root),
        (card.c.operation_id, card.c.tenant, card.c.conversation),
    )
    for key, tenant, where in addressed:
        of_jobs = select(tenant, where.label("place")).join(table, table.c.subject == key)
        rows = await session.all(of_jobs.where(table.c.id.in_(ids)))
        found |= {(row["tenant"], root_of(row["place"])) for row in rows}
    asked = (
        select(card.c.tenant, approval.c.document)
        .join(table, table.c.subject == card.c.operation_id)
        .join(approval, approval.c.operation_id == card.c.operation_id)
    )
    rows = await session.all(asked.where(table.c.id.in_(ids)))
    return found | {(row["tenant"], root_of(row["document"].thread)) for row in rows}


async def revive(session: Session, ids: Sequence[int], now: datetime) -> int:
    """Make dead jobs due at once."""
    chosen = (table.c.dead_at.is_not(None), table.c.id.in_(ids))
    values = {
        "dead_at": None,
        "due_at": now,
        "attempts": 0,
        "doubts": 0,
        "streak": 0,
        "error": None,
    }
    return await session.change(update(table).where(*chosen).values(values))


async def some(
    session: Session, limit: int | None, *, of: str | None, with_lost: bool
) -> tuple[int, Sequence[DeadJob]]:
    """Return how many jobs are dead, and the newest of them: of a tenant, or all."""
    is_dead: ColumnElement[bool] = table.c.dead_at.is_not(None)
    if of is not None:
        is_dead = and_(is_dead, _concerns(of, with_lost=with_lost))
    total = await session.first(select(func.count().label("n")).where(is_dead))
    rows = await session.all(
        select(table).where(is_dead).order_by(table.c.dead_at.desc(), table.c.id).limit(limit)
    )
    return total["n"] if total else 0, tuple(
        DeadJob(
            id=row["id"],
            kind=row["kind"],
            subject=row["subject"],
            reason=row["error"] or "",
            since=row["dead_at"],
            attempts=row["attempts"],
            doubts=row["doubts"],
        )
        for row in rows
    )


def _concerns(tenant: str, *, with_lost: bool) -> ColumnElement[bool]:
    """Whether what a job would tell goes to a conversation of a tenant, or it is lost where to."""
    addressed = ((post, post.c.id), (subscription, subscription.c.id), (card, card.c.operation_id))
    is_its = or_(
        *(
            exists().where(key == table.c.subject, where.c.tenant == tenant).correlate(table)
            for where, key in addressed
        )
    )
    if not with_lost:
        return is_its
    is_known = or_(
        *(exists().where(key == table.c.subject).correlate(table) for _, key in addressed)
    )
    return or_(is_its, ~is_known)
