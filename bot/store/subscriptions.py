"""Subscriptions as rows, and the budgets of messages that all replicas share."""

from collections.abc import Mapping, Sequence

from sqlalchemy import delete, select

from bot.domain.subscription import Subscription
from bot.service.watch_ports import Lane
from bot.store.lane import Session
from bot.store.tables import subscription as table, throttle


async def save(session: Session, subscription: Subscription) -> None:
    """Insert a subscription, or replace the one with its id."""
    values = {
        "id": subscription.id,
        "short": subscription.short,
        "tenant": subscription.tenant,
        "root": subscription.root,
        "document": subscription,
    }
    await session.change(
        session.insert(table)
        .values(values)
        .on_conflict_do_update(index_elements=[table.c.id], set_=values)
    )


async def drop(session: Session, subscription_id: str) -> bool:
    """Delete a subscription; False when it is not there."""
    return await session.change(delete(table).where(table.c.id == subscription_id)) == 1


async def get(session: Session, subscription_id: str) -> Subscription | None:
    """Return one subscription."""
    row = await session.first(select(table.c.document).where(table.c.id == subscription_id))
    return None if row is None else row["document"]


async def every(session: Session) -> Sequence[Subscription]:
    """Return every subscription, oldest first."""
    rows = await session.all(select(table.c.document).order_by(table.c.id))
    return tuple(sorted((row["document"] for row in rows), key=lambda s: s.created_at))


async def lanes(session: Session, first: str, others: Sequence[str]) -> Mapping[str, Lane]:
    """Return budgets; the first is locked, and made where it is not there yet.

    Whoever wants one of the others asks with the same first, so that one lock is enough.
    """
    lock = select(throttle.c.lane).where(throttle.c.lane == first).with_for_update()
    if await session.first(lock) is None:
        fresh = session.insert(throttle).values(lane=first, marks=())
        await session.change(fresh.on_conflict_do_nothing(index_elements=[throttle.c.lane]))
        await session.first(lock)
    rows = await session.all(select(throttle).where(throttle.c.lane.in_([first, *others])))
    known = {row["lane"]: Lane(row["marks"], row["blocked_until"]) for row in rows}
    return {name: known.get(name, Lane((), None)) for name in (first, *others)}


async def save_lanes(session: Session, some: Mapping[str, Lane]) -> None:
    """Replace budgets."""
    rows = [
        {"lane": name, "marks": lane.marks, "blocked_until": lane.blocked_until}
        for name, lane in some.items()
    ]
    statement = session.insert(throttle).values(rows)
    changed = {name: statement.excluded[name] for name in ("marks", "blocked_until")}
    await session.change(
        statement.on_conflict_do_update(index_elements=[throttle.c.lane], set_=changed)
    )
