"""`/status`: the answer about the whole."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from bot.domain.command import Catalogue
from bot.domain.incident import Incident
from bot.domain.notices import Status, StatusCount, StatusRow
from bot.domain.resource import Severity
from bot.domain.watch import GRAPH, rank
from bot.service.ports import World
from bot.service.records import records_of

WORST = 15


class Overviews:
    """Answers how everything stands."""

    def __init__(self, world: World, *, catalogue: Catalogue) -> None:
        self._world = world
        self._catalogue = catalogue

    async def status(self) -> Status:
        """Return every record at a glance, worst first: by severity, then by how long unseen."""
        incidents = await self._world.store.open_incidents()
        by_record = {(i.kind, i.record_id): i for i in incidents}
        rows: list[StatusRow] = []
        now = self._world.clock.now()
        counts: Counter[tuple[str, str, bool]] = Counter()
        as_of: datetime | None = None
        kinds = tuple(self._catalogue.kinds.values())
        looks = await asyncio.gather(*(records_of(self._world, kind) for kind in kinds))
        for kind, found in zip(kinds, looks, strict=True):
            as_of = min(filter(None, (as_of, found.as_of)), default=None)
            for values in found.rows:
                rows.append(StatusRow(kind, values, by_record.get((kind.name, str(values["id"])))))
                status = str(values.get(kind.status) or "")
                counts[kind.name, status, kind.is_silent(values, now)] += 1
        rows.sort(key=lambda row: _badness(row, now))
        return Status(
            rows=tuple(rows[:WORST]),
            total=len(rows),
            counts=tuple(
                StatusCount(name, status, number, is_stale)
                for (name, status, is_stale), number in counts.most_common()
            ),
            open_count=len(incidents),
            now=now,
            graph=_graph(incidents),
            as_of=as_of,
        )


def _graph(incidents: Sequence[Incident]) -> Incident | None:
    return next((incident for incident in incidents if incident.kind == GRAPH), None)


def _badness(row: StatusRow, now: datetime) -> tuple[int, bool, str, str]:
    kind, values = row.kind, row.values
    seen = str(values.get(kind.last_seen) or "")
    worst = rank(kind.severity_of(values))
    if kind.is_silent(values, now):
        worst = max(worst, rank(Severity.WARNING))
    return -worst, row.incident is None, seen, kind.name_of(values)
