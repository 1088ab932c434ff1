"""The demo's clock: it goes on with the local one, and further when somebody moves it."""

from datetime import timedelta

import pytest

from bot.sandbox.clock import FARTHEST, MovableClock
from tests.support.stage import START, FakeClock


def test_what_was_moved_over_has_passed_for_the_clock_and_for_what_counts_seconds() -> None:
    local = FakeClock()
    clock = MovableClock(local, steady=local.monotonic)

    clock.move(timedelta(hours=4))
    local.move(minutes=1)

    assert clock.now() == START + timedelta(hours=4, minutes=1)
    assert clock.monotonic() == 4 * 3600 + 60


@pytest.mark.parametrize("by", [timedelta(), timedelta(seconds=-1), FARTHEST + timedelta(1)])
def test_time_neither_goes_back_nor_out_of_sight(by: timedelta) -> None:
    local = FakeClock()
    clock = MovableClock(local, steady=local.monotonic)

    with pytest.raises(ValueError, match="Time only goes on"):
        clock.move(by)

    assert clock.now() == START
