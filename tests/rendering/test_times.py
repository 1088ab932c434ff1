"""Times read as people say them, always with the zone."""

from datetime import UTC, datetime, timedelta

import pytest

from cards.times import ago, exact, within

NOW = datetime(2026, 11, 21, 3, 40, 30, tzinfo=UTC)


def test_an_instant_is_exact_to_the_minute_with_its_zone() -> None:
    assert exact(NOW) == "2026-11-21 03:40 UTC"


@pytest.mark.parametrize(
    ("age", "number"),
    [
        (timedelta(seconds=59), "59 second"),
        (timedelta(minutes=2), "2 minute"),
        (timedelta(hours=23), "23 hour"),
        (timedelta(days=3), "3 day"),
        (timedelta(days=800), "2 year"),
    ],
)
def test_an_age_is_told_in_its_largest_unit(age: timedelta, number: str) -> None:
    assert number in ago(NOW - age, NOW)


def test_what_lies_ahead_or_just_happened_has_no_number() -> None:
    assert ago(NOW, NOW) == ago(NOW + timedelta(minutes=1), NOW)


@pytest.mark.parametrize(
    ("seconds", "number"), [(0.0, "1 second"), (30.2, "31 second"), (121.0, "3 minute")]
)
def test_a_wait_is_rounded_up(seconds: float, number: str) -> None:
    assert number in within(seconds)
