"""The HTTP server around the routes: what is no HTTP is refused there, in one line of the log."""

import logging

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from typing_extensions import override

# How long a connection whose request was refused unread is kept for the sender to read the answer.
LINGER_S = 2.0

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


class Noise(logging.Filter):
    """Takes a stranger's bad HTTP for what it is; by default each would be an error with a trace."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        """Write the refusal's one line, and keep the record back."""
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, HttpProcessingError):
            return True
        log.warning("request refused", status=error.code, reason=type(error).__name__)
        return False


def http_runner(app: web.Application, *, shutdown_s: float) -> web.AppRunner:
    """Return what answers HTTP for the routes of `app`."""
    return web.AppRunner(
        app,
        access_log=None,
        logger=_logger(),
        lingering_time=LINGER_S,
        shutdown_timeout=shutdown_s,
    )


def _logger() -> logging.Logger:
    # Not by name from the registry: two bots in one process must not share a filter.
    logger = logging.Logger("bot.http")  # noqa: LOG001
    logger.parent = logging.getLogger()
    logger.addFilter(Noise())
    return logger
