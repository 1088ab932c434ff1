"""The composition root: settings in, a running bot out; the one place that knows every part.

Start: policy, database and its migrations, clients, keys and tokens, jobs. Stop runs backwards.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog
from aiohttp import web
from typing_extensions import override

from bot.clients import Pace, connect, service_urls
from bot.domain.command import Catalogue
from bot.domain.errors import BotError, ConfigError, StoreError
from bot.domain.kinds import KINDS
from bot.service.approvals import Approvals
from bot.service.controls import Controls
from bot.service.execution import (
    EXECUTE_JOB,
    EXPIRE_JOB,
    OBSERVE_JOB,
    REMIND_JOB,
    TELL_JOB,
    Execution,
)
from bot.service.farside import FarSide
from bot.service.jobs import Runner, Runners
from bot.service.notify import CARD_JOB, CardOutbox
from bot.service.operations import Operations
from bot.service.ports import Clock, Handler, Ids, World
from bot.service.reads import Reads
from bot.service.recheck import Recheck
from bot.service.turn import Turn
from bot.service.writes import Writes
from bot.settings import Settings
from bot.store.clock import DatabaseClock
from bot.store.database import Database
from bot.store.policy_file import PolicyFile
from bot.store.store import SqlStore
from bot.teams.adapter import TeamsAdapter
from bot.teams.endpoint import Background, Endpoint, Parts
from bot.teams.guard import Admission, Capacity, Guard
from bot.teams.messenger import TeamsMessenger
from bot.teams.rates import Rates
from bot.teams.replies import Replies
from bot.teams.tokens import TokenCheck
from bot.telemetry import Metrics

log = structlog.get_logger(__name__)
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ID_LENGTH = 26
SHUTDOWN_S = 10.0
POLICY_CHECK_S = 5.0
READY_S = 5.0
SETTLE_STEP_S = 0.02
SOON = timedelta(seconds=3)
PRUNE_EVERY = timedelta(hours=1)
SYNC_EVERY = timedelta(minutes=1)
INBOX_KEPT = timedelta(days=7)


class SystemClock(Clock):
    """The machine's time."""

    @override
    def now(self) -> datetime:
        """Return the present instant."""
        return datetime.now(UTC)


class RandomIds(Ids):
    """Ids from the operating system's randomness."""

    @override
    def new(self) -> str:
        """Return 26 characters of Crockford base 32."""
        return "".join(secrets.choice(CROCKFORD) for _ in range(ID_LENGTH))


@dataclass(frozen=True, slots=True)
class Chance:
    """Time and chance for the whole process; tests bring their own.

    `follows_database` corrects the clock by the database's, which all replicas share.
    """

    clock: Clock = field(default_factory=SystemClock)
    ids: Ids = field(default_factory=RandomIds)
    pace: Pace = field(default_factory=Pace)
    lease_s: float = 30.0
    follows_database: bool = True


class Bot:
    """One running bot. `start` before use, `stop` afterwards; `web` answers HTTP in between.

    Raises:
        ConfigError: from `start`, when the policy or the database cannot be used.
    """

    def __init__(self, settings: Settings, chance: Chance | None = None) -> None:
        self.settings = settings
        self.chance = chance or Chance()
        self.clock = DatabaseClock(self.chance.clock)
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
        task = asyncio.ensure_future(work)
        self._stack.push_async_callback(_end, task)

    def _assemble(self) -> None:
        settings, clients, chance = self.settings, self.clients, self.chance
        world = World(
            store=self.store,
            resources=clients.gateway,
            directory=clients.directory,
            policies=self.policies,
            clock=self.clock,
            ids=chance.ids,
        )
        is_read_only = settings.read_only == "on"
        replies = Replies(
            catalogue=self.catalogue,
            clock=self.clock,
            cloud=settings.cloud_name,
            tenant=lambda: self._tenant_name or settings.app_tenant[:8],
        )
        messenger = TeamsMessenger(connector=clients.connector, render=replies.render)
        execution = Execution(
            world,
            catalogue=self.catalogue,
            far_side=FarSide(resources=clients.gateway, sleep=chance.pace.sleep),
            observe_for=settings.observe_for,
            recheck=Recheck(world, catalogue=self.catalogue, is_read_only=is_read_only),
        )
        outbox = CardOutbox(
            store=self.store,
            messenger=messenger,
            clock=self.clock,
            catalogue=self.catalogue,
        )
        approvals = Approvals(world, catalogue=self.catalogue, wake=self._wake)
        # What waits for Graph must not keep people from seeing how things stand.
        shows: dict[str, Handler] = {CARD_JOB: outbox.show, TELL_JOB: outbox.tell}
        works: dict[str, Handler] = {
            EXECUTE_JOB: execution.execute,
            OBSERVE_JOB: execution.observe,
            EXPIRE_JOB: approvals.expire,
            REMIND_JOB: approvals.remind,
        }
        self.runner = Runners(
            *(
                Runner(store=self.store, clock=self.clock, handlers=jobs, lease_s=chance.lease_s)
                for jobs in (shows, works)
            )
        )
        operations = Operations(world, catalogue=self.catalogue)
        reads = Reads(world, catalogue=self.catalogue)
        controls = Controls(
            world,
            catalogue=self.catalogue,
            operations=operations,
            wake=self._wake,
            is_read_only=is_read_only,
        )
        turn = Turn(
            world,
            catalogue=self.catalogue,
            reads=reads,
            writes=Writes(world, reads=reads, operations=operations, controls=controls),
            approvals=approvals,
            controls=controls,
        )
        self._endpoint = Endpoint(
            Parts(
                guard=self._guard(),
                adapter=TeamsAdapter(connector=clients.connector, app_id=settings.app_id),
                turn=turn,
                messenger=messenger,
                render=replies.render,
                say=replies.say,
                store=self.store,
                ids=chance.ids,
                background=self.background,
                metrics=self.metrics,
            )
        )

    def _wake(self) -> None:
        self.runner.wake()

    def _guard(self) -> Guard:
        settings, now = self.settings, self.clock.now
        # The policy's further tenants are let in as they stand at start.
        tenants = settings.tenants | self.policies.current().tenants
        check = TokenCheck(
            keys=self.clients.keys,
            app_id=settings.app_id,
            issuer=settings.cloud.bot_issuer,
            now=now,
        )
        return Guard(
            admission=Admission(settings.app_id, tenants, service_urls(settings)),
            capacity=Capacity(),
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
        """Follow the policy file and the tenant's name; forget activities that cannot return."""
        pruned_at = synced_at = self.clock.now()
        while True:
            await asyncio.sleep(POLICY_CHECK_S)
            self.policies.reload_if_changed()
            self._tenant_name = await self.clients.gateway.organization()
            now = self.clock.now()
            if now - pruned_at > PRUNE_EVERY:
                pruned_at = now
                with suppress(StoreError):
                    await self.store.prune(now - INBOX_KEPT)
            if now - synced_at > SYNC_EVERY:
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
        """Finish what runs within 10 seconds, then close everything."""
        await self.background.stop(SHUTDOWN_S / 2)
        await self.runner.stop(SHUTDOWN_S / 3)
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
    web_runner = web.AppRunner(bot.web, access_log=None, shutdown_timeout=SHUTDOWN_S / 2)
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
