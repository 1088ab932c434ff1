"""What 10,000 pending approvals cost a bot that serves: memory, idle CPU, and time to answer.

    python tests/bench/pending.py [--pending 10000] [--expiring 1000] [--idle 20] [--database URL]

The same bot is measured on the same database with nothing pending and with everything pending,
beside the budget. `--database` is an empty PostgreSQL database; without it a SQLite file is made.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from sqlalchemy import func, select

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from bot import logs
from bot.chance import RandomIds, SystemClock
from bot.cli.demo import APP_ID, POLICY, SECRET
from bot.domain.approval import Approval
from bot.domain.operation import Operation, State
from bot.sandbox.identity import Registration
from bot.sandbox.people import Person
from bot.sandbox.server import Sandbox
from bot.sandbox.world import TENANT, World, seed
from bot.service.execution import EXPIRE_JOB, TELL_JOB
from bot.service.notify import CARD_JOB
from bot.service.ports import AuditRecord, Card
from bot.store import tables
from bot.store.database import Database
from bot.store.store import SqlStore
from tests.bench.turns import cpu_s, free_port, ready

MOST_MB, MOST_SHARE = 100.0, 0.03
AT_ONCE = 100
WARM_S = 3.0
LOOK_S = 0.05
SOON = timedelta(seconds=5)
UPDATE = "/exchange update EXCH01 version=15.9"
RULE = """
[[approval]]
commands  = ["exchange:update"]
approvers = ["admin"]
expires   = "4h"
"""


@dataclass(frozen=True)
class Place:
    """Where everything of one run is."""

    sandbox: Sandbox
    world: World
    http: httpx.AsyncClient
    environment: dict[str, str]
    store: SqlStore
    database: Database


@dataclass(frozen=True)
class Serving:
    """A bot that serves in a process of its own."""

    place: Place
    pid: int

    async def says(self, who: Person, text: str) -> float:
        """Type a command and return the seconds until the bot had answered it."""
        place = self.place
        header = {"Authorization": place.sandbox.identity.sign(place.sandbox.service_url)}
        activity = place.sandbox.teams().message(who, place.world.channel, text)
        started = time.perf_counter()
        answer = await place.http.post(_url(place), json=activity, headers=header, timeout=30)
        answer.raise_for_status()
        return time.perf_counter() - started

    def memory_mb(self, line: str = "VmRSS") -> float:
        """Return what the system says of the process's memory; `VmHWM` is the most it had."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition(f"{line}:")[2].split()[0]) / 1024

    async def share(self, seconds: float) -> float:
        """Return the part of one core that the process uses while nobody asks for anything."""
        before, started = cpu_s(self.pid), time.perf_counter()
        await asyncio.sleep(seconds)
        return (cpu_s(self.pid) - before) / (time.perf_counter() - started)


def _url(place: Place) -> str:
    return f"http://127.0.0.1:{place.environment['BOT_PORT']}/api/messages"


@asynccontextmanager
async def serving(place: Place) -> AsyncIterator[Serving]:
    """Run the bot until the block ends; it has answered one command and is at rest."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "serve"),
        env={**os.environ, **place.environment},
        cwd=ROOT,
    )
    try:
        await ready(_url(place), place.http)
        running = Serving(place, process.pid)
        await running.says(place.world.oli, "/help")
        await asyncio.sleep(WARM_S)
        yield running
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def opened(url: str | None) -> AsyncIterator[Place]:
    """Run a sandbox and open the bot's database beside the bot."""
    sandbox = Sandbox(
        registration=Registration(APP_ID, TENANT, {APP_ID: SECRET}),
        now=lambda: datetime.now(UTC),
        new_id=lambda: str(uuid.uuid4()),
    )
    with tempfile.TemporaryDirectory() as folder:
        policy = Path(folder, "policy.toml")
        policy.write_text(POLICY + RULE, "utf-8")  # noqa: ASYNC240 - nothing runs yet
        async with sandbox, httpx.AsyncClient(trust_env=False) as http:
            world = seed(sandbox)
            environment = {
                "MicrosoftAppId": APP_ID,
                "MicrosoftAppPassword": SECRET,
                "MicrosoftAppTenantId": TENANT,
                "BOT_CLOUD": "sandbox",
                "BOT_SANDBOX_URL": sandbox.url,
                "BOT_DATABASE_URL": url or f"sqlite:///{folder}/bench.db",
                "BOT_POLICY_FILE": str(policy),
                "BOT_PORT": str(free_port()),
                "BOT_RATE_LIMIT": "0",
                "BOT_TENANT_RATE_LIMIT": "0",
                "BOT_LOG_LEVEL": "ERROR",
            }
            database = Database.open(environment["BOT_DATABASE_URL"], clock=SystemClock())
            try:
                yield Place(sandbox, world, http, environment, SqlStore(database), database)
            finally:
                await database.close()


async def fill(place: Place, count: int) -> Sequence[tuple[Operation, Approval]]:
    """Add `count` approvals like the one that waits, all of whose cards stand in Teams."""
    store, ids = place.store, RandomIds()
    (operation,) = await store.operations(tenant=None, target=None, offset=0, limit=1)
    approval = await store.approval(operation.id)
    card = await store.card(operation.id)
    if approval is None or card is None or card.activity_id is None:
        raise LookupError(operation.id)
    made: list[tuple[Operation, Approval]] = []
    while len(made) < count:
        async with store.begin() as tx:
            for _ in range(min(AT_ONCE, count - len(made))):
                new = ids.new()
                plan = replace(operation.plan, target_id=str(uuid.uuid4()))
                asked = replace(operation, id=new, short=new[:10], plan=plan)
                waits = replace(approval, operation_id=new)
                made.append((asked, waits))
                await tx.add_operation(asked, str(uuid.uuid4()))
                await tx.append_audit(
                    AuditRecord(
                        "operation requested", asked.actor, new, {"command": asked.command}
                    )
                )
                await tx.add_card(Card(new, card.reference, card.activity_id, 1, 0))
                await tx.card_shown(new, activity_id=card.activity_id, revision=1)
                await tx.add_approval(waits)
                await tx.add_job(EXPIRE_JOB, new, waits.expires_at)
        shown = await store.claim_jobs([CARD_JOB], AT_ONCE)
        async with store.begin() as tx:
            for job in shown:
                await tx.finish_job(job)
    return made


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    while not await is_so():  # noqa: ASYNC110 - what another process does has no event here
        await asyncio.sleep(LOOK_S)


async def count(place: Place, state: State) -> int:
    table = tables.operation
    async with place.database.read() as session:
        row = await session.first(
            select(func.count().label("n")).select_from(table).where(table.c.state == state)
        )
    return int(row["n"]) if row else 0


async def is_told(place: Place) -> bool:
    """Whether every card stands as it should, and every asker knows."""
    return await place.store.next_due([CARD_JOB, TELL_JOB]) is None


async def expire(place: Place, made: Sequence[tuple[Operation, Approval]]) -> tuple[float, float]:
    """Let these lapse at one instant; return the seconds until all had ended, and were told."""
    soon = datetime.now(UTC) + SOON
    async with place.store.begin() as tx:
        for operation, approval in made:
            await tx.save_approval(replace(approval, expires_at=soon))
            await tx.add_job(EXPIRE_JOB, operation.id, soon)

    async def has_ended() -> bool:
        return await count(place, State.EXPIRED) >= len(made)

    await until(has_ended)
    ended = datetime.now(UTC) - soon
    await until(lambda: is_told(place))
    return ended.total_seconds(), (datetime.now(UTC) - soon).total_seconds()


def told(name: str, value: float, unit: str, most: float | None = None) -> None:
    verdict = (
        "" if most is None else f"   budget {most:g} {unit}: {'ok' if value <= most else 'OVER'}"
    )
    print(f"{name:44} {value:9.2f} {unit}{verdict}", flush=True)


async def main(pending: int, expiring: int, idle_s: float, url: str | None) -> None:
    async with opened(url) as place:
        async with serving(place) as bot:
            told("nothing pending: memory", bot.memory_mb(), "MB")
            told("nothing pending: idle CPU", await bot.share(idle_s) * 100, "% of a core")
            await bot.says(place.world.oli, UPDATE)
            await until(lambda: is_told(place))
            (asked,) = await place.store.operations(tenant=None, target=None, offset=0, limit=1)
        made = await fill(place, pending - 1)
        async with serving(place) as bot:
            name = f"{pending:,} pending"
            share = await bot.share(idle_s) * 100
            told(f"{name}: memory", bot.memory_mb(), "MB", MOST_MB)
            told(f"{name}: idle CPU", share, "% of a core", MOST_SHARE * 100)
            await measure(bot, name, asked)
            ended, settled = await expire(place, made[:expiring])
            told(f"{expiring:,} lapse at once: all ended after", ended, "s")
            told(f"{expiring:,} lapse at once: all told after", settled, "s")
            told("in the end: memory", bot.memory_mb(), "MB", MOST_MB)
            told("most ever: memory", bot.memory_mb("VmHWM"), "MB", MOST_MB)


async def measure(bot: Serving, name: str, asked: Operation) -> None:
    """Time the commands that meet everything that is pending."""
    place = bot.place
    ada, oli = place.world.ada, place.world.oli
    times = [await bot.says(ada, "/approvals") for _ in range(5)]
    told(f"{name}: /approvals, median of 5", sorted(times)[2] * 1000, "ms")
    times = [
        await bot.says(oli, f"/exchange update {server} version=15.9")
        for server in ("EXCH02", "EXCH03", "EXCH05")
    ]
    told(f"{name}: one more request, median of 3", sorted(times)[1] * 1000, "ms")
    started = time.perf_counter()
    told(f"{name}: one vote", await bot.says(ada, f"/approve {asked.short}") * 1000, "ms")

    async def is_done() -> bool:
        return await count(place, State.DONE) > 0

    await until(is_done)
    told(f"{name}: from the vote to done", (time.perf_counter() - started) * 1000, "ms")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--pending", type=int, default=10_000)
    parser.add_argument("--expiring", type=int, default=1_000)
    parser.add_argument("--idle", type=float, default=20.0)
    parser.add_argument("--database", default=None)
    options = parser.parse_args()
    logs.configure("ERROR")
    asyncio.run(main(options.pending, options.expiring, options.idle, options.database))
