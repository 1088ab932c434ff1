"""A form's own id: good for one effect, and for a day.

It begins with the time at which the form was opened, so that its age travels with it and is not
kept anywhere. Who makes one up may do no more with it than with typed text.
"""

from datetime import UTC, datetime, timedelta
from re import compile as pattern
from typing import Final

CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
GOOD_FOR: Final = timedelta(days=1)
"""No longer than what was sent is known, so that an old form cannot have its effect again."""
_AHEAD: Final = timedelta(minutes=5)  # so far may the clocks of replicas lie apart
_TIME_DIGITS: Final = 10
_SHAPE: Final = pattern(rf"[{CROCKFORD}]{{26}}")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_STEP: Final = timedelta(milliseconds=1)


def new_form_id(now: datetime, chance: str) -> str:
    """Return the id of a form opened now: 10 digits of time, then 16 of a random id."""
    number, digits = (now - _EPOCH) // _STEP, []
    for _ in range(_TIME_DIGITS):
        number, digit = divmod(number, len(CROCKFORD))
        digits.append(CROCKFORD[digit])
    return "".join(reversed(digits)) + chance[: 26 - _TIME_DIGITS]


def is_form_id(text: str) -> bool:
    """Whether the text has the shape of a form's id."""
    return _SHAPE.fullmatch(text) is not None


def is_old(form_id: str, now: datetime) -> bool:
    """Whether the form was opened too long ago, or at a time that is yet to come."""
    opened = 0
    for digit in form_id[:_TIME_DIGITS]:
        opened = opened * len(CROCKFORD) + CROCKFORD.index(digit)
    age = (now - _EPOCH) // _STEP - opened
    return not -(_AHEAD // _STEP) <= age <= GOOD_FOR // _STEP
