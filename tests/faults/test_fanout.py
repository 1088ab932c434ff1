"""One incident, hundreds of channels: each is told once, and Teams' limits are never exceeded.

The sandbox's connector enforces the limits by the clock that the bots pace by. What 5,000 channels
cost in real time is printed by tests/bench/fanout.py.
"""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from typing_extensions import override

from bot import logs
from bot.chance import SystemClock
from bot.cli.demo import APP_ID, SECRET
from bot.sandbox.identity import Registration
from bot.sandbox.server import Sandbox
from bot.sandbox.terminal import lines_of
from bot.sandbox.world import TENANT, World, seed
from bot.service.assembly import MESSAGES_AT_ONCE
from bot.service.fanout import NOTICE_JOB
from bot.store.database import Database
from bot.store.store import SqlStore
from tests.support.audience import channels, subscribe
from tests.support.databases import fresh_url
from tests.support.kill import Victim
from tests.support.stage import (
    FakeClock,
    Script,
    Stage,
    environment,
    joined,
    private_key,
    sandboxed,
)

NAME, KIND = "EXCH05", "exchange"
CHANNELS = 200
KILLED_CHANNELS = 120
INTERVAL_S = 60
# So long that more falls due at once than may be sent in a second.
STEP_S = 3.0
LOOK_S = 0.05
WITHIN_S = 120.0


class SharedClock(FakeClock):
    """A clock that several may sleep by at once: time goes on to the first of them to wake."""

    def __init__(self) -> None:
        super().__init__()
        self._wakes: list[float] = []

    @override
    async def sleep(self, seconds: float) -> None:
        wake = self.monotonic() + seconds
        self._wakes.append(wake)
        while (left := wake - self.monotonic()) > 0:
            await asyncio.sleep(0)
            if min(self._wakes) == wake:
                self.move(seconds=left)
        self._wakes.remove(wake)


@pytest.fixture(autouse=True)
def quiet() -> None:
    """Leave the logs out: thousands of lines say nothing here."""
    logs.configure("CRITICAL")


@asynccontextmanager
async def replicas(folder: Path, url: str, count: int) -> AsyncIterator[list[Stage]]:
    """Run bots on one database, in a sandbox that enforces Teams' limits."""
    clock = SharedClock()
    async with sandboxed(clock) as (sandbox, world), AsyncExitStack() as stack:
        sandbox.connector.limits.is_on = True
        stages = []
        for number in range(count):
            script = Script(
                settings={"BOT_WATCH_INTERVAL": str(INTERVAL_S)},
                database_url=url,
                ids_from=1 + number * 10_000,
            )
            bot = joined(folder, script, clock, sandbox, world)
            stages.append(await stack.enter_async_context(bot))
        yield stages


async def settle(stages: Sequence[Stage]) -> None:
    for stage in (*stages, *stages):
        await stage.settle()


async def break_one(stages: Sequence[Stage]) -> None:
    """Let a connector break, and let that be seen."""
    world = stages[0].world
    world.connectors.change(world.id_of(NAME), {"status": "disconnected"})
    stages[0].clock.move(seconds=INTERVAL_S)
    await settle(stages)


async def until_all_told(stages: Sequence[Stage]) -> None:
    """Let time pass until nobody waits for a message any more."""
    async with asyncio.timeout(WITHIN_S):
        while await stages[0].bot.store.next_due([NOTICE_JOB]) is not None:
            stages[0].clock.move(seconds=STEP_S)
            await settle(stages)


def told(sandbox: Sandbox) -> Counter[str]:
    """Return how many messages that tell what is so stand in each channel."""
    titles = (
        (message.conversation, lines_of(message.card or {})[0])
        for message in sandbox.connector.messages()
    )
    return Counter(where for where, title in titles if NAME in title and "disconnected" in title)


@pytest.mark.parametrize(("engine", "count"), [("sqlite", 1), ("postgresql", 2)])
async def test_every_channel_is_told_once_and_no_limit_is_exceeded(
    tmp_path: Path, engine: str, count: int
) -> None:
    roots = channels(CHANNELS)
    async with (
        fresh_url(engine, tmp_path) as url,
        replicas(tmp_path, url, count) as stages,
    ):
        sandbox = stages[0].sandbox
        await subscribe(stages[0].bot.store, sandbox, roots)
        await break_one(stages)
        await until_all_told(stages)
        letters, _ = await stages[0].bot.store.dead_jobs(1)

    assert told(sandbox) == Counter(roots)
    assert len(sandbox.connector.messages()) == CHANNELS
    assert sandbox.connector.limits.violations == []
    assert letters == 0


@asynccontextmanager
async def real_time(
    folder: Path, url: str
) -> AsyncIterator[tuple[Sandbox, World, dict[str, str], SqlStore]]:
    """Run a sandbox that enforces Teams' limits in real time, and open its bots' database."""
    sandbox = Sandbox(
        registration=Registration(APP_ID, TENANT, {APP_ID: SECRET}),
        now=SystemClock().now,
        new_id=lambda: str(uuid.uuid4()),
        key=private_key(),
    )
    database = Database.open(url, clock=SystemClock())
    try:
        async with sandbox:
            sandbox.connector.limits.is_on = True
            script = Script(settings={"BOT_WATCH_INTERVAL": "1"}, database_url=url)
            await database.migrate()
            settings = environment(sandbox, folder, script)
            yield sandbox, seed(sandbox), settings, SqlStore(database)
    finally:
        await database.close()


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    while not await is_so():  # noqa: ASYNC110 - what another process does has no event here
        await asyncio.sleep(LOOK_S)


async def tell_and_kill(
    sandbox: Sandbox, world: World, settings: dict[str, str], store: SqlStore
) -> int:
    """Let two replicas tell, kill one half-way, and return how many were told by then."""

    async def is_seen() -> bool:
        return (await store.seen(KIND)).snapshot is not None

    async def is_half_told() -> bool:
        return sandbox.connector.limits.admitted >= KILLED_CHANNELS / 2

    async def is_over() -> bool:
        return await store.next_due([NOTICE_JOB]) is None

    victims = [await Victim.launch(settings) for _ in range(2)]
    try:
        await until(is_seen)
        world.connectors.change(world.id_of(NAME), {"status": "disconnected"})
        await until(is_half_told)
        await victims[0].kill()
        told_by_then = sandbox.connector.limits.admitted
        await until(is_over)
    finally:
        for victim in victims:
            await victim.kill()
    return told_by_then


async def test_a_replica_that_dies_half_way_leaves_no_channel_untold(tmp_path: Path) -> None:
    roots = channels(KILLED_CHANNELS)
    async with (
        fresh_url("postgresql", tmp_path) as url,
        real_time(tmp_path, url) as (sandbox, world, settings, store),
        asyncio.timeout(WITHIN_S),
    ):
        await subscribe(store, sandbox, roots)
        half = await tell_and_kill(sandbox, world, settings, store)
        letters, _ = await store.dead_jobs(1)

    counts = told(sandbox)
    assert half < KILLED_CHANNELS
    assert set(counts) == set(roots)
    # What the dead one had in hand: nobody can know whether it arrived.
    assert sum(count - 1 for count in counts.values()) <= MESSAGES_AT_ONCE
    assert sandbox.connector.limits.violations == []
    assert letters == 0
