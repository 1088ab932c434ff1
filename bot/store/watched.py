"""Subscriptions with how telling goes, a page at a time and in a few statements however many."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import case, func, select

from bot.service.watch_ports import Reach, Watched
from bot.store.lane import Session
from bot.store.tables import conversation, post, subscription as table


async def some(
    session: Session, tenant: str, *, root: str | None, offset: int, limit: int | None
) -> tuple[int, Sequence[Watched]]:
    """Return how many subscriptions a tenant has, or one conversation of it, and a page of them.

    What cannot be told comes first; those of one conversation stand together.
    """
    chosen = [table.c.tenant == tenant] + ([] if root is None else [table.c.root == root])
    total = await session.first(select(func.count().label("n")).where(*chosen))
    reach = (
        select(
            conversation.c.root,
            func.max(conversation.c.failures).label("failures"),
            func.max(conversation.c.blocked).label("blocked"),
        )
        .where(conversation.c.tenant == tenant)
        .group_by(conversation.c.root)
        .subquery()
    )
    page = await session.all(
        select(table.c.document, reach.c.failures, reach.c.blocked)
        .outerjoin(reach, reach.c.root == table.c.root)
        .where(*chosen)
        .order_by(
            case((reach.c.blocked.is_not(None), 0), (reach.c.failures > 0, 1), else_=2),
            table.c.root,
            table.c.id,
        )
        .offset(offset)
        .limit(limit)
    )
    told = await _told(session, [row["document"].id for row in page])
    names = await _names(session, tenant, {row["document"].root for row in page})
    return total["n"] if total else 0, tuple(
        Watched(
            subscription=row["document"],
            told_at=told.get(row["document"].id),
            reach=Reach(row["failures"] or 0, row["blocked"]),
            name=names.get(row["document"].root),
        )
        for row in page
    )


async def outside(session: Session, tenants: Collection[str]) -> int:
    """Return how many subscriptions belong to other tenants than these."""
    count = select(func.count().label("n")).where(table.c.tenant.not_in(tenants))
    row = await session.first(count)
    return row["n"] if row else 0


async def _told(session: Session, ids: Sequence[str]) -> dict[str, datetime]:
    """Return when something last stood in Teams because of these subscriptions."""
    last = func.max(post.c.told_at).label("told_at")
    rows = await session.all(
        select(post.c.subscription_id, last)
        .where(post.c.subscription_id.in_(ids))
        .group_by(post.c.subscription_id)
    )
    return {row["subscription_id"]: row["told_at"] for row in rows}


async def _names(session: Session, tenant: str, roots: set[str]) -> dict[str, str]:
    """Return what people call these conversations, by the latest that was heard of each."""
    here = conversation.c
    place = func.row_number().over(
        partition_by=here.root, order_by=(here.updated_at.desc(), here.conversation)
    )
    named = (
        select(here.root, here.name, place.label("place"))
        .where(here.tenant == tenant, here.root.in_(roots), here.name.is_not(None))
        .subquery()
    )
    rows = await session.all(select(named.c.root, named.c.name).where(named.c.place == 1))
    return {row["root"]: row["name"] for row in rows}
