"""How fast one incident reaches 5,000 channels when Teams' limits are enforced and a replica dies.

    python tests/bench/fanout.py [--channels 5000] [--engine postgresql|sqlite]

The sandbox's connector answers 429 beyond Teams' limits. Two replicas share a new database on
the PostgreSQL at 127.0.0.1:5432, and one of them is killed with SIGKILL half-way; on SQLite there
is one, killed and started anew. Prints the share of the allowed maximum, and what went wrong.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from bot import logs
from bot.chance import SystemClock
from bot.cli.demo import APP_ID, POLICY, SECRET
from bot.sandbox.identity import Registration
from bot.sandbox.limits import PER_TENANT
from bot.sandbox.server import Sandbox
from bot.sandbox.world import TENANT, World, seed
from bot.service.fanout import NOTICE_JOB
from bot.store.database import Database
from bot.store.store import SqlStore
from tests.bench.turns import cpu_s, free_port, ready
from tests.support.audience import channels as roots, subscribe
from tests.support.databases import fresh_url

LEAST_SHARE = 0.9
LOOK_S = 0.25
MOST_S = 600.0
NAME = "EXCH05"


@dataclass(frozen=True)
class Place:
    """Where everything of one run is."""

    sandbox: Sandbox
    world: World
    http: httpx.AsyncClient
    environment: Mapping[str, str]
    store: SqlStore

    @property
    def sent(self) -> int:
        return self.sandbox.connector.limits.admitted


@asynccontextmanager
async def opened(url: str, folder: str) -> AsyncIterator[Place]:
    """Run a sandbox that enforces the limits, and open the replicas' database."""
    sandbox = Sandbox(
        registration=Registration(APP_ID, TENANT, {APP_ID: SECRET}),
        now=lambda: datetime.now(UTC),
        new_id=lambda: str(uuid.uuid4()),
    )
    policy = Path(folder, "policy.toml")
    policy.write_text(POLICY, "utf-8")  # noqa: ASYNC240 - nothing runs yet
    async with sandbox, httpx.AsyncClient(trust_env=False) as http:
        world = seed(sandbox)
        sandbox.connector.limits.is_on = True
        environment = {
            "MicrosoftAppId": APP_ID,
            "MicrosoftAppPassword": SECRET,
            "MicrosoftAppTenantId": TENANT,
            "BOT_CLOUD": "sandbox",
            "BOT_SANDBOX_URL": sandbox.url,
            "BOT_DATABASE_URL": url,
            "BOT_POLICY_FILE": str(policy),
            "BOT_WATCH_INTERVAL": "5",
            "BOT_LOG_LEVEL": "ERROR",
        }
        database = Database.open(url, clock=SystemClock())
        try:
            await database.migrate()
            yield Place(sandbox, world, http, environment, SqlStore(database))
        finally:
            await database.close()


async def start(place: Place) -> asyncio.subprocess.Process:
    """Start a replica and return once it serves."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "serve"),
        env={**os.environ, **place.environment, "BOT_PORT": str(port)},
        cwd=ROOT,
    )
    await ready(f"http://127.0.0.1:{port}/healthz", place.http)
    return process


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(MOST_S):
        while not await is_so():  # noqa: ASYNC110 - what another process does has no event here
            await asyncio.sleep(LOOK_S)


async def break_one(place: Place) -> None:
    """Break a connector once it was seen whole."""

    async def is_seen() -> bool:
        return (await place.store.seen("exchange")).snapshot is not None

    await until(is_seen)
    connectors = place.world.connectors
    connectors.change(place.world.id_of(NAME), {"status": "disconnected"})


async def tell(place: Place, channels: int, *, is_alone: bool) -> list[float]:
    """Let every channel be told while a replica dies; return the CPU seconds of each survivor."""
    replicas = [await start(place) for _ in range(1 if is_alone else 2)]
    try:
        await break_one(place)

        async def is_half_told() -> bool:
            return place.sent >= channels / 2

        async def is_over() -> bool:
            if any(replica.returncode is not None for replica in replicas):
                raise ChildProcessError("a replica ended that nobody here has killed")
            return place.sent >= channels and await place.store.next_due([NOTICE_JOB]) is None

        await until(is_half_told)
        first = replicas.pop(0)
        first.kill()
        await first.wait()
        print(f"killed one replica after {place.sent:,} messages", flush=True)
        if is_alone:
            replicas.append(await start(place))
        await until(is_over)
        return [cpu_s(replica.pid) for replica in replicas]
    finally:
        for replica in replicas:
            replica.terminate()
            await replica.wait()


def report(place: Place, channels: int) -> bool:
    """Print what came of it; True when everything is as it must be."""
    messages = place.sandbox.connector.messages()
    times = sorted(e.at for e in place.sandbox.connector.log if e.status == 201)
    took_s = (times[-1] - times[0]).total_seconds()
    per_channel = Counter(m.conversation for m in messages if NAME in str(m.card))
    lost = channels - len(per_channel)
    twice = sum(count - 1 for count in per_channel.values())
    violations = len(place.sandbox.connector.limits.violations)
    rate = len(messages) / took_s
    share = rate / (PER_TENANT[0].count / PER_TENANT[0].period_s)
    print(f"messages                       {len(messages):8,} in {took_s:.1f} s")
    print(f"messages per second            {rate:8.2f}")
    verdict = "ok" if share >= LEAST_SHARE else "UNDER"
    print(
        f"share of the allowed maximum   {share:8.1%}   target {LEAST_SHARE:.0%} or more: {verdict}"
    )
    print(f"violations of Teams' limits    {violations:8}   {'OVER' if violations else 'ok'}")
    print(f"channels that were not told    {lost:8}   {'OVER' if lost else 'ok'}")
    print(f"told twice, by the crash       {twice:8}", flush=True)
    return share >= LEAST_SHARE and not violations and not lost


async def main(channels: int, engine: str) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        async with fresh_url(engine, Path(folder)) as url, opened(url, folder) as place:
            started = time.perf_counter()
            await subscribe(place.store, place.sandbox, roots(channels))
            print(f"{channels:,} channels subscribed in {time.perf_counter() - started:.1f} s")
            used = await tell(place, channels, is_alone=engine == "sqlite")
            print(f"CPU seconds of the survivor    {used[0]:8.1f}")
            return report(place, channels)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--channels", type=int, default=5000)
    parser.add_argument("--engine", choices=("postgresql", "sqlite"), default="postgresql")
    options = parser.parse_args()
    logs.configure("ERROR")
    sys.exit(0 if asyncio.run(main(options.channels, options.engine)) else 1)
