"""The switch that stops all writes, the same for every replica."""

from sqlalchemy import delete, select

from bot.service.ports import Pause
from bot.store.lane import Session
from bot.store.tables import control as table

PAUSE = "pause"


async def set_pause(session: Session, pause: Pause | None) -> None:
    """Stop all writes, or let them run again."""
    if pause is None:
        await session.change(delete(table).where(table.c.name == PAUSE))
        return
    values = {"who": pause.who, "since": pause.since, "reason": pause.reason}
    to = session.insert(table)
    await session.change(
        to.values(name=PAUSE, **values).on_conflict_do_update(
            index_elements=[table.c.name], set_=values
        )
    )


async def pause(session: Session) -> Pause | None:
    """Return who paused writes."""
    row = await session.first(select(table).where(table.c.name == PAUSE))
    return None if row is None else Pause(row["who"], row["since"], row["reason"])
