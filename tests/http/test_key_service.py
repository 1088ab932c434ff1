"""The keys that sign activities are replaced, forged and out of reach; fetches are counted there."""

import asyncio
import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from bot.sandbox.faults import Fault, FaultKind
from bot.sandbox.keys import SigningKey, new_private_key
from bot.teams.keys import FRESH_FOR, REFETCH_AFTER
from tests.http.knocking import JSON, Door
from tests.support.stage import FakeClock, Script, joined, sandboxed, staged

DOWN = Fault(kind=FaultKind.STATUS, path="openid", status=503, times=None)
HANGING = Fault(kind=FaultKind.HANG, path="openid", times=None)
FRESH_KEY = new_private_key()
FORGED = 10_000
AT_ONCE = 20
SIGNATURE = urlsafe_b64encode(b"\x01" * 256).rstrip(b"=").decode()


@asynccontextmanager
async def a_door(folder: Path) -> AsyncIterator[Door]:
    # Nothing but what comes in by the door is to be seen at Graph.
    async with staged(folder, Script(settings={"BOT_WATCH_INTERVAL": "1000000"})) as stage:
        yield Door(stage)


def forged(number: int) -> str:
    """Return a token that looks right and names a key that nobody has."""
    parts = ({"alg": "RS256", "typ": "JWT", "kid": f"forged-{number}"}, {"iss": "anybody"})
    head = ".".join(urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=").decode() for p in parts)
    return f"Bearer {head}.{SIGNATURE}"


async def flood(door: Door, tokens: range) -> set[int]:
    """Send a forged token each, twenty at a time, and return the statuses."""
    waiting = iter(tokens)
    statuses: set[int] = set()

    async def sender(session: aiohttp.ClientSession) -> None:
        for number in waiting:
            headers = {"Authorization": forged(number), "Content-Type": JSON}
            async with session.post(
                f"{door.stage.url}/api/messages", data=b"{}", headers=headers
            ) as response:
                statuses.add(response.status)

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(sender(session) for _ in range(AT_ONCE)))
    return statuses


async def is_let_in(door: Door, signed_by: SigningKey | None = None) -> bool:
    header = door.stage.sandbox.identity.sign(door.service_url, signed_by=signed_by)
    response = await door.knock(door.message("/whoami"), {"Authorization": header})
    await door.stage.settle()
    return response.status_code == 202


async def test_forged_tokens_cost_one_fetch_in_five_minutes(
    tmp_path: Path,
) -> None:
    async with a_door(tmp_path) as door:
        identity, minutes = door.stage.sandbox.identity, 16
        before = identity.metadata_fetches
        share = FORGED // minutes
        for minute in range(minutes):
            statuses = await flood(door, range(minute * share, (minute + 1) * share))
            assert statuses == {401}
            door.stage.clock.move(minutes=1)

        # In 16 minutes from the start of the bot: after 5, 10 and 15.
        assert identity.metadata_fetches - before == 3
        assert identity.key_fetches == identity.metadata_fetches
        assert await is_let_in(door)


@pytest.mark.parametrize("age", [timedelta(minutes=1), timedelta(hours=2), timedelta(hours=23)])
async def test_a_new_key_is_taken_within_five_minutes_however_old_the_keys_are(
    tmp_path: Path, age: timedelta
) -> None:
    async with a_door(tmp_path) as door:
        identity, clock = door.stage.sandbox.identity, door.stage.clock
        clock.move(seconds=age.total_seconds())
        # At the worst moment: somebody has just used up the fetch.
        await flood(door, range(1))
        old = identity.keys[-1]
        identity.rotate(FRESH_KEY, keep_old=True)

        tried: list[bool] = []
        while not (tried and tried[-1]):
            tried.append(await is_let_in(door))
            assert await is_let_in(door, old)
            clock.move(minutes=1)

        assert timedelta(minutes=len(tried) - 1) <= REFETCH_AFTER


async def test_known_keys_serve_through_a_day_of_outage_and_no_longer(tmp_path: Path) -> None:
    async with a_door(tmp_path) as door:
        identity, clock = door.stage.sandbox.identity, door.stage.clock
        clock.move(seconds=FRESH_FOR.total_seconds())
        identity.faults.add(DOWN)
        before = identity.metadata_fetches

        for _ in range(24):
            assert await is_let_in(door)
            clock.move(minutes=59, seconds=59)
        asked = identity.metadata_fetches - before
        assert await is_let_in(door)
        clock.move(seconds=24)
        header = {"Authorization": door.signature()}

        assert await door.turned_away(door.message(), header) == (
            401,
            "signing keys unavailable",
        )
        assert asked == 24

        identity.faults.clear()
        clock.move(minutes=5)
        assert await is_let_in(door)


async def test_a_new_key_comes_in_once_an_outage_is_over(tmp_path: Path) -> None:
    async with a_door(tmp_path) as door:
        identity, clock = door.stage.sandbox.identity, door.stage.clock
        known = identity.keys[-1]
        identity.faults.add(DOWN)
        identity.rotate(FRESH_KEY, keep_old=True)
        clock.move(hours=1)

        during = (await is_let_in(door), await is_let_in(door, known))
        identity.faults.clear()
        clock.move(minutes=5)

        assert during == (False, True)
        assert await is_let_in(door)


async def test_a_bot_that_never_had_keys_lives_and_answers_while_they_hang(
    tmp_path: Path,
) -> None:
    clock = FakeClock()
    async with sandboxed(clock) as (sandbox, world):
        faults = sandbox.identity.faults
        faults.add(DOWN)
        async with joined(tmp_path, Script(), clock, sandbox, world) as stage:
            faults.clear()
            faults.add(HANGING)
            clock.move(minutes=1)
            door = Door(stage)
            refused = asyncio.ensure_future(flood(door, range(60)))
            await faults.wait_until_paused()

            alive = await stage.http.get(f"{stage.url}/healthz", timeout=0.5)
            anonymous = await door.knock(b"{}", {"Authorization": ""})
            faults.clear()
            faults.release()

            assert alive.status_code == 200
            assert anonymous.status_code == 401
            assert await refused == {401}
            assert sandbox.identity.metadata_fetches == 2
            assert await is_let_in(door)
