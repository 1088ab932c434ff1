"""Where conversations can be reached, kept as last heard of.

A conversation is a row, and databases of earlier versions have one for each of its threads too.
Whether it can be reached holds for all rows of its root alike.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import case, func, or_, select, tuple_, update

from bot.service.ports import Reference
from bot.service.watch_ports import Reach
from bot.store.lane import Session
from bot.store.tables import conversation as table


async def save(session: Session, reference: Reference, now: datetime) -> None:
    """Insert a reference, or update one that changed; its conversation is within reach again."""
    to = session.insert(table)
    new = to.excluded
    await session.change(
        to.values(
            tenant=reference.tenant,
            conversation=reference.conversation,
            root=reference.root,
            service_url=reference.service_url,
            kind=reference.kind,
            reply_to=reference.reply_to,
            team=reference.team,
            name=reference.name,
            updated_at=now,
        ).on_conflict_do_update(
            index_elements=[table.c.tenant, table.c.conversation],
            set_={
                "service_url": new.service_url,
                "kind": new.kind,
                "reply_to": new.reply_to,
                "updated_at": new.updated_at,
                "team": func.coalesce(new.team, table.c.team),
                "name": func.coalesce(new.name, table.c.name),
            },
            where=or_(
                table.c.service_url != new.service_url,
                table.c.kind != new.kind,
                func.coalesce(table.c.team, "") != func.coalesce(new.team, table.c.team, ""),
                func.coalesce(table.c.name, "") != func.coalesce(new.name, table.c.name, ""),
            ),
        )
    )
    here = (table.c.tenant == reference.tenant, table.c.root == reference.root)
    is_lost = or_(table.c.failures > 0, table.c.blocked.is_not(None))
    await session.change(update(table).where(*here, is_lost).values(failures=0, blocked=None))


async def note_refusal(
    session: Session, tenant: str, root: str, code: str, limit: int | None
) -> bool:
    """Count a refused message; True once there have been `limit` in a row, never for None."""
    here = (table.c.tenant == tenant, table.c.root == root)
    counted = table.c.failures + 1
    blocked = (
        table.c.blocked if limit is None else case((counted >= limit, code), else_=table.c.blocked)
    )
    await session.change(update(table).where(*here).values(failures=counted, blocked=blocked))
    found = await reach(session, tenant, root)
    return found is not None and found.blocked is not None


async def note_success(session: Session, tenant: str, root: str) -> None:
    """Forget the refusals of a conversation; one that was lost meanwhile stays lost."""
    here = (table.c.tenant == tenant, table.c.root == root)
    await session.change(
        update(table)
        .where(*here, table.c.failures > 0, table.c.blocked.is_(None))
        .values(failures=0)
    )


async def lose_team(session: Session, tenant: str, team: str, code: str) -> None:
    """Give up every conversation of a team; what was lost before keeps its own reason."""
    here = (table.c.tenant == tenant, table.c.team == team, table.c.blocked.is_(None))
    await session.change(update(table).where(*here).values(blocked=code))


async def regain_team(session: Session, tenant: str, team: str, codes: Sequence[str]) -> None:
    """Take the conversations of a team back that were given up for these reasons."""
    its_roots = select(table.c.root).where(table.c.tenant == tenant, table.c.team == team)
    lost = (table.c.tenant == tenant, table.c.root.in_(its_roots), table.c.blocked.in_(codes))
    await session.change(update(table).where(*lost).values(failures=0, blocked=None))


async def rename(session: Session, tenant: str, root: str, name: str) -> None:
    """Keep what people call a conversation."""
    here = (table.c.tenant == tenant, table.c.root == root)
    await session.change(update(table).where(*here).values(name=name))


async def set_blocked(session: Session, tenant: str, root: str, code: str | None) -> None:
    """Give a conversation up for the connector's code, or take it as reachable again."""
    here = (table.c.tenant == tenant, table.c.root == root)
    await session.change(update(table).where(*here).values(failures=0, blocked=code))


async def take_back(session: Session, places: Collection[tuple[str, str]]) -> None:
    """Take conversations, by tenant and root, as reachable again."""
    here = tuple_(table.c.tenant, table.c.root).in_(places)
    await session.change(update(table).where(here).values(failures=0, blocked=None))


async def reach(session: Session, tenant: str, root: str) -> Reach | None:
    """Return whether a conversation can be reached; None when it was never heard of."""
    row = await session.first(
        select(
            func.max(table.c.failures).label("failures"),
            func.max(table.c.blocked).label("blocked"),
            func.count().label("rows"),
        ).where(table.c.tenant == tenant, table.c.root == root)
    )
    if row is None or not row["rows"]:
        return None
    return Reach(row["failures"], row["blocked"])


async def latest(session: Session, *, tenant: str, root: str) -> Reference | None:
    """Return the reference of a conversation or any of its threads that changed last."""
    row = await session.first(
        select(table)
        .where(table.c.tenant == tenant, table.c.root == root)
        .order_by(table.c.updated_at.desc(), table.c.conversation)
        .limit(1)
    )
    if row is None:
        return None
    return Reference(
        tenant=row["tenant"],
        service_url=row["service_url"],
        conversation=row["conversation"],
        kind=row["kind"],
        reply_to=row["reply_to"],
        team=row["team"],
        name=row["name"],
    )
