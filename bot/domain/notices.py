"""What watching has to say, and what people ask about it: values to be shown, like every outcome."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.incident import Incident, Told
from bot.domain.operation import Operation
from bot.domain.resource import ResourceKind, Values
from bot.domain.subscription import Subscription


@dataclass(frozen=True, slots=True)
class Alarm:
    """The one card of an incident in a conversation, as it stands now.

    `kind` is None for the incident that Graph itself cannot be read. `subscription` is why this
    conversation is told; None where somebody asked.
    """

    kind: ResourceKind | None
    incident: Incident
    now: datetime
    subscription: Subscription | None = None


@dataclass(frozen=True, slots=True)
class Followup:
    """What happened since, told in the incident's thread; `lines` are oldest first."""

    kind: ResourceKind | None
    incident: Incident
    lines: tuple[Told, ...]
    now: datetime


@dataclass(frozen=True, slots=True)
class Digest:
    """What quiet hours held back, worst first, each as it stands now; `total` counts all.

    `is_crowd`: no quiet hours did, there are too many for a message each.
    """

    subscription: Subscription
    incidents: tuple[tuple[ResourceKind | None, Incident], ...]
    now: datetime
    total: int
    is_crowd: bool = False


@dataclass(frozen=True, slots=True)
class Watching:
    """`/watch` and `/unwatch`: what this conversation is told from now on, or no longer.

    `kind` is None for every kind. `open_count` incidents are open already, of which only
    what comes is told. `was_there` tells that an earlier filter for the same was replaced.
    """

    subscription: Subscription
    kind: ResourceKind | None
    is_on: bool
    open_count: int = 0
    was_there: bool = False


@dataclass(frozen=True, slots=True)
class WatchRow:
    """One subscription and how telling goes: when it last did, and what keeps it from doing so.

    `blocked` is the connector's code where the conversation cannot be reached any more. `where` is
    what people call the conversation, else its id; None where it is the one of the request.
    """

    subscription: Subscription
    kind: ResourceKind | None
    told_at: datetime | None = None
    failures: int = 0
    blocked: str | None = None
    where: str | None = None


@dataclass(frozen=True, slots=True)
class Watches:
    """`/watches`: what this conversation is told; `elsewhere` counts subscriptions of others.

    `is_all` where the subscriptions of every conversation of the tenant were asked for; `shut_out`
    counts those of tenants that are not let in any more, and are told nothing.
    """

    rows: tuple[WatchRow, ...]
    elsewhere: int
    now: datetime
    is_all: bool = False
    page: int = 1
    has_more: bool = False
    shut_out: int = 0


@dataclass(frozen=True, slots=True)
class StatusRow:
    """One record at a glance, with the incident that is open for it."""

    kind: ResourceKind
    values: Values
    incident: Incident | None = None


@dataclass(frozen=True, slots=True)
class StatusCount:
    """How many records of a kind, by its name, have a status.

    Those whose last sign is too old are counted apart: their status may be long untrue.
    """

    kind: str
    status: str
    number: int
    is_stale: bool = False


@dataclass(frozen=True, slots=True)
class Status:
    """`/status`: the worst records of all kinds first; `total` counts all.

    `counts` says how many records have each status, the most frequent first.
    `as_of` is the age of what is shown when Graph could not be asked just now. `open_count` counts
    the open incidents, `graph` is the one that says Graph cannot be read.
    """

    rows: tuple[StatusRow, ...]
    total: int
    counts: tuple[StatusCount, ...]
    open_count: int
    now: datetime
    graph: Incident | None = None
    as_of: datetime | None = None


class Topic(StrEnum):
    """What a message would have shown. `GONE`: it does not exist any more."""

    INCIDENT = "incident"
    SUMMARY = "summary"
    OPERATION = "operation"
    DECISION = "decision"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that could not be delivered, or may have been where `is_doubtful`.

    `subject` is what it would have shown, None where that is gone. `where` is what people call the
    conversation, else its id, empty where it is not known. `reason` is the connector's code.
    """

    id: int
    topic: Topic
    subject: Incident | Operation | Subscription | None
    kind: ResourceKind | None
    where: str
    reason: str
    since: datetime
    attempts: int
    is_doubtful: bool


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """`/dead`: what could not be delivered, newest first; `total` counts all.

    `replayed` is how many of them are being tried again, None when nobody asked for that; `is_part`
    tells that they were too many to try all of them by one command.
    """

    rows: tuple[DeadLetter, ...]
    total: int
    now: datetime
    replayed: int | None = None
    is_part: bool = False
