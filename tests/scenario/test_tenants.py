"""Two tenants with one bot: each is told, shown and may repeat what belongs to its conversations."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.sandbox.faults import Fault, FaultKind
from bot.sandbox.people import Channel
from bot.sandbox.server import Sandbox
from bot.sandbox.world import TENANT, World, person
from tests.support.room import room_of
from tests.support.stage import POLICY, FakeClock, Script, joined, sandboxed
from tests.support.tower import INTERVAL_S, Tower

FABRIKAM = "fab00000-0000-4000-8000-00000000fab0"
FAY = person("Fay Fabrikam", 9, tenant=FABRIKAM)
THEIRS = Channel("19:fab00000000000000000000000000001@thread.tacv2")
GUESTS = f"""\
[roles.partner]
inherits = ["admin"]
people   = ["{FAY.oid}"]

[people]
guests = "allow"
"""
BOTH = f"{TENANT},{FABRIKAM}"


@asynccontextmanager
async def let_in(
    folder: Path, url: str, sandbox: Sandbox, world: World, clock: FakeClock, tenants: str
) -> AsyncIterator[Tower]:
    """Run a bot that lets these tenants in, on the database that is there."""
    settings = {"BOT_WATCH_INTERVAL": str(INTERVAL_S), "BOT_ALLOWED_TENANTS": tenants}
    script = Script(settings=settings, policy=POLICY + GUESTS, database_url=url)
    async with joined(folder, script, clock, sandbox, world) as stage:
        tower = Tower(stage, room_of(stage))
        tower.room.people["fay"] = FAY
        tower.begin()
        yield tower


@pytest.fixture
async def tower(tmp_path: Path, database: str) -> AsyncIterator[Tower]:
    """Both tenants watch everything, each in a channel of its own."""
    clock = FakeClock()
    async with (
        sandboxed(clock) as (sandbox, world),
        let_in(tmp_path, database, sandbox, world, clock, BOTH) as tower,
    ):
        await watch(tower)
        yield tower


async def watch(tower: Tower) -> None:
    await tower.watches()
    await tower.room.types("fay", "/watch exchange", channel=THEIRS)
    tower.begin()


async def breaks(tower: Tower) -> None:
    await tower.breaks()
    # One conversation after the other.
    await tower.room.passes(seconds=1)


def refuse(tower: Tower) -> None:
    """Let no message arrive in either channel, whatever it is, until the faults are cleared."""
    for channel in (tower.stage.world.channel, THEIRS):
        tower.stage.sandbox.connector.faults.add(
            Fault(kind=FaultKind.STATUS, method="POST", path=channel.id, status=413, times=None)
        )


async def test_each_tenant_sees_its_own_conversations_alone(tower: Tower) -> None:
    ours = await tower.room.types("ada", "/watches --all")
    theirs = await tower.room.types("fay", "/watches --all", channel=THEIRS)

    for text in (ours, theirs):
        assert "In this conversation" in text
        assert "19:" not in text
        assert "not let in" not in text
    assert "Ada Admin" not in theirs
    assert FAY.oid not in ours


async def test_an_incident_is_told_to_and_handled_by_either_tenant(tower: Tower) -> None:
    await breaks(tower)
    there = next(m for m in tower.roots() if m.conversation == THEIRS.id)
    await tower.room.types("fay", f"/acknowledge {(await tower.incident()).short}", channel=THEIRS)
    await tower.looks()
    await tower.room.passes(seconds=1)

    assert {m.conversation for m in tower.roots()} >= {tower.stage.world.channel.id, THEIRS.id}
    assert "Acknowledged" in tower.text(there)


async def test_each_tenant_sees_and_replays_its_own_letters_alone(tower: Tower) -> None:
    refuse(tower)
    await breaks(tower)
    tower.stage.sandbox.connector.faults.clear()
    store = tower.stage.bot.store
    _, ours = await store.dead_jobs(None, of=TENANT)
    _, theirs = await store.dead_jobs(None, of=FABRIKAM)
    seen = await tower.room.types("fay", "/dead", channel=THEIRS)
    by_number = await tower.room.types("fay", f"/replay {ours[0].id}", channel=THEIRS)
    all_of_them = await tower.room.types("fay", "/replay", channel=THEIRS)

    assert (len(ours), len(theirs)) == (1, 1)
    assert f"/replay {theirs[0].id}" in seen
    assert tower.stage.world.channel.id not in seen
    assert f"No message {ours[0].id} is waiting" in by_number
    assert "1 message is being tried again" in all_of_them
    assert (await store.dead_jobs(None))[1] == ours


async def test_what_was_to_go_nowhere_known_is_shown_at_home(tower: Tower) -> None:
    refuse(tower)
    async with tower.stage.bot.store.begin() as tx:
        await tx.add_job("digest", "nothing", tower.stage.clock.now())
    (job,) = await tower.stage.bot.store.claim_jobs(["digest"], 1)
    async with tower.stage.bot.store.begin() as tx:
        await tx.bury_job(job, "403")
    tower.stage.sandbox.connector.faults.clear()

    assert "does not exist any more" in await tower.room.types("ada", "/dead")
    assert "does not exist" not in await tower.room.types("fay", "/dead", channel=THEIRS)


async def test_a_tenant_that_is_let_in_no_more_is_told_nothing_more(
    tmp_path: Path, database: str
) -> None:
    clock = FakeClock()
    async with sandboxed(clock) as (sandbox, world):
        async with let_in(tmp_path, database, sandbox, world, clock, BOTH) as tower:
            await watch(tower)
            await breaks(tower)
            there = next(m for m in tower.roots() if m.conversation == THEIRS.id)
        async with let_in(tmp_path, database, sandbox, world, clock, TENANT) as tower:
            before = tower.text(there)
            await tower.recovers()
            tower.change("EXCH01", status="disconnected")
            await tower.looks()
            told = {m.conversation.partition(";")[0] for m in tower.news()}
            after = tower.text(there)
            every = await tower.room.types("ada", "/watches --all")
            dead = await tower.room.types("ada", "/dead")
        async with let_in(tmp_path, database, sandbox, world, clock, BOTH) as tower:
            tower.change("EXCH01", status="connected")
            await breaks(tower)
            again = {m.conversation.partition(";")[0] for m in tower.news()}

    assert told == {world.channel.id}
    assert after == before
    assert "1 subscription of a tenant that is not let in any more is told nothing" in every
    assert THEIRS.id not in every
    assert "Everything could be delivered" in dead
    assert again == {world.channel.id, THEIRS.id}


async def test_what_waited_for_a_tenant_that_is_let_in_no_more_is_not_sent(
    tmp_path: Path, database: str
) -> None:
    clock = FakeClock()
    async with sandboxed(clock) as (sandbox, world):
        async with let_in(tmp_path, database, sandbox, world, clock, BOTH) as tower:
            await watch(tower)
            sandbox.connector.faults.add(
                Fault(kind=FaultKind.STATUS, method="POST", path=THEIRS.id, status=503, times=None)
            )
            await breaks(tower)
            waiting = {m.conversation for m in tower.roots()}
        sandbox.connector.faults.clear()
        async with let_in(tmp_path, database, sandbox, world, clock, TENANT) as tower:
            await tower.looks(3)
            _, letters = await tower.stage.bot.store.dead_jobs(None)
            news = tower.news()

    assert waiting == {world.channel.id}
    assert news == []
    assert [letter.reason for letter in letters] == ["TenantNotAllowed"]


async def test_what_another_tenant_asked_for_is_not_closed_by_this_one(tower: Tower) -> None:
    tower.stage.sandbox.graph.faults.add(Fault(kind=FaultKind.RESET_AFTER, path="/sync$"))
    tower.stage.world.connectors.action_delay = None
    asked = await tower.room.asks("ada", "/exchange sync EXCH01")
    said = await tower.room.types("fay", f"/resolve {asked.short} failed", channel=THEIRS)

    assert await tower.room.state(asked) == "unknown"
    assert "No such operation" in said


async def test_history_shows_each_tenant_what_its_own_people_asked_for(tower: Tower) -> None:
    ours = await tower.room.asks("ada", "/exchange sync EXCH01")
    fay = [
        await tower.room.types("fay", text, channel=THEIRS)
        for text in ("/history", f"/history {ours.short}", "/history EXCH01")
    ]
    ada = await tower.room.types("ada", "/history")

    assert ours.short in ada
    assert not any("Ada Admin" in said or "full" in said for said in fay)
