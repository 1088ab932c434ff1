"""A whole bot and a whole sandbox on loopback, with time in the test's hand."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import httpx
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from bot.app import GRACE_S, Bot
from bot.chance import Chance
from bot.cli.demo import APP_ID, SECRET
from bot.clients import Pace
from bot.domain.form_id import CROCKFORD
from bot.graph.trust import trusted
from bot.sandbox.chat import Chat, Heard, Line
from bot.sandbox.connector import Message
from bot.sandbox.identity import Registration
from bot.sandbox.journal import JsonObject
from bot.sandbox.keys import new_private_key
from bot.sandbox.people import Channel
from bot.sandbox.server import Sandbox
from bot.sandbox.terminal import lines_of
from bot.sandbox.world import ADMINS, OPERATORS, TENANT, VIEWERS, World, seed
from bot.service.notify import CARD_JOB
from bot.settings import Settings
from bot.store.audit import exported
from bot.teams.server import http_runner
from tests.support.databases import tables

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
SETTLE_S = 60.0
STEP_S = 0.01
DATABASE = "connectors.db"
POLICY = f"""\
[roles.viewer]
groups = ["{VIEWERS}"]
allow  = ["*:list", "*:get", "bot:history", "bot:status"]

[roles.operator]
inherits = ["viewer"]
groups   = ["{OPERATORS}"]
allow    = [
    "exchange:sync", "exchange:create", "exchange:add", "exchange:update",
    "bot:watch", "bot:unwatch",
]

[roles.admin]
inherits = ["operator"]
groups   = ["{ADMINS}"]
allow    = ["*:*"]
"""
"""Who may do what on a stage unless its script says otherwise: nothing waits for consent."""


class FakeClock:
    """Time that only moves when a test moves it, or when somebody sleeps."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now
        self._passed = timedelta()

    def now(self) -> datetime:
        return self._now

    def move(self, **units: float) -> None:
        """Let time pass."""
        self.jump(timedelta(**units))
        self._passed += timedelta(**units)

    def jump(self, by: timedelta) -> None:
        """Set the clock, ahead or back, while no time passes."""
        self._now += by

    def monotonic(self) -> float:
        return self._passed.total_seconds()

    async def sleep(self, seconds: float) -> None:
        """Let the time pass at once."""
        self.move(seconds=seconds)
        await asyncio.sleep(0)


class CountedIds:
    """Ids that are the same in every run; their first four characters differ."""

    def __init__(self, start: int = 1) -> None:
        self._numbers = itertools.count(start)

    def new(self) -> str:
        number = next(self._numbers)
        digits = []
        for _ in range(4):
            number, digit = divmod(number, len(CROCKFORD))
            digits.append(CROCKFORD[digit])
        return "".join(reversed(digits)).ljust(26, "0")


@cache
def private_key() -> RSAPrivateKey:
    """One key for the whole run: making one takes longer than a test."""
    return new_private_key()


@dataclass
class Stage:
    """What a test plays on. `says` and `presses` return what became visible."""

    sandbox: Sandbox
    world: World
    bot: Bot
    clock: FakeClock
    http: httpx.AsyncClient
    url: str
    chat: Chat
    policy: Path

    async def says(self, who: str, text: str) -> Heard:
        return await self.chat.say(Line(who, text, is_press=False))

    async def presses(self, who: str, button: str) -> Heard:
        return await self.chat.say(Line(who, button, is_press=True))

    async def sees(self, who: str, text: str) -> str:
        """Type a command and return the last card as text."""
        return text_of(await self.says(who, text))

    async def post(
        self, activity: JsonObject, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Post an activity, signed unless headers are given."""
        signed = {"Authorization": self.sandbox.identity.sign(self.sandbox.service_url)}
        return await self.http.post(
            f"{self.url}/api/messages", json=activity, headers=headers or signed, timeout=30
        )

    def graph_writes(self) -> list[tuple[str, str]]:
        """Return method and path of every write Graph received for a connector."""
        return [
            (request.method, request.path)
            for request in self.sandbox.graph.log
            if request.method != "GET" and "/users/" not in request.path
        ]

    def activity(
        self, who: str, text: str, *, channel: Channel | None = None, root: str | None = None
    ) -> JsonObject:
        """Return what arrives when somebody types a text; `root` is the thread's first message."""
        teams = self.sandbox.teams()
        return teams.message(
            self.chat.people[who], channel or self.world.channel, text, thread_root=root
        )

    def press(self, who: str, data: JsonObject, *, card: str = "1") -> JsonObject:
        """Return what arrives when somebody presses a button with this data on a card."""
        teams = self.sandbox.teams()
        return teams.press(self.chat.people[who], self.world.channel, card, data, "run")

    def messages(self) -> list[Message]:
        """Return the bot's messages in order of posting."""
        return self.sandbox.connector.messages()

    def shown(self) -> list[str]:
        """Return every message of the bot as people see it now, in order of posting."""
        return ["\n".join(lines_of(message.card or {})) for message in self.messages()]

    async def audited(self) -> list[str]:
        """Return what each line of the audit says happened, oldest first."""
        return [str(exported(row)["what"]) async for row in self.bot.store.audit_rows()]

    async def settle(self) -> None:
        """Wait until all work is done that can be done without time moving."""
        await settled(self.bot)

    async def settle_turns(self) -> None:
        """Wait until everybody who asked was answered, whatever the jobs do."""
        async with asyncio.timeout(SETTLE_S):
            while self.bot.background.is_busy:  # noqa: ASYNC110 - the end of all turns has no event
                await asyncio.sleep(STEP_S)

    async def settle_cards(self) -> None:
        """Wait until every card shows how things stand, whatever the other jobs do."""
        async with asyncio.timeout(SETTLE_S):
            while await self.bot.store.next_due([CARD_JOB]) is not None:  # noqa: ASYNC110
                await asyncio.sleep(STEP_S)


async def settled(bot: Bot) -> None:
    """Wait until no turn and no job of a bot with a standing clock has anything left to do."""
    async with asyncio.timeout(SETTLE_S):
        while not await _is_done(bot):  # noqa: ASYNC110 - the end of all work has no event
            await asyncio.sleep(STEP_S)


async def _is_done(bot: Bot) -> bool:
    if _is_busy(bot):
        return False
    due = await bot.store.next_due(bot.runner.kinds)
    if due is not None and due <= bot.clock.now():
        bot.runner.wake()
        return False
    return not _is_busy(bot)


def _is_busy(bot: Bot) -> bool:
    return bot.background.is_busy or bot.runner.is_busy


def text_of(heard: Heard) -> str:
    """Return the newest card, or the toast, as one text."""
    if heard.cards:
        return "\n".join(lines_of(heard.cards[-1]))
    return heard.toast


@dataclass(frozen=True)
class Script:
    """How a stage is set: further settings, the policy's text, the database's URL.

    Bots on one database need ids apart: `ids_from` is the number of the first.
    `message_s` is how long the bot waits for the connector, `body_s` for the body of a request, in
    real seconds.
    """

    settings: Mapping[str, str] = field(default_factory=dict)
    policy: str = POLICY
    database_url: str | None = None
    lease_s: float = 30.0
    clock: FakeClock | None = None
    ids_from: int = 1
    message_s: float = 10.0
    body_s: float = 10.0


@asynccontextmanager
async def sandboxed(clock: FakeClock) -> AsyncIterator[tuple[Sandbox, World]]:
    """Run a seeded sandbox without a bot."""
    numbers = itertools.count(1)
    sandbox = Sandbox(
        registration=Registration(APP_ID, TENANT, {APP_ID: SECRET}),
        now=clock.now,
        new_id=lambda: f"5a5a5a5a-0000-4000-8000-{next(numbers):012d}",
        key=private_key(),
    )
    async with sandbox:
        yield sandbox, seed(sandbox)


def environment(sandbox: Sandbox, folder: Path, script: Script) -> dict[str, str]:
    """Return the environment of a bot in the sandbox; the policy is written to `folder`."""
    policy = folder / "policy.toml"
    policy.write_text(script.policy, "utf-8")
    return {
        "MicrosoftAppId": APP_ID,
        "MicrosoftAppPassword": SECRET,
        "MicrosoftAppTenantId": TENANT,
        "BOT_CLOUD": "sandbox",
        "BOT_SANDBOX_URL": sandbox.url,
        "BOT_DATABASE_URL": script.database_url or f"sqlite:///{folder / DATABASE}",
        "BOT_POLICY_FILE": str(policy),
        "BOT_PORT": "0",
        "BOT_RATE_LIMIT": "0",
        "BOT_TENANT_RATE_LIMIT": "0",
        **script.settings,
    }


@asynccontextmanager
async def staged(folder: Path, script: Script | None = None) -> AsyncIterator[Stage]:
    """Run a sandbox and a bot that keeps its state in `folder`."""
    script = script or Script()
    clock = script.clock or FakeClock()
    async with (
        sandboxed(clock) as (sandbox, world),
        joined(folder, script, clock, sandbox, world) as stage,
    ):
        yield stage


@asynccontextmanager
async def joined(
    folder: Path, script: Script, clock: FakeClock, sandbox: Sandbox, world: World
) -> AsyncIterator[Stage]:
    """Run a bot in a sandbox that is there already; leaving stops the bot alone."""
    if script.database_url is None and not (folder / DATABASE).exists():
        (folder / DATABASE).write_bytes(tables())
    chance = Chance(
        clock=clock,
        ids=CountedIds(script.ids_from),
        pace=Pace(clock.monotonic, clock.sleep, lambda: 0.5, script.message_s, script.body_s),
        lease_s=script.lease_s,
        follows_database=False,
    )
    bot = Bot(Settings.read(environment(sandbox, folder, script)), chance)
    await bot.start()
    runner = http_runner(bot.web, shutdown_s=GRACE_S)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with httpx.AsyncClient(trust_env=False, verify=trusted()) as http:
            chat = Chat(
                sandbox=sandbox,
                world=world,
                http=http,
                bot_url=url,
                settle=lambda: settled(bot),
            )
            await settled(bot)
            yield Stage(
                sandbox, world, bot, clock, http, url, chat, Path(bot.settings.policy_file)
            )
    finally:
        await runner.cleanup()
        await bot.stop()
