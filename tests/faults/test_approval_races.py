"""Two presses at the same moment: one effect, one decided state, and both people are answered.

A part is run each time; the whole is `python -m pytest tests/faults/test_approval_races.py
--approval-pairs=1000 --approval-replica-pairs=200`.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path

import httpx
import pytest

from bot import logs
from bot.domain.audit import Verified
from bot.domain.operation import State
from bot.sandbox.journal import JsonObject
from bot.sandbox.people import Channel
from tests.support.databases import fresh_url
from tests.support.room import Room, policy, room_of
from tests.support.stage import FakeClock, Script, Stage, joined, sandboxed, staged

# Who presses what at once. Half of the pairs are the plain one: two who both consent.
PAIRS = (
    (("bob", "Approve"), ("cyn", "Approve")),
    (("bob", "Approve"), ("cyn", "Reject")),
    (("cyn", "Approve"), ("bob", "Approve")),
    (("bob", "Approve"), ("oli", "Cancel")),
)
# What the audit of an operation may say of how it was decided.
DECISIONS = {
    ("approve voted", "approved", "executing", "done"): State.DONE,
    ("reject voted", "rejected"): State.REJECTED,
    ("cancelled",): State.CANCELLED,
    ("approve voted", "approved", "cancelled"): State.CANCELLED,
}
CHANNELS = 50
# What a press leaves that came too late.
LATE = {"vote refused"}


async def together(stages: Sequence[Stage], presses: Sequence[JsonObject]) -> list[httpx.Response]:
    """Post the presses at the same moment, each to its own bot."""
    barrier = asyncio.Barrier(len(presses))

    async def post(stage: Stage, press: JsonObject) -> httpx.Response:
        await barrier.wait()
        return await stage.post(press)

    return await asyncio.gather(*map(post, stages, presses))


async def race(rooms: Sequence[Room], pairs: int) -> Counter[str]:
    """Let pairs of people press at once and hold each pair to one decision and one effect."""
    asking = rooms[0]
    ends: Counter[str] = Counter()
    for number, pair in enumerate(islice(cycle(PAIRS), pairs), start=1):
        # Teams allows 1,800 messages an hour in one channel, and this hour has more.
        channel = Channel(f"19:c0de{number % CHANNELS:028d}@thread.tacv2")
        text = f"/exchange update EXCH01 version={number}.0"
        asked = await asking.asks("oli", text, channel=channel)
        presses = [await asking.press(who, title, asked) for who, title in pair]
        before = len(asking.stage.graph_writes())
        answers = await together([room.stage for room in rooms], presses)
        for room in (*rooms, *rooms):
            await room.stage.settle()

        assert [answer.status_code for answer in answers] == [200, 200]
        assert all(answer.json()["value"] for answer in answers)
        state = await asking.state(asked)
        said = await asking.audit_of(asked)
        decided = tuple(line for line in said[1:] if line not in LATE)
        assert DECISIONS[decided] is state, said
        is_done = state is State.DONE
        assert len(asking.stage.graph_writes()) - before == is_done
        assert (asking.versions()["EXCH01"] == f"{number}.0") is is_done
        ends[str(state)] += 1
    assert isinstance(await asking.stage.bot.store.verify_audit(), Verified)
    return ends


@pytest.fixture(autouse=True)
def quiet() -> None:
    """Leave the logs out: thousands of lines say nothing here."""
    logs.configure("CRITICAL")


async def test_of_two_presses_at_once_one_counts(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    pairs = int(pytestconfig.getoption("--approval-pairs", default="30"))
    async with staged(tmp_path, Script(policy=policy())) as stage:
        room = room_of(stage)
        ends = await race([room, room], pairs)

    assert ends[str(State.DONE)] >= pairs // 2
    print(dict(ends))  # noqa: T201 - shown with -s, to say what the pairs came to


async def test_of_two_presses_on_two_bots_at_once_one_counts(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    pairs = int(pytestconfig.getoption("--approval-replica-pairs", default="20"))
    clock = FakeClock()
    async with fresh_url("postgresql", tmp_path) as url:
        script = Script(policy=policy(), database_url=url)
        async with (
            sandboxed(clock) as (sandbox, world),
            joined(tmp_path, script, clock, sandbox, world) as one,
            joined(tmp_path, script, clock, sandbox, world) as two,
        ):
            ends = await race([room_of(one), room_of(two)], pairs)

    assert ends[str(State.DONE)] >= pairs // 2
    print(dict(ends))  # noqa: T201 - shown with -s, to say what the pairs came to
