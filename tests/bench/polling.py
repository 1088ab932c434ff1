"""What looking at 100, 1,000 and 10,000 connectors costs: CPU, memory, and how long people wait.

    python tests/bench/polling.py [--connectors 100 1000 10000] [--looks 10] [--engine sqlite]

A whole bot in a process of its own takes looks at a sandbox in this one: ten while nothing changes,
then ten while 1 % of the connectors do. Its event loop, which also answers people, has a heartbeat.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from bot import logs
from bot.app import Bot, serve
from bot.cli.demo import APP_ID, POLICY, SECRET
from bot.sandbox.collection import graph_time
from bot.sandbox.identity import Registration
from bot.sandbox.server import Sandbox
from bot.sandbox.world import EXCHANGE_CONNECTORS, TENANT, seed
from bot.service.watching import WATCH_JOB
from bot.settings import Settings
from tests.support.databases import fresh_url

MOST_GROWTH, MOST_BLOCKED_MS = 0.10, 100.0
BEAT_S = 0.002
STEP_S = 0.01
CHANGED = 0.01
KIND = "exchange"
LATER = timedelta(hours=1)


@dataclass(frozen=True)
class Look:
    """One look: CPU and time it took, the longest the loop did nothing else, memory afterwards."""

    cpu_ms: float
    took_ms: float
    blocked_cpu_ms: float
    blocked_ms: float
    rss_mb: float


class Heart:
    """Beats on the event loop; what keeps it from beating keeps people waiting."""

    def __init__(self) -> None:
        self.blocked_s = self.blocked_cpu_s = 0.0

    async def beat(self) -> None:
        while True:
            at, cpu = time.perf_counter(), time.thread_time()
            await asyncio.sleep(BEAT_S)
            self.blocked_s = max(self.blocked_s, time.perf_counter() - at - BEAT_S)
            self.blocked_cpu_s = max(self.blocked_cpu_s, time.thread_time() - cpu)


def rss_mb() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


async def take(bot: Bot) -> Look:
    """Let the bot take a look now."""
    heart = Heart()
    beating = asyncio.create_task(heart.beat())
    cpu, at = time.process_time(), time.perf_counter()
    async with bot.store.begin() as tx:
        await tx.add_jobs(WATCH_JOB, {KIND: bot.clock.now()})
    bot.runner.wake()
    await rested(bot)
    beating.cancel()
    return Look(
        (time.process_time() - cpu) * 1000,
        (time.perf_counter() - at) * 1000,
        heart.blocked_cpu_s * 1000,
        heart.blocked_s * 1000,
        rss_mb(),
    )


async def rested(bot: Bot) -> None:
    """Return once the next look is far ahead."""

    async def is_far() -> bool:
        due = await bot.store.next_due([WATCH_JOB])
        return due is not None and due > bot.clock.now() + LATER

    while not await is_far():  # noqa: ASYNC110 - the end of a look has no event
        await asyncio.sleep(STEP_S)


async def look() -> None:
    """Serve, take a look for every line that comes in, and say what it cost."""
    logs.configure("ERROR")
    bot, over, started = Bot(Settings.read(os.environ)), asyncio.Event(), asyncio.Event()
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin
    )
    async with asyncio.TaskGroup() as group:
        _ = group.create_task(serve(bot, until=over, ready=lambda _: started.set()))
        await started.wait()
        await rested(bot)
        print(json.dumps({"rss_mb": rss_mb()}), flush=True)
        while await lines.readline():
            print(json.dumps(asdict(await take(bot))), flush=True)
        over.set()


@asynccontextmanager
async def serving(environment: Mapping[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, __file__, "--look"),
        env={**os.environ, **environment},
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        assert process.stdin
        process.stdin.close()
        await process.wait()


async def asked(process: asyncio.subprocess.Process) -> Look:
    assert process.stdin
    assert process.stdout
    process.stdin.write(b"look\n")
    await process.stdin.drain()
    return Look(**json.loads(await process.stdout.readline()))


async def measure(count: int, looks: int, engine: str) -> float:
    """Print what looking at so many connectors costs; return CPU milliseconds of a calm look."""
    sandbox = Sandbox(
        registration=Registration(APP_ID, TENANT, {APP_ID: SECRET}),
        now=lambda: datetime.now(UTC),
        new_id=lambda: str(uuid.uuid4()),
    )
    with tempfile.TemporaryDirectory() as folder:
        policy = Path(folder, "policy.toml")
        policy.write_text(POLICY, "utf-8")  # noqa: ASYNC240 - nothing runs yet
        async with sandbox, fresh_url(engine, Path(folder)) as url:
            seed(sandbox)
            table = sandbox.graph.declare(EXCHANGE_CONNECTORS)
            ids = [
                table.add(
                    {
                        "serverName": f"EXCH{number:05}",
                        "connectorServerName": f"INTUNE-GW{number:05}",
                        "status": "connected",
                        "exchangeConnectorType": "hosted",
                        "lastSyncDateTime": graph_time(datetime.now(UTC)),
                        "version": "15.2.1118.7",
                        "exchangeAlias": f"mail{number:05}",
                        "exchangeOrganization": "Contoso Lab",
                    }
                )["id"]
                for number in range(count)
            ]
            environment = {
                "MicrosoftAppId": APP_ID,
                "MicrosoftAppPassword": SECRET,
                "MicrosoftAppTenantId": TENANT,
                "BOT_CLOUD": "sandbox",
                "BOT_SANDBOX_URL": sandbox.url,
                "BOT_DATABASE_URL": url,
                "BOT_POLICY_FILE": str(policy),
                "BOT_WATCH_INTERVAL": "86400",
                "BOT_PORT": "0",
            }
            async with serving(environment) as process:
                assert process.stdout
                await process.stdout.readline()
                calm = [await asked(process) for _ in range(looks)]
                busy = []
                for turn in range(looks):
                    some = max(1, int(count * CHANGED))
                    for step in range(some):
                        record = ids[(turn * some + step) % count]
                        table.change(record, {"version": f"15.2.{turn}"})
                    busy.append(await asked(process))
    told(f"{count:,} connectors, nothing changes", calm, count)
    told(f"{count:,} connectors, 1 % change", busy, count)
    return statistics.median(look.cpu_ms for look in calm)


def told(name: str, looks: list[Look], count: int) -> None:
    cpu = statistics.median(look.cpu_ms for look in looks)
    first, last = looks[0].rss_mb, looks[-1].rss_mb
    growth = last / first - 1
    blocked = statistics.median(look.blocked_cpu_ms for look in looks)
    worst = max(look.blocked_cpu_ms for look in looks)
    waited = statistics.median(look.blocked_ms for look in looks)
    print(f"{name}")
    print(f"  CPU per look, median          {cpu:9.1f} ms   {cpu / count * 1000:7.1f} us each")
    print(f"  time per look, median         {statistics.median(k.took_ms for k in looks):9.1f} ms")
    verdict = "ok" if growth <= MOST_GROWTH else "OVER"
    print(
        f"  memory, look 1 and {len(looks):2}         {first:9.1f} MB   {last:.1f} MB: {verdict}"
    )
    verdict = "ok" if blocked <= MOST_BLOCKED_MS else "OVER"
    print(f"  loop kept busy at a stretch   {blocked:9.1f} ms   worst {worst:.1f} ms: {verdict}")
    print(f"  heartbeat late, median        {waited:9.1f} ms", flush=True)


async def main(counts: list[int], looks: int, engine: str) -> None:
    costs = {count: await measure(count, looks, engine) for count in counts}
    base, *others = counts
    for count in others:
        ratio = costs[count] / costs[base]
        print(f"{count // base} times the connectors cost {ratio:.1f} times the CPU")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--connectors", type=int, nargs="+", default=[100, 1000, 10_000])
    parser.add_argument("--looks", type=int, default=10)
    parser.add_argument("--engine", choices=("postgresql", "sqlite"), default="sqlite")
    parser.add_argument("--look", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.look:
        asyncio.run(look())
    else:
        asyncio.run(main(options.connectors, options.looks, options.engine))
