"""How each state of a write looks, wherever it is named; `words.STATES` has the words."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from cards import signs
from cards.signs import Tone


class State(StrEnum):
    """Where a write stands."""

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


class Look(NamedTuple):
    """The colour and the sign of a state."""

    tone: Tone
    sign: str


LOOKS: Final[Mapping[str, Look]] = MappingProxyType(
    {
        "waiting": Look(Tone.WARNING, signs.WAITING),
        "approved": Look(Tone.INFO, signs.APPROVED),
        "executing": Look(Tone.INFO, signs.RUNNING),
        "done": Look(Tone.GOOD, signs.DONE),
        "done:found": Look(Tone.GOOD, signs.DONE),
        "done:partly": Look(Tone.WARNING, signs.WARNED),
        "done:partly-pending": Look(Tone.WARNING, signs.RUNNING),
        "done:pending": Look(Tone.INFO, signs.RUNNING),
        "done:confirmed": Look(Tone.GOOD, signs.DONE),
        "done:unmoved": Look(Tone.WARNING, signs.WARNED),
        "done:differs": Look(Tone.WARNING, signs.WARNED),
        "done:unread": Look(Tone.WARNING, signs.WARNED),
        "failed": Look(Tone.CRITICAL, signs.FAILED),
        "unknown": Look(Tone.WARNING, signs.QUESTION),
        "unknown:unmoved": Look(Tone.WARNING, signs.QUESTION),
        "rejected": Look(Tone.CRITICAL, signs.STOPPED),
        "expired": Look(Tone.NEUTRAL, signs.EXPIRED),
        "cancelled": Look(Tone.NEUTRAL, signs.STOPPED),
        "stale": Look(Tone.WARNING, signs.CHANGED),
    }
)
