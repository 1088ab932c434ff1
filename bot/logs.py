"""Log lines: one JSON object each, on standard error, with secrets and control characters removed."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import TextIO

import structlog

# Values under these names never reach a line, whatever they are.
SECRET_WORDS = ("authorization", "password", "secret", "token", "assertion", "cookie")
JWT = re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*")
BEARER = re.compile(r"(?i)\bbearer\s+\S+")
CONTROLS = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
LINE_LIMIT = 4000
MASK = "***"


def scrub(text: str) -> str:
    """Return the text without tokens and control characters, cut at 4,000 characters."""
    return CONTROLS.sub(" ", BEARER.sub(MASK, JWT.sub(MASK, text)))[:LINE_LIMIT]


def redact(
    _logger: object, _method: str, event: MutableMapping[str, object]
) -> MutableMapping[str, object]:
    """Mask what a name or a shape marks as secret; a structlog processor."""
    for name, value in event.items():
        if any(word in name.casefold() for word in SECRET_WORDS):
            event[name] = MASK
        elif isinstance(value, str) and name != "exception":
            event[name] = scrub(value)
    trace = event.get("exception")
    if isinstance(trace, str):
        # A stack trace keeps its lines: JSON escapes them.
        event["exception"] = BEARER.sub(MASK, JWT.sub(MASK, trace))
    return event


def configure(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send every line of the process to `stream` (standard error) as JSON."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redact,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.WriteLoggerFactory(file=stream or sys.stderr),
        cache_logger_on_first_use=False,
    )
    # Libraries log through the standard module: only what somebody must look at, and as plain text.
    logging.basicConfig(level=logging.ERROR, stream=stream or sys.stderr, force=True)
