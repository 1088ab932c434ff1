"""What happened to the connectors between two looks, told from the README's rules alone.

Nothing of the bot's own code is used: this is what its notifications are held against.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from pydantic import JsonValue
from typing_extensions import override

INFO, WARNING, CRITICAL = 1, 2, 3
WEIGHTS = {"connected": 0, "none": INFO, "connectionPending": WARNING, "disconnected": CRITICAL}
"""A status that is not listed is a warning."""

UNSEEN = timedelta(days=1)
FLAPS, FLAPPING_WITHIN, STEADY = 4, timedelta(minutes=30), timedelta(minutes=15)
STALE, UNREAD = "stale", "cannot be read"
GRAPH, GRAPH_NAME = "*", "Microsoft Graph"

Values: TypeAlias = Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class News:
    """One thing that happened; `sentence` is what people must be able to read of it.

    `where` is the conversation in which the bot was asked to do it. `is_turn` is a status that
    changed, which is not told any more while a record flaps.
    """

    record: str
    at: datetime
    weight: int
    sentence: str
    where: str = ""
    is_turn: bool = False

    @override
    def __str__(self) -> str:
        return f"{self.record} at {self.at:%d %H:%M:%S}, weight {self.weight}: {self.sentence}"


@dataclass
class Known:
    """A record at the last look, and since when it is known."""

    values: Values
    since: datetime
    is_stale: bool

    @property
    def status(self) -> str:
        return str(self.values.get("status"))

    @property
    def weight(self) -> int:
        """How bad its status is."""
        return WEIGHTS.get(self.status, WARNING)

    @property
    def ills(self) -> set[str]:
        """What is wrong with it, in the words of a card's title."""
        found = {self.status} if self.weight >= WARNING else set()
        return found | ({STALE} if self.is_stale else set())


@dataclass
class Flapping:
    """How often a record turned; a record that flaps has not been steady for long enough since."""

    turns: list[datetime] = field(default_factory=list)
    is_on: bool = False

    def turn(self, at: datetime) -> None:
        self.turns = [turn for turn in self.turns if at - turn < FLAPPING_WITHIN] + [at]
        self.is_on = self.is_on or len(self.turns) >= FLAPS

    def is_over(self, at: datetime) -> bool:
        return self.is_on and at - self.turns[-1] >= STEADY


class Happened:
    """What is known by the looks taken so far; `deeds` is where the bot was asked for a version."""

    def __init__(self) -> None:
        self.known: dict[str, Known] | None = None
        self.names = {GRAPH: GRAPH_NAME}
        self.flapping: dict[str, Flapping] = {}
        self.deeds: dict[tuple[str, str], str] = {}
        self.failures = 0
        self.missing: set[str] = set()
        self.steadied: set[str] = set()

    def ills(self, record: str) -> set[str]:
        """Return what is wrong with a record, in the words of a card's title."""
        if record == GRAPH:
            return {UNREAD} if self.failures > 1 else set()
        found = (self.known or {}).get(record)
        return found.ills if found else set()

    def weight(self, record: str) -> int:
        """Return how bad it is with a record now; 0: it is well."""
        if not self.ills(record):
            return 0
        found = (self.known or {}).get(record)
        return max(WARNING, found.weight) if found else WARNING

    def flaps(self, record: str) -> bool:
        """Whether a record flaps."""
        return record in self.flapping and self.flapping[record].is_on

    def looked(self, at: datetime, records: Mapping[str, Values] | None) -> list[News]:
        """Take note of a look, and return what happened since the one before.

        `steadied` are then the records that this look saw to have stopped flapping: one that failed
        saw nothing.
        """
        self.steadied = set()
        if records is None:
            self.failures += 1
            told = "Cannot be read: what happens until it can"
            return [News(GRAPH, at, WARNING, told)] if self.failures == 2 else []
        news = [News(GRAPH, at, WARNING, "Can be read again")] if self.failures > 1 else []
        self.failures = 0
        self._settle(at)
        before, self.known = self.known, {}
        for key, values in records.items():
            self.names[key] = str(values["serverName"])
            old = (before or {}).get(key)
            since = old.since if old else at
            new = self.known[key] = Known(values, since, _is_stale(values, since, at))
            news += self._of_one(key, at, old, new)
            if old is None:
                news.append(News(key, at, INFO, "New, and not made through this bot"))
        gone = (before or {}).keys() - records.keys()
        # A single look that misses a record is no news: the next one confirms it.
        for key in gone - self.missing:
            self.known[key] = (before or {})[key]
        gone, self.missing = gone & self.missing, gone - self.missing
        for key in gone:
            news.append(News(key, at, WARNING, "Gone, and not deleted through this bot"))
            self.flapping.pop(key, None)
        # What was wrong before anybody looked is known, but no news.
        return [] if before is None else news

    def _settle(self, at: datetime) -> None:
        """End what flapped long enough ago: what turns from now on is counted anew."""
        self.steadied = {key for key, flapping in self.flapping.items() if flapping.is_over(at)}
        for key in self.steadied:
            self.flapping[key] = Flapping()

    def _of_one(self, key: str, at: datetime, old: Known | None, new: Known) -> Iterator[News]:
        was = old.weight if old else 0
        has_turned = old is None or old.status != new.status
        if has_turned and max(was, new.weight) >= WARNING:
            self.flapping.setdefault(key, Flapping()).turn(at)
            weight = new.weight if new.weight >= WARNING else was
            told = f"from {old.status} to {new.status}." if old else f"Found {new.status} at"
            yield News(key, at, weight, told, is_turn=True)
        if new.is_stale is not (old.is_stale if old else False):
            yield News(key, at, WARNING, "Not seen for" if new.is_stale else "Seen again")
        if old and old.values["version"] != new.values["version"]:
            where = self.deeds.get((key, str(new.values["version"])), "")
            by = "by operation" if where else "outside this bot"
            told = f"Changed {by}"
            yield News(key, at, INFO if where else WARNING, told, where)


def _is_stale(values: Values, since: datetime, at: datetime) -> bool:
    seen = values.get("lastSyncDateTime")
    last = datetime.fromisoformat(str(seen)).astimezone(UTC) if seen else since
    return at - last > UNSEEN
