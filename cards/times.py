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


def near(moment: datetime, now: datetime) -> str:
    """Return an instant without its date where that is today's."""
    return f"{moment:%H:%M} UTC" if moment.date() == now.date() else exact(moment)


def ago(moment: datetime, now: datetime) -> str:
    """Return how long ago an instant was, in its largest unit."""
    count, unit = _largest(now - moment)
    return words.ago(count, unit) if count else words.JUST_NOW


def span(length: timedelta) -> str:
    """Return how long something took, in its largest unit; at least a second."""
    count, unit = _largest(length)
    return words.span(max(count, 1), unit)


def since(moment: datetime, now: datetime) -> str:
    """Return since when something is so: exactly, and in parentheses how long ago.

    A moment ago is left out: it would be wrong as soon as it is read.
    """
    is_new = now - moment < timedelta(minutes=1)
    return exact(moment) if is_new else f"{exact(moment)} ({ago(moment, now)})"


def within(seconds: float) -> str:
    """Return a wait in words: seconds below two minutes, else minutes rounded up."""
    whole = max(1, -int(-seconds // 1))
    minute, limit = 60, 120
    return (
        words.wait(whole, "second") if whole < limit else words.wait(-(-whole // minute), "minute")
    )


def _largest(length: timedelta) -> tuple[int, str]:
    """Return a length as a count of its largest unit; 0 for less than a second."""
    for step, unit in _STEPS:
        count = int(length / step)
        if count >= 1:
            return count, unit
    return 0, "second"
