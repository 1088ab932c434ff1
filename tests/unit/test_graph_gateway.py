"""Paging, reading and writing of any kind of resource."""

import asyncio
import dataclasses
import json

import httpx
import pytest
from pydantic import JsonValue

from bot.domain.errors import ConfigError, GraphAmbiguous, GraphError, GraphUnavailable
from bot.domain.kinds.exchange import EXCHANGE
from bot.domain.resource import Verb
from bot.graph.gateway import MOST_PAGES, MOST_RECORDS
from bot.service.ports import Receipt
from tests.unit.test_graph_kit import ROOT, World, page, refusal, world

LINK = f"{ROOT}/v1.0/deviceManagement/exchangeConnectors?$skiptoken=a%2Fb+c=="


def item(number: int, **more: JsonValue) -> dict[str, JsonValue]:
    return {"id": f"c{number}", **more}


def verb(name: str) -> Verb:
    found = EXCHANGE.verb(name)
    assert found is not None
    return found


async def write(
    there: World, name: str, record_id: str | None = "c1", body: dict[str, JsonValue] | None = None
) -> Receipt:
    return await there.gateway().write(
        EXCHANGE, verb(name), record_id=record_id, body=body, client_request_id="guid"
    )


async def code_of(there: World) -> str:
    with pytest.raises(GraphError) as caught:
        await there.gateway().list(EXCHANGE)
    return caught.value.fault.code


async def test_next_links_are_followed_letter_by_letter() -> None:
    there = world(page(item(1), link=LINK), page(item(2)))

    found = await there.gateway().list(EXCHANGE)

    assert [record.id for record in found.records] == ["c1", "c2"]
    assert there.graph.sent[1] == f"GET {LINK}"


async def test_a_record_seen_on_two_pages_stands_once_as_last_seen() -> None:
    pages = page(item(1), item(2), link=LINK), page(item(1, serverName="moved"))

    found = await world(*pages).gateway().list(EXCHANGE)

    assert [record.id for record in found.records] == ["c1", "c2"]
    assert found.records[0].values()["serverName"] == "moved"


async def test_a_next_link_to_another_host_gets_neither_request_nor_token() -> None:
    there = world(page(item(1), link="https://evil.example/v1.0/next"), page())

    assert await code_of(there) == "foreign-next-link"
    assert len(there.graph.requests) == 1


async def test_next_links_in_a_circle_are_an_error() -> None:
    other = f"{LINK}&x"
    there = world(page(link=LINK), page(link=other), page(link=LINK))

    assert await code_of(there) == "next-link-loop"
    assert len(there.graph.requests) == 3


async def test_a_list_without_end_is_cut_at_the_last_page() -> None:
    def endless(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params.get("n", "0"))
        return page(item(number), link=f"{ROOT}/v1.0/x?n={number + 1}")

    there = world(endless)

    found = await there.gateway().list(EXCHANGE)

    assert found.is_cut
    assert len(found.records) == len(there.graph.requests) == MOST_PAGES


async def test_a_list_is_cut_at_the_most_records() -> None:
    items = [item(number) for number in range(MOST_RECORDS + 1)]

    full = await world(page(*items[:-1])).gateway().list(EXCHANGE)
    cut = await world(page(*items)).gateway().list(EXCHANGE)

    assert (len(full.records), full.is_cut) == (MOST_RECORDS, False)
    assert (len(cut.records), cut.is_cut) == (MOST_RECORDS, True)


async def test_a_slow_list_ends_with_its_budget() -> None:
    def slow(request: httpx.Request) -> httpx.Response:
        there.ticker.now += 40
        number = int(request.url.params.get("n", "0"))
        return page(item(number), link=f"{ROOT}/v1.0/x?n={number + 1}")

    there = world(slow)

    with pytest.raises(GraphUnavailable):
        await there.gateway().list(EXCHANGE)

    assert len(there.graph.requests) == 3


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b"\xff\xfe\x00",
        b"[]",
        b"{}",
        b'{"value": {"id": "c1"}}',
        b'{"value": [], "@odata.nextLink": 7}',
        b'{"value": [{"serverName": "without id"}]}',
        b'{"value": [7]}',
        b'{"value": [{"id": "c1", "status": {"nested": true}}]}',
    ],
)
async def test_a_page_that_cannot_be_read_whole_is_an_error_not_a_shorter_list(
    body: bytes,
) -> None:
    there = world(httpx.Response(200, content=body, headers={"request-id": "r-1"}))

    assert await code_of(there) == "unreadable"


async def test_unknown_properties_and_members_are_kept() -> None:
    there = world(page(item(1, status="brandNew", flavour="odd")))

    found = await there.gateway().list(EXCHANGE)

    assert found.records[0].values()["status"] == "brandNew"
    assert found.records[0].values()["flavour"] == "odd"


async def test_a_record_that_is_not_there_is_none() -> None:
    assert await world(refusal(404)).gateway().get(EXCHANGE, "c1") is None


async def test_a_refused_read_is_an_error() -> None:
    with pytest.raises(GraphError) as caught:
        await world(refusal(403, "Forbidden")).gateway().get(EXCHANGE, "c1")

    assert caught.value.fault.code == "Forbidden"


@pytest.mark.parametrize(
    ("record_id", "segment"),
    [
        ("a/b", "a%2Fb"),
        ("../../users", "..%2F..%2Fusers"),
        ("a?b#c", "a%3Fb%23c"),
        ("ü %2F", "%C3%BC%20%252F"),
        ("...", "..."),
    ],
)
async def test_an_id_is_one_segment_whatever_is_in_it(record_id: str, segment: str) -> None:
    there = world(refusal(404))

    await there.gateway().get(EXCHANGE, record_id)

    collection = b"/v1.0/deviceManagement/exchangeConnectors/"
    assert there.graph.requests[0].url.raw_path == collection + segment.encode()


@pytest.mark.parametrize("record_id", [None, "", ".", ".."])
async def test_an_id_that_would_be_a_step_in_the_path_is_refused(record_id: str | None) -> None:
    there = world(httpx.Response(204))

    with pytest.raises(GraphError) as caught:
        await write(there, "delete", record_id)

    assert caught.value.fault.code == "bad-id"
    assert there.graph.requests == []


async def test_deleting_what_is_gone_is_no_error() -> None:
    there = world(refusal(404, request_id="r-1"))

    assert await write(there, "delete") == Receipt("r-1", was_gone=True)


@pytest.mark.parametrize("name", ["update", "sync"])
async def test_changing_what_is_gone_is_an_error(name: str) -> None:
    with pytest.raises(GraphError) as caught:
        await write(world(refusal(404)), name, body={})

    assert caught.value.fault.status == 404


async def test_an_undeclared_success_counts() -> None:
    there = world(httpx.Response(202, json=item(1)))

    receipt = await write(there, "sync", body={"syncType": "fullSync"})

    assert receipt.record is not None


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"value": 1}', b""])
async def test_a_bad_body_does_not_undo_a_create(body: bytes) -> None:
    there = world(httpx.Response(201, content=body))

    assert await write(there, "create", None, {}) == Receipt(None)


@pytest.mark.parametrize("name", ["create", "add", "sync"])
async def test_a_post_is_sent_once_when_its_answer_is_lost(name: str) -> None:
    there = world(refusal(503), httpx.Response(201, json=item(1)))

    with pytest.raises(GraphAmbiguous):
        await write(there, name, body={})

    assert len(there.graph.requests) == 1


@pytest.mark.parametrize("name", ["update", "delete"])
async def test_a_change_turned_away_by_a_busy_service_is_sent_again(name: str) -> None:
    there = world(refusal(503), httpx.Response(204))

    await write(there, name, body={} if name == "update" else None)

    assert len(there.graph.requests) == 2


@pytest.mark.parametrize("version", ["localtest", "V1.0", ""])
def test_only_the_two_published_versions_exist(version: str) -> None:
    with pytest.raises(ConfigError):
        world(page()).gateway(version=version)


async def test_a_kind_that_the_version_lacks_is_refused_without_a_request() -> None:
    there = world(page())
    kind = dataclasses.replace(EXCHANGE, versions=frozenset({"beta"}))

    with pytest.raises(GraphError) as caught:
        await there.gateway().list(kind)

    assert caught.value.fault.code == "wrong-version"
    assert there.graph.requests == []


def organization(name: str) -> httpx.Response:
    return httpx.Response(200, json={"value": [{"id": "t", "displayName": name}]})


async def test_the_organizations_name_is_kept_a_day_and_then_renewed_behind_the_answer() -> None:
    there = world(organization("Contoso"), organization("Fabrikam"))
    gateway = there.gateway()

    assert [await gateway.organization() for _ in range(3)] == ["Contoso"] * 3
    assert there.graph.sent == [f"GET {ROOT}/v1.0/organization?$select=id,displayName"]

    there.ticker.now += 86_400
    assert await gateway.organization() == "Contoso"
    await drained()
    assert await gateway.organization() == "Fabrikam"
    await gateway.aclose()


async def drained() -> None:
    """Let the background finish what it was started for; nothing in it waits for time."""
    for _ in range(50):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    "answer",
    [
        refusal(403),
        httpx.Response(200, content=json.dumps({"value": []})),
        httpx.Response(200, content=b"{"),
        httpx.Response(200, content=b"[]"),
        httpx.Response(200, content=json.dumps({"value": [7]})),
        httpx.Response(200, content=json.dumps({"value": [{"displayName": None}]})),
    ],
)
async def test_an_unreadable_organization_is_none_and_asked_for_every_5_minutes(
    answer: httpx.Response,
) -> None:
    there = world(answer, organization("Contoso"))
    gateway = there.gateway()

    assert [await gateway.organization() for _ in range(3)] == [None] * 3
    assert len(there.graph.requests) == 1

    there.ticker.now += 300
    assert await gateway.organization() is None
    await drained()
    assert await gateway.organization() == "Contoso"


async def test_the_organizations_name_may_take_three_seconds_at_most() -> None:
    there = world(refusal(429, retry_after="3"))

    assert await there.gateway().organization() is None
    assert there.ticker.slept == []
