"""Inbound activities that had an effect, remembered so that none has it twice."""

from datetime import datetime

from sqlalchemy import select

from bot.store.lane import Session
from bot.store.tables import inbox as table


async def claim(
    session: Session, *, tenant: str, conversation: str, activity: str, now: datetime
) -> bool:
    """Remember an activity; False when it was known."""
    to = session.insert(table)
    statement = to.values(
        tenant=tenant, conversation=conversation, activity=activity, seen_at=now
    ).on_conflict_do_nothing()
    return await session.change(statement) == 1


async def knows(session: Session, *, tenant: str, conversation: str, activity: str) -> bool:
    """Whether an activity was remembered."""
    found = select(table.c.activity).where(
        table.c.tenant == tenant,
        table.c.conversation == conversation,
        table.c.activity == activity,
    )
    return await session.first(found) is not None
