"""Promised answers as rows, each with a job under its id that whoever promised it holds at first."""

from datetime import datetime

from sqlalchemy import delete, insert, select

from bot.service.ports import Job, Promise
from bot.service.promises import PROMISE_JOB
from bot.store import jobs
from bot.store.lane import Session
from bot.store.tables import card, promise as table


async def add(session: Session, promise_id: str, promise: Promise, until: datetime) -> Job:
    """Insert a promise and return its job, held until then."""
    await session.change(insert(table).values(id=promise_id, document=promise))
    return await jobs.add_held(session, PROMISE_JOB, promise_id, until)


async def drop(session: Session, promise_id: str) -> None:
    """Delete a promise."""
    await session.change(delete(table).where(table.c.id == promise_id))


async def get(session: Session, promise_id: str) -> Promise | None:
    """Return a promise."""
    row = await session.first(select(table.c.document).where(table.c.id == promise_id))
    return None if row is None else row["document"]


async def is_card(session: Session, conversation: str, activity_id: str) -> bool:
    """Whether a message has become the card of an operation."""
    found = select(card.c.operation_id).where(
        card.c.conversation == conversation, card.c.activity_id == activity_id
    )
    return await session.first(found) is not None
