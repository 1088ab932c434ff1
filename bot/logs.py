"""Log lines: one JSON object each, on standard error, with secrets and control characters removed."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import TextIO

import structlog

# Values under these names never reach a line, whatever they are.
SECRET_WORDS = (
    "authorization",
    "password",
    "secret",
    "token",
    "assertion",
    "cookie",
    "credential",
)
JWT = re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*")
BEARER = re.compile(r"(?i)\bbearer\s+\S+")
# A value named in running text, a form, JSON or a query, or quoted behind its name.
_NAME = rf"(?:{'|'.join(SECRET_WORDS)}|accountkey|apikey|api_key)\w{{0,20}}"
NAMED = re.compile(rf"(?i)({_NAME}[\"']?\s?[:=]\s?[\"']?)[^\s&,;\"']+")
QUOTED = re.compile(rf"(?i)({_NAME}\s(?:is\s|was\s|of\s)?([\"']))[^\"']+(?=\2)")
# The password inside a URL.
USERINFO = re.compile(r"(?<=://)[^/\s@]+(?=@)")
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
LINE_LIMIT = 4000
MASK = "***"


def scrub(text: str) -> str:
    """Return the text without tokens and control characters, cut at 4,000 characters."""
    # Cut in two steps: a token that the limit cuts in half must be recognised as one.
    return CONTROLS.sub(" ", masked(text[: 4 * LINE_LIMIT]))[:LINE_LIMIT]


def masked(text: str) -> str:
    """Return the text with everything masked that its shape or its name gives away as secret."""
    text = BEARER.sub(MASK, JWT.sub(MASK, text))
    text = QUOTED.sub(rf"\g<1>{MASK}", NAMED.sub(rf"\g<1>{MASK}", text))
    return USERINFO.sub(MASK, text)


def redact(
    _logger: object, _method: str, event: MutableMapping[str, object]
) -> MutableMapping[str, object]:
    """Mask what a name or a shape marks as secret; a structlog processor."""
    for name, value in event.items():
        if name == "exception" and isinstance(value, str):
            # A stack trace keeps its lines: JSON escapes them.
            event[name] = "\n".join(CONTROLS.sub(" ", row) for row in masked(value).split("\n"))
        else:
            event[name] = _clean(name, value)
    return event


def _clean(name: str, value: object) -> object:
    if any(word in name.casefold() for word in SECRET_WORDS):
        return MASK
    if isinstance(value, bool | int | float | None):
        return value
    if isinstance(value, Mapping):
        return {scrub(str(inner)): _clean(str(inner), part) for inner, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(name, part) for part in value]
    return scrub(str(value))


def configure(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send every line of the process to `stream` (standard error) as JSON."""
    each: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    as_json = structlog.processors.JSONRenderer(ensure_ascii=False)
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, *each, redact, as_json],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.WriteLoggerFactory(file=stream or sys.stderr),
        cache_logger_on_first_use=False,
    )
    # Libraries log through the standard module: only what somebody must look at, in the same form.
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *each],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                redact,
                as_json,
            ],
        )
    )
    logging.basicConfig(level=logging.ERROR, handlers=[handler], force=True)
