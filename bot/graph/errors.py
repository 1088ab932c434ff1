"""What Graph says of a failure, made fit to show: JSON in JSON unwrapped, inner addresses removed.

Intune wraps the answer of an inner service as text into the message of the outer one, up to three
deep, and names its own machines in it. Bodies follow no schema reliably, so none is demanded.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from bot.domain.errors import GraphFault
from bot.graph.waits import retry_after
from bot.graph.wire import Failure, Reach
from bot.logs import MASK, masked

MOST_LEVELS = 3
MOST_CHARACTERS = 300
MOST_CODE_CHARACTERS = 80
# Far more than any message that says something; keeps the work on hostile bodies small.
MOST_READ = 20_000

_ACTIVITY = re.compile(r"Activity ID: ([0-9A-Fa-f-]{36})")
_NOISE = ("operation id", "activity id", "url:", "customapierrorphrase")
_INNER_HOST = "manage.microsoft.com"
_ID = re.compile(r"[0-9A-Za-z._-]{1,64}")
# Keys and tokens without a name to them: long, of letters and digits mixed, no host name, no address.
_SECRETIVE = re.compile(r"(?=(?:[^0-9]*+[0-9]){3})(?=(?:[^A-Za-z]*+[A-Za-z]){8})[^.@]{20,}")
_GUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


@dataclass(frozen=True, slots=True)
class _Complaint:
    code: str
    message: str
    retry_after: JsonValue = None


def read_failure(status: int, headers: Mapping[str, str], body: bytes, sent_id: str) -> Failure:
    """Return what an error response says; `sent_id` is the client-request-id that was sent."""
    text = body[:MOST_READ].decode("utf-8", errors="replace")
    error = _object(text).get("error")
    inner: Mapping[str, JsonValue] = {}
    if isinstance(error, dict):
        inner = _part(error, "innerError") or _part(error, "innererror")
        complaint = _unwrap(_Complaint(_text(error, "code"), _text(error, "message")))
    else:
        complaint = _unwrap(_Complaint("", text))
    activity = _ACTIVITY.search(text)
    request_id = (
        _id(inner.get("request-id"))
        or _id(headers.get("request-id"))
        or (activity.group(1) if activity else None)
    )
    fault = GraphFault(
        status,
        clean(complaint.code)[:MOST_CODE_CHARACTERS] or f"http-{status}",
        clean(complaint.message),
        request_id,
        _id(inner.get("client-request-id")) or sent_id,
    )
    return Failure(fault, Reach.ANSWERED, retry_after(headers, complaint.retry_after))


def clean(text: str) -> str:
    """Return one line of at most 300 characters without addresses, secrets, Intune's ids, controls.

    What Graph says is shown to people, and it may repeat what it was sent.
    """
    printable = "".join(c if c.isprintable() else " " for c in text[:MOST_READ])
    # Seen in the wild: an inner message that is cut off and so no JSON any more.
    parts = printable.strip().removeprefix('{"Message":"').split(" - ")
    told = " - ".join(p for p in parts if not p.strip().casefold().startswith(_NOISE))
    words = (w for w in told.split() if "://" not in w and _INNER_HOST not in w.casefold())
    line = masked(" ".join(words))
    line = " ".join(MASK if _is_secretive(word) else word for word in line.split())
    return line if len(line) <= MOST_CHARACTERS else f"{line[: MOST_CHARACTERS - 1]}…"


def _is_secretive(word: str) -> bool:
    bare = word.strip("'\"()[]{}<>,;:!?")
    return _SECRETIVE.fullmatch(bare) is not None and _GUID.fullmatch(bare) is None


def _unwrap(outer: _Complaint) -> _Complaint:
    told = outer
    for _ in range(MOST_LEVELS):
        level = _object(told.message)
        if not level:
            break
        told = _Complaint(
            _text(level, "ErrorCode") or _text(level, "code") or told.code,
            _text(level, "Message") or _text(level, "message"),
            level.get("RetryAfter") or told.retry_after,
        )
    return told


def _object(text: str) -> Mapping[str, JsonValue]:
    try:
        value: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _part(value: Mapping[str, JsonValue], name: str) -> Mapping[str, JsonValue]:
    part = value.get(name)
    return part if isinstance(part, dict) else {}


def _text(value: Mapping[str, JsonValue], name: str) -> str:
    part = value.get(name)
    return part if isinstance(part, str) else ""


def _id(value: JsonValue) -> str | None:
    return value if isinstance(value, str) and _ID.fullmatch(value) else None
