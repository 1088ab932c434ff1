"""Teams' limits on what a bot sends: windows that slide, and a count of what went beyond them.

Source: "Optimize your bot: rate limiting and best practices in Teams", limits for sending to one
thread, and 30 requests a second for one app in one tenant.
"""

from collections import defaultdict, deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from bot.sandbox.wire import Now, RefusedError

TENANT = "tenant"


@dataclass(frozen=True, slots=True)
class Window:
    """At most `count` requests in any span of `period_s` seconds, its end excluded."""

    count: int
    period_s: float


PER_THREAD: tuple[Window, ...] = (Window(7, 1), Window(8, 2), Window(60, 30), Window(1800, 3600))
PER_TENANT: tuple[Window, ...] = (Window(30, 1),)


@dataclass(frozen=True, slots=True)
class Violation:
    """A request beyond a limit; `lane` is a conversation's id, or `tenant` for all together."""

    at: datetime
    lane: str
    window: Window


class Limits:
    """Counts requests where `is_on`, and refuses with 429 those beyond a limit.

    What is refused uses nothing up. `admitted` counts what was let through.
    """

    def __init__(self, *, now: Now) -> None:
        self.is_on = False
        self.admitted = 0
        self.violations: list[Violation] = []
        self._now = now
        self._lanes: defaultdict[str, deque[datetime]] = defaultdict(deque)

    def admit(self, conversation: str | None) -> None:
        """Count a request to a conversation, a thread of it, or to the service as a whole.

        Raises:
            RefusedError: It is beyond a limit; Retry-After says when there is room again.
        """
        if not self.is_on:
            return
        now = self._now()
        lanes = [(TENANT, PER_TENANT)]
        if conversation is not None:
            lanes.append((conversation.partition(";")[0], PER_THREAD))
        found = [
            (Violation(now, lane, window), wait_s)
            for lane, windows in lanes
            for window in windows
            if (wait_s := self._wait_s(lane, window, now)) > 0
        ]
        if found:
            self.violations += [violation for violation, _ in found]
            retry_after = str(ceil(max(wait_s for _, wait_s in found)))
            raise RefusedError(
                429,
                "TooManyRequests",
                "Too many requests.",
                headers={"Retry-After": retry_after},
            )
        self.admitted += 1
        for lane, windows in lanes:
            self._keep(lane, now, windows)

    def _wait_s(self, lane: str, window: Window, now: datetime) -> float:
        """Return in how many seconds the window has room for one more, 0 for now."""
        seen = self._lanes[lane]
        if len(seen) < window.count:
            return 0.0
        free_at = seen[-window.count] + timedelta(seconds=window.period_s)
        return max(0.0, (free_at - now).total_seconds())

    def _keep(self, lane: str, now: datetime, windows: tuple[Window, ...]) -> None:
        seen = self._lanes[lane]
        seen.append(now)
        if len(seen) > max(window.count for window in windows):
            seen.popleft()
