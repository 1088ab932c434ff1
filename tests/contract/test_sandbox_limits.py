"""The sandbox's connector holds a bot to Teams' limits where it is told to.

Source: "Optimize your bot: rate limiting and best practices in Teams".
"""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from bot.graph.trust import trusted
from bot.sandbox.limits import PER_THREAD, TENANT, Limits, Window
from bot.sandbox.server import Sandbox
from bot.sandbox.wire import RefusedError
from bot.sandbox.world import World
from tests.support.stage import FakeClock, sandboxed

CHANNEL = "19:c0de@thread.tacv2"


class Gate:
    """Limits under a clock that stands until moved."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
        self.limits = Limits(now=lambda: self.time)
        self.limits.is_on = True

    def passes(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)

    def admits(self, conversation: str | None = CHANNEL) -> bool:
        try:
            self.limits.admit(conversation)
        except RefusedError:
            return False
        return True


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.mark.parametrize("window", PER_THREAD)
def test_a_conversation_gets_its_count_and_not_one_more(gate: Gate, window: Window) -> None:
    # As fast as the narrower windows allow, and all within this one.
    step = window.period_s / (window.count + 1)
    admitted = 0
    for _ in range(window.count):
        gate.passes(step)
        admitted += gate.admits()
    gate.passes(step / 2)

    assert admitted == window.count
    assert not gate.admits()
    assert {violation.window for violation in gate.limits.violations} == {window}


def test_a_window_slides_and_does_not_begin_anew(gate: Gate) -> None:
    assert [gate.admits() for _ in range(3)] == [True] * 3
    gate.passes(0.9)
    assert [gate.admits() for _ in range(5)] == [True] * 4 + [False]
    gate.passes(0.2)
    assert [gate.admits() for _ in range(2)] == [True, False]


def test_a_thread_counts_as_its_channel(gate: Gate) -> None:
    some = [gate.admits(f"{CHANNEL};messageid={number}") for number in range(8)]

    assert some == [True] * 7 + [False]


def test_a_tenant_gets_thirty_requests_a_second_whatever_the_conversation(gate: Gate) -> None:
    some = [gate.admits(f"19:{number}@thread.tacv2") for number in range(31)]

    assert some == [True] * 30 + [False]
    assert [violation.lane for violation in gate.limits.violations] == [TENANT]
    gate.passes(1)
    assert gate.admits()


def test_what_is_refused_uses_nothing_up(gate: Gate) -> None:
    for number in range(60):
        gate.admits(f"19:{number}@thread.tacv2")
    gate.passes(1)

    assert sum(gate.admits(f"19:{number}@thread.tacv2") for number in range(60)) == 30


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


async def post(sandbox: Sandbox, world: World, http: httpx.AsyncClient) -> httpx.Response:
    answer = await http.post(
        f"{sandbox.url}/{sandbox.registration.tenant}/oauth2/v2.0/token",
        data={
            "grant_type": "client_credentials",
            "client_id": sandbox.registration.app_id,
            "client_secret": sandbox.registration.secrets[sandbox.registration.app_id],
            "scope": "https://api.botframework.com/.default",
        },
    )
    return await http.post(
        f"{sandbox.service_url}v3/conversations/{world.channel.id}/activities",
        json={"type": "message", "text": "hello"},
        headers={"Authorization": f"Bearer {answer.json()['access_token']}"},
    )


async def test_a_message_beyond_a_limit_is_answered_429_and_not_kept(clock: FakeClock) -> None:
    async with (
        sandboxed(clock) as (sandbox, world),
        httpx.AsyncClient(trust_env=False, verify=trusted()) as http,
    ):
        unlimited = [await post(sandbox, world, http) for _ in range(10)]
        sandbox.connector.limits.is_on = True
        answers = [await post(sandbox, world, http) for _ in range(8)]
        kept = len(sandbox.connector.messages())
        clock.move(seconds=int(answers[-1].headers["Retry-After"]))
        later = await post(sandbox, world, http)

    assert {answer.status_code for answer in unlimited} == {201}
    assert [answer.status_code for answer in answers] == [201] * 7 + [429]
    assert answers[-1].headers["Retry-After"] == "1"
    assert answers[-1].json()["error"]["code"] == "TooManyRequests"
    assert kept == 17
    assert later.status_code == 201
