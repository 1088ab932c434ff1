"""`demo`: the bot and a sandbox tenant on loopback, with a conversation in the terminal."""

import asyncio
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
from aiohttp import web

from bot import logs
from bot.app import Bot, Chance
from bot.domain.errors import ConfigError
from bot.sandbox.chat import Chat, Heard, Line, read_line
from bot.sandbox.identity import Registration
from bot.sandbox.server import Sandbox
from bot.sandbox.terminal import lines_of
from bot.sandbox.world import ADMINS, OPERATORS, TENANT, VIEWERS, World, seed
from bot.settings import Settings

APP_ID = "b07b07b0-0000-4000-8000-00000000b07b"
SECRET = "demo-secret-on-loopback"  # noqa: S105 - opens nothing but the demo's own sandbox
SETTLE_S = 20.0
POLICY = f"""\
# The demo's policy: who may do what. It is read again within 15 seconds of a change.
[roles.viewer]
groups = ["{VIEWERS}"]
allow  = ["*:list", "*:get", "bot:history"]

[roles.operator]
inherits = ["viewer"]
groups   = ["{OPERATORS}"]
allow    = ["exchange:sync", "exchange:create", "exchange:add", "exchange:update"]

[roles.admin]
inherits = ["operator"]
groups   = ["{ADMINS}"]
allow    = ["*:*"]
"""
WELCOME = """\
A channel in Teams, on your machine: a bot, and a sandbox that stands for Microsoft 365.
  ada  administrator      oli  operator      vic  viewer      gus  guest

  ada: /exchange list        type a command as somebody
  ada> Refresh               press a button of the newest card, by title or number
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
            "BOT_DATABASE_URL": f"sqlite:///{folder / 'connectors.db'}",
            "BOT_POLICY_FILE": str(policy),
            "BOT_PORT": "0",
            "BOT_RATE_LIMIT": "0",
            "BOT_TENANT_RATE_LIMIT": "0",
        }
    )


@asynccontextmanager
async def running(folder: Path, chance: Chance) -> AsyncIterator[tuple[Chat, Sandbox, World, Bot]]:
    """Run sandbox and bot; yields the conversation between them."""
    sandbox = Sandbox(
        registration=Registration(APP_ID, TENANT, {APP_ID: SECRET}),
        now=chance.clock.now,
        new_id=lambda: str(uuid.uuid4()),
    )
    async with sandbox:
        world = seed(sandbox)
        bot = Bot(settings_of(sandbox, folder), chance)
        await bot.start()
        runner = web.AppRunner(bot.web, access_log=None)
        try:
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            async with httpx.AsyncClient(trust_env=False) as http:
                chat = Chat(
                    sandbox=sandbox,
                    world=world,
                    http=http,
                    bot_url=url,
                    settle=lambda: bot.settle(SETTLE_S),
                )
                await bot.settle(SETTLE_S)
                yield chat, sandbox, world, bot
        finally:
            await runner.cleanup()
            await bot.stop()


async def run(*, script: Path | None, keep: Path | None) -> int:
    """Play a script (1 when a line stays without an answer), or talk until `quit`.

    Raises:
        ConfigError: the script or the folder cannot be used.
    """
    logs.configure("ERROR")
    lines = _script(script) if script else None
    with _folder(keep) as folder:
        async with running(folder, Chance()) as (chat, _sandbox, _world, _bot):
            if lines is not None:
                return await _play(chat, lines)
            print(WELCOME)
            await _converse(chat)
    return 0


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


async def _play(chat: Chat, lines: list[str]) -> int:
    for text in lines:
        line = read_line(text, chat.people)
        if line is None:
            print(f"Not a line of a conversation: {text}", file=sys.stderr)
            return 1
        print(f"\n{text}")
        heard = await chat.say(line)
        _show(heard)
        if not heard.is_answer:
            print(f"No answer to: {text}", file=sys.stderr)
            return 1
    return 0


async def _converse(chat: Chat) -> None:
    who = "ada"
    while True:
        text = await asyncio.to_thread(_prompt, who)
        if text is None or text in {"quit", "exit"}:
            return
        if not text:
            continue
        line = read_line(text, chat.people) or Line(who, text, is_press=text.isdigit())
        who = line.who
        _show(await chat.say(line))


def _prompt(who: str) -> str | None:
    try:
        return input(f"{who}: ").strip()
    except EOFError:
        return None


def _show(heard: Heard) -> None:
    for card in heard.cards:
        for row in lines_of(card):
            print(f"  │ {row}")
        print("  ╵")
    if heard.toast:
        print(f"  » {heard.toast}")
    if heard.trouble:
        print(f"  {heard.trouble}")
