"""One server on loopback that stands for all of Microsoft."""

from ipaddress import ip_address
from types import TracebackType
from typing import Self

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from bot.sandbox.connector import PREFIX as CONNECTOR_PREFIX, Connector
from bot.sandbox.directory import Directory
from bot.sandbox.graph import Graph
from bot.sandbox.identity import Identity, Registration
from bot.sandbox.people import Teams
from bot.sandbox.wire import NewId, Now

LARGEST_BODY = 1024 * 1024  # bytes
SHUTDOWN_S = 1.0


class Sandbox:
    """Identity, Graph and Connector behind one loopback port.

    ```python
    async with Sandbox(registration=registration, now=clock, new_id=ids) as sandbox:
        seed(sandbox)
        ...
    ```

    Port 0 takes a free one. A `key` made before saves the time to make one for each sandbox.
    """

    def __init__(
        self,
        *,
        registration: Registration,
        now: Now,
        new_id: NewId,
        host: str = "127.0.0.1",
        port: int = 0,
        key: RSAPrivateKey | None = None,
    ) -> None:
        if not ip_address(host).is_loopback:
            raise ValueError(f"The sandbox serves on loopback only, not on {host}.")
        self.registration = registration
        self.now = now
        self.new_id = new_id
        self.new_message_id = _message_ids(now)
        self.directory = Directory(tenant=registration.tenant, name="")
        self.identity = Identity(registration=registration, now=now, new_id=new_id, key=key)
        self.graph = Graph(
            identity=self.identity, directory=self.directory, now=now, new_id=new_id
        )
        self.connector = Connector(
            identity=self.identity, now=now, new_id=new_id, new_message_id=self.new_message_id
        )
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None

    @property
    def port(self) -> int:
        """The server's port."""
        return self._port

    @property
    def url(self) -> str:
        """The server's address without a trailing slash."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    @property
    def service_url(self) -> str:
        """The address of the Connector, with the trailing slash that Teams sends."""
        return f"{self.url}{CONNECTOR_PREFIX}/"

    def teams(self, *, bot_name: str = "Connectors") -> Teams:
        """Return a Teams client that writes activities to this sandbox's bot."""
        return Teams(
            app_id=self.registration.app_id,
            bot_name=bot_name,
            service_url=self.service_url,
            now=self.now,
            new_id=self.new_id,
            new_message_id=self.new_message_id,
        )

    async def start(self) -> None:
        """Begin to serve; the port is known afterwards."""
        app = web.Application(client_max_size=LARGEST_BODY)
        for part in (self.identity, self.graph, self.connector):
            app.add_routes(part.routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        self._port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Stop serving at once: what hangs in a fault is cut off, its effect never happens."""
        for part in (self.identity, self.graph, self.connector):
            part.faults.stop()
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


def _message_ids(now: Now) -> NewId:
    """Return a source of message ids as Teams writes them: milliseconds, each later than the last."""
    last = 0

    def new_message_id() -> str:
        nonlocal last
        last = max(last + 1, int(now().timestamp() * 1000))
        return str(last)

    return new_message_id
