"""A clock that jumps an hour or a day, either way: nothing lapsed runs, nothing is lost or done twice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.operation import Operation, State
from bot.sandbox.faults import Fault, FaultKind
from bot.service.execution import REMIND_JOB
from tests.support.room import Room, policy, room_of
from tests.support.stage import Script, staged

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WITHIN_S = 5.0
TARGET = "exchangeConnectors/e11c1de8"
AGAIN = 5
BEFORE = Fault(kind=FaultKind.HANG, method="GET", path=TARGET)
VOTE = ["requested", "approve voted", "approved"]
RUN = [*VOTE, "executing", "done"]
jumps = pytest.mark.parametrize("jump", [HOUR, DAY], ids=["an hour", "a day"])


@asynccontextmanager
async def opened(folder: Path, **terms: str) -> AsyncIterator[Room]:
    """Open a room where half an hour is given to decide and as much to run."""
    half = {"expires": '"30m"', "execute_within": '"30m"'}
    async with staged(folder, Script(policy=policy(**half, **terms))) as stage:
        room = room_of(stage)
        yield room
        await room.checks()


async def jumps_by(room: Room, jump: timedelta) -> None:
    """Set the clock, and let everything happen that falls due by it."""
    room.stage.clock.jump(jump)
    await looked(room)
    await room.stage.settle()


async def looked(room: Room) -> None:
    """Let the runner look for work by the new time, and begin what it finds."""
    bot = room.stage.bot
    # Of nothing: whoever claims it has claimed all that was due, and has nothing to do for it.
    async with bot.store.begin() as tx:
        await tx.add_job(REMIND_JOB, "nothing", bot.clock.now())
    bot.runner.wake()
    async with asyncio.timeout(WITHIN_S):
        while await bot.store.next_due([REMIND_JOB]) is not None:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.01)


async def ends(room: Room, asked: Operation, state: State, *, audited: list[str]) -> None:
    """Hold an operation to its end, in which a further jump either way changes nothing."""
    writes = room.stage.graph_writes()
    assert len(writes) == (state is State.DONE)
    for jump in (timedelta(), DAY, -2 * DAY, DAY):
        await jumps_by(room, jump)
        assert await room.state(asked) is state
        assert await room.audit_of(asked) == audited
        assert room.stage.graph_writes() == writes


@jumps
async def test_what_lapsed_by_a_jump_stays_lapsed_when_the_clock_is_put_right(
    tmp_path: Path, jump: timedelta
) -> None:
    async with opened(tmp_path) as room:
        asked = await room.asks("oli")
        card = await room.message(asked)
        await jumps_by(room, jump)
        await jumps_by(room, -jump)

        assert "Already decided" in await room.sends(room.press_on(card, "bob", "Approve"))
        await ends(room, asked, State.EXPIRED, audited=["requested", "expired", "vote refused"])


@jumps
async def test_what_waits_can_be_decided_after_a_jump_back(
    tmp_path: Path, jump: timedelta
) -> None:
    async with opened(tmp_path) as room:
        asked = await room.asks("oli")
        await jumps_by(room, -jump)
        waits = await room.state(asked)
        await room.presses("bob", "Approve", asked)

        assert waits is State.WAITING
        await ends(room, asked, State.DONE, audited=RUN)


@jumps
async def test_half_a_quorum_survives_a_jump_back_and_lapses_by_a_jump_ahead(
    tmp_path: Path, jump: timedelta
) -> None:
    async with opened(tmp_path, needed="2") as room:
        kept = await room.asks("oli")
        await room.presses("bob", "Approve", kept)
        await jumps_by(room, -jump)
        await room.presses("cyn", "Approve", kept)
        await room.types("oli", "/exchange update EXCH02 version=15.9")
        found = await room.stage.bot.store.operations(tenant=None, target=None, offset=0, limit=9)
        (lapsed,) = (operation for operation in found if operation.id != kept.id)
        await room.presses("bob", "Approve", lapsed)
        await jumps_by(room, 2 * jump)
        late = await room.types("cyn", f"/approve {lapsed.short}")

        assert "Already decided" in late
        assert await room.state(lapsed) is State.EXPIRED
        assert await room.audit_of(lapsed) == [
            "requested",
            "approve voted",
            "expired",
            "vote refused",
        ]
        await ends(room, kept, State.DONE, audited=["requested", "approve voted", *RUN[1:]])


@jumps
async def test_a_vote_after_a_jump_past_the_time_to_decide_does_not_count(
    tmp_path: Path, jump: timedelta
) -> None:
    async with opened(tmp_path) as room:
        asked = await room.asks("oli")
        card = await room.message(asked)
        # The runner may or may not have noticed by now that the request lapsed.
        room.stage.clock.jump(jump)
        await room.sends(room.press_on(card, "bob", "Approve"))
        await room.types("bob", f"/approve {asked.short}")

        audited = await room.audit_of(asked)
        assert sorted(audited) == ["expired", "requested", *["vote refused"] * 2]
        await ends(room, asked, State.EXPIRED, audited=audited)


async def held(room: Room, fault: Fault) -> Operation:
    """Ask for a write and approve it; its work hangs at Graph where the fault strikes."""
    asked = await room.asks("oli")
    graph = room.stage.sandbox.graph.faults
    graph.add(fault)
    await room.stage.post(await room.press("bob", "Approve", asked))
    await graph.wait_until_paused()
    await room.stage.settle_cards()
    return asked


async def released(room: Room) -> None:
    room.stage.sandbox.graph.faults.release()
    await room.stage.settle()


@jumps
async def test_what_was_approved_does_not_run_after_a_jump_past_its_deadline(
    tmp_path: Path, jump: timedelta
) -> None:
    async with opened(tmp_path) as room:
        asked = await held(room, BEFORE)
        room.stage.clock.jump(jump)
        await released(room)
        await room.passes(seconds=AGAIN)
        await jumps_by(room, -jump)

        await ends(room, asked, State.EXPIRED, audited=[*VOTE, "expired"])


@jumps
async def test_what_was_approved_runs_once_when_a_jump_past_its_deadline_is_put_right(
    tmp_path: Path, jump: timedelta
) -> None:
    async with opened(tmp_path) as room:
        asked = await held(room, BEFORE)
        room.stage.clock.jump(jump)
        await released(room)
        meanwhile = await room.state(asked)
        await jumps_by(room, -jump)

        assert meanwhile is State.APPROVED
        await ends(room, asked, State.DONE, audited=RUN)


@jumps
async def test_what_was_approved_runs_once_after_a_jump_back(
    tmp_path: Path, jump: timedelta
) -> None:
    async with opened(tmp_path) as room:
        asked = await held(room, BEFORE)
        room.stage.clock.jump(-jump)
        await released(room)

        await ends(room, asked, State.DONE, audited=RUN)


@jumps
@pytest.mark.parametrize("sign", [1, -1], ids=["ahead", "back"])
@pytest.mark.parametrize("kind", [FaultKind.HANG, FaultKind.HANG_AFTER])
async def test_what_is_at_graph_while_the_clock_jumps_is_written_once_and_told_truly(
    tmp_path: Path, jump: timedelta, sign: int, kind: FaultKind
) -> None:
    async with opened(tmp_path) as room:
        asked = await held(room, Fault(kind=kind, method="PATCH"))
        room.stage.clock.jump(sign * jump)
        await looked(room)
        await released(room)

        assert room.versions()["EXCH01"] == "15.9"
        await ends(room, asked, State.DONE, audited=RUN)


@jumps
async def test_work_that_was_put_off_does_not_wait_for_a_clock_that_was_set_back(
    tmp_path: Path, jump: timedelta
) -> None:
    async with opened(tmp_path) as room:
        asked = await room.asks("oli")
        graph = room.stage.sandbox.graph.faults
        graph.add(Fault(kind=FaultKind.STATUS, method="GET", path=TARGET, times=None))
        await room.presses("bob", "Approve", asked)
        graph.clear()
        before = await room.state(asked)
        room.stage.clock.jump(-jump)
        await looked(room)
        await room.stage.settle()

        assert before is State.APPROVED
        await ends(room, asked, State.DONE, audited=RUN)
