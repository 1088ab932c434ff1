"""However senders crowd, no window of Teams' limits ever holds more messages than it may."""

import pytest
from hypothesis import given, strategies as st

from bot.domain.pace import (
    FLIGHT_S,
    PATIENCE_S,
    TENANT_PLACES,
    THREAD,
    Limit,
    Place,
    give_back,
    reserve,
    take,
)

PAUSES = st.lists(st.floats(0, 40, allow_nan=False), min_size=1, max_size=200)
ALLOWED = 30
SOON_S = 0.5
# How long a request is on its way to the service, and its answer on the way back.
FLIGHTS = st.lists(
    st.tuples(st.floats(0, 5, allow_nan=False), st.floats(0, 5, allow_nan=False)),
    min_size=1,
    max_size=150,
)


def sent(limits: tuple[Limit, ...], pauses: list[float]) -> list[float]:
    """Return when each of these messages goes; a pause is how much later the next one is wanted."""
    now, at = 1_000_000.0, []
    marks: tuple[float, ...] = ()
    for pause in pauses:
        now += pause
        start, _ = reserve(marks, limits, now)
        if start > now + PATIENCE_S:
            # Nobody is given a turn so far ahead: the sender comes back when it is due.
            now = start
        start, marks = reserve(marks, limits, now)
        at.append(start)
    return at


def most_in(period_s: float, at: list[float]) -> int:
    """Return the largest number of messages in any window of that length, its end excluded."""
    return max(sum(start <= t < start + period_s for t in at) for start in at)


@given(PAUSES)
def test_no_window_of_a_thread_holds_more_than_its_limit(pauses: list[float]) -> None:
    at = sent(THREAD, [pause / 20 for pause in pauses])

    for limit in THREAD:
        assert most_in(limit.period_s * 0.999999, at) <= limit.count


def arrived(flights: list[tuple[float, float]], senders: int) -> list[float]:
    """Return when each message arrives that as many senders as that send, each after its last."""
    free_at: tuple[float, ...] = ()
    ready = [1_000_000.0] * senders
    under_way: list[tuple[float, Place]] = []
    at: list[float] = []
    left = list(flights)
    while left:
        now = min(ready)
        for answered_at, place in [each for each in under_way if each[0] <= now]:
            free_at = give_back(free_at, place, answered_at)
        under_way = [each for each in under_way if each[0] > now]
        start, place, taken = take(free_at, now, not_before=now)
        if start > now + PATIENCE_S:
            ready[ready.index(now)] = now + SOON_S
            continue
        free_at = taken
        there, back = left.pop(0)
        at.append(start + there)
        under_way.append((start + there + back, place))
        ready[ready.index(now)] = start + there + back
    return at


@given(FLIGHTS, st.integers(1, 60))
def test_no_second_of_a_tenant_sees_more_than_its_limit_arrive(
    flights: list[tuple[float, float]], senders: int
) -> None:
    assert most_in(1.0, sorted(arrived(flights, senders))) <= ALLOWED


def test_a_message_without_an_answer_gives_its_place_back_in_the_end() -> None:
    free_at: tuple[float, ...] = ()
    for _ in range(TENANT_PLACES):
        start, _, free_at = take(free_at, 100.0, not_before=100.0)
        assert start == 100.0

    start, _, _ = take(free_at, 101.0, not_before=101.0)

    assert start == 100.0 + FLIGHT_S


def test_a_late_answer_does_not_free_the_place_of_the_message_after_it() -> None:
    _, lost, free_at = take((), 100.0, not_before=100.0)
    others = set()
    for _ in range(TENANT_PLACES):
        _, place, free_at = take(free_at, 150.0, not_before=150.0)
        others.add(place.number)

    assert lost.number in others
    assert give_back(free_at, lost, 100.1) == free_at


def test_a_clock_that_was_put_back_holds_nobody_up() -> None:
    free_at: tuple[float, ...] = ()
    for _ in range(TENANT_PLACES):
        _, _, free_at = take(free_at, 90_000.0, not_before=90_000.0)

    assert take(free_at, 100.0, not_before=100.0)[0] == 100.0
    _, marks = reserve((), THREAD, 90_000.0)
    assert reserve(marks, THREAD, 100.0)[0] == 100.0


@given(PAUSES)
def test_messages_keep_their_order_and_never_go_before_they_are_wanted(
    pauses: list[float],
) -> None:
    at = sent(THREAD, pauses)

    assert at == sorted(at)
    wanted = 1_000_000.0
    for pause, start in zip(pauses, at, strict=True):
        wanted += pause
        assert start >= wanted


def test_a_crowded_tenant_reaches_nine_tenths_of_what_is_allowed() -> None:
    at = arrived([(0.03, 0.03)] * 3000, senders=16)

    assert 3000 / (max(at) - min(at)) >= 0.9 * ALLOWED


@pytest.mark.parametrize("limit", THREAD)
def test_an_hour_of_crowding_stays_within_each_limit(limit: Limit) -> None:
    now, at = 1_000_000.0, []
    marks: tuple[float, ...] = ()
    for _ in range(limit.count * 3 // 2):
        now, marks = reserve(marks, (limit,), now)
        at.append(now)

    assert most_in(limit.period_s * 0.999999, at) <= limit.count
