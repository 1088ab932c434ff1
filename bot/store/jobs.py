"""Jobs as rows: one instant, `due_at`, is timer, retry time and end of the lease at once.

Claiming sets it to the end of the lease and gives a token. Whoever holds the token may renew,
postpone or finish; a claim that is not finished in time falls due again by itself.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import uuid4

from sqlalchemy import ColumnElement, and_, case, delete, func, literal, null, select, update

from bot.service.ports import Job
from bot.store.lane import Session
from bot.store.tables import job as table
from bot.store.types import Instant


async def add(session: Session, kind: str, subject: str, due_at: datetime) -> None:
    """Add a job, or move the one that is there to the earlier time.

    While that one is claimed its lease is left alone: the work is wanted once more afterwards.
    """
    values = {"kind": kind, "subject": subject, "due_at": due_at, "attempts": 0}
    to = session.insert(table)
    asked = to.excluded.due_at
    statement = to.values(values).on_conflict_do_update(
        index_elements=[table.c.kind, table.c.subject],
        set_={
            "due_at": case(
                (and_(table.c.token.is_(None), asked < table.c.due_at), asked),
                else_=table.c.due_at,
            ),
            "again_at": case(
                (table.c.token.is_(None), null()),
                (table.c.again_at < asked, table.c.again_at),
                else_=asked,
            ),
        },
    )
    await session.change(statement)


async def is_any_due(session: Session, kinds: Sequence[str], now: datetime) -> bool:
    """Whether there is something to claim."""
    statement = select(table.c.id).where(_is_due(kinds, now)).limit(1)
    return await session.first(statement) is not None


async def claim(
    session: Session, kinds: Sequence[str], *, limit: int, now: datetime, until: datetime
) -> Sequence[Job]:
    """Claim due jobs until the end of the lease; those that others are claiming are passed over."""
    # A common table is evaluated once, so that the limit holds on PostgreSQL too.
    due = (
        select(table.c.id)
        .where(_is_due(kinds, now))
        .order_by(table.c.due_at, table.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    token = uuid4().hex
    statement = (
        update(table)
        .where(table.c.id.in_(select(due.c.id)))
        .values(
            due_at=until,
            token=token,
            attempts=table.c.attempts + 1,
            # What was asked for by now is covered by the run that begins.
            again_at=case((table.c.again_at > now, table.c.again_at), else_=null()),
        )
        .returning(table.c.id, table.c.kind, table.c.subject, table.c.attempts)
    )
    rows = await session.all(statement)
    jobs = [Job(r["id"], r["kind"], r["subject"], r["attempts"], token) for r in rows]
    return sorted(jobs, key=lambda job: job.id)


async def finish(session: Session, job: Job) -> bool:
    """Delete a claimed job, or arm it anew where it was asked for meanwhile."""
    done = delete(table).where(_is_held(job), table.c.again_at.is_(None))
    if await session.change(done) == 1:
        return True
    anew = update(table).where(_is_held(job), table.c.again_at.is_not(None))
    values = {
        "due_at": table.c.again_at,
        "again_at": None,
        "token": None,
        "attempts": 0,
        "error": None,
    }
    return await session.change(anew.values(values)) == 1


async def postpone(session: Session, job: Job, due_at: datetime, error: str | None) -> bool:
    """Give a claimed job back, to fall due later, or earlier where it was asked for meanwhile."""
    later = literal(due_at, Instant())
    statement = (
        update(table)
        .where(_is_held(job))
        .values(
            due_at=case((table.c.again_at < later, table.c.again_at), else_=later),
            again_at=None,
            token=None,
            error=error,
        )
    )
    return await session.change(statement) == 1


async def renew(session: Session, job: Job, until: datetime) -> bool:
    """Move the end of a lease."""
    statement = update(table).where(_is_held(job)).values(due_at=until)
    return await session.change(statement) == 1


async def next_due(session: Session, kinds: Sequence[str]) -> datetime | None:
    """Return when the earliest job of these kinds falls due."""
    row = await session.first(
        select(func.min(table.c.due_at).label("due_at")).where(table.c.kind.in_(kinds))
    )
    return None if row is None else row["due_at"]


def _is_due(kinds: Sequence[str], now: datetime) -> ColumnElement[bool]:
    return and_(table.c.kind.in_(kinds), table.c.due_at <= now)


def _is_held(job: Job) -> ColumnElement[bool]:
    return and_(table.c.id == job.id, table.c.token == job.token)
