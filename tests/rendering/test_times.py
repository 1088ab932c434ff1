"""Times read as people say them, always with the zone."""

from datetime import UTC, datetime, timedelta

import pytest

from cards.times import ago, exact, near, since, span, within

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


def test_a_length_is_told_in_its_largest_unit_and_is_never_nothing() -> None:
    assert span(timedelta(minutes=42, seconds=59)) == "42 minutes"
    assert span(timedelta(0)) == "1 second"


def test_the_date_is_left_out_on_the_same_day_only() -> None:
    assert near(NOW - timedelta(hours=3), NOW) == "00:40 UTC"
    assert near(NOW - timedelta(hours=4), NOW) == "2026-11-20 23:40 UTC"


def test_since_when_something_is_so_is_exact_and_says_how_long_once_that_is_something() -> None:
    assert since(NOW - timedelta(minutes=42), NOW) == "2026-11-21 02:58 UTC (42 minutes ago)"
    assert since(NOW - timedelta(seconds=59), NOW) == "2026-11-21 03:39 UTC"
