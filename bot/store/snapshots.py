"""Snapshots as rows: one per kind, replaced as a whole by whoever holds the job of looking.

The column `taken_at` is the truth about the age: a look that finds nothing new moves it alone.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select, update

from bot.service.watch_ports import Seen
from bot.store.lane import Session
from bot.store.tables import snapshot as table


async def get(session: Session, kind: str, known: Seen | None) -> Seen:
    """Return what is known of a kind; `known` itself if nobody looked since."""
    if known is not None and await _is_still_so(session, kind, known):
        return known
    row = await session.first(select(table).where(table.c.kind == kind))
    if row is None:
        return Seen(None, 0)
    document = row["document"]
    snapshot = None if document is None else replace(document, taken_at=row["taken_at"])
    return Seen(snapshot, row["failures"])


async def _is_still_so(session: Session, kind: str, known: Seen) -> bool:
    row = await session.first(
        select(table.c.taken_at, table.c.failures).where(table.c.kind == kind)
    )
    if row is None or known.snapshot is None:
        return False
    return (row["taken_at"], row["failures"]) == (known.snapshot.taken_at, known.failures)


async def save(session: Session, kind: str, seen: Seen) -> None:
    """Insert or replace what is known of a kind."""
    values = {
        "kind": kind,
        "taken_at": seen.snapshot.taken_at if seen.snapshot else None,
        "failures": seen.failures,
        "document": seen.snapshot,
    }
    await session.change(
        session.insert(table)
        .values(values)
        .on_conflict_do_update(index_elements=[table.c.kind], set_=values)
    )


async def note(session: Session, kind: str, taken_at: datetime, failures: int) -> None:
    """Note when a kind was last looked at and how often in a row in vain."""
    values = {"taken_at": taken_at, "failures": failures}
    await session.change(update(table).where(table.c.kind == kind).values(values))


async def failures(session: Session) -> Mapping[str, int]:
    """Return how many looks in a row failed, by kind."""
    rows = await session.all(select(table.c.kind, table.c.failures))
    return {row["kind"]: row["failures"] for row in rows}
