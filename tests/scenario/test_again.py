"""Asking anew for what lapsed or went out of date: one press, the same command, a new decision."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.domain.operation import Operation, State
from bot.sandbox.faults import Fault, FaultKind
from bot.sandbox.terminal import buttons_of
from bot.sandbox.world import OPERATORS
from bot.store.audit import exported
from cards import words
from tests.support.room import CREATE, UPDATE, Room, policy, room_of
from tests.support.stage import Script, staged

Act = Callable[[Room], Awaitable[None]]
TARGET = "exchangeConnectors/e11c1de8"


@asynccontextmanager
async def opened(folder: Path, url: str, text: str) -> AsyncIterator[Room]:
    async with staged(folder, Script(policy=text, database_url=url)) as stage:
        room = room_of(stage)
        yield room
        await room.checks()


@pytest.fixture
async def room(tmp_path: Path, database: str) -> AsyncIterator[Room]:
    """Return a room where one administrator's vote is enough."""
    async with opened(tmp_path, database, policy()) as room:
        yield room


async def approve(room: Room) -> None:
    await room.presses("bob", "Approve", await room.newest())


async def drift(room: Room) -> None:
    """Let the target be another than the one that was planned for."""
    world = room.stage.world
    world.connectors.change(world.id_of("EXCH01"), {"exchangeAlias": "moved-away"})
    await approve(room)


async def lapse(room: Room) -> None:
    await room.passes(hours=4)


async def miss_the_deadline(room: Room) -> None:
    fault = Fault(kind=FaultKind.STATUS, method="GET", path=TARGET, times=None)
    room.stage.sandbox.graph.faults.add(fault)
    await approve(room)
    await room.passes(hours=1)
    room.stage.sandbox.graph.faults.clear()


async def pause(room: Room) -> None:
    """Pause between the consent and the write."""
    fault = Fault(kind=FaultKind.STATUS, method="GET", path=TARGET, times=None)
    room.stage.sandbox.graph.faults.add(fault)
    await approve(room)
    await room.types("ada", "/pause")
    room.stage.sandbox.graph.faults.clear()
    await room.passes(seconds=5)
    await room.types("ada", "/resume")


async def stale(room: Room) -> Operation:
    """Return a request of Oli's that went out of date."""
    asked = await room.asks("oli")
    await drift(room)
    assert await room.state(asked) is State.STALE
    return asked


@pytest.mark.parametrize("end", [drift, lapse, miss_the_deadline, pause], ids=lambda e: e.__name__)
async def test_one_press_asks_anew_and_waits_for_a_new_consent(room: Room, end: Act) -> None:
    asked = await room.asks("oli", f'{UPDATE} --reason "new agent"')
    await end(room)
    buttons = buttons_of((await room.message(asked)).card or {})
    told = await room.presses("oli", "Ask again", asked)
    anew = await room.newest()
    waiting = await room.shown(anew)
    writes = room.stage.graph_writes()
    await room.presses("bob", "Approve", anew)

    assert buttons == ["Ask again", "Show"]
    assert "Started" in told
    assert anew.id != asked.id
    assert "waiting for approval" in waiting
    assert "new agent" in waiting
    assert writes == []
    assert await room.state(anew) is State.DONE
    assert room.versions()["EXCH01"] == "15.9"
    assert await room.state(asked) is not State.DONE


async def test_the_text_twin_stands_on_the_card_and_does_the_same(room: Room) -> None:
    asked = await stale(room)
    shown = await room.shown(asked)
    await room.types("oli", f"/again {asked.short.lower()}")
    anew = await room.newest()

    assert f"/again {asked.short}" in shown
    assert anew.id != asked.id
    assert await room.state(anew) is State.WAITING


async def test_the_new_plan_is_made_from_the_target_as_it_is_now(room: Room) -> None:
    asked = await room.asks("oli")
    world = room.stage.world
    moved = {"version": "15.5", "serverName": "EXCH01B"}
    world.connectors.change(world.id_of("EXCH01"), moved)
    await approve(room)
    await room.presses("oli", "Ask again", asked)
    anew = await room.newest()

    assert anew.plan.target_id == asked.plan.target_id
    assert [(c.before, c.after) for c in anew.plan.changes] == [("15.5", "15.9")]


async def test_a_plan_of_it_changes_nothing(room: Room) -> None:
    asked = await stale(room)
    said = await room.types("oli", f"/again {asked.short} --plan")

    assert "Plan: Update EXCH01" in said
    assert (await room.newest()).id == asked.id


async def test_whoever_presses_asks_in_their_own_name(room: Room) -> None:
    asked = await stale(room)
    await room.presses("bob", "Ask again", asked)
    anew = await room.newest()
    own = await room.presses("bob", "Approve", anew)
    await room.presses("cyn", "Approve", anew)

    assert anew.actor.name == "Bob Admin"
    assert "Somebody else has to decide" in own
    assert await room.state(anew) is State.DONE


@pytest.mark.parametrize("is_typed", [True, False])
async def test_who_may_not_run_it_does_not_ask_for_it_anew(room: Room, *, is_typed: bool) -> None:
    asked = await stale(room)
    room.stage.sandbox.directory.leave(room.people["oli"].oid, OPERATORS)
    said = [
        await room.types(who, f"/again {asked.short}")
        if is_typed
        else await room.presses(who, "Ask again", asked)
        for who in ("vic", "oli")
    ]

    assert all("None of your roles allows exchange:update" in each for each in said)
    assert (await room.newest()).id == asked.id
    assert (await room.stage.audited()).count("command refused") == 2


@pytest.mark.parametrize("text", [CREATE, "/exchange delete EXCH05"])
async def test_a_double_click_asks_anew_once(room: Room, text: str) -> None:
    asked = await room.asks("ada", text)
    await lapse(room)
    presses = [await room.press("ada", "Ask again", asked) for _ in range(2)]
    presses.append(await room.press("bob", "Ask again", asked))
    await asyncio.gather(*(room.stage.post(press) for press in [*presses, presses[0]]))
    await room.stage.settle()
    late = await room.sends(await room.press("cyn", "Ask again", asked))
    typed = await room.types("cyn", f"/again {asked.short}")

    assert (await room.stage.audited()).count("operation requested") == 2
    for said in (late, typed):
        assert "Asked again already" in said
        assert asked.command in said


async def test_the_audit_links_the_new_request_to_the_old_one(room: Room) -> None:
    asked = await stale(room)
    await room.presses("oli", "Ask again", asked)
    anew = await room.newest()
    rows = room.stage.bot.store.audit_rows(operation_id=anew.id)
    lines = [exported(row) async for row in rows]

    assert lines[0]["details"]["again"] == asked.id  # type: ignore[index, call-overload]


async def test_many_are_chosen_anew_by_the_same_filter(tmp_path: Path, database: str) -> None:
    async with opened(tmp_path, database, policy(commands='"exchange:sync"')) as room:
        asked = await room.asks("oli", "/exchange sync --status connected")
        await lapse(room)
        world = room.stage.world
        world.connectors.change(world.id_of("EXCH05"), {"status": "disconnected"})
        await room.presses("oli", "Ask again", asked)
        anew = await room.newest()

        assert len(asked.plan.items) == 3
        assert {item.target_name for item in anew.plan.items} == {"EXCH01", "EXCH 04"}


async def test_of_many_a_target_that_is_gone_is_named_and_the_rest_asked_for_anew(
    tmp_path: Path, database: str
) -> None:
    async with opened(tmp_path, database, policy()) as room:
        asked = await room.asks("ada", "/exchange delete --status connected")
        world = room.stage.world
        world.connectors.remove(world.id_of("EXCH05"))
        await approve(room)
        shown = await room.shown(asked)
        buttons = buttons_of((await room.message(asked)).card or {})
        await room.presses("ada", "Ask again", asked)
        anew = await room.newest()

        assert f"EXCH05: {words.OUTCOMES['target-gone']}" in shown
        assert shown.count(words.ITEM_UNSENT) == 3
        assert words.ITEM_WAITS not in shown.split(words.TARGETS, 1)[1]
        assert "after approval" not in shown
        assert buttons == ["Ask again"]
        assert await room.state(anew) is State.WAITING
        assert {item.target_name for item in anew.plan.items} == {"EXCH01", "EXCH 04"}


async def reject(room: Room) -> None:
    await room.presses("bob", "Reject", await room.newest())


async def wait(room: Room) -> None:
    """Leave it waiting."""


async def lose_the_target(room: Room) -> None:
    room.stage.world.connectors.remove(room.stage.world.id_of("EXCH01"))
    await approve(room)


@pytest.mark.parametrize("end", [approve, reject, wait, lose_the_target], ids=lambda e: e.__name__)
async def test_what_is_decided_or_still_waits_is_not_asked_for_anew(room: Room, end: Act) -> None:
    asked = await room.asks("oli")
    await end(room)
    ended = await room.state(asked)
    writes = len(room.stage.graph_writes())
    card = await room.message(asked)
    typed = await room.types("oli", f"/again {asked.short}")
    forged = await room.sends(room.forged(card, "oli", "again", {"operation": asked.id}))

    assert "Ask again" not in buttons_of(card.card or {})
    for said in (typed, forged):
        assert words.NOTICES["again-over"][0] in said
        assert UPDATE in said
        assert f'"{words.STATES[ended.value][0]}"' in said
    assert (await room.newest()).id == asked.id
    assert len(room.stage.graph_writes()) == writes


async def test_an_operation_that_does_not_exist_is_not_asked_for(room: Room) -> None:
    assert "No such operation" in await room.types("oli", "/again ZZZZ")


async def test_while_writes_are_paused_nobody_asks_anew(room: Room) -> None:
    asked = await stale(room)
    await room.types("ada", "/pause")

    assert words.DENIALS["paused"] in await room.presses("oli", "Ask again", asked)
    assert (await room.newest()).id == asked.id
