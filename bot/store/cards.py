"""Cards as rows: which revision of an operation's message is wanted and which one was shown."""

from datetime import datetime

from sqlalchemy import case, insert, select, update

from bot.service.ports import Card, Reference
from bot.store import jobs
from bot.store.lane import Session
from bot.store.tables import card as table

CARD_JOB = "card"


async def add(session: Session, card: Card, now: datetime) -> None:
    """Insert the card of an operation and the job that shows it."""
    await session.change(
        insert(table).values(
            operation_id=card.operation_id,
            tenant=card.reference.tenant,
            service_url=card.reference.service_url,
            conversation=card.reference.conversation,
            conversation_kind=card.reference.kind,
            reply_to=card.reference.reply_to,
            activity_id=card.activity_id,
            revision_wanted=card.revision_wanted,
            revision_sent=card.revision_sent,
        )
    )
    await jobs.add(session, CARD_JOB, card.operation_id, now)


async def want(session: Session, operation_id: str, now: datetime) -> None:
    """Ask for the present state to be shown; an operation without a card asks for nothing."""
    statement = update(table).where(table.c.operation_id == operation_id)
    if await session.change(statement.values(revision_wanted=table.c.revision_wanted + 1)):
        await jobs.add(session, CARD_JOB, operation_id, now)


async def shown(
    session: Session, operation_id: str, *, activity_id: str | None, revision: int
) -> None:
    """Record what stands in Teams; a late report does not turn the revision back."""
    sent = table.c.revision_sent
    await session.change(
        update(table)
        .where(table.c.operation_id == operation_id)
        .values(
            activity_id=activity_id,
            revision_sent=case((sent < revision, revision), else_=sent),
        )
    )


async def get(session: Session, operation_id: str) -> Card | None:
    """Return the card of an operation."""
    row = await session.first(select(table).where(table.c.operation_id == operation_id))
    if row is None:
        return None
    return Card(
        operation_id=row["operation_id"],
        reference=Reference(
            tenant=row["tenant"],
            service_url=row["service_url"],
            conversation=row["conversation"],
            kind=row["conversation_kind"],
            reply_to=row["reply_to"],
        ),
        activity_id=row["activity_id"],
        revision_wanted=row["revision_wanted"],
        revision_sent=row["revision_sent"],
    )
