"""Knocks at a running bot's door, and everything that could be seen of it afterwards."""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
from structlog.testing import capture_logs
from typing_extensions import override
from yarl import URL

from bot.sandbox.journal import JsonObject
from tests.support.calls import Address
from tests.support.stage import Stage

JSON = "application/json"


@dataclass
class Trace:
    """What a knock left behind: posts to the connector, Graph requests, log lines."""

    posts: list[str] = field(default_factory=list)
    graph: list[str] = field(default_factory=list)
    lines: list[Mapping[str, object]] = field(default_factory=list)

    @property
    def refusals(self) -> list[tuple[object, object]]:
        """Status and reason of each refusal in the log."""
        return [
            (line["status"], line["reason"])
            for line in self.lines
            if line["event"] == "request refused"
        ]


class Door:
    """The bot's HTTP side; `ada` is the person on whose behalf activities are written."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    @property
    def service_url(self) -> str:
        return self.stage.sandbox.service_url

    def message(self, text: str = "/exchange list", /, **changes: object) -> JsonObject:
        """Return a message of Ada's; a change to None removes a member, others replace it."""
        world = self.stage.world
        message = self.stage.sandbox.teams().message(world.ada, world.channel, text) | changes
        return {name: value for name, value in message.items() if value is not None}

    def press(self, **changes: object) -> JsonObject:
        """Return a press of Ada's on a card that is not there."""
        world = self.stage.world
        press = self.stage.sandbox.teams().press(
            world.ada, world.channel, "1700000000000", {"command": "/exchange list"}, "run"
        )
        return {name: value for name, value in (press | changes).items() if value is not None}

    def signature(self, service_url: str | None = None) -> str:
        """Return a good Authorization header that speaks for the service URL, Teams' by default."""
        return self.stage.sandbox.identity.sign(service_url or self.service_url)

    async def knock(
        self,
        body: object,
        headers: Mapping[str, str] | None = None,
        *,
        method: str = "POST",
        path: str = "/api/messages",
    ) -> httpx.Response:
        """Send a body, signed as JSON unless `headers` say otherwise; an empty header is left out."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": JSON, "Authorization": self.signature(), **(headers or {})}
        kept = {name: value for name, value in sent.items() if value}
        return await self.stage.http.request(
            method, f"{self.stage.url}{path}", content=content, headers=kept, timeout=30
        )

    @property
    def friends(self) -> set[Address]:
        """The addresses that may be connected to: the bot's own, and the sandbox's."""
        urls = (URL(self.stage.url), URL(self.stage.sandbox.url))
        return {(str(url.host), int(url.port or 0)) for url in urls}

    async def broken_answers(self) -> list[str]:
        """Return how often each status of 500 and above was answered, but for 503."""
        metrics = await self.stage.http.get(f"{self.stage.url}/metrics")
        return [
            line
            for line in metrics.text.splitlines()
            if line.startswith('bot_activities_total{answer="5') and 'answer="503"' not in line
        ]

    @contextmanager
    def traced(self) -> Iterator[Trace]:
        """Collect what happens inside, except that the bot keeps the tenant's name current."""
        trace = Trace()
        posts, graph = len(self.stage.sandbox.connector.log), len(self.stage.sandbox.graph.log)
        collected = Collected()
        logging.getLogger().addHandler(collected)
        try:
            with capture_logs() as lines:
                yield trace
        finally:
            logging.getLogger().removeHandler(collected)
        trace.posts = [r.path for r in self.stage.sandbox.connector.log[posts:]]
        trace.graph = [
            r.path for r in self.stage.sandbox.graph.log[graph:] if r.path != "/organization"
        ]
        trace.lines = [*lines, *collected.lines]

    async def turned_away(
        self, body: object, headers: Mapping[str, str] | None = None, *, method: str = "POST"
    ) -> tuple[int, str]:
        """Knock, and return status and reason of the refusal; nothing else may have happened."""
        with self.traced() as trace:
            response = await self.knock(body, headers, method=method)
            await self.stage.settle()

        assert trace.posts == []
        assert trace.graph == []
        assert not any("exc_info" in line or "exception" in line for line in trace.lines)
        assert len(trace.refusals) == 1, trace.lines
        status, reason = trace.refusals[0]
        assert response.status_code == status
        return response.status_code, str(reason)


class Collected(logging.Handler):
    """Keeps what libraries log through the standard module."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[Mapping[str, object]] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line, a stack trace under the name that structlog uses."""
        line: dict[str, object] = {"event": record.getMessage(), "library": record.name}
        if record.exc_info:
            line["exc_info"] = record.exc_info
        self.lines.append(line)
