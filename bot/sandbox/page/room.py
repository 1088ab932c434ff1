"""What is to be seen on the page: posts, traffic and the world, as JSON with versions."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from bot.sandbox.client import Client
from bot.sandbox.clock import MovableClock
from bot.sandbox.connector import Message
from bot.sandbox.journal import JsonObject, LoggedRequest
from bot.sandbox.page.weather import Sky, Weather
from bot.sandbox.server import Sandbox
from bot.sandbox.world import World

TRAFFIC_KEPT = 500


@dataclass(frozen=True, slots=True)
class Item:
    """One thing on the page; `make` writes it out, for who has not seen this `version` yet."""

    kind: str
    key: str
    version: object
    make: Callable[[], JsonObject]


@dataclass(frozen=True, slots=True)
class _Row:
    number: int
    version: int
    part: str
    entry: LoggedRequest
    answer: object


class Traffic:
    """The last requests between the bot and the sandbox, in either direction."""

    def __init__(self) -> None:
        self._rows: OrderedDict[str, _Row] = OrderedDict()
        self._count = 0

    def witness(self, part: str) -> Callable[[LoggedRequest, object], None]:
        """Return what a journal is to tell of its requests."""

        def see(entry: LoggedRequest, answer: object) -> None:
            known = self._rows.get(entry.id)
            if known is None:
                self._count += 1
            number, version = (
                (known.number, known.version + 1) if known is not None else (self._count, 0)
            )
            self._rows[entry.id] = _Row(number, version, part, entry, answer)
            if len(self._rows) > TRAFFIC_KEPT:
                self._rows.popitem(last=False)

        return see

    def items(self) -> Iterator[Item]:
        """Return a line for each request, oldest first."""
        for key, row in self._rows.items():
            yield Item("traffic", key, row.version, partial(_line, row))

    def whole(self, key: str) -> JsonObject | None:
        """Return one request with all that went with it; None when it is forgotten."""
        row = self._rows.get(key)
        if row is None:
            return None
        entry = row.entry
        return {
            **_line(row),
            "query": dict(entry.query),
            "headers": dict(entry.headers),
            "body": entry.body,
            # What identity answers with are tokens.
            "answer": None if row.part == "identity" else row.answer,
        }


@dataclass(frozen=True, slots=True)
class Room:
    """The channel, the people in it, and the world behind it."""

    sandbox: Sandbox
    world: World
    client: Client
    clock: MovableClock
    sky: Sky
    traffic: Traffic

    def items(self) -> Iterator[Item]:
        """Return everything there is to see; posts in order of writing."""
        for activity in self.client.written:
            yield Item("post", activity["id"], 0, partial(_written, activity))
        for message in self.sandbox.connector.messages():
            version = (len(message.edits), message.deleted)
            yield Item("post", message.id, version, partial(self._said, message))
        yield from self.traffic.items()
        world = self._world()
        yield Item("world", "world", world, lambda: world)

    def people(self) -> list[JsonObject]:
        """Return who is there, with what a client needs to know of its person."""
        roles = ("administrator", "operator", "viewer", "guest")
        return [
            {"key": key, "name": person.name, "mri": person.mri, "role": role}
            for (key, person), role in zip(self.world.by_name.items(), roles, strict=True)
        ]

    def _said(self, message: Message) -> JsonObject:
        base, _, root = message.conversation.partition(";messageid=")
        target = (message.activity.get("recipient") or {}).get("id")
        return {
            "id": message.id,
            "root": root or message.id,
            "at": datetime.fromtimestamp(int(message.id) / 1000, UTC).isoformat(),
            "from": "",
            "text": message.text,
            "summary": str(message.current.get("summary") or ""),
            "card": message.card,
            "revision": len(message.edits),
            "deleted": message.deleted,
            "only": target if message.is_targeted else None,
            "chat": self.sandbox.connector.owner(base),
        }

    def _world(self) -> JsonObject:
        return {
            "connectors": [dict(each) for each in self.world.connectors.records.values()],
            "statuses": sorted(self.world.connectors.collection.enums["status"]),
            "weather": self.sky.weather,
            "weathers": list(Weather),
            "ahead_s": self.clock.ahead.total_seconds(),
        }


def _written(activity: JsonObject) -> JsonObject:
    base, _, root = str(activity["conversation"]["id"]).partition(";messageid=")
    return {
        "id": activity["id"],
        "root": root or activity["id"],
        "at": activity["timestamp"],
        "from": activity["from"]["id"],
        "text": activity["said"],
        "summary": "",
        "card": None,
        "revision": 0,
        "deleted": False,
        "only": activity["from"]["id"] if activity["recipient"].get("isTargeted") else None,
        "chat": None if base.startswith("19:") else activity["from"]["id"],
    }


def _line(row: _Row) -> JsonObject:
    entry = row.entry
    return {
        "id": entry.id,
        "number": row.number,
        "part": row.part,
        "at": entry.at.isoformat(),
        "method": entry.method,
        "path": entry.path,
        "status": entry.status,
        "about": _about(row.part, entry.body),
    }


def _about(part: str, body: JsonObject) -> str:
    """Return a few words on what a request is about."""
    if part == "connector":
        return str(body.get("summary") or body.get("text") or "")
    if part != "bot":
        return ""
    who = str((body.get("from") or {}).get("name", ""))
    action = (body.get("value") or {}).get("action") or {}
    what = body.get("name") or body.get("text") or body.get("type")
    return " ".join(str(word) for word in (who, what, action.get("verb")) if word)
