"""Trials of a bot that is killed: the world that survives it, where it is held, what it left."""

import asyncio
import logging
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bot.chance import SystemClock
from bot.cli.demo import APP_ID, SECRET
from bot.domain.audit import Verified
from bot.domain.operation import State
from bot.graph.trust import trusted
from bot.sandbox.connector import Message
from bot.sandbox.faults import Fault, FaultKind, Faults
from bot.sandbox.identity import Registration
from bot.sandbox.journal import JsonObject, LoggedRequest
from bot.sandbox.server import Sandbox
from bot.sandbox.terminal import lines_of
from bot.sandbox.world import TENANT, World, seed
from bot.store.database import Database
from bot.store.store import SqlStore
from cards import words
from tests.support.stage import Script, environment, private_key

log = logging.getLogger(__name__)
COLLECTION = "/deviceManagement/exchangeConnectors"
AT_ONCE = 6
REACH_S = 15.0
SETTLED_WITHIN_S = 60.0
AT_RANDOM = "at random"
LATE_REQUEST = "request arrives after the restart"
# Where the bot waits for Microsoft while it is killed from outside.
WAITS = (
    "request sent",
    LATE_REQUEST,
    "effect happened",
    "answer received",
    "card being posted",
    "card posted",
    "card being edited",
    "card edited",
)
OPEN = {"waiting", "approved", "executing", "done:pending", "done:partly-pending"}
FINAL = {
    text: State(key.partition(":")[0])
    for key, (text, _) in words.STATES.items()
    if key not in OPEN
}


@dataclass
class Trial:
    """One piece of work, one kill, one restart.

    `work` is a verb, or what becomes of an approval. A random moment is `delay_s` seconds after that
    many `requests` to Microsoft, so that moments are spread alike on slow machines. `orphans` are messages that were posted, but
    whose ids died with the process: Teams cannot be asked for them, so they are posted again.
    `died_at` says how far the work had come, as the database has it.
    """

    work: str
    point: str
    delay_s: float = 0.0
    requests: int = 0
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0
    orphans: int = 0
    ended: str = ""
    died_at: str = ""

    def expect(self, *, is_so: bool, wanted: str) -> None:
        if not is_so:
            self.problems.append(
                f"{self.work}, {self.point} {self.requests}+{self.delay_s:.3f}: {wanted}"
            )


@dataclass
class Scene:
    """The outside world of one trial, which survives the bot."""

    sandbox: Sandbox
    world: World
    http: httpx.AsyncClient
    settings: dict[str, str]

    async def deliver(self, url: str, activity: JsonObject) -> httpx.Response | None:
        """Deliver an activity as Teams does; None: there was no answer."""
        signed = {"Authorization": self.sandbox.identity.sign(self.sandbox.service_url)}
        try:
            return await self.http.post(
                f"{url}/api/messages", json=activity, headers=signed, timeout=REACH_S
            )
        except httpx.TransportError:
            return None

    def writes(self) -> list[LoggedRequest]:
        """Return the requests that change connectors, as Graph has them on record."""
        log = self.sandbox.graph.log
        return [e for e in log if e.path.startswith(COLLECTION) and e.method != "GET"]


@asynccontextmanager
async def set_up(folder: Path, script: Script) -> AsyncIterator[Scene]:
    """Run a sandbox in real time, and no bot yet."""
    sandbox = Sandbox(
        registration=Registration(APP_ID, TENANT, {APP_ID: SECRET}),
        now=SystemClock().now,
        new_id=lambda: str(uuid.uuid4()),
        key=private_key(),
    )
    # Nothing is kept open to a bot that is going to die.
    limits = httpx.Limits(max_keepalive_connections=0)
    async with (
        sandbox,
        httpx.AsyncClient(trust_env=False, verify=trusted(), limits=limits) as http,
    ):
        yield Scene(sandbox, seed(sandbox), http, environment(sandbox, folder, script))


def obstacle(scene: Scene, point: str, method: str) -> tuple[Faults, Fault] | None:
    """Return what keeps the bot waiting for Microsoft at one of `WAITS`, and on whose side."""
    graph, connector = scene.sandbox.graph.faults, scene.sandbox.connector.faults
    before, after = FaultKind.HANG, FaultKind.HANG_AFTER
    match point:
        case "request sent" | "request arrives after the restart":
            return graph, Fault(kind=before, method=method, path=COLLECTION)
        case "effect happened":
            return graph, Fault(kind=after, method=method, path=COLLECTION)
        case "answer received":
            is_back: Callable[[LoggedRequest], bool] = lambda _: is_answered(scene)  # noqa: E731
            return graph, Fault(kind=before, method="GET", path=COLLECTION, where=is_back)
        case "card being posted":
            return connector, Fault(kind=before, method="POST")
        case "card posted":
            return connector, Fault(kind=after, method="POST")
        case "card being edited":
            return connector, Fault(kind=before, method="PUT")
        case "card edited":
            return connector, Fault(kind=after, method="PUT")
        case _:
            return None


def is_answered(scene: Scene) -> bool:
    """Whether Graph has answered a write."""
    return any(entry.status for entry in scene.writes())


async def arrive_late(scene: Scene) -> None:
    """Let the dead bot's request take effect once its successor has looked for it in vain."""
    reads = len(scene.sandbox.graph.requests("GET", under=COLLECTION))

    def is_looked_for(_request: LoggedRequest) -> bool:
        return len(scene.sandbox.graph.requests("GET", under=COLLECTION)) > reads

    await scene.sandbox.graph.wait_for(is_looked_for, within_s=REACH_S)
    scene.sandbox.graph.faults.release()


async def wait_for_requests(scene: Scene, count: int, *, within_s: float) -> None:
    """Return when Microsoft has seen so many requests, or `within_s` seconds later."""
    parts = (scene.sandbox.graph, scene.sandbox.connector)

    def are_seen() -> bool | None:
        return sum(len(part.log) for part in parts) >= count or None

    looks = [
        asyncio.create_task(
            part.desk.journal.wait_for(are_seen, within_s=within_s, wanted=lambda: "requests")
        )
        for part in parts
    ]
    await asyncio.wait(looks, return_when=asyncio.FIRST_COMPLETED)
    for each in looks:
        each.cancel()
    await asyncio.gather(*looks, return_exceptions=True)


def title_of(message: Message) -> str:
    """Return the first line of a card."""
    lines = lines_of(message.card or {})
    return lines[0] if lines else ""


def state_of(message: Message) -> State | None:
    """Return the final state that a card shows, None while it shows none."""
    return FINAL.get(title_of(message).rpartition(" – ")[2])  # noqa: RUF001 - the title's own dash


@asynccontextmanager
async def opened(scene: Scene) -> AsyncIterator[SqlStore]:
    """Look into the bot's database, beside it or after it."""
    database = Database.open(scene.settings["BOT_DATABASE_URL"], clock=SystemClock())
    try:
        yield SqlStore(database)
    finally:
        await database.close()


async def verify_audit(trial: Trial, store: SqlStore) -> None:
    verdict = await store.verify_audit()
    trial.expect(is_so=isinstance(verdict, Verified), wanted=f"the audit is broken: {verdict}")


async def perform_all(
    trials: Iterable[Trial], folder: Path, perform: Callable[[Trial, Path], Awaitable[Trial]]
) -> list[Trial]:
    """Perform the trials, a few at a time, each in a folder of its own."""
    seats = asyncio.Semaphore(AT_ONCE)

    async def seated(number: int, trial: Trial) -> Trial:
        own = folder / str(number)
        own.mkdir()
        async with seats:
            return await perform(trial, own)

    ended = list(await asyncio.gather(*(seated(*one) for one in enumerate(trials))))
    tell(ended)
    return ended


def tell(trials: list[Trial]) -> None:
    """Log figures; `--log-cli-level=info` shows them."""
    ends = Counter((trial.work, trial.ended) for trial in trials)
    deaths = Counter(trial.died_at for trial in trials if trial.died_at)
    worst = max((trial.seconds for trial in trials), default=0.0)
    orphans = sum(trial.orphans for trial in trials)
    log.info("%d kills, slowest %.1f s, orphans %d: %s", len(trials), worst, orphans, dict(ends))
    for trial in trials:
        if trial.problems:
            log.info("%s: %s", trial, trial.problems)
    if deaths:
        log.info("killed when it was %s", dict(deaths))


def problems_of(trials: list[Trial]) -> list[str]:
    slow = [t for t in trials if t.seconds > SETTLED_WITHIN_S]
    return [*(p for t in trials for p in t.problems), *(f"too slow: {t}" for t in slow)]
