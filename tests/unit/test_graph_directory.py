"""Who a person is: groups in chunks, answers no older than a minute, and closed when in doubt."""

import asyncio
import json

import httpx
import pytest
from pydantic import JsonValue

from bot.domain.errors import DirectoryUnavailable
from bot.domain.policy import Person
from bot.graph.directory import GraphDirectory
from bot.graph.flights import Flights
from tests.unit.test_graph_kit import (
    ROOT,
    TENANT,
    FakeTokens,
    Ticker,
    World,
    client,
    refusal,
    world,
)

OID = "0aa0c1de-0000-4000-8000-00000000000a"
MEMBER: dict[str, JsonValue] = {
    "id": OID,
    "displayName": "Alice",
    "userType": "Member",
    "accountEnabled": True,
}


def group(number: int) -> str:
    return f"0aa0c1de-0000-4000-8000-{number:012d}"


class Entra:
    """A directory with one user; counts what it is asked."""

    def __init__(self, user: JsonValue, *groups: str) -> None:
        self.user = user
        self.groups = set(groups)
        self.chunks: list[list[str]] = []
        self.users = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            self.users += 1
            return httpx.Response(200, json=self.user)
        asked = json.loads(request.content)["groupIds"]
        self.chunks.append(asked)
        held = [name.upper() for name in asked if name in self.groups]
        return httpx.Response(200, json={"value": [*held, "a-group-never-asked-for", 7]})


def place(entra: Entra) -> tuple[World, GraphDirectory]:
    there = world(entra)
    return there, there.directory()


async def ask(
    directory: GraphDirectory, *groups: str, is_fresh: bool = False, oid: str = OID
) -> Person:
    return await directory.person(TENANT, oid, frozenset(groups), is_fresh=is_fresh)


async def test_a_member_is_known_with_the_policys_groups_alone() -> None:
    there, directory = place(Entra(MEMBER, group(1), group(9)))

    person = await ask(directory, group(1), group(2))

    assert person == Person(
        OID, TENANT, "Alice", is_guest=False, is_enabled=True, groups=frozenset({group(1)})
    )
    assert sorted(there.graph.sent) == [
        f"GET {ROOT}/v1.0/users/{OID}?$select=id,displayName,userType,accountEnabled",
        f"POST {ROOT}/v1.0/users/{OID}/checkMemberGroups",
    ]


async def test_groups_are_checked_twenty_at_a_time() -> None:
    # Source: checkMemberGroups, "groupIds: ... up to 20".
    asked = [group(number) for number in range(45)]
    entra = Entra(MEMBER, group(0), group(44))
    _, directory = place(entra)

    person = await ask(directory, *asked)

    assert sorted(len(chunk) for chunk in entra.chunks) == [5, 20, 20]
    assert sorted(name for chunk in entra.chunks for name in chunk) == asked
    assert person.groups == {group(0), group(44)}


async def test_a_policy_without_groups_asks_for_none() -> None:
    there, directory = place(Entra(MEMBER))

    assert (await ask(directory)).groups == frozenset()
    assert len(there.graph.requests) == 1


async def test_an_answer_serves_for_a_minute() -> None:
    entra = Entra(MEMBER, group(1))
    there, directory = place(entra)
    await ask(directory, group(1))
    entra.groups.clear()

    there.ticker.now += 59.9
    assert (await ask(directory, group(1), oid=OID.upper())).groups == {group(1)}
    there.ticker.now += 0.1
    assert (await ask(directory, group(1))).groups == frozenset()


async def test_a_fresh_answer_is_asked_for_and_then_serves_the_others() -> None:
    entra = Entra(MEMBER, group(1))
    _, directory = place(entra)
    await ask(directory, group(1))
    entra.groups.clear()

    assert (await ask(directory, group(1), is_fresh=True)).groups == frozenset()
    assert (await ask(directory, group(1))).groups == frozenset()
    assert entra.users == 2


async def test_other_groups_of_a_changed_policy_are_asked_for() -> None:
    _, directory = place(Entra(MEMBER, group(2)))
    await ask(directory, group(1))

    assert (await ask(directory, group(1), group(2))).groups == {group(2)}


async def test_many_who_ask_at_once_share_one_question() -> None:
    entra = Entra(MEMBER)
    _, directory = place(entra)

    await asyncio.gather(*(ask(directory, group(1)) for _ in range(10)))

    assert entra.users == 1


async def test_a_slow_answer_does_not_replace_a_fresher_one() -> None:
    gate, first = asyncio.Event(), asyncio.Event()
    entra = Entra(MEMBER | {"displayName": "old"})

    async def answer(request: httpx.Request) -> httpx.Response:
        response = entra(request)
        if entra.users == 1:
            first.set()
            await gate.wait()
        return response

    ticker = Ticker()
    directory = GraphDirectory(
        client=client(answer, ticker, FakeTokens()), tenant=TENANT, monotonic=ticker.monotonic
    )
    slow = asyncio.ensure_future(ask(directory))
    await first.wait()
    ticker.now += 1
    entra.user = MEMBER | {"displayName": "new"}
    await ask(directory, is_fresh=True)
    gate.set()

    assert (await slow).name == "old"
    assert (await ask(directory)).name == "new"


async def test_the_longest_unused_people_are_forgotten() -> None:
    entra = Entra(MEMBER)
    there = world(entra)
    directory = GraphDirectory(
        client=there.client, tenant=TENANT, monotonic=there.ticker.monotonic, most_kept=2
    )
    for oid in ("a", "b", "a", "c"):
        await ask(directory, oid=oid)

    await ask(directory, oid="a")
    assert entra.users == 3
    await ask(directory, oid="b")
    assert entra.users == 4


@pytest.mark.parametrize(
    ("user", "is_guest", "is_enabled"),
    [
        (MEMBER | {"userType": "Guest"}, True, True),
        (MEMBER | {"userType": None}, True, True),
        ({"accountEnabled": True}, True, True),
        (MEMBER | {"accountEnabled": False}, False, False),
        (MEMBER | {"accountEnabled": "true"}, False, False),
        ({"userType": "member"}, False, False),
    ],
)
async def test_what_is_not_said_counts_against_the_person(
    *, user: dict[str, JsonValue], is_guest: bool, is_enabled: bool
) -> None:
    _, directory = place(Entra(user))

    person = await ask(directory)

    assert (person.is_guest, person.is_enabled) == (is_guest, is_enabled)


async def test_somebody_of_another_tenant_is_foreign_without_groups_and_is_not_asked_for() -> None:
    there, directory = place(Entra(MEMBER, group(1)))

    person = await directory.person("other", OID.upper(), frozenset({group(1)}), is_fresh=True)

    assert person == Person(
        OID,
        "other",
        "",
        is_guest=True,
        is_enabled=True,
        groups=frozenset(),
        is_foreign=True,
    )
    assert there.graph.requests == []


async def test_an_account_that_is_not_found_is_disabled() -> None:
    person = await ask(world(refusal(404)).directory(), group(1))

    assert (person.is_guest, person.is_enabled, person.groups) == (True, False, frozenset())


@pytest.mark.parametrize(
    "answer",
    [
        refusal(403),
        refusal(500),
        refusal(429, retry_after="60"),
        httpx.ReadError("reset"),
        httpx.Response(200, content=b"{"),
        httpx.Response(200, content=b"[]"),
        httpx.Response(200, json={"value": 7}),
    ],
)
async def test_an_error_denies_and_no_old_answer_serves(
    answer: httpx.Response | Exception,
) -> None:
    entra = Entra(MEMBER, group(1))
    there, directory = place(entra)
    await ask(directory, group(1))
    there.ticker.now += 60
    there.graph.steps.clear()
    there.graph.steps.append(answer)

    with pytest.raises(DirectoryUnavailable):
        await ask(directory, group(1))
    with pytest.raises(DirectoryUnavailable):
        await ask(directory, group(1), is_fresh=True)


async def test_a_defect_is_not_taken_for_an_outage() -> None:
    with pytest.raises(ZeroDivisionError):
        await ask(world(ZeroDivisionError()).directory())


async def test_a_caller_who_goes_away_does_not_stop_the_others() -> None:
    gate: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    flights: Flights[str, str] = Flights()

    async def work() -> str:
        return await gate

    leaving = asyncio.ensure_future(flights.join("k", work))
    staying = asyncio.ensure_future(flights.join("k", work))
    await asyncio.sleep(0)
    leaving.cancel()
    gate.set_result("done")

    assert await staying == "done"
    assert leaving.cancelled()


async def test_closing_stops_what_is_under_way() -> None:
    flights: Flights[str, bool] = Flights()
    waiting = asyncio.ensure_future(flights.join("k", asyncio.Event().wait))
    await asyncio.sleep(0)

    await flights.aclose()

    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_directory_closes_without_anything_under_way() -> None:
    await world(refusal(500)).directory().aclose()
