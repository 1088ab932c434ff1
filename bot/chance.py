"""Time and chance of a process: the machine's, unless a test brings its own."""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime

from typing_extensions import override

from bot.clients import Pace
from bot.domain.form_id import CROCKFORD
from bot.service.ports import Clock, Ids

ID_LENGTH = 26


class SystemClock(Clock):
    """The machine's time."""

    @override
    def now(self) -> datetime:
        """Return the present instant."""
        return datetime.now(UTC)


class RandomIds(Ids):
    """Ids from the operating system's randomness."""

    @override
    def new(self) -> str:
        """Return 26 characters of Crockford base 32."""
        return "".join(secrets.choice(CROCKFORD) for _ in range(ID_LENGTH))


@dataclass(frozen=True, slots=True)
class Chance:
    """Time and chance for the whole process; tests bring their own.

    `follows_database` corrects the clock by the database's, which all replicas share.
    """

    clock: Clock = field(default_factory=SystemClock)
    ids: Ids = field(default_factory=RandomIds)
    pace: Pace = field(default_factory=Pace)
    lease_s: float = 30.0
    follows_database: bool = True
