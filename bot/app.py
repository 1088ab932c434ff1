"""The composition root: settings in, a running bot out; the one place that knows every part.

Start: policy, database and its migrations, clients, keys and tokens, jobs. Stop runs backwards.
"""

import asyncio
import gc
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from datetime import timedelta

import structlog
from aiohttp import web

from bot.chance import Chance
from bot.clients import connect, service_urls
from bot.domain.command import Catalogue
from bot.domain.errors import BotError, ConfigError, StoreError
from bot.domain.kinds import KINDS
from bot.service.assembly import Means, assemble
from bot.service.ports import Tenants, World
from bot.settings import Settings
from bot.store.clock import DatabaseClock
from bot.store.database import Database
from bot.store.policy_file import PolicyFile
from bot.store.store import SqlStore
from bot.teams.adapter import TeamsAdapter
from bot.teams.background import Background
from bot.teams.endpoint import Endpoint, Parts
from bot.teams.guard import Admission, Capacity, Guard
from bot.teams.invokes import Shapes
from bot.teams.messenger import TeamsMessenger
from bot.teams.rates import Rates
from bot.teams.replies import Replies
from bot.teams.server import http_runner
from bot.teams.tokens import TokenCheck
from bot.telemetry import Metrics

log = structlog.get_logger(__name__)
GRACE_S = 3.0
POLICY_CHECK_S = 5.0
READY_S = 5.0
SETTLE_STEP_S = 0.02
SOON = timedelta(seconds=3)
PRUNE_EVERY_S = 3600.0
SYNC_EVERY_S = 60.0


class Bot:
    """One running bot. `start` before use, `stop` afterwards; `web` answers HTTP in between.

    Raises:
        ConfigError: from `start`, when the policy or the database cannot be used.
    """

    def __init__(self, settings: Settings, chance: Chance | None = None) -> None:
        self.settings = settings
        self.chance = chance or Chance()
        self.clock = DatabaseClock(self.chance.clock, steady=self.chance.pace.monotonic)
        self.catalogue = Catalogue(KINDS)
        self.metrics = Metrics()
        self.background = Background()
        self.web = web.Application()
        self._stack = AsyncExitStack()
        self._tenant_name: str | None = None

    async def start(self) -> None:
        """Bring everything up in order; on an error what came up goes down again."""
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise

    async def _start(self) -> None:
        settings = self.settings
        self.policies = PolicyFile(settings.policy_file, frozenset(self.catalogue.by_permission))
        self.policies.load()
        await self._open_store()
        self.clients = await connect(
            settings, self._stack, now=self.clock.now, pace=self.chance.pace
        )
        self._assemble()
        self.web.add_routes(
            [
                web.post("/api/messages", self._endpoint.messages),
                web.get("/healthz", self._healthz),
                web.get("/readyz", self._readyz),
                web.get("/metrics", self._metrics),
            ]
        )
        try:
            await self.watching.arm()
        except StoreError as error:
            raise ConfigError("BOT_DATABASE_URL", f"cannot be written: {error}.") from error
        self._own(self.runner.run())
        self._own(self._keep_house())
        _ = self.background.spawn(self._warm())

    async def _open_store(self) -> None:
        settings = self.settings
        database = Database.open(
            settings.database_url,
            clock=self.clock,
            lease_s=self.chance.lease_s,
            audit_head_file=settings.audit_head_file,
        )
        self._stack.push_async_callback(database.close)
        try:
            await database.migrate()
            await self._follow_database(database)
        except StoreError as error:
            raise ConfigError("BOT_DATABASE_URL", f"cannot be used: {error}.") from error
        self.database = database
        self.store = SqlStore(database)

    async def _follow_database(self, database: Database) -> None:
        if self.chance.follows_database:
            await self.clock.sync(database)

    def _own(self, work: Awaitable[None]) -> None:
        self._stack.push_async_callback(_end, asyncio.ensure_future(work))

    def _assemble(self) -> None:
        settings = self.settings
        world = World(
            store=self.store,
            resources=self.clients.gateway,
            directory=self.clients.directory,
            policies=self.policies,
            clock=self.clock,
            ids=self.chance.ids,
        )
        replies = Replies(
            catalogue=self.catalogue,
            clock=self.clock,
            cloud=settings.cloud_name,
            tenant=lambda: self._tenant_name or settings.app_tenant[:8],
        )
        tenants = Tenants(settings.app_tenant, settings.tenants, self.policies)
        messenger = TeamsMessenger(
            connector=self.clients.connector,
            render=replies.render,
            admitted=lambda: tenants.admitted,
        )
        use_cases = assemble(world, self._means(tenants, messenger))
        self.runner, self.watching = use_cases.runner, use_cases.watching
        self._endpoint = Endpoint(
            Parts(
                guard=self._guard(tenants),
                adapter=TeamsAdapter(connector=self.clients.connector, app_id=settings.app_id),
                turn=use_cases.turn,
                messenger=messenger,
                shapes=Shapes(replies.render, replies.dialog, replies.say),
                store=self.store,
                promises=use_cases.promises,
                ids=self.chance.ids,
                now=self.clock.now,
                is_targeted=settings.targeted == "on",
                background=self.background,
                metrics=self.metrics,
            )
        )

    def _means(self, tenants: Tenants, messenger: TeamsMessenger) -> Means:
        settings, chance = self.settings, self.chance
        return Means(
            catalogue=self.catalogue,
            tenants=tenants,
            messenger=messenger,
            sleep=chance.pace.sleep,
            random=chance.pace.random,
            observe_for=settings.observe_for,
            watch_interval_s=float(settings.watch_interval),
            lease_s=chance.lease_s,
            is_read_only=settings.read_only == "on",
        )

    def _guard(self, tenants: Tenants) -> Guard:
        settings, now = self.settings, self.clock.now
        check = TokenCheck(
            keys=self.clients.keys,
            app_id=settings.app_id,
            issuer=settings.cloud.bot_issuer,
            now=now,
        )
        return Guard(
            admission=Admission(settings.app_id, lambda: tenants.admitted, service_urls(settings)),
            capacity=Capacity(body_timeout_s=self.chance.pace.body_s),
            rates=Rates(person=settings.rate_limit, tenant=settings.tenant_rate_limit),
            tokens=None if settings.auth == "none" else check,
            now=now,
        )

    async def _warm(self) -> None:
        """Fetch keys, tokens and the tenant's name early; what fails is fetched when needed."""
        clients = self.clients
        for step in (
            clients.keys.warm(),
            clients.bot_tokens.token(),
            clients.graph_tokens.token(),
        ):
            try:
                await step
            except BotError as error:
                log.warning("not warmed up", reason=str(error))
        self._tenant_name = await clients.gateway.organization()

    async def _keep_house(self) -> None:
        """Follow the policy file and the tenant's name; forget what is long over."""
        steady = self.chance.pace.monotonic
        pruned_at = synced_at = steady()
        while True:
            await asyncio.sleep(POLICY_CHECK_S)
            self.policies.reload_if_changed()
            self._tenant_name = await self.clients.gateway.organization()
            now = steady()
            if now - pruned_at > PRUNE_EVERY_S:
                pruned_at = now
                with suppress(StoreError):
                    await self.store.prune(self.settings.retention)
            if now - synced_at > SYNC_EVERY_S:
                synced_at = now
                with suppress(StoreError):
                    await self._follow_database(self.database)

    async def settle(self, within_s: float) -> None:
        """Wait until no turn runs and no job is due soon, at most `within_s` seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while not await self._is_quiet():  # noqa: ASYNC110 - a job due later has no event
                    await asyncio.sleep(SETTLE_STEP_S)

    async def _is_quiet(self) -> bool:
        if self._is_busy():
            return False
        due = await self.store.next_due(self.runner.kinds)
        # A job that was claimed meanwhile falls due only with its lease: so look again.
        return not self._is_busy() and (due is None or due - self.clock.now() > SOON)

    def _is_busy(self) -> bool:
        return self.background.is_busy or self.runner.is_busy

    async def stop(self) -> None:
        """Give what runs a few seconds, then close everything: 10 seconds in all with `serve`."""
        await asyncio.gather(self.background.stop(GRACE_S), self.runner.stop(GRACE_S))
        await self._stack.aclose()

    async def _healthz(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def _readyz(self, _request: web.Request) -> web.Response:
        checks = {"database": False, "keys": self.clients.keys.ready, "token": False}
        with suppress(BotError, TimeoutError):
            async with asyncio.timeout(READY_S):
                await self.database.ping()
                checks["database"] = True
                await self.clients.bot_tokens.token()
                checks["token"] = True
        if not checks["keys"]:
            _ = self.background.spawn(self.clients.keys.warm())
        return web.json_response(checks, status=200 if all(checks.values()) else 503)

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(body=self.metrics.text(), content_type="text/plain")


async def _end(task: "asyncio.Future[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def serve(bot: Bot, *, until: asyncio.Event, ready: Callable[[str], None]) -> None:
    """Run the bot on its host and port until the event; `ready` is told the address.

    Raises:
        ConfigError: the bot cannot be started, or the port is taken.
    """
    await bot.start()
    # What has been loaded stays: looking through it again and again would keep people waiting.
    gc.collect()
    gc.freeze()
    web_runner = http_runner(bot.web, shutdown_s=GRACE_S)
    try:
        await web_runner.setup()
        site = web.TCPSite(web_runner, bot.settings.host, bot.settings.port)
        try:
            await site.start()
        except OSError as error:
            where = f"{bot.settings.host}:{bot.settings.port}"
            raise ConfigError(
                "BOT_PORT", f"{where} cannot be listened on: {error.strerror}"
            ) from error
        host, port = web_runner.addresses[0][:2]
        ready(f"http://{host}:{port}")
        await until.wait()
    finally:
        await web_runner.cleanup()
        await bot.stop()
