"""The real use cases over a real SQLite store, with fakes for Graph, directory and Teams, no HTTP.

Fast enough for thousands of random conversations. Everything can be stopped and begun anew on the
same database, as after a crash.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import JsonValue

from bot.domain.command import Catalogue
from bot.domain.errors import GraphFault, GraphUnavailable
from bot.domain.kinds import KINDS
from bot.domain.operation import Actor
from bot.domain.outcome import Outcome
from bot.domain.policy import Person, Policy
from bot.domain.resource import Record, ResourceKind, Verb
from bot.sandbox.terminal import lines_of
from bot.sandbox.world import ADMINS, OPERATORS, TENANT
from bot.service.approvals import Approvals
from bot.service.controls import Controls
from bot.service.execution import (
    EXECUTE_JOB,
    EXPIRE_JOB,
    OBSERVE_JOB,
    REMIND_JOB,
    TELL_JOB,
    Execution,
)
from bot.service.farside import FarSide
from bot.service.jobs import Runner
from bot.service.notify import CARD_JOB, CardOutbox
from bot.service.operations import Operations
from bot.service.ports import Page, Receipt, Reference, Request, World
from bot.service.reads import Reads
from bot.service.recheck import Recheck
from bot.service.turn import Turn
from bot.service.writes import Writes
from bot.store.database import Database
from bot.store.store import SqlStore
from bot.teams.replies import Replies
from tests.support.stage import CountedIds, FakeClock

LEASE_S = 30.0
OFFICE = Reference(
    TENANT, "https://smba.trafficmanager.net/amer/", "19:office@thread.v2", "groupChat"
)
GROUPS = {"operator": OPERATORS, "admin": ADMINS}


class Killed(BaseException):
    """The process died at this point: nothing behind it may run."""


@dataclass(frozen=True, slots=True)
class Write:
    """One write as it arrived at Graph, and the state of the world at that moment."""

    request_id: str
    body: Mapping[str, JsonValue]
    at: datetime
    target: Mapping[str, JsonValue]


@dataclass
class Graph:
    """Honours `ports.Resources` over two connectors.

    `dies` kills the process at the next write: `before` it arrives, or `after` it had its effect;
    `lost` are the ids of those that did not arrive.
    """

    clock: FakeClock
    records: dict[str, dict[str, JsonValue]]
    writes: list[Write] = field(default_factory=list)
    is_readable: bool = True
    dies: str = ""
    lost: set[str] = field(default_factory=set)

    async def list(self, kind: ResourceKind) -> Page:
        return Page(tuple(kind.record.model_validate(r) for r in self.records.values()))

    async def get(self, kind: ResourceKind, record_id: str) -> Record | None:
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


class Wall:
    """Honours `ports.Messenger`: what hangs there, as people read it now."""

    def __init__(self, replies: Replies) -> None:
        self._replies = replies
        self.messages: list[str] = []

    async def post(self, reference: Reference, outcome: Outcome) -> str:
        self.messages.append(self._text(outcome))
        return str(len(self.messages))

    async def edit(self, reference: Reference, activity_id: str, outcome: Outcome) -> None:
        self.messages[int(activity_id) - 1] = self._text(outcome)

    async def members(self, reference: Reference) -> tuple[str, ...]:
        return ()

    def _text(self, outcome: Outcome) -> str:
        return "\n".join(lines_of(self._replies.render(outcome).payload()))


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
    """The bot's use cases, their store and the world around them."""

    def __init__(self, url: str, policy: Policy, people: Mapping[str, str]) -> None:
        self.clock = FakeClock()
        self.catalogue = Catalogue(KINDS)
        names = {f"c{n}": f"EXCH0{n}" for n in (1, 2)}
        self.graph = Graph(
            self.clock,
            {
                key: {"id": key, "serverName": name, "version": "0", "lastSyncDateTime": "t0"}
                for key, name in names.items()
            },
        )
        self.people = People(people)
        self.rules = Rules(policy)
        replies = Replies(
            catalogue=self.catalogue, clock=self.clock, cloud="sandbox", tenant=lambda: "Office"
        )
        self.wall = Wall(replies)
        self._ids = CountedIds()
        self._url = url
        self.open()

    def open(self) -> None:
        """Begin, or begin anew, with nothing in memory."""
        self.database = Database.open(self._url, clock=self.clock, lease_s=LEASE_S)
        self.store = SqlStore(self.database)
        world = World(self.store, self.graph, self.people, self.rules, self.clock, self._ids)
        far_side = FarSide(resources=self.graph, sleep=lambda _seconds: asyncio.sleep(0))
        execution = Execution(
            world,
            catalogue=self.catalogue,
            far_side=far_side,
            observe_for=timedelta(minutes=15),
            recheck=Recheck(world, catalogue=self.catalogue, is_read_only=False),
        )
        outbox = CardOutbox(
            store=self.store, messenger=self.wall, clock=self.clock, catalogue=self.catalogue
        )
        approvals = Approvals(world, catalogue=self.catalogue, wake=lambda: None)
        self.jobs = Runner(
            store=self.store,
            clock=self.clock,
            handlers={
                EXECUTE_JOB: execution.execute,
                OBSERVE_JOB: execution.observe,
                CARD_JOB: outbox.show,
                TELL_JOB: outbox.tell,
                EXPIRE_JOB: approvals.expire,
                REMIND_JOB: approvals.remind,
            },
            lease_s=LEASE_S,
        )
        operations = Operations(world, catalogue=self.catalogue)
        reads = Reads(world, catalogue=self.catalogue)
        controls = Controls(
            world,
            catalogue=self.catalogue,
            operations=operations,
            wake=lambda: None,
            is_read_only=False,
        )
        self._turn = Turn(
            world,
            catalogue=self.catalogue,
            reads=reads,
            writes=Writes(world, reads=reads, operations=operations, controls=controls),
            approvals=approvals,
            controls=controls,
        )

    async def close(self) -> None:
        """End, leaving what is on disk."""
        await self.database.close()

    async def asks(self, request: Request) -> Outcome | None:
        """Handle one request and return what the person was answered."""
        ear = Ear()
        await self._turn.handle(request, ear)
        return ear.outcome


def request(
    who: str, activity: str, *, text: str = "", press: Mapping[str, JsonValue] | None = None
) -> Request:
    """Return what somebody asks by a message, or by a button."""
    reference = Reference(
        OFFICE.tenant, OFFICE.service_url, OFFICE.conversation, OFFICE.kind, activity
    )
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
