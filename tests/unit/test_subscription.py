"""Quiet hours in every zone and season, and filters: what is held, what passes, until when."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given, strategies as st

from bot.domain.errors import UserError
from bot.domain.operation import Actor
from bot.domain.resource import Severity
from bot.domain.subscription import Quiet, Subscription, quiet_of
from bot.domain.watch import GRAPH

NIGHT = Quiet(time(22), time(7), "Europe/Berlin")
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def subscription(**changes: object) -> Subscription:
    values: dict[str, object] = {
        "id": "S" * 26,
        "short": "SSSSSS",
        "tenant": "t",
        "root": "19:a@thread.tacv2",
        "kind": "exchange",
        "target": None,
        "target_name": "",
        "minimum": Severity.NEUTRAL,
        "quiet": NIGHT,
        "holds_critical": False,
        "by": Actor("t", "o", "Oli"),
        "created_at": at("2026-11-20T09:00:00+00:00"),
        **changes,
    }
    return Subscription(**values)  # type: ignore[arg-type]  # the values are those of the fields


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-20T22:00:00+01:00", "2026-11-21T07:00:00+01:00"),
        ("2026-11-21T03:00:00+01:00", "2026-11-21T07:00:00+01:00"),
        ("2026-11-21T07:00:00+01:00", None),
        ("2026-11-21T21:59:59+01:00", None),
        # The night the clocks go back is an hour longer, the one they go forward an hour shorter.
        ("2026-10-24T23:00:00+02:00", "2026-10-25T07:00:00+01:00"),
        ("2026-03-28T23:00:00+01:00", "2026-03-29T07:00:00+02:00"),
    ],
)
def test_quiet_hours_end_by_the_clock_on_the_wall(now: str, until: str | None) -> None:
    assert NIGHT.until(at(now)) == (at(until) if until else None)


@given(
    MOMENTS,
    st.times(),
    st.times(),
    st.sampled_from(
        ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia"]
    ),
)
def test_nothing_is_held_for_longer_than_a_day_and_an_hour(
    now: datetime, start: time, end: time, zone: str
) -> None:
    if start == end:
        return
    until = Quiet(start, end, zone).until(now)

    assert until is None or now < until <= now + timedelta(hours=25)


@pytest.mark.parametrize("hours", ["", "22", "22:00", "25:00-07:00", "22:00-07:60", "9:00-9:00"])
def test_hours_that_cannot_be_read_are_refused(hours: str) -> None:
    with pytest.raises(UserError, match="quiet-unread"):
        quiet_of(hours, "UTC")


@pytest.mark.parametrize(
    "zone", ["", "Mars/Olympus", "../etc/passwd", "Europe/Berlin\0", "a" * 300]
)
def test_a_zone_that_does_not_exist_is_refused(zone: str) -> None:
    with pytest.raises(UserError, match="zone-unknown"):
        quiet_of("22:00-07:00", zone)


@given(MOMENTS)
def test_what_is_critical_is_never_held_unless_that_was_wanted(now: datetime) -> None:
    assert subscription().held_until(Severity.CRITICAL, now) is None
    strict = subscription(holds_critical=True)
    assert strict.held_until(Severity.CRITICAL, now) == NIGHT.until(now)


@pytest.mark.parametrize(
    ("changes", "kind", "record", "severity", "is_wanted"),
    [
        ({}, "exchange", "a", Severity.NEUTRAL, True),
        ({"minimum": Severity.WARNING}, "exchange", "a", Severity.NEUTRAL, False),
        ({"minimum": Severity.WARNING}, "exchange", "a", Severity.CRITICAL, True),
        ({"target": "a"}, "exchange", "a", Severity.WARNING, True),
        ({"target": "a"}, "exchange", "b", Severity.CRITICAL, False),
        ({}, "ndes", "a", Severity.CRITICAL, False),
        ({"kind": None}, "ndes", "a", Severity.CRITICAL, True),
        ({"target": "a"}, GRAPH, "*", Severity.WARNING, True),
        ({"minimum": Severity.CRITICAL}, GRAPH, "*", Severity.WARNING, True),
        ({"minimum": Severity.CRITICAL, "target": "a"}, GRAPH, "*", Severity.WARNING, True),
    ],
)
def test_a_filter_lets_through_what_it_says(
    changes: dict[str, object], kind: str, record: str, severity: Severity, *, is_wanted: bool
) -> None:
    assert subscription(**changes).wants(kind, record, severity) is is_wanted
