"""How long to wait before a request is sent again."""

from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from math import isfinite

from pydantic import JsonValue

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 8.0


def retry_after(headers: Mapping[str, str], in_body: JsonValue = None) -> float | None:
    """Return the seconds Graph asks to wait, or None when it asks for nothing readable.

    The header wins over Intune's `RetryAfter` in the body. Seconds may have decimals. A date is
    measured from the answer's own `Date`, so that the clock of this machine does not matter.
    Source: Graph throttling guidance, whose sample says `Retry-After: 2.128`; RFC 9110, 10.2.3.
    """
    text = headers.get("retry-after", "")
    for wish in (_seconds(text), _until(text, headers.get("date", "")), _seconds(in_body)):
        if wish is not None:
            return wish
    return None


def _seconds(value: JsonValue) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return max(0.0, seconds) if isfinite(seconds) else None


def _until(text: str, answered_at: str) -> float | None:
    until, since = _instant(text), _instant(answered_at)
    if until is None or since is None:
        return None
    return max(0.0, (until - since).total_seconds())


def _instant(text: str) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return parsed if parsed.tzinfo is not None else None


def backoff(attempt: int, random: Callable[[], float]) -> float:
    """Return the seconds to wait after attempt number `attempt`, the first being 0.

    Doubles from 1 s up to 8 s, of which up to a half is left to chance so that replicas spread.
    """
    ceiling = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0**attempt)
    return ceiling * (0.5 + random() / 2)
