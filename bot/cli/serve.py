"""`serve`: runs the bot until it is told to stop."""

import asyncio
import io
import signal
import sys
from collections.abc import Mapping
from typing import TextIO

import structlog
from typing_extensions import override

from bot import logs
from bot.app import Bot, serve
from bot.domain.errors import ConfigError
from bot.settings import Settings

log = structlog.get_logger(__name__)
START_S = 7.0


class HeldBack(io.StringIO):
    """A stream that keeps what is written until it is opened, so that a refused start is short."""

    def __init__(self, onto: TextIO) -> None:
        super().__init__()
        self._onto = onto
        self._is_open = False

    @override
    def write(self, text: str) -> int:
        """Pass the text on, or keep it."""
        return self._onto.write(text) if self._is_open else super().write(text)

    @override
    def flush(self) -> None:
        """Pass the wish on."""
        self._onto.flush()

    def open(self) -> None:
        """Pass on what was kept, and all that follows."""
        self._is_open = True
        self._onto.write(self.getvalue())
        self.flush()


async def run(environment: Mapping[str, str]) -> int:
    """Serve until SIGTERM or SIGINT.

    Raises:
        ConfigError: the settings, the policy or the database are unusable.
    """
    settings = Settings.read(environment)
    stream = HeldBack(sys.stderr)
    logs.configure(settings.log_level, stream)
    until = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, until.set)

    limit = asyncio.timeout(START_S)

    def ready(url: str) -> None:
        limit.reschedule(None)
        stream.open()
        log.info("bot started", url=url, cloud=settings.cloud_name, tenant=settings.app_tenant)

    try:
        async with limit:
            await serve(Bot(settings), until=until, ready=ready)
    except ConfigError:
        raise
    except BaseException as error:
        if limit.expired():
            # At its start the bot waits for nobody else.
            raise ConfigError("BOT_DATABASE_URL", f"no answer within {START_S:g} s.") from error
        stream.open()
        raise
    log.info("bot stopped")
    return 0
