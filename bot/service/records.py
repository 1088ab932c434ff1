"""All records of a kind: as Graph has them, or as last seen while Graph is out of reach."""

from dataclasses import dataclass
from datetime import datetime

from bot.domain.errors import GraphUnavailable
from bot.domain.resource import ResourceKind, Values
from bot.service.ports import World

PATIENCE_S = 8.0
"""How long one request of a look may take before the last look is shown: people wait for it."""


@dataclass(frozen=True, slots=True)
class Records:
    """All records of a kind; `as_of` is when they were seen, where Graph cannot be asked now."""

    rows: tuple[Values, ...]
    is_cut: bool
    as_of: datetime | None = None


async def records_of(world: World, kind: ResourceKind) -> Records:
    """Return what Graph has, or what it had at the last look where it is out of reach.

    Raises:
        GraphError: Graph refused, or is out of reach and nobody ever looked.
    """
    try:
        page = await world.resources.list(kind, patience_s=PATIENCE_S)
    except GraphUnavailable:
        if seen := await last_look(world, kind):
            return seen
        page = await world.resources.list(kind)
    return Records(tuple(record.values() for record in page.records), page.is_cut)


async def last_look(world: World, kind: ResourceKind) -> Records | None:
    """Return what Graph had when it was last looked at for those who watch; None: nobody did."""
    snapshot = (await world.store.seen(kind.name)).snapshot
    if snapshot is None:
        return None
    rows = tuple(track.values for track in snapshot.tracks.values())
    return Records(rows, snapshot.is_cut, snapshot.taken_at)
