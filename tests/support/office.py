"""The real use cases over a real SQLite store, with fakes for Graph, directory and Teams, no HTTP.

Fast enough for thousands of random conversations. Everything can be stopped and begun anew on the
same database, as after a crash.
"""

import copy
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeAlias

from pydantic import JsonValue

from bot.domain.command import Catalogue
from bot.domain.errors import GraphFault, GraphUnavailable
from bot.domain.kinds import KINDS
from bot.domain.operation import Actor
from bot.domain.outcome import Outcome
from bot.domain.policy import Person, Policy
from bot.domain.resource import Record, ResourceKind, Verb
from bot.sandbox.world import ADMINS, OPERATORS, TENANT
from bot.service.assembly import Means, assemble
from bot.service.ports import Page, Receipt, Reference, Request, Tenants, World
from bot.store.database import Database
from bot.store.store import SqlStore
from bot.teams.replies import Replies
from tests.support.stage import CountedIds, FakeClock
from tests.support.wall import Edited, Failed, Killed, Posted, Wall

LEASE_S = 30.0
BUSY_S = 60.0
OFFICE = Reference(
    TENANT, "https://smba.trafficmanager.net/amer/", "19:office@thread.v2", "groupChat"
)
GROUPS = {"operator": OPERATORS, "admin": ADMINS}


@dataclass(frozen=True, slots=True)
class Write:
    """One write as it arrived at Graph, and the state of the world at that moment."""

    request_id: str
    body: Mapping[str, JsonValue]
    at: datetime
    target: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Listed:
    """A look at all records, as they were; None: they could not be read."""

    at: datetime
    records: Mapping[str, Mapping[str, JsonValue]] | None


Records: TypeAlias = dict[str, dict[str, JsonValue]]
Entry: TypeAlias = Listed | Posted | Edited | Failed


@dataclass
class Graph:
    """Honours `ports.Resources` over two connectors.

    `dies` kills the process at the next write: `before` it arrives, or `after` it had its effect;
    `lost` are the ids of those that did not arrive. `tell` hears of every look at all of them.
    """

    clock: FakeClock
    records: Records
    writes: list[Write] = field(default_factory=list)
    is_readable: bool = True
    dies: str = ""
    lost: set[str] = field(default_factory=set)
    is_listed: bool = True
    tell: Callable[["Listed"], None] = lambda _: None

    async def list(self, kind: ResourceKind, *, patience_s: float | None = None) -> Page:
        found = copy.deepcopy(self.records) if self.is_listed else None
        self.tell(Listed(self.clock.now(), found))
        if found is None:
            raise GraphUnavailable(GraphFault(503, "ServiceUnavailable", ""))
        return Page(tuple(kind.record.model_validate(r) for r in self.records.values()))

    async def get(
        self, kind: ResourceKind, record_id: str, *, patience_s: float | None = None
    ) -> Record | None:
        if not self.is_readable:
            raise GraphUnavailable(GraphFault(503, "ServiceUnavailable", ""))
        found = self.records.get(record_id)
        return kind.record.model_validate(found) if found else None

    async def write(
        self,
        kind: ResourceKind,
        verb: Verb,
        *,
        record_id: str | None,
        body: Mapping[str, JsonValue] | None,
        client_request_id: str,
    ) -> Receipt:
        dies, self.dies = self.dies, ""
        if dies == "before":
            self.lost.add(client_request_id)
            raise Killed
        assert record_id is not None
        assert body is not None
        seen = dict(self.records[record_id])
        self.writes.append(Write(client_request_id, body, self.clock.now(), seen))
        self.records[record_id] |= {k: v for k, v in body.items() if not k.startswith("@")}
        if dies == "after":
            raise Killed
        return Receipt("graph-request")

    async def organization(self) -> str | None:
        return "Office"


class People:
    """Honours `ports.Directory`: who is in which group now."""

    def __init__(self, roles: Mapping[str, str]) -> None:
        self.roles = {oid: {role} for oid, role in roles.items()}

    async def person(
        self, tenant: str, oid: str, groups: frozenset[str], *, is_fresh: bool
    ) -> Person:
        held = frozenset(GROUPS[role] for role in self.roles[oid])
        return Person(oid, tenant, oid, is_guest=False, is_enabled=True, groups=held & groups)


@dataclass
class Rules:
    """Honours `ports.PolicySource`."""

    policy: Policy

    def current(self) -> Policy:
        return self.policy


@dataclass
class Ear:
    """Honours `ports.Answer` and keeps what the person was answered; None: a card answers."""

    outcome: Outcome | None = None

    async def show(self, outcome: Outcome) -> None:
        self.outcome = outcome

    def hold(self) -> None:
        """Nobody waits here."""

    @asynccontextmanager
    async def hand_over(self) -> AsyncIterator[str | None]:
        yield None


class Office:
    """The bot's use cases, their store and the world around them.

    `journal` is what Graph was asked for and what came to stand in Teams, in order.
    """

    def __init__(
        self,
        url: str,
        policy: Policy,
        people: Mapping[str, str],
        *,
        records: Records | None = None,
        watch_interval_s: float = 300.0,
        store: Callable[[Database], SqlStore] = SqlStore,
    ) -> None:
        self.clock = FakeClock()
        self.catalogue = Catalogue(KINDS)
        self.journal: list[Entry] = []
        tell = self.journal.append
        self.graph = Graph(self.clock, two_records() if records is None else records, tell=tell)
        self.people = People(people)
        self.rules = Rules(policy)
        replies = Replies(
            catalogue=self.catalogue, clock=self.clock, cloud="sandbox", tenant=lambda: "Office"
        )
        self.wall = Wall(replies, self.clock, tell)
        self._ids = CountedIds()
        self._url = url
        self._watch_interval_s = watch_interval_s
        self._store = store
        self.open()

    def open(self) -> None:
        """Begin, or begin anew, with nothing in memory."""
        # A machine that is busy must not look like a database that is: it would change the story.
        self.database = Database.open(self._url, clock=self.clock, lease_s=LEASE_S, busy_s=BUSY_S)
        self.store = self._store(self.database)
        world = World(self.store, self.graph, self.people, self.rules, self.clock, self._ids)
        self.use_cases = assemble(
            world,
            Means(
                catalogue=self.catalogue,
                tenants=Tenants(TENANT, frozenset({TENANT})),
                messenger=self.wall,
                sleep=self.clock.sleep,
                random=lambda: 0.5,
                observe_for=timedelta(minutes=15),
                watch_interval_s=self._watch_interval_s,
                lease_s=LEASE_S,
                is_read_only=False,
            ),
        )
        self.jobs = self.use_cases.runner

    async def close(self) -> None:
        """End, leaving what is on disk."""
        await self.database.close()

    async def asks(self, request: Request) -> Outcome | None:
        """Handle one request and return what the person was answered."""
        ear = Ear()
        await self.use_cases.turn.handle(request, ear)
        return ear.outcome


def two_records() -> Records:
    """Return two connectors that nobody has ever seen sync."""
    return {
        f"c{n}": {
            "id": f"c{n}",
            "serverName": f"EXCH0{n}",
            "version": "0",
            "lastSyncDateTime": "t0",
        }
        for n in (1, 2)
    }


def request(
    who: str,
    activity: str,
    *,
    text: str = "",
    press: Mapping[str, JsonValue] | None = None,
    place: Reference = OFFICE,
) -> Request:
    """Return what somebody asks by a message, or by a button."""
    reference = replace(place, reply_to=activity)
    return Request(Actor(TENANT, who, who), reference, activity, text, press)


async def empty_database(path: Path) -> Path:
    """Make a migrated database to be copied: copying is quicker than migrating."""
    database = Database.open(f"sqlite+aiosqlite:///{path}", clock=FakeClock())
    await database.migrate()
    await database.close()
    return path


def copied(template: Path, path: Path) -> str:
    """Copy a closed database and return the copy's URL."""
    shutil.copyfile(template, path)
    return f"sqlite+aiosqlite:///{path}"
