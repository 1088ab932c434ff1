"""A server that is not Teams: it writes down whatever reaches it, and takes every message."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web


@dataclass
class Stranger:
    """What was asked of the server, as method and path, and with which tokens."""

    url: str = ""
    asked: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.asked.append(f"{request.method} {request.path}")
        self.tokens.append(request.headers.get("Authorization", ""))
        return web.json_response({"id": f"1{len(self.asked):012}"}, status=201)


@asynccontextmanager
async def listening() -> AsyncIterator[Stranger]:
    """Run a stranger on loopback; `url` is what a service URL of it would be."""
    stranger = Stranger()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", stranger.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        stranger.url = f"http://127.0.0.1:{runner.addresses[0][1]}/other/"
        yield stranger
    finally:
        await runner.cleanup()
