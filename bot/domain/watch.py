"""What happened between two looks at all records of a kind: pure, so that it can be trusted.

A look keeps the records as Graph gave them; the next one is held against it. What the bot itself
did in between is told apart by its operations.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from bot.domain.deeds import deeds_on, has_made, setter_of, text_of
from bot.domain.operation import Observation, Operation
from bot.domain.plan import Change, volatile_of
from bot.domain.resource import Effect, ResourceKind, Severity, Values, moment

BAD = frozenset({Severity.WARNING, Severity.CRITICAL})
GRAPH = "graph"
"""Stands for Microsoft Graph itself where a kind's name would stand."""


class Happening(StrEnum):
    """What can happen to a record; each has its sentence in `cards.watch_words`.

    `unread` and `read` happen to Graph as a whole: it cannot be asked, or can again.
    """

    BROKE = "broke"
    EASED = "eased"
    RECOVERED = "recovered"
    STALE = "stale"
    SEEN = "seen"
    APPEARED = "appeared"
    REMOVED = "removed"
    CHANGED = "changed"
    SYNCED = "synced"
    UNSYNCED = "unsynced"
    UNREAD = "unread"
    READ = "read"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to one record.

    `before` and `after` are statuses. `operation` is the id of the bot's own operation that did it,
    and `where` the conversation it was asked for in, which has its card and needs no other news.
    """

    happening: Happening
    record_id: str
    name: str
    severity: Severity
    at: datetime
    before: str = ""
    after: str = ""
    differences: tuple[Change, ...] = ()
    operation: str | None = None
    where: str | None = None


@dataclass(frozen=True, slots=True)
class Track:
    """One record as last seen; `known_since` is the first look that found it.

    `is_missing` tells that the last look did not find it, which a second one has to confirm.
    """

    values: Values
    known_since: datetime
    is_stale: bool = False
    is_missing: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All records of a kind at one look, by id; `is_cut` tells that Graph had more."""

    taken_at: datetime
    tracks: Mapping[str, Track]
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """A new look at all records of a kind."""

    records: Sequence[Values]
    at: datetime
    is_cut: bool = False


def diff(
    kind: ResourceKind, before: Snapshot | None, look: Look, deeds: Sequence[Operation] = ()
) -> tuple[Snapshot, tuple[Event, ...]]:
    """Return the new snapshot and what happened since the one before, in the order of its records.

    The first look knows of no before: what is wrong already is reported as broken or stale, and
    nothing as new. `deeds` are the bot's own operations on the kind since then, newest first.
    A record that nobody is known to have deleted is gone once two looks in a row did not find it:
    a single short answer is no news.
    """
    known = before.tracks if before else {}
    since = before.taken_at if before else look.at
    tracks: dict[str, Track] = {}
    events: list[Event] = []
    for values in look.records:
        record_id = str(values["id"])
        seen = _seen(kind, known.get(record_id), values, look.at, deeds, since)
        tracks[record_id] = _track(kind, known.get(record_id), values, look.at)
        if before and record_id not in known and not before.is_cut:
            arrival = _arrival(kind, values, look.at, deeds)
            events += (*(_as_made(event, arrival) for event in seen), arrival)
        else:
            events += seen
    if look.is_cut:
        # What such a look does not show may be there all the same: it stays as last seen.
        unseen = [(key, track) for key, track in known.items() if key not in tracks]
        tracks.update(unseen[: len(look.records)])
    else:
        for record_id, track in known.items():
            if record_id in tracks:
                continue
            departure = _departure(kind, track.values, look.at, deeds)
            if track.is_missing or departure.operation is not None:
                events.append(departure)
            else:
                tracks[record_id] = replace(track, is_missing=True)
    return Snapshot(look.at, tracks, look.is_cut), tuple(events)


def _track(kind: ResourceKind, known: Track | None, values: Values, at: datetime) -> Track:
    since = known.known_since if known else at
    return Track(values, since, is_stale=_is_stale(kind, values, since, at))


def _is_stale(kind: ResourceKind, values: Values, known_since: datetime, at: datetime) -> bool:
    """Whether nothing was seen of a record for too long; one that is new has its time first."""
    if moment(values.get(kind.last_seen)) is None:
        return at - known_since > kind.stale_after
    return kind.is_stale(values, at)


def _seen(
    kind: ResourceKind,
    known: Track | None,
    values: Values,
    at: datetime,
    deeds: Sequence[Operation],
    since: datetime,
) -> Iterator[Event]:
    """Yield what happened to a record that is there: status, age, properties, syncs."""
    yield from _status_events(kind, known, values, at)
    was_stale = known.is_stale if known else False
    is_stale = _track(kind, known, values, at).is_stale
    if is_stale and not was_stale:
        yield _event(kind, Happening.STALE, values, Severity.WARNING, at)
    if was_stale and not is_stale:
        yield _event(kind, Happening.SEEN, values, Severity.WARNING, at)
    if known is not None and known.values is not values:
        yield from _edits(kind, known.values, values, at, deeds)
        yield from _syncs(kind, known.values, values, (since, at), deeds)


def _status_events(
    kind: ResourceKind, known: Track | None, values: Values, at: datetime
) -> Iterator[Event]:
    was = kind.severity_of(known.values) if known else Severity.GOOD
    now = kind.severity_of(values)
    before = _status(kind, known.values) if known else ""
    if was == now and (now not in BAD or before == _status(kind, values)):
        return
    if now in BAD:
        is_better = was in BAD and rank(now) < rank(was)
        happening = Happening.EASED if is_better else Happening.BROKE
    elif was in BAD:
        happening = Happening.RECOVERED
    else:
        return
    severity = now if now in BAD else was
    yield replace(_event(kind, happening, values, severity, at), before=before)


def _edits(
    kind: ResourceKind, old: Values, values: Values, at: datetime, deeds: Sequence[Operation]
) -> Iterator[Event]:
    """Yield one event for what nobody told the bot of, and one for each operation of the bot."""
    changes = _changes(kind, old, values)
    mine: dict[str, list[Change]] = {}
    others: list[Change] = []
    for change in changes:
        deed = setter_of(deeds, Effect.UPDATE, str(values["id"]), change)
        if deed is None:
            others.append(change)
        else:
            mine.setdefault(deed.id, []).append(change)
    if others:
        found = _event(kind, Happening.CHANGED, values, Severity.WARNING, at)
        yield replace(found, differences=tuple(others))
    for deed in (d for d in deeds if d.id in mine):
        done = _event(kind, Happening.CHANGED, values, Severity.NEUTRAL, at)
        yield _by(replace(done, differences=tuple(mine[deed.id])), deed)


def _changes(kind: ResourceKind, old: Values, new: Values) -> tuple[Change, ...]:
    volatile = volatile_of(kind)
    return tuple(
        Change(p.name, p.label, text_of(old.get(p.name)), text_of(new.get(p.name)))
        for p in kind.properties
        if p.name not in volatile and text_of(old.get(p.name)) != text_of(new.get(p.name))
    )


def _syncs(
    kind: ResourceKind,
    old: Values,
    values: Values,
    between: tuple[datetime, datetime],
    deeds: Sequence[Operation],
) -> Iterator[Event]:
    """Yield how the bot's own actions on the record turned out: seen to happen, or not.

    Each once: that nothing was seen by the look after it was given up, that something was by the
    first look that sees it.
    """
    since, at = between
    for deed in deeds_on(deeds, Effect.ACT, str(values["id"])):
        verb = kind.verb(deed.plan.verb)
        moved = verb.observes if verb else None
        last = moment(old.get(moved)) if moved is not None else None
        is_first = last is None or last < deed.created_at
        if moved is not None and is_first and old.get(moved) != values.get(moved):
            yield _by(_event(kind, Happening.SYNCED, values, Severity.GOOD, at), deed)
        elif deed.result.observation is Observation.UNMOVED and since < deed.updated_at <= at:
            yield _by(_event(kind, Happening.UNSYNCED, values, Severity.WARNING, at), deed)


def _arrival(
    kind: ResourceKind, values: Values, at: datetime, deeds: Sequence[Operation]
) -> Event:
    """Return that a record is new; its id, or what was asked for, tells whether the bot made it."""
    record_id = str(values["id"])
    deed = next((d for d in deeds if has_made(kind, d, record_id, values)), None)
    return _by(_event(kind, Happening.APPEARED, values, Severity.NEUTRAL, at), deed)


def _as_made(event: Event, arrival: Event) -> Event:
    """Return what a new record begins with as a part of its making, unless it is an alarm."""
    if event.severity is Severity.CRITICAL:
        return event
    return replace(event, operation=arrival.operation, where=arrival.where)


def _departure(
    kind: ResourceKind, values: Values, at: datetime, deeds: Sequence[Operation]
) -> Event:
    deed = next(iter(deeds_on(deeds, Effect.DELETE, str(values["id"]))), None)
    severity = Severity.WARNING if deed is None else Severity.NEUTRAL
    return _by(_event(kind, Happening.REMOVED, values, severity, at), deed)


def _event(
    kind: ResourceKind, happening: Happening, values: Values, severity: Severity, at: datetime
) -> Event:
    return Event(
        happening=happening,
        record_id=str(values["id"]),
        name=kind.name_of(values),
        severity=severity,
        at=at,
        after=_status(kind, values),
    )


def _by(event: Event, deed: Operation | None) -> Event:
    """Return the event as done by an operation of the bot, if there is one."""
    if deed is None:
        return event
    return replace(event, operation=deed.short, where=deed.conversation)


def rank(severity: Severity) -> int:
    """Return how bad a severity is, 0 for good."""
    return list(Severity).index(severity)


def _status(kind: ResourceKind, values: Values) -> str:
    return text_of(values.get(kind.status)) or ""
