"""A request body: read with a limit on size and time, and parsed with a limit on everything else."""

import asyncio
from itertools import accumulate
from json import dumps, loads
from math import isfinite
from re import DOTALL, compile as pattern

import aiohttp
from aiohttp import web

MAX_BODY_BYTES = 256 * 1024
MAX_DEPTH = 32

# Strings (an unfinished one included) and everything else that is no bracket. All quantifiers are
# possessive: one pass over the body, whatever is in it.
_NO_BRACKETS = pattern(rb'"(?:[^"\\]++|\\.?+)*+"?+|[^"\[\]{}]++', DOTALL)
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\x00\x00")


class TurnedAway(Exception):
    """The request is not let in; `status` answers the sender, `reason` is for the log."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


async def read_body(request: web.Request, *, timeout_s: float) -> bytes:
    """Return the whole body of `request`.

    Raises:
        TurnedAway: 413 beyond 256 KiB, 408 after `timeout_s` seconds, 400 if it breaks off.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(timeout_s):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise TurnedAway(413, "body too long")
    except TimeoutError as error:
        raise TurnedAway(408, "body too slow") from error
    except (aiohttp.ClientError, web.RequestPayloadError, ConnectionError) as error:
        raise TurnedAway(400, "body broke off") from error
    return bytes(body)


def json_object(body: bytes) -> dict[str, object]:
    """Return the JSON object in `body`.

    Raises:
        TurnedAway: 400 for all else: other JSON, other encodings, nesting beyond 32 levels, a
            repeated name, NaN and infinities, numbers of absurd length, halves of surrogate pairs.
    """
    if depth(body) > MAX_DEPTH:
        raise TurnedAway(400, "body too deep")
    try:
        parsed = loads(
            body.decode("utf-8"),
            object_pairs_hook=_distinct,
            parse_constant=_finite,
            parse_float=_finite,
        )
        if b"\\u" in body:
            dumps(parsed, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise TurnedAway(400, "body is not strict JSON") from error
    if not isinstance(parsed, dict):
        raise TurnedAway(400, "body is not a JSON object")
    return parsed


def depth(body: bytes) -> int:
    """Return how deeply the brackets of `body` nest, those in strings not counted."""
    brackets = _NO_BRACKETS.sub(b"", body).translate(_STEPS)
    return max(accumulate(1 if step else -1 for step in brackets), default=0)


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("repeated name")
    return members


def _finite(digits: str) -> float:
    number = float(digits)
    if not isfinite(number):
        raise ValueError("infinite number")
    return number
