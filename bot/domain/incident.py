"""An incident: one story per record, told in one thread, damped when the record flaps.

What happens is added to the open incident of its record; shortly after the end it is opened again
instead of starting a second story. Pure: time and ids are passed in.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.operation import Actor
from bot.domain.resource import Severity
from bot.domain.watch import BAD, Event, Happening, rank

REOPEN_WITHIN = timedelta(minutes=30)
FLAP_WINDOW = timedelta(minutes=30)
FLAPS = 4
"""So many turns of the status within the window are flapping."""
STEADY_AFTER = timedelta(minutes=15)
KEPT = 20
WHOLE = "*"
"""The record id of the incident that concerns Graph as a whole: it cannot be read."""

_ILL = frozenset({Happening.BROKE, Happening.EASED})
_TURNS = _ILL | {Happening.RECOVERED}


class Stage(StrEnum):
    """Where an incident stands. `noted`: something happened, and nothing is wrong."""

    OPEN = "open"
    RECOVERED = "recovered"
    REMOVED = "removed"
    NOTED = "noted"


class Cause(StrEnum):
    """What is wrong with a record as long as it is."""

    STATUS = "status"
    STALE = "stale"
    UNREAD = "unread"


class StoryTurn(StrEnum):
    """What happens to the story itself, told like an event."""

    FLAPPING = "flapping"
    STEADY = "steady"
    ASKED_AGAIN = "asked-again"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong now. `status` is what the record says of itself."""

    cause: Cause
    severity: Severity
    since: datetime
    status: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """One line of the story: an event, or a turn of the story itself. `number` counts from 1."""

    number: int
    at: datetime
    event: Event | None = None
    turn: StoryTurn | None = None


@dataclass(frozen=True, slots=True)
class Handling:
    """Who took an incident on, or put it off until when."""

    by: Actor
    at: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Incident:
    """One story. `lines` are its last ones; `count` is how many there have been.

    `revision` counts what changed the card. `severity` is the worst of what is wrong, or of what
    last happened. `is_quiet` incidents are never asked about again: support for the record ended.
    `flips` are the recent moments in which its status turned. `handed` is the last line that was
    handed out to those who watch, and `handed_asleep` whether it was put off at that time.
    `in_crowd`: the last that happened came together with many other incidents.
    """

    id: str
    short: str
    kind: str
    record_id: str
    name: str
    stage: Stage
    severity: Severity
    opened_at: datetime
    changed_at: datetime
    closed_at: datetime | None = None
    problems: tuple[Problem, ...] = ()
    lines: tuple[Told, ...] = ()
    count: int = 0
    revision: int = 0
    flips: tuple[datetime, ...] = ()
    is_flapping: bool = False
    is_quiet: bool = False
    acknowledged: Handling | None = None
    snoozed: Handling | None = None
    handed: int = 0
    handed_asleep: bool = False
    in_crowd: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it still goes on."""
        return self.stage is Stage.OPEN

    def sleeps(self, now: datetime) -> bool:
        """Whether it is put off still."""
        until = self.snoozed.until if self.snoozed else None
        return until is not None and now < until

    def news(self, number: int, root: str) -> tuple[Told, ...]:
        """Return the lines after the one of that number that are news to a conversation.

        What the bot did for somebody there has its card there.
        """
        return tuple(t for t in self.since(number) if t.event is None or t.event.where != root)

    def since(self, number: int) -> tuple[Told, ...]:
        """Return the lines after the one of that number, as far as they are kept."""
        return tuple(line for line in self.lines if line.number > number)


def can_reopen(incident: Incident, now: datetime) -> bool:
    """Whether what happens now belongs to this story."""
    if incident.is_open:
        return True
    ended = incident.closed_at
    return incident.stage is Stage.RECOVERED and ended is not None and now - ended < REOPEN_WITHIN


def begin(kind: str, first: Event, *, incident_id: str, short: str, is_quiet: bool) -> Incident:
    """Return a story without lines yet, for the record of its first event."""
    return Incident(
        id=incident_id,
        short=short,
        kind=kind,
        record_id=first.record_id,
        name=first.name,
        stage=Stage.NOTED,
        severity=first.severity,
        opened_at=first.at,
        changed_at=first.at,
        is_quiet=is_quiet,
    )


def follow(incident: Incident, events: Sequence[Event], now: datetime) -> Incident:
    """Return the incident after these events; the very same one when they do not concern it.

    How an operation of the bot turned out is told only where something is wrong: its own card
    tells it otherwise.
    """
    after = incident
    for event in events:
        is_aside = event.happening in {Happening.SYNCED, Happening.UNSYNCED}
        if is_aside and not (after.is_open and after.problems):
            continue
        after = _after(after, event)
    if after is incident:
        return incident
    after = _staged(after, now)
    if after.snoozed and rank(after.severity) > rank(incident.severity):
        after = replace(after, snoozed=None)
    return replace(after, changed_at=now, revision=incident.revision + 1)


def _after(incident: Incident, event: Event) -> Incident:
    after = replace(
        incident,
        name=event.name,
        problems=_problems(incident.problems, event),
        stage=Stage.REMOVED if event.happening is Happening.REMOVED else incident.stage,
    )
    if event.happening not in _TURNS:
        return line(after, event.at, event=event)
    recent = tuple(t for t in after.flips if event.at - t < FLAP_WINDOW)
    after = replace(after, flips=(*recent, event.at))
    if after.is_flapping:
        return after
    if len(after.flips) < FLAPS:
        return line(after, event.at, event=event)
    return line(replace(after, is_flapping=True), event.at, turn=StoryTurn.FLAPPING)


def _problems(problems: tuple[Problem, ...], event: Event) -> tuple[Problem, ...]:
    match event.happening:
        case Happening.BROKE | Happening.EASED:
            cause, is_wrong = Cause.STATUS, True
        case Happening.RECOVERED:
            cause, is_wrong = Cause.STATUS, False
        case Happening.STALE | Happening.SEEN:
            cause, is_wrong = Cause.STALE, event.happening is Happening.STALE
        case Happening.UNREAD | Happening.READ:
            cause, is_wrong = Cause.UNREAD, event.happening is Happening.UNREAD
        case Happening.REMOVED:
            return ()
        case _:
            return problems
    others = tuple(problem for problem in problems if problem.cause is not cause)
    if not is_wrong:
        return others
    return (*others, Problem(cause, event.severity, event.at, event.after))


def line(
    incident: Incident, at: datetime, *, event: Event | None = None, turn: StoryTurn | None = None
) -> Incident:
    """Return the incident with one more line of its story."""
    number = incident.count + 1
    lines = (*incident.lines, Told(number, at, event, turn))
    return replace(incident, lines=lines[-KEPT:], count=number)


def _staged(incident: Incident, now: datetime) -> Incident:
    """Return the incident with the stage and severity that follow from what is wrong."""
    if incident.problems or (incident.is_flapping and incident.stage is not Stage.REMOVED):
        worst = max((p.severity for p in incident.problems), key=rank, default=incident.severity)
        return replace(incident, stage=Stage.OPEN, severity=worst, closed_at=None)
    if incident.stage is Stage.OPEN:
        return replace(
            incident,
            stage=Stage.RECOVERED,
            closed_at=now,
            acknowledged=None,
            snoozed=None,
        )
    if incident.stage is Stage.NOTED:
        last = incident.lines[-1].event if incident.lines else None
        # A record may turn well that nobody knew to be ill.
        is_over = last is not None and last.happening in {Happening.RECOVERED, Happening.SEEN}
        return replace(
            incident,
            stage=Stage.RECOVERED if is_over else Stage.NOTED,
            severity=max((incident.severity, last.severity), key=rank)
            if last
            else incident.severity,
            closed_at=now,
        )
    return replace(incident, closed_at=now, is_flapping=False, acknowledged=None, snoozed=None)


def settle(incident: Incident, now: datetime) -> Incident:
    """Return the incident once its record has stopped flapping; the same one before that."""
    if not incident.is_flapping or not incident.flips:
        return incident
    if now - incident.flips[-1] < STEADY_AFTER:
        return incident
    steady = line(replace(incident, is_flapping=False, flips=()), now, turn=StoryTurn.STEADY)
    return replace(_staged(steady, now), changed_at=now, revision=incident.revision + 1)


def handed_out(incident: Incident, upto: Incident) -> Incident:
    """Return the incident as one whose story is handed out as far as it went in `upto`.

    What happens while it is put off stays to be handed out: nobody new hears of it before the end.
    """
    if incident.handed > upto.count:
        return incident
    if upto.snoozed is not None:
        return replace(incident, handed_asleep=True)
    return replace(incident, handed=upto.count, handed_asleep=False)


def is_worth_open(incident: Incident) -> bool:
    """Whether something is wrong that people should see in an overview."""
    return incident.is_open and incident.severity in BAD
