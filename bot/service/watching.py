"""Looks at every record of a kind again and again, and turns what happened into incidents.

There is no leader: the look is a job that arms itself anew in the transaction of its result.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from bot.domain.care import due_again
from bot.domain.command import Catalogue
from bot.domain.errors import GraphError, GraphUnavailable
from bot.domain.incident import WHOLE, Incident, begin, can_reopen, follow, handed_out, settle
from bot.domain.operation import Operation
from bot.domain.resource import ResourceKind, Severity
from bot.domain.watch import GRAPH, Event, Happening, Look, Snapshot, diff
from bot.service.fanout import ASK_JOB, CROWD, Fanout
from bot.service.ports import Job, Page, Transaction, World
from bot.service.watch_ports import Seen

log = structlog.get_logger(__name__)
WATCH_JOB = "watch"
BLIND_AFTER = 2
"""So many looks in a row that fail are an incident; a single one is everyday life."""

MEMORY = timedelta(minutes=10)
"""How much older than the last look an operation may be to explain what has changed since."""

JITTER = 0.1
PATIENCE = 1.5
"""So many intervals a look is put off at most: the second that fails is told in the third."""
SHORT = 6
"""So many characters of an incident's id are enough to type."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Seconds between two looks; `random` in [0, 1) keeps kinds and replicas apart."""

    interval_s: float
    random: Callable[[], float]

    @property
    def next_s(self) -> float:
        """Return the pause before the next look, a little shorter than the interval or equal."""
        return self.interval_s * (1 - JITTER * self.random())

    @property
    def longest(self) -> timedelta:
        """Return how far a look is ever put off."""
        return timedelta(seconds=self.interval_s * PATIENCE)

    def after_failure_s(self, wish_s: float | None) -> float:
        """Return the pause after a look that failed: as long as Graph wishes, within reason."""
        return max(self.next_s, min(wish_s or 0.0, self.longest.total_seconds()))


class Watching:
    """Takes the looks."""

    def __init__(
        self, world: World, *, catalogue: Catalogue, fanout: Fanout, rhythm: Rhythm
    ) -> None:
        self._world = world
        self._store = world.store
        self._catalogue = catalogue
        self._fanout = fanout
        self._rhythm = rhythm
        self._seen: dict[str, Seen] = {}

    async def arm(self) -> None:
        """See to it that every kind is looked at: at once what never was, else in its own time.

        Two looks that follow each other at once would not tell a passing fault from what is so. A
        look that is due earlier stays as it is.
        """
        now = self._world.clock.now()
        interval = timedelta(seconds=self._rhythm.interval_s)
        due = {}
        for kind in self._catalogue.kinds:
            seen = await self._store.seen(kind)
            is_first = seen.snapshot is None and seen.failures == 0
            due[kind] = now if is_first else now + interval
        async with self._store.begin() as tx:
            await tx.add_jobs(WATCH_JOB, due)

    async def look(self, job: Job) -> None:
        """Look at all records of the kind `job.subject`."""
        kind = self._catalogue.kinds.get(job.subject)
        if kind is None:
            async with self._store.begin() as tx:
                await tx.finish_job(job)
            return
        seen = await self._store.seen(kind.name, known=self._seen.get(kind.name))
        try:
            page = await self._world.resources.list(kind)
        except GraphError as error:
            await self._blind(job, kind, seen, error)
            return
        now = self._world.clock.now()
        since = seen.snapshot.taken_at - MEMORY if seen.snapshot else now
        deeds = await self._store.deeds(kind.name, since)
        # Thousands of records take a while, and people ask for things meanwhile.
        snapshot, events = await asyncio.to_thread(
            _compared, kind, seen.snapshot, (page, now), deeds
        )
        async with self._store.begin() as tx:
            if not await self._again(tx, job, self._rhythm.next_s):
                return
            await _keep(tx, kind, seen, Seen(snapshot, 0))
            changed = await self._changed(tx, kind, events, snapshot)
            if seen.snapshot is None:
                # What was wrong before anybody looked is known, but no news.
                await tx.save_incidents([handed_out(each, each) for each in changed])
            else:
                await tx.save_incidents(changed)
                await self._fanout.tell(tx, changed)
            await self._graph(tx, Happening.READ, now)
        self._seen[kind.name] = Seen(snapshot, 0)

    async def _changed(
        self, tx: Transaction, kind: ResourceKind, events: Iterable[Event], snapshot: Snapshot
    ) -> list[Incident]:
        """Add the events to their incidents; return those that are not as they were."""
        now = snapshot.taken_at
        by_record: dict[str, list[Event]] = {}
        for event in events:
            by_record.setdefault(event.record_id, []).append(event)
        latest = dict(await tx.lock_incidents(kind.name, tuple(by_record)))
        flapping = {i.record_id: i for i in await tx.flapping(kind.name)}
        changed = []
        for record_id in (*by_record, *(r for r in flapping if r not in by_record)):
            before = flapping.get(record_id) or latest.get(record_id)
            happened = by_record.get(record_id, [])
            if before is None or not can_reopen(before, now):
                before = self._begun(
                    kind.name, happened[0], is_quiet=_is_retired(kind, snapshot, record_id)
                )
            # After a while without a look, what turns now is no flapping any more.
            after = settle(follow(settle(before, now), happened, now), now)
            if after is not before and after.count > 0:
                changed.append(after)
        in_crowd = len(changed) >= CROWD
        changed = [replace(each, in_crowd=in_crowd) for each in changed]
        # What got worse ended a snooze: who took it on before is asked as they were to be.
        asks = {each.id: due for each in changed if (due := due_again(each)) is not None}
        await tx.add_jobs(ASK_JOB, asks)
        return changed

    def _begun(self, kind: str, first: Event, *, is_quiet: bool) -> Incident:
        new = self._world.ids.new()
        return begin(kind, first, incident_id=new, short=new[:SHORT], is_quiet=is_quiet)

    async def _blind(self, job: Job, kind: ResourceKind, seen: Seen, error: GraphError) -> None:
        """Note a look that failed; the second in a row is one incident, whatever the kinds."""
        now = self._world.clock.now()
        failures = seen.failures + 1
        log.warning("kind not read", kind=kind.name, failures=failures, reason=str(error))
        wish = error.retry_after_s if isinstance(error, GraphUnavailable) else None
        async with self._store.begin() as tx:
            if not await self._again(tx, job, self._rhythm.after_failure_s(wish)):
                return
            await _keep(tx, kind, seen, replace(seen, failures=failures))
            if failures == BLIND_AFTER:
                await self._graph(tx, Happening.UNREAD, now)

    async def _graph(self, tx: Transaction, happening: Happening, now: datetime) -> None:
        """Tell that Graph cannot be read, or, once every kind can be read again, that it can.

        The incident is locked first: of kinds that recover together the last sees all the others.
        """
        before = (await tx.lock_incidents(GRAPH, (WHOLE,))).get(WHOLE)
        is_open = before is not None and before.is_open
        if is_open is (happening is Happening.UNREAD):
            return
        if happening is Happening.READ and any(
            failures >= BLIND_AFTER
            for name, failures in (await tx.failed_looks()).items()
            if name in self._catalogue.kinds
        ):
            return
        event = Event(happening, WHOLE, "Microsoft Graph", Severity.WARNING, now)
        if before is None or not can_reopen(before, now):
            before = self._begun(GRAPH, event, is_quiet=False)
        after = follow(before, (event,), now)
        await tx.save_incidents([after])
        await self._fanout.tell(tx, [after])

    async def _again(self, tx: Transaction, job: Job, wait_s: float) -> bool:
        """Arm the next look; False when another replica has taken this one over."""
        due = self._world.clock.now() + timedelta(seconds=wait_s)
        return await tx.postpone_job(job, due, None)


def _compared(
    kind: ResourceKind,
    before: Snapshot | None,
    found: tuple[Page, datetime],
    deeds: Sequence[Operation],
) -> tuple[Snapshot, tuple[Event, ...]]:
    """Return the new snapshot and the events; its records are the very ones before if all equal."""
    page, now = found
    look = Look(tuple(record.values() for record in page.records), now, page.is_cut)
    after, events = diff(kind, before, look, deeds)
    if before is not None and before.tracks == after.tracks:
        after = replace(after, tracks=before.tracks)
    return after, events


async def _keep(tx: Transaction, kind: ResourceKind, before: Seen, after: Seen) -> None:
    """Save what is known; where all records stand as they did, their age alone."""
    old, new = before.snapshot, after.snapshot
    if old and new and old.tracks is new.tracks and old.is_cut == new.is_cut:
        await tx.note_look(kind.name, taken_at=new.taken_at, failures=after.failures)
    else:
        await tx.save_seen(kind.name, after)


def _is_retired(kind: ResourceKind, snapshot: Snapshot, record_id: str) -> bool:
    track = snapshot.tracks.get(record_id)
    return track is not None and kind.is_retired(track.values)
