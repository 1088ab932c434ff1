"""Incidents as rows, and where each of them stands; locked before anything is added to them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Select, case, func, literal, or_, select, update

from bot.domain.incident import Incident, Stage
from bot.service.watch_ports import Delivery, Post
from bot.store.lane import Session
from bot.store.tables import incident as table, post, subscription
from bot.store.types import Instant

AT_ONCE = 500
"""How many rows one statement takes; SQLite knows a limit of values per statement."""


async def lock_latest(
    session: Session, kind: str, record_ids: Sequence[str]
) -> Mapping[str, Incident]:
    """Return the incident of each record that changed last; the open one is always that.

    Rows are locked in the order of their ids, so that no two transactions wait for each other.
    """
    last = func.row_number().over(
        partition_by=table.c.record_id, order_by=(table.c.changed_at.desc(), table.c.id.desc())
    )
    ids: list[str] = []
    for start in range(0, len(record_ids), AT_ONCE):
        some = record_ids[start : start + AT_ONCE]
        ranked = (
            select(table.c.id, last.label("place"))
            .where(table.c.kind == kind, table.c.record_id.in_(some))
            .subquery()
        )
        rows = await session.all(select(ranked.c.id).where(ranked.c.place == 1))
        ids.extend(row["id"] for row in rows)
    ids.sort()
    found: dict[str, Incident] = {}
    for start in range(0, len(ids), AT_ONCE):
        chosen = table.c.id.in_(ids[start : start + AT_ONCE])
        for incident in await _all(
            session,
            select(table.c.document).where(chosen).order_by(table.c.id).with_for_update(),
        ):
            found[incident.record_id] = incident
    return found


async def flapping(session: Session, kind: str) -> Sequence[Incident]:
    """Return the open incidents whose records flap."""
    return await _all(
        session,
        select(table.c.document)
        .where(table.c.kind == kind, table.c.stage == Stage.OPEN, table.c.is_flapping)
        .order_by(table.c.id)
        .with_for_update(),
    )


async def lock(session: Session, incident_id: str) -> Incident | None:
    """Return an incident; on PostgreSQL its row is locked, on SQLite the whole database is."""
    found = await _all(
        session, select(table.c.document).where(table.c.id == incident_id).with_for_update()
    )
    return found[0] if found else None


async def save(session: Session, some: Sequence[Incident]) -> None:
    """Insert or replace incidents."""
    for start in range(0, len(some), AT_ONCE):
        to = session.insert(table)
        statement = to.values([_row(each) for each in some[start : start + AT_ONCE]])
        changed = {column.name: column for column in statement.excluded if column.name != "id"}
        await session.change(
            statement.on_conflict_do_update(index_elements=[table.c.id], set_=changed)
        )


def _row(incident: Incident) -> Mapping[str, object]:
    return {
        "id": incident.id,
        "short": incident.short,
        "kind": incident.kind,
        "record_id": incident.record_id,
        "stage": incident.stage,
        "is_flapping": incident.is_flapping,
        "changed_at": incident.changed_at,
        "document": incident,
    }


async def get(session: Session, incident_id: str) -> Incident | None:
    """Return an incident by its full id."""
    found = await _all(session, select(table.c.document).where(table.c.id == incident_id))
    return found[0] if found else None


async def find(session: Session, text: str) -> Incident | None:
    """Return an incident by its short or full id, in any case."""
    spellings = {text, text.upper(), text.lower()}
    wanted = or_(table.c.short.in_(spellings), table.c.id.in_(spellings))
    found = await _all(session, select(table.c.document).where(wanted))
    return found[0] if found else None


async def open_ones(session: Session) -> Sequence[Incident]:
    """Return what is open, the one that changed last first."""
    return await _all(
        session,
        select(table.c.document)
        .where(table.c.stage == Stage.OPEN)
        .order_by(table.c.changed_at.desc(), table.c.id),
    )


async def _all(session: Session, statement: Select[tuple[Incident]]) -> Sequence[Incident]:
    return tuple(row["document"] for row in await session.all(statement))


async def posts(session: Session, incident_id: str) -> Sequence[Post]:
    """Return where an incident stands."""
    return await _posts(session, select(post).where(post.c.incident_id == incident_id))


async def post_of(session: Session, post_id: str) -> Post | None:
    """Return one post."""
    found = await _posts(session, select(post).where(post.c.id == post_id))
    return found[0] if found else None


async def delivery(session: Session, post_id: str) -> Delivery | None:
    """Return a post with its incident and its subscription."""
    row = await session.first(
        select(
            post,
            table.c.document.label("incident"),
            subscription.c.document.label("subscription"),
        )
        .join(table, table.c.id == post.c.incident_id)
        .outerjoin(subscription, subscription.c.id == post.c.subscription_id)
        .where(post.c.id == post_id)
    )
    if row is None:
        return None
    columns = {column.name: row[column.name] for column in post.c}
    return Delivery(Post(**columns), row["incident"], row["subscription"])


async def held(session: Session, subscription_id: str) -> Sequence[tuple[Post, Incident]]:
    """Return what is held back for a subscription, by id."""
    rows = await session.all(
        select(post, table.c.document.label("incident"))
        .join(table, table.c.id == post.c.incident_id)
        .where(post.c.subscription_id == subscription_id, post.c.held_until.is_not(None))
        .order_by(post.c.id)
    )
    names = [column.name for column in post.c]
    return tuple((Post(**{n: row[n] for n in names}), row["incident"]) for row in rows)


async def _posts(session: Session, statement: Select[tuple[object, ...]]) -> Sequence[Post]:
    return tuple(Post(**row) for row in await session.all(statement))


async def save_posts(session: Session, some: Sequence[Post]) -> None:
    """Insert posts; of those that are there only why they are told, and from when, is changed."""
    for start in range(0, len(some), AT_ONCE):
        to = session.insert(post)
        statement = to.values([asdict(each) for each in some[start : start + AT_ONCE]])
        changed = {name: statement.excluded[name] for name in ("subscription_id", "held_until")}
        await session.change(
            statement.on_conflict_do_update(
                index_elements=[post.c.incident_id, post.c.tenant, post.c.root],
                set_=changed,
                # What was told since it was read must not be held back once more.
                where=post.c.told <= statement.excluded.told,
            )
        )


async def shown(
    session: Session,
    post_id: str,
    *,
    activity_id: str | None,
    revision: int,
    told: int,
    at: datetime | None,
) -> None:
    """Record what stands in Teams; nothing is turned back."""
    sent = post.c.revision_sent
    await session.change(
        update(post)
        .where(post.c.id == post_id)
        .values(
            activity_id=func.coalesce(activity_id, post.c.activity_id),
            revision_sent=case((sent < revision, revision), else_=sent),
            told=case((post.c.told < told, told), else_=post.c.told),
            told_at=func.coalesce(literal(at, Instant()), post.c.told_at),
        )
    )


async def forget_root(session: Session, post_id: str) -> None:
    """Note that a root message is gone."""
    await session.change(
        update(post).where(post.c.id == post_id).values(activity_id=None, revision_sent=0)
    )


async def adopt(
    session: Session, incident: Incident, tenant: str, root: str, activity_id: str
) -> None:
    """Take a message for the root of a post that knows none.

    Which revision it shows is not known, so the next delivery edits it: then it tells all.
    """
    here = (post.c.incident_id == incident.id, post.c.tenant == tenant, post.c.root == root)
    await session.change(
        update(post)
        .where(*here, post.c.activity_id.is_(None))
        .values(activity_id=activity_id, revision_sent=0, told=incident.count)
    )


async def summarised(session: Session, told: Mapping[str, int], at: datetime) -> None:
    """Record what a summary told of posts, up to which line of their stories; they go on freely."""
    ids: dict[int, list[str]] = {}
    for post_id, count in told.items():
        ids.setdefault(count, []).append(post_id)
    for count, some in ids.items():
        await session.change(
            update(post)
            .where(post.c.id.in_(some))
            .values(
                told=case((post.c.told < count, count), else_=post.c.told),
                told_at=at,
                held_until=None,
            )
        )
