"""Repetition, budgets and limits of the Graph client. Source: Graph throttling and best practices."""

import asyncio
import gzip

import httpx
import pytest

from bot.domain.errors import GraphAmbiguous, GraphError, GraphUnavailable
from bot.graph.client import MOST_ATTEMPTS, MOST_BODY_BYTES
from bot.graph.wire import Call, Repeat
from tests.unit.test_graph_kit import ROOT, Body, Step, client, page, refusal, world

URL = f"{ROOT}/v1.0/things"
METHODS = {Repeat.SAFE: "GET", Repeat.WRITE: "PATCH", Repeat.ONCE: "POST"}
CONNECT = httpx.ConnectError("refused")
SLOW_CONNECT = httpx.ConnectTimeout("slow")
RESET = httpx.ReadError("reset")
SILENCE = httpx.ReadTimeout("silence")
CLOSED = httpx.RemoteProtocolError("closed")


def call(repeat: Repeat = Repeat.SAFE, budget_s: float = 30.0, url: str = URL) -> Call:
    body = None if repeat is Repeat.SAFE else {"a": "ü"}
    return Call(METHODS[repeat], url, repeat, budget_s, body)


@pytest.mark.parametrize(
    ("repeat", "step"),
    [
        *((Repeat.SAFE, refusal(status)) for status in (429, 502, 503, 504, 509)),
        *((Repeat.SAFE, error) for error in (CONNECT, SLOW_CONNECT, RESET, SILENCE, CLOSED)),
        *((Repeat.WRITE, refusal(status)) for status in (429, 503)),
        *((Repeat.WRITE, error) for error in (CONNECT, SLOW_CONNECT)),
        (Repeat.ONCE, refusal(429)),
        *((Repeat.ONCE, error) for error in (CONNECT, SLOW_CONNECT)),
    ],
)
async def test_what_was_surely_not_carried_out_is_sent_again(repeat: Repeat, step: Step) -> None:
    there = world(step, page())

    answer = await there.client.request(call(repeat))

    assert answer.status == 200
    assert len(there.graph.requests) == 2
    assert there.ticker.slept == [1.0]


@pytest.mark.parametrize(
    ("repeat", "step"),
    [
        *((Repeat.WRITE, refusal(status)) for status in (500, 502, 504)),
        *((Repeat.WRITE, error) for error in (RESET, SILENCE, CLOSED)),
        *((Repeat.ONCE, refusal(status)) for status in (500, 502, 503, 504)),
        *((Repeat.ONCE, error) for error in (RESET, SILENCE, CLOSED)),
    ],
)
async def test_a_write_that_may_have_happened_is_never_sent_again(
    repeat: Repeat, step: Step
) -> None:
    there = world(step, page())

    with pytest.raises(GraphAmbiguous):
        await there.client.request(call(repeat))

    assert len(there.graph.requests) == 1


@pytest.mark.parametrize("repeat", list(Repeat))
@pytest.mark.parametrize("status", [302, 400, 403, 404, 409, 412])
async def test_a_refusal_is_told_at_once(repeat: Repeat, status: int) -> None:
    there = world(refusal(status, "Refused", location="https://elsewhere.example/"))

    with pytest.raises(GraphError) as caught:
        await there.client.request(call(repeat))

    assert type(caught.value) is GraphError
    assert (caught.value.fault.status, caught.value.fault.code) == (status, "Refused")
    assert len(there.graph.requests) == 1


async def test_a_read_that_fails_inside_graph_is_unavailable_and_not_repeated() -> None:
    there = world(refusal(500))

    with pytest.raises(GraphUnavailable):
        await there.client.request(call())

    assert len(there.graph.requests) == 1


async def test_the_wish_to_wait_is_followed_with_its_decimals() -> None:
    there = world(refusal(429, retry_after="2.128"), page())

    await there.client.request(call())

    assert there.ticker.slept == [2.128]


@pytest.mark.parametrize("repeat", list(Repeat))
async def test_a_wait_beyond_the_budget_ends_the_request_at_once(repeat: Repeat) -> None:
    there = world(refusal(429, "TooManyRequests", retry_after="120"))

    with pytest.raises(GraphUnavailable) as caught:
        await there.client.request(call(repeat))

    assert caught.value.retry_after_s == 120
    assert caught.value.fault.code == "TooManyRequests"
    assert there.ticker.slept == []


async def test_repetition_ends_with_the_budget() -> None:
    there = world(refusal(503))

    with pytest.raises(GraphUnavailable) as caught:
        await there.client.request(call())

    assert there.ticker.slept == [1, 2, 4, 8, 8]
    assert caught.value.retry_after_s is None


async def test_a_server_that_asks_for_no_wait_is_not_hammered() -> None:
    there = world(refusal(429, retry_after="0"))

    with pytest.raises(GraphUnavailable):
        await there.client.request(call())

    assert len(there.graph.requests) == MOST_ATTEMPTS


async def test_a_token_rejected_at_the_last_attempt_is_still_replaced() -> None:
    busy = [refusal(429, retry_after="0") for _ in range(MOST_ATTEMPTS - 1)]
    there = world(*busy, refusal(401), page())

    assert (await there.client.request(call())).status == 200


async def test_all_attempts_of_one_request_carry_the_same_id() -> None:
    there = world(refusal(429), page())

    await there.client.request(call())
    await there.client.request(call())

    ids = [request.headers["client-request-id"] for request in there.graph.requests]
    assert ids == ["id-1", "id-1", "id-2"]


@pytest.mark.parametrize("repeat", list(Repeat))
async def test_a_rejected_token_is_replaced_once(repeat: Repeat) -> None:
    there = world(refusal(401), page())

    await there.client.request(call(repeat))

    sent = [request.headers["authorization"] for request in there.graph.requests]
    assert sent == ["Bearer token-1", "Bearer token-2"]
    assert there.ticker.slept == []


async def test_a_second_rejection_is_an_error() -> None:
    there = world(refusal(401, "InvalidAuthenticationToken"))

    with pytest.raises(GraphError) as caught:
        await there.client.request(call(Repeat.ONCE))

    assert caught.value.fault.status == 401
    assert len(there.graph.requests) == 2


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/v1.0/things",
        "http://graph.microsoft.com/v1.0/things",
        "https://graph.microsoft.com:8443/v1.0/things",
        "https://graph.microsoft.com.evil.example/",
        "https://someone@graph.microsoft.com/v1.0/things",
        "/v1.0/things",
        "https://graph.microsoft.com/\x00",
    ],
)
async def test_a_foreign_address_gets_no_request_and_no_token(url: str) -> None:
    there = world(page())

    with pytest.raises(GraphError) as caught:
        await there.client.request(call(url=url))

    assert caught.value.fault.code == "foreign-next-link"
    assert there.graph.requests == []


async def test_the_default_port_may_be_written_out() -> None:
    there = world(page())

    await there.client.request(call(url="https://graph.microsoft.com:443/v1.0/things"))

    assert len(there.graph.requests) == 1


async def test_a_body_over_8_mib_is_refused_without_being_read_whole() -> None:
    body = Body(*[b"x" * 65_536] * 160)
    there = world(httpx.Response(200, content=body))

    with pytest.raises(GraphError) as caught:
        await there.client.request(call())

    assert (caught.value.fault.status, caught.value.fault.code) == (200, "too-large")
    assert body.taken <= MOST_BODY_BYTES + 65_536
    assert len(there.graph.requests) == 1


async def test_a_packed_body_counts_by_its_unpacked_size() -> None:
    packed = gzip.compress(b"x" * (MOST_BODY_BYTES + 1))
    headers = {"content-encoding": "gzip"}
    there = world(httpx.Response(200, content=Body(packed), headers=headers))

    with pytest.raises(GraphError) as caught:
        await there.client.request(call())

    assert caught.value.fault.code == "too-large"


async def test_an_overlong_error_is_still_told_by_its_status() -> None:
    there = world(httpx.Response(403, content=Body(*[b"x" * 65_536] * 160)))

    with pytest.raises(GraphError) as caught:
        await there.client.request(call())

    assert caught.value.fault.status == 403


async def test_half_a_page_is_asked_for_again() -> None:
    there = world(httpx.Response(200, content=Body(b'{"value": [', breaks=True)), page())

    assert (await there.client.request(call())).json() == {"value": []}
    assert len(there.graph.requests) == 2


@pytest.mark.parametrize("breaks", [True, False])
async def test_a_write_is_proved_by_its_status_even_if_the_body_is_lost(*, breaks: bool) -> None:
    chunks = [b"x" * 65_536] * (1 if breaks else 160)
    there = world(httpx.Response(201, content=Body(*chunks, breaks=breaks)))

    answer = await there.client.request(call(Repeat.ONCE))

    assert (answer.status, answer.body) == (201, b"")
    assert len(there.graph.requests) == 1


async def test_a_packed_body_that_cannot_be_unpacked_counts_as_lost() -> None:
    headers = {"content-encoding": "gzip"}
    there = world(httpx.Response(200, content=Body(b"not gzip"), headers=headers), page())

    assert (await there.client.request(call())).status == 200


async def hang(request: httpx.Request) -> httpx.Response:
    await asyncio.Event().wait()
    raise AssertionError


class HungTokens:
    async def token(self) -> str:
        await asyncio.Event().wait()
        raise AssertionError

    def forget(self, token: str) -> None:
        raise AssertionError


@pytest.mark.parametrize(
    ("repeat", "error"), [(Repeat.SAFE, GraphUnavailable), (Repeat.ONCE, GraphAmbiguous)]
)
async def test_a_hung_graph_ends_with_the_budget(repeat: Repeat, error: type[GraphError]) -> None:
    there = world(page())
    sender = client(hang, there.ticker, there.tokens)

    with pytest.raises(error) as caught:
        await sender.request(call(repeat, budget_s=0.05))

    assert (caught.value.fault.status, caught.value.fault.code) == (0, "timeout")


async def test_without_a_token_in_time_nothing_is_sent() -> None:
    there = world(page())
    sender = client(there.graph, there.ticker, HungTokens())

    with pytest.raises(GraphUnavailable) as caught:
        await sender.request(call(Repeat.ONCE, budget_s=0.05))

    assert caught.value.fault.code == "timeout"
    assert there.graph.requests == []


async def test_a_token_that_took_the_whole_budget_is_not_used() -> None:
    there = world(page())

    class Slow:
        async def token(self) -> str:
            there.ticker.now += 60
            return "late"

        def forget(self, token: str) -> None:
            raise AssertionError

    sender = client(there.graph, there.ticker, Slow())

    with pytest.raises(GraphUnavailable):
        await sender.request(call(Repeat.ONCE))

    assert there.graph.requests == []


async def test_connecting_has_its_own_shorter_limit() -> None:
    there = world(page())

    await there.client.request(call(budget_s=12.0))

    assert there.graph.requests[0].extensions["timeout"] == {
        "connect": 5.0,
        "read": 12.0,
        "write": 12.0,
        "pool": 12.0,
    }
