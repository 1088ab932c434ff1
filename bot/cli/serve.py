"""`serve`: runs the bot until it is told to stop."""

import asyncio
import signal
from collections.abc import Mapping

import structlog

from bot import logs
from bot.app import Bot, serve
from bot.settings import Settings

log = structlog.get_logger(__name__)


async def run(environment: Mapping[str, str]) -> int:
    """Serve until SIGTERM or SIGINT.

    Raises:
        ConfigError: the settings, the policy or the database are unusable.
    """
    settings = Settings.read(environment)
    logs.configure(settings.log_level)
    until = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, until.set)

    def ready(url: str) -> None:
        log.info("bot started", url=url, cloud=settings.cloud_name, tenant=settings.app_tenant)

    await serve(Bot(settings), until=until, ready=ready)
    log.info("bot stopped")
    return 0
