"""`serve` as a process: ready when it says so, gone when it is told to, audited all the while."""

import json
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import httpx
import pytest

from bot.chance import SystemClock
from bot.cli.demo import APP_ID, SECRET
from bot.sandbox.faults import Fault, FaultKind
from bot.sandbox.identity import Registration
from bot.sandbox.server import Sandbox
from bot.sandbox.world import TENANT, World, seed
from tests.http.processes import Forks, Running, forks, serving
from tests.support.stage import Script, environment, private_key


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    with forks(tmp_path_factory.mktemp("output")) as made:
        yield made


class Town:
    """A sandbox in this process, a bot in its own, and who talks to it."""

    def __init__(self, sandbox: Sandbox, world: World, folder: Path) -> None:
        self.sandbox = sandbox
        self.world = world
        script = Script(settings={"BOT_AUDIT_HEAD_FILE": str(folder / "head")})
        self.environment = environment(sandbox, folder, script)
        self.database = folder / "connectors.db"

    async def say(self, running: Running, text: str) -> int:
        """Say something as Ada, and wait until the bot has said something to it."""
        before = len(self.sandbox.connector.messages())
        message = self.sandbox.teams().message(self.world.ada, self.world.channel, text)
        signed = {"Authorization": self.sandbox.identity.sign(self.sandbox.service_url)}
        async with httpx.AsyncClient(trust_env=False, timeout=15) as http:
            response = await http.post(f"{running.url}/api/messages", json=message, headers=signed)
        await self.sandbox.connector.wait_for(
            lambda _: len(self.sandbox.connector.messages()) > before, within_s=10
        )
        return response.status_code


@asynccontextmanager
async def town(folder: Path) -> AsyncIterator[Town]:
    numbers = iter(range(1, 1_000_000))
    sandbox = Sandbox(
        registration=Registration(APP_ID, TENANT, {APP_ID: SECRET}),
        now=SystemClock().now,
        new_id=lambda: f"5a5a5a5a-0000-4000-8000-{next(numbers):012d}",
        key=private_key(),
    )
    async with sandbox:
        yield Town(sandbox, seed(sandbox), folder)


async def end(running: Running, number: signal.Signals) -> tuple[int, float]:
    """Send a signal; return the exit code and how many seconds it took."""
    began = time.monotonic()
    running.process.send_signal(number)
    await running.logged("bot stopped")
    return await running.process.wait(), time.monotonic() - began


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_good_start_is_ready_and_ends_when_told(
    tmp_path: Path, number: signal.Signals
) -> None:
    async with town(tmp_path) as here, serving(here.environment) as running:
        await running.logged("signing keys loaded")
        async with httpx.AsyncClient(trust_env=False) as http:
            ready = await http.get(f"{running.url}/readyz")

        code, seconds = await end(running, number)

    assert (ready.status_code, set(ready.json().values())) == (200, {True})
    assert code == 0
    assert seconds < 10
    assert SECRET not in json.dumps(running.lines)


async def test_a_bot_that_waits_for_graph_ends_all_the_same(tmp_path: Path) -> None:
    async with town(tmp_path) as here, serving(here.environment) as running:
        here.sandbox.graph.faults.add(
            Fault(kind=FaultKind.HANG, path="exchangeConnectors", times=None)
        )
        assert await here.say(running, "/exchange list") == 202

        code, seconds = await end(running, signal.SIGTERM)

    assert code == 0
    assert seconds < 10


async def test_the_audit_is_verified_and_exported_while_the_bot_runs(
    tmp_path: Path, processes: Forks
) -> None:
    async with town(tmp_path) as here, serving(here.environment) as running:
        await here.say(running, "/exchange update EXCH01 version=15.3")
        await here.say(running, "/pause")

        verified = processes.run("audit", "verify", environment=here.environment)
        exported = processes.run("audit", "export", environment=here.environment)
        assert await here.say(running, "/whoami") == 202

        rows = [json.loads(line) for line in exported.stdout.splitlines()]
        assert verified.code == exported.code == 0
        assert verified.stdout.startswith(f"The audit is whole: {len(rows)} rows, head ")
        assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
        assert {here.world.ada.oid} >= {row["actor"]["oid"] for row in rows if row["actor"]}
        assert len(rows) >= 3

        operation = next(row["operation"] for row in rows if row["operation"])
        narrow = processes.run(
            *("audit", "export", "--operation", operation[:4]), environment=here.environment
        )
        evidence = json.loads(narrow.stdout)
        assert evidence["operation"]["id"] == operation
        assert evidence["operation"]["plan"]["before"]["version"] == "15.2.1118.7"
        assert {row["operation"] for row in evidence["audit"]} == {operation}


CUT = "DELETE FROM audit WHERE seq = (SELECT MAX(seq) FROM audit)"
MOVE_HEAD = "UPDATE audit_head SET (seq, hash) = (SELECT seq, hash FROM audit ORDER BY 1 DESC)"


def tamper(database: Path, *statements: str) -> int:
    """Do what somebody with full rights can do; return the number of rows before."""
    with closing(sqlite3.connect(database, timeout=10, isolation_level=None)) as connection:
        (count,) = connection.execute("SELECT COUNT(*) FROM audit").fetchone()
        connection.execute("DROP TRIGGER IF EXISTS audit_no_delete")
        connection.execute("DROP TRIGGER IF EXISTS audit_no_update")
        for statement in statements:
            connection.execute(statement)
    return int(count)


@pytest.mark.parametrize(
    "statements", [(CUT,), (CUT, MOVE_HEAD)], ids=["row removed", "head moved as well"]
)
async def test_a_removed_last_row_is_found_while_the_bot_runs(
    tmp_path: Path, processes: Forks, statements: tuple[str, ...]
) -> None:
    async with town(tmp_path) as here, serving(here.environment) as running:
        await here.say(running, "/pause")
        await here.say(running, "/resume")
        count = tamper(here.database, *statements)

        ended = processes.run("audit", "verify", environment=here.environment)

    assert ended.code == 1
    assert ended.stdout.startswith(f"BROKEN at row {count}: truncated.")


async def test_a_changed_row_is_found(tmp_path: Path, processes: Forks) -> None:
    async with town(tmp_path) as here, serving(here.environment) as running:
        await here.say(running, "/pause")
        tamper(here.database, "UPDATE audit SET event = replace(event, 'paused', 'resumed')")

        ended = processes.run("audit", "verify", environment=here.environment)

    assert ended.code == 1
    assert ended.stdout.startswith("BROKEN at row 1: changed.")
