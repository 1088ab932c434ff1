"""Approvals and a database that cannot be written: nothing half done, and it goes on by itself.

One lock is held for longer than the real busy limit of 10 seconds, over everything at once; a full
and a read-only database fail at once, so they meet every step one by one.
"""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from bot.domain.operation import Operation, State
from bot.sandbox.faults import Fault, FaultKind
from bot.sandbox.journal import JsonObject
from cards import words
from tests.support.outages import LONG, Outage, full, locked, read_only
from tests.support.room import Room, policy, room_of
from tests.support.stage import Script, Stage, staged

INVOKE_WITHIN_S = 3.0
ANSWER_WITHIN_S = 12.0
LEASE = 31
UPDATE = f"/exchange update EXCH01 version={LONG}"
TARGET = "exchangeConnectors/e11c1de8"
NAMES = ("EXCH01", "EXCH02", "EXCH03", "'EXCH 04'")
NOT_STORED = words.FAILURES["store-unavailable"]
FOLLOWING = words.NOTICES["following"][1]
VOTE = ["requested", "approve voted", "approved"]
RUN = [*VOTE, "executing", "done"]
PRESSES = {
    "Approve": ("bob", State.DONE, RUN),
    "Reject": ("bob", State.REJECTED, ["requested", "reject voted", "rejected"]),
    "Cancel": ("oli", State.CANCELLED, ["requested", "cancelled"]),
}
# Where the work of an approved operation hangs when the fault begins, and what is true there.
MOMENTS = {
    "before the intent": (
        Fault(kind=FaultKind.HANG, method="GET", path=TARGET),
        (State.APPROVED, VOTE, 0),
    ),
    "before the outcome": (
        Fault(kind=FaultKind.HANG_AFTER, method="PATCH"),
        (State.EXECUTING, [*VOTE, "executing"], 1),
    ),
}
outages = pytest.mark.parametrize("outage", [full, read_only])


async def kept(room: Room, asked: Operation) -> tuple[Operation, object, list[str]]:
    """Return all that is kept of an operation and of the votes on it."""
    approval = await room.stage.bot.store.approval(asked.id)
    return await room.now(asked), approval, await room.audit_of(asked)


@outages
@pytest.mark.parametrize("title", PRESSES)
async def test_a_decision_that_cannot_be_kept_is_refused_and_counts_once_it_can(
    tmp_path: Path, outage: Outage, title: str
) -> None:
    who, state, audited = PRESSES[title]
    async with staged(tmp_path, Script(policy=policy())) as stage:
        room = room_of(stage)
        asked = await room.asks("oli", UPDATE)
        before = await kept(room, asked)
        async with outage(stage):
            assert NOT_STORED in await room.presses(who, title, asked)
            assert NOT_STORED in await room.types(who, f"/{title.lower()} {asked.short}")
            assert await kept(room, asked) == before
            assert stage.graph_writes() == []

        await room.presses(who, title, asked)

        assert await room.state(asked) is state
        assert await room.audit_of(asked) == audited
        await room.checks()


@outages
async def test_a_request_that_cannot_be_kept_is_refused_and_waits_once_it_can(
    tmp_path: Path, outage: Outage
) -> None:
    async with staged(tmp_path, Script(policy=policy())) as stage:
        room = room_of(stage)
        async with outage(stage):
            assert NOT_STORED in await room.types("oli", UPDATE)
            assert await operations(stage) == []

        asked = await room.asks("oli", UPDATE)
        await room.presses("bob", "Approve", asked)

        assert await room.state(asked) is State.DONE
        assert len(await operations(stage)) == 1
        await room.checks()


@outages
async def test_what_lapses_while_nothing_can_be_written_still_ends_and_never_runs(
    tmp_path: Path, outage: Outage
) -> None:
    async with staged(tmp_path, Script(policy=policy())) as stage:
        room = room_of(stage)
        asked = await room.asks("oli", UPDATE)
        before = await kept(room, asked)
        async with outage(stage):
            stage.clock.move(hours=4)
            stage.bot.runner.wake()
            late = await stage.post(await room.press("bob", "Approve", asked))
            assert NOT_STORED in late.json()["value"]
            assert await kept(room, asked) == before

        await room.passes(seconds=LEASE)

        assert await room.audit_of(asked) == ["requested", "expired"]
        assert "Already decided" in await room.types("bob", f"/approve {asked.short}")
        assert "Expired" in " ".join(stage.shown())
        assert stage.graph_writes() == []
        await room.checks()


@outages
@pytest.mark.parametrize("moment", MOMENTS)
async def test_what_was_approved_runs_once_whenever_the_database_goes_away(
    tmp_path: Path, outage: Outage, moment: str
) -> None:
    fault, (state, audited, writes) = MOMENTS[moment]
    async with staged(tmp_path, Script(policy=policy())) as stage:
        room = room_of(stage)
        asked = await room.asks("oli", UPDATE)
        graph = stage.sandbox.graph.faults
        graph.add(fault)
        await stage.post(await room.press("bob", "Approve", asked))
        await graph.wait_until_paused()
        await stage.settle_cards()
        async with outage(stage):
            graph.release()
            await stage.settle()
            assert await room.state(asked) is state
            assert await room.audit_of(asked) == audited
            assert len(stage.graph_writes()) == writes

        await room.passes(seconds=LEASE)

        assert await room.state(asked) is State.DONE
        assert await room.audit_of(asked) == RUN
        assert len(stage.graph_writes()) == 1
        await room.checks()


@dataclass(frozen=True)
class Waiting:
    """One operation for each way on, about a connector of its own."""

    approve: Operation
    reject: Operation
    cancel: Operation
    lapse: Operation
    execute: Operation

    @property
    def all(self) -> tuple[Operation, ...]:
        return self.approve, self.reject, self.cancel, self.lapse, self.execute

    async def presses(self, room: Room) -> list[JsonObject]:
        """Return what arrives when people press a button of the first three."""
        return [
            await room.press("bob", "Approve", self.approve),
            await room.press("bob", "Reject", self.reject),
            await room.press("oli", "Cancel", self.cancel),
        ]


async def waiting(room: Room) -> Waiting:
    """Ask for five writes: the fourth lapses in a minute, the fifth is approved and hangs."""
    graph = room.stage.sandbox.graph.faults
    lapse = await asked_for(room, "EXCH05")
    await room.passes(hours=3, minutes=59)
    approve, reject, cancel, execute = [await asked_for(room, name) for name in NAMES]
    graph.add(Fault(kind=FaultKind.HANG, method="GET", path="exchangeConnectors/"))
    await room.stage.post(await room.press("bob", "Approve", execute))
    await graph.wait_until_paused()
    await room.stage.settle_cards()
    return Waiting(approve, reject, cancel, lapse, execute)


async def asked_for(room: Room, name: str) -> Operation:
    return await room.asks("oli", f"/exchange update {name} version=15.9")


async def timed(stage: Stage, activity: JsonObject) -> tuple[float, httpx.Response]:
    started = time.monotonic()
    response = await stage.post(activity)
    return time.monotonic() - started, response


async def test_a_lock_over_every_step_is_answered_in_time_and_leaves_nothing_half_done(
    tmp_path: Path,
) -> None:
    create = "/exchange create serverName=EXCH09"
    async with staged(tmp_path, Script(policy=policy())) as stage:
        room = room_of(stage)
        ways = await waiting(room)
        before = [await kept(room, operation) for operation in ways.all]
        presses = await ways.presses(room)
        with locked(tmp_path):
            started = time.monotonic()
            stage.clock.move(minutes=2)
            stage.sandbox.graph.faults.release()
            asking = asyncio.create_task(stage.post(stage.activity("oli", create)))
            answers = await asyncio.gather(*(timed(stage, press) for press in presses))
            assert (await asking).is_success
            await stage.settle_turns()

            assert time.monotonic() - started <= ANSWER_WITHIN_S
            assert all(FOLLOWING in answer.json()["value"] for _, answer in answers)
            assert max(seconds for seconds, _ in answers) <= INVOKE_WITHIN_S
            assert sum(NOT_STORED in shown for shown in stage.shown()) == len(presses) + 1
            assert [await kept(room, operation) for operation in ways.all] == before
            assert len(await operations(stage)) == len(before)
            assert stage.graph_writes() == []

        await goes_on(room, ways)
        assert await room.state(await room.asks("oli", create)) is State.WAITING
        await room.checks()


async def goes_on(room: Room, ways: Waiting) -> None:
    """Do it all again and let a lease pass: each comes to its end, once."""
    for press in await ways.presses(room):
        await room.sends(press)
    await room.passes(seconds=LEASE)

    ends = (State.DONE, State.REJECTED, State.CANCELLED, State.EXPIRED, State.DONE)
    assert tuple([await room.state(operation) for operation in ways.all]) == ends
    assert await room.audit_of(ways.approve) == await room.audit_of(ways.execute) == RUN
    assert await room.audit_of(ways.reject) == PRESSES["Reject"][2]
    assert await room.audit_of(ways.cancel) == PRESSES["Cancel"][2]
    assert await room.audit_of(ways.lapse) == ["requested", "expired"]
    assert len(room.stage.graph_writes()) == len({"approve", "execute"})


async def operations(stage: Stage) -> list[Operation]:
    return list(await stage.bot.store.operations(tenant=None, target=None, offset=0, limit=9))
