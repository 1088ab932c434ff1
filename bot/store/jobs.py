"""Jobs as rows: one instant, `due_at`, is timer, retry time and end of the lease at once.

Claiming sets it to the end of the lease and gives a token. Whoever holds the token may renew,
postpone or finish; a claim that is not finished in time falls due again by itself.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import uuid4

from sqlalchemy import (
    ColumnElement,
    Executable,
    and_,
    case,
    delete,
    func,
    insert,
    literal,
    null,
    select,
    update,
)

from bot.service.ports import Job
from bot.store.lane import Session
from bot.store.tables import job as table
from bot.store.types import Instant

AT_ONCE = 500
"""How many rows one statement adds; SQLite knows a limit of values per statement."""


async def add(session: Session, kind: str, subject: str, due_at: datetime) -> None:
    """Add a job, or move the one that is there to the earlier time.

    While that one is claimed its lease is left alone: the work is wanted once more afterwards.
    """
    await add_all(session, kind, {subject: due_at})


async def add_all(session: Session, kind: str, due: Mapping[str, datetime]) -> None:
    """Add a job per subject, as `add` does; what was dead lives again."""
    rows = [
        {"kind": kind, "subject": subject, "due_at": due_at, "attempts": 0, "doubts": 0}
        # Everybody locks in one order, so nobody waits for each other in a circle.
        for subject, due_at in sorted(due.items())
    ]
    for start in range(0, len(rows), AT_ONCE):
        await session.change(_added(session, rows[start : start + AT_ONCE]))


async def add_held(session: Session, kind: str, subject: str, until: datetime) -> Job:
    """Add a job that its maker holds until then, and return it; there must be none like it."""
    values = {"kind": kind, "subject": subject, "due_at": until, "token": uuid4().hex}
    row = await session.first(
        insert(table)
        .values(**values, attempts=1, doubts=0, streak=0)
        .returning(table.c.id, table.c.token)
    )
    if row is None:
        raise LookupError(subject)
    return Job(row["id"], kind, subject, 1, row["token"])


def _added(session: Session, rows: Sequence[Mapping[str, object]]) -> Executable:
    to = session.insert(table)
    asked = to.excluded.due_at
    return to.values(rows).on_conflict_do_update(
        index_elements=[table.c.kind, table.c.subject],
        set_={
            "due_at": case(
                (
                    and_(
                        table.c.token.is_(None),
                        asked < table.c.due_at,
                        # What may have had its effect waits its time all the same.
                        table.c.doubts == 0,
                    ),
                    asked,
                ),
                else_=table.c.due_at,
            ),
            "again_at": case(
                (table.c.token.is_(None), null()),
                (table.c.again_at < asked, table.c.again_at),
                else_=asked,
            ),
            # Something new about what was given up is a new beginning.
            "attempts": case((table.c.dead_at.is_not(None), 0), else_=table.c.attempts),
            "doubts": case((table.c.dead_at.is_not(None), 0), else_=table.c.doubts),
            "streak": case((table.c.dead_at.is_not(None), 0), else_=table.c.streak),
            "dead_at": None,
        },
    )


async def is_any_due(
    session: Session, kinds: Sequence[str], besides: Collection[int], now: datetime
) -> bool:
    """Whether there is something to claim."""
    statement = select(table.c.id).where(_is_due(kinds, besides, now)).limit(1)
    return await session.first(statement) is not None


async def claim(
    session: Session,
    kinds: Sequence[str],
    besides: Collection[int],
    *,
    limit: int,
    lease: tuple[datetime, datetime],
) -> Sequence[Job]:
    """Claim due jobs for the lease; those that others are claiming are passed over."""
    now, until = lease
    # A common table is evaluated once, so that the limit holds on PostgreSQL too.
    due = (
        select(table.c.id)
        .where(_is_due(kinds, besides, now))
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
        .returning(
            table.c.id,
            table.c.kind,
            table.c.subject,
            table.c.attempts,
            table.c.token,
            table.c.doubts,
            table.c.streak,
            table.c.error,
        )
    )
    jobs = [Job(**row) for row in await session.all(statement)]
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
        "doubts": 0,
        "streak": 0,
        "error": None,
    }
    return await session.change(anew.values(values)) == 1


async def postpone(
    session: Session, job: Job, due_at: datetime, error: str | None, *, is_doubtful: bool
) -> bool:
    """Give a claimed job back, to fall due later, or earlier where it was asked for meanwhile.

    Without an error it was not tried. One that may have had its effect is never hastened.
    """
    later = literal(due_at, Instant())
    sooner = and_(table.c.again_at < later, table.c.doubts + int(is_doubtful) == 0)
    statement = (
        update(table)
        .where(_is_held(job))
        .values(
            due_at=case((sooner, table.c.again_at), else_=later),
            again_at=None,
            token=None,
            attempts=table.c.attempts if error else table.c.attempts - 1,
            doubts=table.c.doubts + int(is_doubtful),
            streak=_streak(error),
            error=error or table.c.error,
        )
    )
    return await session.change(statement) == 1


def _streak(error: str | None) -> ColumnElement[int]:
    """Return how often in a row a job failed for one reason, after it failed for this one or none."""
    more = case((table.c.error == error, table.c.streak + 1), else_=1)
    return more if error is not None else func.coalesce(table.c.streak, 0)


async def renew(session: Session, job: Job, until: datetime) -> bool:
    """Move the end of a lease."""
    statement = update(table).where(_is_held(job)).values(due_at=until)
    return await session.change(statement) == 1


async def bury(
    session: Session, job: Job, reason: str, now: datetime, *, is_doubtful: bool
) -> bool:
    """Try a claimed job no more, and keep it; what was asked for meanwhile is tried at once."""
    is_over = table.c.again_at.is_(None)
    values = {
        "due_at": case((is_over, table.c.due_at), else_=table.c.again_at),
        "dead_at": case((is_over, literal(now, Instant())), else_=null()),
        "again_at": None,
        "token": None,
        # Something new about what is given up is a new beginning.
        "attempts": case((is_over, table.c.attempts), else_=0),
        "streak": case((is_over, table.c.streak), else_=0),
        "doubts": case((is_over, table.c.doubts + int(is_doubtful)), else_=0),
        "error": reason,
    }
    return await session.change(update(table).where(_is_held(job)).values(values)) == 1


async def recall(
    session: Session,
    kinds: Sequence[str],
    behind: datetime,
    *,
    lease: tuple[datetime, datetime],
) -> None:
    """Bring jobs back that lie behind an instant: to now, or to the end of a lease from now.

    Whoever still works on a claimed one has the time to renew it.
    """
    now, until = (literal(moment, Instant()) for moment in lease)
    statement = update(table).where(
        table.c.kind.in_(kinds), table.c.due_at > behind, table.c.dead_at.is_(None)
    )
    await session.change(
        statement.values(due_at=case((table.c.token.is_(None), now), else_=until))
    )


async def next_due(session: Session, kinds: Sequence[str]) -> datetime | None:
    """Return when the earliest job of these kinds falls due."""
    row = await session.first(
        select(func.min(table.c.due_at).label("due_at")).where(
            table.c.kind.in_(kinds), table.c.dead_at.is_(None)
        )
    )
    return None if row is None else row["due_at"]


def _is_due(kinds: Sequence[str], besides: Collection[int], now: datetime) -> ColumnElement[bool]:
    return and_(
        table.c.kind.in_(kinds),
        table.c.due_at <= now,
        table.c.dead_at.is_(None),
        table.c.id.not_in(besides),
    )


def _is_held(job: Job) -> ColumnElement[bool]:
    return and_(table.c.id == job.id, table.c.token == job.token)
