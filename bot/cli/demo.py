"""`demo`: the bot and a sandbox tenant on loopback, to talk to in the terminal and on a page."""

import asyncio
import signal
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from bot import logs
from bot.app import Bot
from bot.chance import Chance, SystemClock
from bot.cli.conversation import converse, play
from bot.cli.package import menu
from bot.clients import Pace, steady
from bot.domain.errors import ConfigError
from bot.sandbox.chat import Chat
from bot.sandbox.clock import MovableClock
from bot.sandbox.identity import Registration
from bot.sandbox.kept import Keeper
from bot.sandbox.page.opening import libraries, opened
from bot.sandbox.page.packages import PackageError
from bot.sandbox.server import Sandbox
from bot.sandbox.world import ADMINS, OPERATORS, TENANT, VIEWERS, World, seed
from bot.settings import Settings
from manifest.package import command_lists

APP_ID = "b07b07b0-0000-4000-8000-00000000b07b"
SECRET = "demo-secret-on-loopback"  # noqa: S105 - opens nothing but the demo's own sandbox
DATABASE = "connectors.db"
WORLD = "world.json"
SETTLE_S = 20.0
LOOK_S = 15
"""Seconds between two looks: what one breaks on the page is to be told while one watches."""

COMMANDS = command_lists(menu(), has_slash=True)

POLICY = f"""\
# The demo's policy: who may do what. It is read again within 15 seconds of a change.
[roles.viewer]
groups = ["{VIEWERS}"]
allow  = ["*:list", "*:get", "bot:history", "bot:status"]

[roles.operator]
inherits = ["viewer"]
groups   = ["{OPERATORS}"]
allow    = [
    "exchange:sync", "exchange:create", "exchange:add", "exchange:update", "exchange:delete",
    "bot:watch", "bot:unwatch",
]

[roles.admin]
inherits = ["operator"]
groups   = ["{ADMINS}"]
allow    = ["*:*"]

# What changes or removes a connector takes two people; an administrator is an operator too.
[[approval]]
commands  = ["exchange:update", "exchange:delete"]
approvers = ["operator"]
needed    = 1
expires   = "4h"
"""
WELCOME = """\
A channel in Teams, on your machine: a bot, and a sandbox that stands for Microsoft 365.
  ada  administrator      oli  operator      vic  viewer      gus  guest

  ada: /exchange list        type a command as somebody
  ada> Refresh               press a button of the newest card, by title or number
  ada> #3 Refresh            press one of an older card: its number stands below it
  oli: /exchange delete EXCH05, then ada> Approve: what one asks, another has to allow
  /exchange get EXCH01       without a name: as the one who spoke last
  quit                       leave
"""


def settings_of(sandbox: Sandbox, folder: Path) -> Settings:
    """Return the settings of a bot in the sandbox that keeps its state in `folder`."""
    policy = folder / "policy.toml"
    if not policy.exists():
        policy.write_text(POLICY, "utf-8")
    return Settings.read(
        {
            "MicrosoftAppId": APP_ID,
            "MicrosoftAppPassword": SECRET,
            "MicrosoftAppTenantId": TENANT,
            "BOT_CLOUD": "sandbox",
            "BOT_SANDBOX_URL": sandbox.url,
            "BOT_DATABASE_URL": f"sqlite:///{folder / DATABASE}",
            "BOT_POLICY_FILE": str(policy),
            "BOT_PORT": "0",
            "BOT_TARGETED": "on",
            "BOT_WATCH_INTERVAL": str(LOOK_S),
            "BOT_RATE_LIMIT": "0",
            "BOT_TENANT_RATE_LIMIT": "0",
        }
    )


@dataclass(frozen=True, slots=True)
class Demo:
    """What runs: people talk to the bot through `chat`, and move its `clock`."""

    chat: Chat
    sandbox: Sandbox
    world: World
    bot: Bot
    clock: MovableClock


@asynccontextmanager
async def running(
    folder: Path, *, keeper: Keeper | None = None, key: RSAPrivateKey | None = None
) -> AsyncIterator[Demo]:
    """Run sandbox and bot on one clock; a `key` made before saves the time to make one.

    The bot is installed in a channel where it has not been before, and says hello there.
    """
    clock = MovableClock(SystemClock(), steady=steady)
    if keeper is not None:
        keeper.restore_clock(clock)
    chance = Chance(clock=clock, pace=Pace(monotonic=clock.monotonic))
    sandbox = Sandbox(
        registration=Registration(APP_ID, TENANT, {APP_ID: SECRET}),
        now=clock.now,
        new_id=lambda: str(uuid.uuid4()),
        port=keeper.port if keeper is not None else 0,
        key=key,
    )
    async with _serving(sandbox):
        world = seed(sandbox)
        if keeper is not None:
            keeper.restore_world(sandbox, world)
        bot = Bot(settings_of(sandbox, folder), chance)
        async with _listening(bot) as url, httpx.AsyncClient(trust_env=False) as http:
            chat = Chat(
                sandbox=sandbox,
                world=world,
                http=http,
                bot_url=url,
                settle=lambda: bot.settle(SETTLE_S),
            )
            demo = Demo(chat, sandbox, world, bot, clock)
            async with _kept(demo, keeper):
                await bot.settle(SETTLE_S)
                if keeper is None or keeper.is_new:
                    _ = await chat.client.install(world.ada)
                    await bot.settle(SETTLE_S)
                yield demo


@asynccontextmanager
async def _serving(sandbox: Sandbox) -> AsyncIterator[None]:
    try:
        await sandbox.start()
    except OSError as error:
        why = f"its conversations name port {sandbox.port}, which is taken: {error.strerror}."
        raise ConfigError("--keep", why) from error
    try:
        yield
    finally:
        await sandbox.stop()


@asynccontextmanager
async def _listening(bot: Bot) -> AsyncIterator[str]:
    """Run the bot; yields its address."""
    await bot.start()
    runner = web.AppRunner(bot.web, access_log=None)
    try:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
        await bot.stop()


@asynccontextmanager
async def _kept(demo: Demo, keeper: Keeper | None) -> AsyncIterator[None]:
    """Write the world to its file while the block runs, and when it ends."""
    if keeper is None:
        yield
        return
    client = demo.chat.client
    keeper.restore_written(client)
    keeping = asyncio.ensure_future(keeper.keep(demo.sandbox, demo.world, client, demo.clock))
    try:
        yield
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping


async def run(*, script: Path | None, keep: Path | None, cache: Path | None) -> int:
    """Play a script (1 when a line stays without an answer), or talk until `quit`.

    Beside a conversation the page is served; `cache` is where its libraries are kept, None: no page.

    Raises:
        ConfigError: the script or the folder cannot be used.
    """
    logs.configure("ERROR")
    lines = _script(script) if script else None
    with _folder(keep) as folder:
        async with running(folder, keeper=_keeper(folder) if keep else None) as demo:
            if lines is not None:
                return await play(demo.chat, lines)
            print(WELCOME)
            async with _page(demo, cache) as is_open:
                if not await converse(demo.chat) and is_open:
                    print("\nNobody types here: the page stays until Ctrl+C.", flush=True)
                    await _interrupted()
    return 0


@asynccontextmanager
async def _page(demo: Demo, cache: Path | None) -> AsyncIterator[bool]:
    """Serve the page where npm brings what it needs, and say where, or why not."""
    if cache is None:
        yield False
        return
    try:
        scripts = await libraries(cache)
    except PackageError as error:
        print(f"No page: {error}. With Node.js and a network, start the demo again to get it.\n")
        yield False
        return
    async with opened(
        sandbox=demo.sandbox,
        world=demo.world,
        client=demo.chat.client,
        clock=demo.clock,
        scripts=scripts,
        commands=COMMANDS,
    ) as page:
        print(f"All of it as a page, with four people side by side: {page.url}\n", flush=True)
        yield True


def _keeper(folder: Path) -> Keeper:
    """Return what keeps the world beside its database; one without the other is refused."""
    path = folder / WORLD
    if (folder / DATABASE).exists() and not path.exists():
        why = f"{folder} has a database without the world it is about; name another folder."
        raise ConfigError("--keep", why)
    try:
        return Keeper(path)
    except (OSError, ValueError, AttributeError) as error:
        raise ConfigError("--keep", f"{path} cannot be read: {error}.") from error


async def _interrupted() -> None:
    """Wait for SIGINT or SIGTERM."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        # Windows knows no handlers on a loop; there Ctrl+C ends the process by itself.
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, ended.set)
    await ended.wait()


def _script(path: Path) -> list[str]:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError("--script", f"{path} cannot be read: {why}.") from error
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)
        return
    try:
        keep.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError("--keep", f"{keep} cannot be made: {error.strerror}.") from error
    yield keep
