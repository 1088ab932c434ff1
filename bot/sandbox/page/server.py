"""Serves the page on loopback, and does in the sandbox what its visitors wish.

A page elsewhere on the web must not drive this one, nor read it: every request has to name this
server as its host, and whatever changes something has to come from this page. Nothing is loaded
from anywhere else, and no script stands in the HTML.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from aiohttp import web
from pydantic import ValidationError

from bot.sandbox.client import Answered
from bot.sandbox.connector import Message
from bot.sandbox.journal import JsonObject
from bot.sandbox.page import wishes
from bot.sandbox.page.feed import Feed
from bot.sandbox.page.room import Room
from bot.sandbox.people import Person
from bot.sandbox.wire import RefusedError

HERE = Path(__file__).parent
TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
HOST = "127.0.0.1"
LARGEST_BODY = 256 * 1024  # bytes
SHUTDOWN_S = 1.0
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_Wish = TypeVar("_Wish", bound=wishes.Wish)


class Page:
    """The page's server. `libraries` are scripts of others by the name they are served under.

    `commands` are the app package's command lists, for the / menu.
    """

    def __init__(
        self,
        room: Room,
        feed: Feed,
        *,
        libraries: Mapping[str, bytes],
        commands: Sequence[Mapping[str, object]],
        port: int = 0,
    ) -> None:
        self._room = room
        self._feed = feed
        self._libraries = libraries
        self._commands = commands
        self._port = port
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """The page's address."""
        return f"http://{HOST}:{self._port}/"

    async def start(self) -> None:
        """Begin to serve; the port is known afterwards."""
        app = web.Application(client_max_size=LARGEST_BODY, middlewares=[self._guard])
        app.on_response_prepare.append(_harden)
        app.add_routes(self._routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, self._port).start()
        self._port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Stop serving and end the live updates."""
        self._feed.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    def _routes(self) -> list[web.RouteDef]:
        client = self._room.client
        return [
            web.get("/", self._file),
            web.get("/page/{name}", self._file),
            web.get("/library/{name}", self._library),
            web.get("/people", self._people),
            web.get("/commands", self._listed),
            web.get("/events", self._events),
            web.get("/traffic/{id}", self._traffic),
            web.post("/write", self._doing(wishes.Write, self._write)),
            web.post("/join", self._doing(wishes.Join, self._join)),
            web.post("/press", self._doing(wishes.Press, self._press)),
            web.post("/submit", self._doing(wishes.Submit, self._submitting(client.submit))),
            web.post("/open", self._doing(wishes.Submit, self._submitting(client.open))),
            web.post("/send", self._doing(wishes.Submit, self._submitting(client.send))),
            web.post("/search", self._doing(wishes.Search, self._search)),
            web.post("/change", self._doing(wishes.Change, self._change)),
            web.post("/add", self._doing(wishes.Add, self._add)),
            web.post("/remove", self._doing(wishes.Remove, self._remove)),
            web.post("/weather", self._doing(wishes.Turn, self._turn)),
            web.post("/clock", self._doing(wishes.Pass, self._pass)),
        ]

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let in only what is meant for this page; what changes something must come from it."""
        hosts = {f"{HOST}:{self._port}", f"localhost:{self._port}"}
        if request.host not in hosts:
            raise web.HTTPForbidden(text="This page answers to its own address only.")
        is_own = request.headers.get("Origin") == f"http://{request.host}"
        if request.method != "GET" and not (is_own and request.content_type == "application/json"):
            raise web.HTTPForbidden(text="Only the page itself may do that.")
        return await handler(request)

    async def _file(self, request: web.Request) -> web.Response:
        path = HERE / request.match_info.get("name", "index.html")
        # A name has no folder in it: the route takes no slash, and what is served lies right here.
        if path.parent != HERE or path.suffix not in TYPES or not path.is_file():
            raise web.HTTPNotFound
        body = await asyncio.to_thread(path.read_bytes)
        return web.Response(body=body, content_type=TYPES[path.suffix], charset="utf-8")

    async def _library(self, request: web.Request) -> web.Response:
        script = self._libraries.get(request.match_info["name"])
        if script is None:
            raise web.HTTPNotFound
        return web.Response(body=script, content_type="text/javascript", charset="utf-8")

    async def _people(self, _request: web.Request) -> web.Response:
        return web.json_response(self._room.people())

    async def _listed(self, _request: web.Request) -> web.Response:
        return web.json_response(list(self._commands))

    async def _events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        with suppress(ConnectionResetError):
            async for event in self._feed.events():
                await response.write(event)
        return response

    async def _traffic(self, request: web.Request) -> web.Response:
        whole = self._room.traffic.whole(request.match_info["id"])
        if whole is None:
            raise web.HTTPNotFound(text="That request is forgotten.")
        return web.json_response(whole)

    def _doing(
        self, model: type[_Wish], do: Callable[[_Wish], Awaitable[JsonObject]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        """Return a handler that reads a wish, does it, and tells everybody what changed."""

        async def serve(request: web.Request) -> web.Response:
            try:
                wish = model.model_validate_json(await request.read())
                done = await do(wish)
            except (ValidationError, ValueError, RefusedError) as error:
                return web.json_response({"trouble": str(error)}, status=400)
            self._feed.wake()
            return web.json_response(done)

        return serve

    def _person(self, key: str) -> Person:
        person = self._room.world.by_name.get(key)
        if person is None:
            raise ValueError(f"Nobody here is called {key}.")
        return person

    def _message(self, message_id: str) -> Message:
        message = self._room.sandbox.connector.find(message_id)
        if message is None:
            raise ValueError("There is no such message any more.")
        return message

    async def _write(self, wish: wishes.Write) -> JsonObject:
        person = self._person(wish.who)
        if wish.is_chat:
            return _told(await self._room.client.confide(person, wish.text))
        if wish.is_private:
            return _told(await self._room.client.whisper(person, wish.text))
        return _told(await self._room.client.write(person, wish.text, root=wish.root))

    async def _join(self, wish: wishes.Join) -> JsonObject:
        return _told(await self._room.client.join(self._person(wish.who)))

    async def _press(self, wish: wishes.Press) -> JsonObject:
        client = self._room.client
        press = client.refresh if wish.is_refresh else client.press
        message = self._message(wish.message)
        return _told(await press(self._person(wish.who), message, dict(wish.action)))

    def _submitting(
        self, submit: Callable[[Person, Message, JsonObject], Awaitable[Answered]]
    ) -> Callable[[wishes.Submit], Awaitable[JsonObject]]:
        """Return what presses an `Action.Submit` in one of the ways there are."""

        async def act(wish: wishes.Submit) -> JsonObject:
            message = self._message(wish.message)
            return _told(await submit(self._person(wish.who), message, dict(wish.value)))

        return act

    async def _search(self, wish: wishes.Search) -> JsonObject:
        person, message = self._person(wish.who), self._message(wish.message)
        return _told(await self._room.client.search(person, message, wish.dataset, wish.text))

    async def _change(self, wish: wishes.Change) -> JsonObject:
        return self._room.world.connectors.change(wish.connector, dict(wish.properties))

    async def _add(self, wish: wishes.Add) -> JsonObject:
        return self._room.world.add_connector(wish.serverName)

    async def _remove(self, wish: wishes.Remove) -> JsonObject:
        self._room.world.connectors.remove(wish.connector)
        return {}

    async def _turn(self, wish: wishes.Turn) -> JsonObject:
        self._room.sky.become(wish.weather)
        return {}

    async def _pass(self, wish: wishes.Pass) -> JsonObject:
        self._room.clock.move(timedelta(minutes=wish.minutes))
        return {"ahead_s": self._room.clock.ahead.total_seconds()}


def _told(answered: Answered) -> JsonObject:
    return {"body": answered.body, "trouble": answered.trouble}


async def _harden(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)
