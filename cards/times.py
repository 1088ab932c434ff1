"""Times as people read them: how long ago, and exactly, always with the zone."""

from datetime import datetime, timedelta
from typing import Final

from cards import words

_STEPS: Final = (
    (timedelta(days=365), "year"),
    (timedelta(days=30), "month"),
    (timedelta(days=1), "day"),
    (timedelta(hours=1), "hour"),
    (timedelta(minutes=1), "minute"),
    (timedelta(seconds=1), "second"),
)


def exact(moment: datetime) -> str:
    """Return an instant to the minute, in UTC: Teams shows no time in the reader's own zone."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def ago(moment: datetime, now: datetime) -> str:
    """Return how long ago an instant was, in its largest unit."""
    age = now - moment
    for length, unit in _STEPS:
        count = int(age / length)
        if count >= 1:
            return words.ago(count, unit)
    return words.JUST_NOW


def within(seconds: float) -> str:
    """Return a wait in words: seconds below two minutes, else minutes rounded up."""
    whole = max(1, -int(-seconds // 1))
    minute, limit = 60, 120
    return (
        words.wait(whole, "second") if whole < limit else words.wait(-(-whole // minute), "minute")
    )
