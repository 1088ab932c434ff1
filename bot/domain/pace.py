"""How fast messages may follow each other: several limits at once, none ever exceeded. Pure.

A conversation's limits are each kept by one mark, the virtual instant of the generic cell rate
algorithm: a burst is let through at once, then one message per interval, so that no window of the
limit's length holds more than its count, even if messages come somewhat closer than they were sent.

A tenant's limit is too tight for that: it is kept by places. A message takes one before it is sent,
and the place is free again a second after the answer came. Whenever a request arrived in between,
it held its place for the second after its arrival, so no second can see more arrivals than there
are places, however long the network or a busy machine kept each of them.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` messages in any `period_s` seconds, up to `burst` of them at once."""

    count: int
    period_s: float
    burst: int

    @property
    def interval_s(self) -> float:
        """How long one message after the burst has to wait for the next."""
        return self.period_s / (self.count - self.burst)


# Source: "Optimize your bot: rate limiting and best practices in Teams", limits for sending to one
# thread, and 30 requests a second for one app in one tenant.
THREAD = (
    Limit(7, 1.0, 3),
    Limit(8, 2.0, 4),
    Limit(60, 30.0, 30),
    Limit(1800, 3600.0, 900),
)
TENANT_PLACES = 30
HELD_S = 1.03
"""How long an answered message holds its place: a second, and what replicas' clocks may differ."""

PATIENCE_S = 1.5
"""How far ahead a turn is given; who would have to wait for longer asks again."""

FLIGHT_S = 11.0
"""How long a message without an answer holds its place: no request lasts longer than 10 seconds."""


@dataclass(frozen=True, slots=True)
class Place:
    """One message's place in a tenant's second; `held_until` tells it from the next one's."""

    number: int
    held_until: float


def take(
    free_at: tuple[float, ...], now: float, *, not_before: float
) -> tuple[float, Place, tuple[float, ...]]:
    """Return when a message may go, its place, and from when on each place is free again.

    `free_at` are the instants of the message before, empty for none; only turns within `PATIENCE_S`
    of `now` may be kept. The place is held for as long as a message without an answer may be under
    way; `give_back` corrects that.
    """
    known = tuple(
        # An instant that no message can have set was set before the clock was put back.
        instant if instant <= now + PATIENCE_S + FLIGHT_S else 0.0
        for instant in free_at or (0.0,) * TENANT_PLACES
    )
    number = min(range(TENANT_PLACES), key=known.__getitem__)
    start = max(now, not_before, known[number])
    place = Place(number, start + FLIGHT_S)
    return start, place, (*known[:number], place.held_until, *known[number + 1 :])


def give_back(free_at: tuple[float, ...], place: Place, answered_at: float) -> tuple[float, ...]:
    """Return from when on each place is free, once the message of one of them was answered."""
    number = place.number
    if not free_at or free_at[number] != place.held_until:
        return free_at
    return (*free_at[:number], answered_at + HELD_S, *free_at[number + 1 :])


def reserve(
    marks: tuple[float, ...], limits: tuple[Limit, ...], now: float
) -> tuple[float, tuple[float, ...]]:
    """Return when the next message may go, not before `now`, and the marks once it is sent then.

    `marks` are those of the message before, empty for none; instants are in seconds. Only turns
    within `PATIENCE_S` of `now` may be kept.
    """
    known = tuple(
        # A mark that no message can have left was left before the clock was put back.
        mark if mark <= now + PATIENCE_S + limit.burst * limit.interval_s else 0.0
        for mark, limit in zip(marks or (0.0,) * len(limits), limits, strict=True)
    )
    start = max(
        (
            mark - (limit.burst - 1) * limit.interval_s
            for mark, limit in zip(known, limits, strict=True)
        ),
        default=now,
    )
    start = max(now, start)
    after = tuple(
        max(mark, start) + limit.interval_s for mark, limit in zip(known, limits, strict=True)
    )
    return start, after
