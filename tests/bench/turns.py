"""What one activity costs beside a bare aiohttp + PyJWT echo, side by side in one run.

    python tests/bench/turns.py [--activities 2000] [--rounds 3]

Prints CPU milliseconds per activity (of the bot's process alone, medians of interleaved rounds),
the ratio to the baseline, and new connections and tokens per activity counted at the sandbox.
"""

import argparse
import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from bot.cli.demo import APP_ID, SECRET, settings_of
from bot.sandbox.identity import Registration
from bot.sandbox.server import Sandbox
from bot.sandbox.world import TENANT, seed

AT_ONCE = 16


def cpu_s(pid: int) -> float:
    """Return the CPU seconds a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Target:
    """A process to measure."""

    def __init__(self, name: str, command: list[str], env: Mapping[str, str], port: int) -> None:
        self.name = name
        self.url = f"http://127.0.0.1:{port}/api/messages"
        self.process = subprocess.Popen(command, env={**os.environ, **env}, cwd=ROOT)
        self.costs: list[float] = []


async def load(
    target: Target, sandbox: Sandbox, text: str, count: int, http: httpx.AsyncClient
) -> float:
    """Send `count` activities and return CPU milliseconds per activity."""
    world = seed_once(sandbox)
    teams = sandbox.teams()
    header = {"Authorization": sandbox.identity.sign(sandbox.service_url)}
    people = world.people[:3]
    waiting = [teams.message(people[n % 3], world.channel, text) for n in range(count)]
    before = cpu_s(target.process.pid)

    async def work() -> None:
        while waiting:
            answer = await http.post(target.url, json=waiting.pop(), headers=header, timeout=30)
            answer.raise_for_status()

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    await asyncio.sleep(0)
    return (cpu_s(target.process.pid) - before) * 1000 / count


_worlds: dict[int, object] = {}


def seed_once(sandbox: Sandbox):  # type: ignore[no-untyped-def]  # a script's memo
    if id(sandbox) not in _worlds:
        _worlds[id(sandbox)] = seed(sandbox)
    return _worlds[id(sandbox)]


async def ready(url: str, http: httpx.AsyncClient) -> None:
    for _ in range(200):
        try:
            await http.get(url)
        except httpx.TransportError:
            await asyncio.sleep(0.05)
        else:
            return


async def main(activities: int, rounds: int) -> None:
    sandbox = Sandbox(
        registration=Registration(APP_ID, TENANT, {APP_ID: SECRET}),
        now=lambda: datetime.now(UTC),
        new_id=lambda: str(uuid.uuid4()),
    )
    async with sandbox, httpx.AsyncClient(trust_env=False) as http:
        seed_once(sandbox)
        with tempfile.TemporaryDirectory() as folder:
            bare_port, bot_port = free_port(), free_port()
            settings_of(sandbox, Path(folder))
            env = {
                "MicrosoftAppId": APP_ID,
                "MicrosoftAppPassword": SECRET,
                "MicrosoftAppTenantId": TENANT,
                "BOT_CLOUD": "sandbox",
                "BOT_SANDBOX_URL": sandbox.url,
                "BOT_DATABASE_URL": f"sqlite:///{folder}/bench.db",
                "BOT_POLICY_FILE": f"{folder}/policy.toml",
                "BOT_PORT": str(bot_port),
                "BOT_RATE_LIMIT": "0",
                "BOT_TENANT_RATE_LIMIT": "0",
                "BOT_LOG_LEVEL": "ERROR",
            }
            bare = [
                sys.executable,
                "tests/bench/bare.py",
                sandbox.url,
                APP_ID,
                SECRET,
                TENANT,
                str(bare_port),
            ]
            targets = [
                Target("bare aiohttp + PyJWT", bare, {}, bare_port),
                Target("bot /help", [sys.executable, "-m", "bot", "serve"], env, bot_port),
            ]
            listing = Target.__new__(Target)
            listing.name, listing.url = "bot /exchange list", targets[1].url
            listing.process, listing.costs = targets[1].process, []
            targets.append(listing)
            texts = {"bot /exchange list": "/exchange list"}
            try:
                for target in targets:
                    await ready(target.url, http)
                    await load(target, sandbox, texts.get(target.name, "/help"), 100, http)
                tokens = sum(sandbox.identity.tokens_issued.values())
                connections = len(sandbox.connector.connections)
                for _ in range(rounds):
                    for target in targets:
                        text = texts.get(target.name, "/help")
                        target.costs.append(await load(target, sandbox, text, activities, http))
            finally:
                for target in targets[:2]:
                    target.process.terminate()
                    target.process.wait(15)
            base = statistics.median(targets[0].costs)
            for target in targets:
                cost = statistics.median(target.costs)
                print(f"{target.name:24} {cost:7.3f} ms CPU/activity   {cost / base:5.2f} x bare")
            total = activities * rounds * len(targets)
            new = sum(sandbox.identity.tokens_issued.values()) - tokens
            print(f"new tokens per activity       {new / total:.4f}")
            opened = len(sandbox.connector.connections) - connections
            print(f"new connections per activity  {opened / total:.4f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--activities", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    asyncio.run(main(options.activities, options.rounds))
