"""An answer that somebody was told would follow follows, whatever becomes of the process.

These few tests spend real seconds: the limits of an acknowledgement are what they are about.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

import pytest

from bot.domain.operation import Actor
from bot.sandbox.connector import Message
from bot.sandbox.faults import Fault, FaultKind
from bot.sandbox.world import TENANT
from bot.service.ports import Promise, Reference, Request
from tests.support.room import policy, room_of
from tests.support.stage import FakeClock, Script, Stage, joined, sandboxed, staged

Starts: TypeAlias = Callable[[], AbstractAsyncContextManager[Stage]]
SLOW = Fault(kind=FaultKind.HANG, path="checkMemberGroups", times=None)
WRITE = "/exchange update EXCH01 version=16"


@asynccontextmanager
async def two_lives(folder: Path, script: Script) -> AsyncIterator[Starts]:
    """Yield what starts a bot; whoever starts a second one finds the first one's leases over."""
    clock = FakeClock()
    async with sandboxed(clock) as (sandbox, world):

        @asynccontextmanager
        async def life() -> AsyncIterator[Stage]:
            async with joined(folder, script, clock, sandbox, world) as stage:
                yield stage
            sandbox.graph.faults.clear()
            sandbox.graph.faults.release()
            clock.move(seconds=31)

        yield life


async def test_the_answer_to_a_press_is_given_by_the_next_process(
    tmp_path: Path, database: str
) -> None:
    async with two_lives(tmp_path, Script(database_url=database)) as life:
        async with life() as stage:
            stage.sandbox.graph.faults.add(SLOW)
            press = stage.press("ada", {"command": "/exchange list"}, card="77")
            assert "come in the thread" in (await stage.post(press)).json()["value"]
        async with life() as stage:
            await stage.settle()

            (message,) = stage.messages()
            assert message.conversation.endswith(";messageid=77")
            assert "5 in all" in stage.shown()[0]


async def test_a_vote_that_was_taken_in_is_counted_by_the_next_process(
    tmp_path: Path, database: str
) -> None:
    script = Script(policy=policy(needed="1"), database_url=database)
    async with two_lives(tmp_path, script) as life:
        async with life() as stage:
            room = room_of(stage)
            asked = await room.asks("oli")
            seen = await room.message(asked)
            stage.sandbox.graph.faults.add(SLOW)
            response = await stage.post(room.press_on(seen, "bob", "Approve"))
            assert "come in the thread" in response.json()["value"]
        async with life() as stage:
            room = room_of(stage)
            await room.passes(minutes=1)

            assert room.versions()["EXCH01"] == "15.9"
            assert len(stage.graph_writes()) == 1


async def test_a_command_that_was_acknowledged_is_carried_out_by_the_next_process(
    tmp_path: Path, database: str
) -> None:
    async with two_lives(tmp_path, Script(database_url=database)) as life:
        async with life() as stage:
            stage.sandbox.graph.faults.add(SLOW)
            answer = await stage.post(stage.activity("ada", WRITE))
            assert answer.status_code == 202
            assert "Working on it" in stage.shown()[0]
        async with life() as stage:
            await stage.settle()

            assert len(stage.messages()) == 1
            assert "reading back confirms it" in stage.shown()[0]
            assert len(stage.graph_writes()) == 1


def promise_about(stage: Stage, message: Message, activity: str, text: str) -> Promise:
    """Return what a process leaves behind that dies before it could strike it out."""
    place = Reference(
        TENANT, stage.sandbox.service_url, message.conversation, "channel", message.reply_to
    )
    request = Request(Actor(TENANT, stage.world.ada.oid, "Ada"), place, activity, text)
    return Promise(request, place, message.id, stage.clock.now())


async def test_what_was_carried_out_before_the_process_died_is_not_repeated(
    tmp_path: Path, database: str
) -> None:
    async with staged(tmp_path, Script(database_url=database)) as stage:
        activity = stage.activity("ada", WRITE)
        await stage.post(activity)
        await stage.settle()
        (message,) = stage.messages()
        shown = stage.shown()
        async with stage.bot.store.begin() as tx:
            await tx.add_promise("left", promise_about(stage, message, str(activity["id"]), WRITE))
        stage.clock.move(seconds=31)
        await stage.settle()

        assert stage.shown() == shown
        assert len(stage.graph_writes()) == 1
        assert await stage.bot.store.promise("left") is None


async def test_after_a_quarter_of_an_hour_nothing_happens_that_nobody_expects_any_more(
    tmp_path: Path, database: str
) -> None:
    async with staged(tmp_path, Script(database_url=database)) as stage:
        await stage.says("ada", "/help")
        (message,) = stage.messages()
        async with stage.bot.store.begin() as tx:
            await tx.add_promise("old", promise_about(stage, message, "f:1", WRITE))
        stage.clock.move(seconds=timedelta(minutes=16).total_seconds())
        await stage.settle()

        assert "The bot was stopped" in stage.shown()[0]
        assert stage.graph_writes() == []


@pytest.mark.parametrize("text", ["/exchange list", WRITE])
async def test_what_is_answered_in_time_leaves_no_promise(stage: Stage, text: str) -> None:
    await stage.says("ada", text)

    assert await stage.bot.store.next_due(["promise"]) is None
