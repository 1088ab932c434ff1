"""A write and its life: every state it can be in and every step between them.

    waiting -> approved -> executing -> done | failed | unknown -> (by a person) done | failed
    waiting -> rejected | expired | cancelled        approved -> stale | expired | cancelled

A write that needs no approval starts as approved.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from pydantic import JsonValue

from bot.domain.errors import GraphFault
from bot.domain.plan import Change, Plan


class State(StrEnum):
    """Where an operation stands."""

    WAITING = "waiting"
    APPROVED = "approved"
    EXECUTING = "executing"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    STALE = "stale"


ARROWS: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        State.WAITING: frozenset(
            {State.APPROVED, State.REJECTED, State.EXPIRED, State.CANCELLED},
        ),
        State.APPROVED: frozenset(
            {State.EXECUTING, State.STALE, State.EXPIRED, State.CANCELLED, State.FAILED},
        ),
        State.EXECUTING: frozenset({State.DONE, State.FAILED, State.UNKNOWN}),
        State.UNKNOWN: frozenset({State.DONE, State.FAILED}),
    }
)


ANSWER_LOST = "answer-lost"
"""The code of what ended well although Graph's answer never came."""
NOT_SENT = "not-sent"
"""The fate of a target for which nothing was sent to Graph."""
SOME_FAILED = "some-failed"
"""The code of several targets of which some ended well and others did not."""


class Observation(StrEnum):
    """What reading back showed of a write that Graph accepted.

    `pending`: still watching. `confirmed`: it is as asked. `unmoved`: nothing was seen to happen in
    time. `differs`: something else is there. `unread`: reading back failed.
    """

    PENDING = "pending"
    CONFIRMED = "confirmed"
    UNMOVED = "unmoved"
    DIFFERS = "differs"
    UNREAD = "unread"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: a verified tenant and object id; the name is for display only."""

    tenant: str
    oid: str
    name: str


@dataclass(frozen=True, slots=True)
class ItemResult:
    """How one of several targets fared; `executing` is the one under way.

    `after` is as in `Result`. What was not sent has the reason in `code`.
    """

    target_id: str
    name: str
    state: State = State.EXECUTING
    code: str = ""
    observation: Observation | None = None
    request_id: str | None = None
    after: Mapping[str, JsonValue] | None = None
    was_sent: bool = True

    @property
    def fate(self) -> str:
        """How it fared as evidence names it: its state, or that nothing was sent for it."""
        return str(self.state) if self.was_sent else NOT_SENT


@dataclass(frozen=True, slots=True)
class Result:
    """How an operation's work ended, as far as it is known.

    `code` is the reason in words of `cards.words`, empty when all went as asked. `was_gone` marks
    a delete whose target no longer existed. `after` holds what was read back and is not as before,
    None when the target is gone or was not read.
    """

    code: str = ""
    observation: Observation | None = None
    fault: GraphFault | None = None
    request_id: str | None = None
    target_id: str | None = None
    was_gone: bool = False
    observed_at: str | None = None
    differences: tuple[Change, ...] = ()
    resolved_by: str | None = None
    items: tuple[ItemResult, ...] = ()
    after: Mapping[str, JsonValue] | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One write from request to end. `short` is the id people type."""

    id: str
    short: str
    state: State
    command: str
    plan: Plan
    actor: Actor
    conversation: str
    created_at: datetime
    updated_at: datetime
    reason: str | None = None
    result: Result = Result()

    @property
    def is_open(self) -> bool:
        """Whether it may still change by itself or by a person."""
        return bool(ARROWS.get(self.state))

    @property
    def is_partial(self) -> bool:
        """Whether some of its targets ended well and others did not."""
        return self.state is State.DONE and self.result.code == SOME_FAILED

    @property
    def standing(self) -> str:
        """How it stands, by the name that people's words for it go by: `done:confirmed`.

        It is the state, and more of what is done: what was seen, and whether of all targets.
        """
        seen = self.result.observation
        if self.is_partial and seen is Observation.PENDING:
            return "done:partly-pending"
        if self.is_partial and self._ended_well:
            return "done:partly"
        if self.state is State.DONE and self.result.code == ANSWER_LOST:
            return "done:found"
        if seen and (self.state is State.DONE or self._is_unseen):
            return f"{self.state}:{seen}"
        return str(self.state)

    @property
    def share(self) -> tuple[int, int] | None:
        """How many of how many targets its standing is true of, where not of all; else None."""
        if not self.is_partial:
            return None
        accepted = sum(item.state is State.DONE for item in self.result.items)
        is_over = self.result.observation is not Observation.PENDING
        return (self._ended_well if is_over else 0) or accepted, len(self.plan.items)

    @property
    def extent(self) -> dict[str, str]:
        """Its share, as a notice's sentence takes it; empty where there is none."""
        return dict(zip(("count", "total"), map(str, self.share or ()), strict=False))

    @property
    def marks(self) -> tuple[tuple[str, str], ...]:
        """Its id and how it stands, as a notice's sentence takes them."""
        return ("id", self.short), ("state", self.standing), *self.extent.items()

    @property
    def _ended_well(self) -> int:
        """How many of several targets are as was asked for, as far as that was looked at."""
        well = {None, Observation.CONFIRMED}
        return sum(i.state is State.DONE and i.observation in well for i in self.result.items)

    @property
    def _is_unseen(self) -> bool:
        return self.state is State.UNKNOWN and self.result.observation is Observation.UNMOVED
