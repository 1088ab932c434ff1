"""What monitoring asks: alive, ready, and how much of everything there was."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bot.sandbox.faults import Fault, FaultKind
from tests.http.knocking import Door
from tests.support.databases import execute
from tests.support.stage import FakeClock, Script, Stage, joined, sandboxed, staged


async def readiness(stage: Stage) -> tuple[int, dict[str, bool]]:
    response = await stage.http.get(f"{stage.url}/readyz", timeout=10)
    return response.status_code, response.json()


async def test_a_bot_that_has_everything_is_alive_and_ready(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        alive = await stage.http.get(f"{stage.url}/healthz")

        assert (alive.status_code, alive.json()) == (200, {"status": "alive"})
        assert await readiness(stage) == (200, {"database": True, "keys": True, "token": True})


async def test_a_bot_without_keys_is_alive_but_not_ready(tmp_path: Path) -> None:
    clock = FakeClock()
    async with sandboxed(clock) as (sandbox, world):
        sandbox.identity.faults.add(Fault(kind=FaultKind.STATUS, path="openid", times=None))
        async with joined(tmp_path, Script(), clock, sandbox, world) as stage:
            assert (await stage.http.get(f"{stage.url}/healthz")).status_code == 200
            status, checks = await readiness(stage)
            assert (status, checks["keys"]) == (503, False)
            assert (await stage.post({})).status_code == 401

            sandbox.identity.faults.clear()
            clock.move(minutes=1)
            await readiness(stage)
            await stage.settle()
            assert (await readiness(stage))[0] == 200


async def test_a_bot_without_token_is_not_ready(tmp_path: Path) -> None:
    clock = FakeClock()
    async with sandboxed(clock) as (sandbox, world):
        refusal = Fault(
            kind=FaultKind.STATUS,
            path="oauth2",
            times=None,
            status=401,
            body={"error": "invalid_client", "error_description": "AADSTS7000215: Invalid."},
        )
        sandbox.identity.faults.add(refusal)
        async with joined(tmp_path, Script(), clock, sandbox, world) as stage:
            expected = {"database": True, "keys": True, "token": False}
            assert await readiness(stage) == (503, expected)


async def test_a_bot_without_database_is_not_ready(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await execute(stage.bot.database, "DROP TABLE audit_head")

        status, checks = await readiness(stage)

        assert (status, checks["database"]) == (503, False)


async def test_forged_tokens_slow_nobody_down_while_the_keys_cannot_be_fetched(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path) as stage:
        door, identity = Door(stage), stage.sandbox.identity
        identity.faults.add(Fault(kind=FaultKind.HANG, path="openid", times=None))
        stage.clock.move(minutes=6)
        forged = identity.sign(
            door.service_url, signed_by=replace(identity.keys[-1], kid="unknown")
        )
        headers = {"Authorization": forged}
        flood = [asyncio.ensure_future(door.knock(door.message(), headers)) for _ in range(40)]
        await identity.faults.wait_until_paused()

        alive = await stage.http.get(f"{stage.url}/healthz", timeout=0.5)
        said = await stage.http.post(
            f"{stage.url}/api/messages",
            json=door.message("/whoami"),
            headers={"Authorization": door.signature()},
            timeout=1,
        )

        identity.faults.clear()
        identity.faults.release()
        refused = await asyncio.gather(*flood)
    assert (alive.status_code, said.status_code) == (200, 202)
    assert {response.status_code for response in refused} == {401}
    assert identity.metadata_fetches == 2


async def test_metrics_count_answers_refusals_and_outcomes(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        door = Door(stage)
        await stage.says("ada", "/whoami")
        await door.turned_away(door.message(channelId="webchat"))
        response = await stage.http.get(f"{stage.url}/metrics")

    lines = response.text.splitlines()
    assert response.headers["Content-Type"].startswith("text/plain")
    assert 'bot_activities_total{answer="202"} 1.0' in lines
    assert 'bot_activities_total{answer="403"} 1.0' in lines
    assert 'bot_turned_away_total{reason="channel"} 1.0' in lines
    assert 'bot_outcomes_total{outcome="WhoAmI"} 1.0' in lines
    assert "bot_in_flight 0.0" in lines
    assert stage.world.ada.oid not in response.text


@pytest.mark.parametrize("path", ["/", "/api/messages/", "/admin", "/api/messages/../metrics2"])
async def test_there_is_nothing_else(tmp_path: Path, path: str) -> None:
    async with staged(tmp_path) as stage:
        assert (await stage.http.get(f"{stage.url}{path}")).status_code == 404
