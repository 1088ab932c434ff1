"""What the tests of `bot.graph` stand on: a scripted Graph behind the wire, a clock, tokens."""

from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from itertools import count

import httpx
from pydantic import JsonValue

from bot.graph.client import GraphClient, Timing, Tokens
from bot.graph.directory import GraphDirectory
from bot.graph.gateway import GraphGateway
from bot.service.ports import Directory, Resources

ROOT = "https://graph.microsoft.com"
TENANT = "7e5a0000-0000-4000-8000-00000000000a"

Step = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


class Ticker:
    """A clock that moves when somebody sleeps on it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class FakeTokens:
    """Tokens that are numbered anew whenever one is forgotten."""

    def __init__(self) -> None:
        self.forgotten: list[str] = []

    async def token(self) -> str:
        return f"token-{len(self.forgotten) + 1}"

    def forget(self, token: str) -> None:
        self.forgotten.append(token)


@dataclass
class FakeGraph:
    """Answers with the steps it was given, in order; the last one answers for ever."""

    steps: deque[Step]
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        step = self.steps.popleft() if len(self.steps) > 1 else self.steps[0]
        match step:
            case Exception():
                raise step
            case httpx.Response():
                return step
            case _:
                return step(request)

    @property
    def sent(self) -> list[str]:
        return [f"{request.method} {request.url}" for request in self.requests]


@dataclass
class World:
    graph: FakeGraph
    ticker: Ticker
    tokens: FakeTokens
    client: GraphClient

    def gateway(self, *, version: str = "v1.0", uses_ref: bool = False) -> GraphGateway:
        return GraphGateway(
            client=self.client,
            version=version,
            uses_ref=uses_ref,
            monotonic=self.ticker.monotonic,
        )

    def directory(self) -> GraphDirectory:
        return GraphDirectory(client=self.client, tenant=TENANT, monotonic=self.ticker.monotonic)


def world(*steps: Step, root: str = ROOT) -> World:
    graph, ticker, tokens = FakeGraph(deque(steps)), Ticker(), FakeTokens()
    return World(graph, ticker, tokens, client(graph, ticker, tokens, root=root))


def client(
    handler: Callable[[httpx.Request], httpx.Response]
    | Callable[[httpx.Request], Coroutine[None, None, httpx.Response]],
    ticker: Ticker,
    tokens: Tokens,
    *,
    root: str = ROOT,
) -> GraphClient:
    ids = count(1)
    return GraphClient(
        http=httpx.AsyncClient(transport=httpx.MockTransport(handler)),
        root=root,
        tokens=tokens,
        timing=Timing(ticker.monotonic, ticker.sleep, lambda: 1.0),
        new_id=lambda: f"id-{next(ids)}",
    )


class Body:
    """A body in chunks that can break off after the last one; counts what was taken of it."""

    def __init__(self, *chunks: bytes, breaks: bool = False) -> None:
        self._chunks = chunks
        self._breaks = breaks
        self.taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            self.taken += len(chunk)
            yield chunk
        if self._breaks:
            raise httpx.ReadError("connection reset")


def page(*items: JsonValue, link: str | None = None) -> httpx.Response:
    body: dict[str, JsonValue] = {"value": list(items)}
    if link is not None:
        body["@odata.nextLink"] = link
    return httpx.Response(200, json=body)


def refusal(status: int, code: str = "Failed", **headers: str) -> httpx.Response:
    body = {"error": {"code": code, "message": "No."}}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, json=body, headers=named)


def test_the_adapters_honour_the_ports_of_the_use_cases() -> None:
    there = world(page())

    resources: Resources = there.gateway()
    directory: Directory = there.directory()
    tokens: Tokens = there.tokens

    assert all((resources, directory, tokens))
