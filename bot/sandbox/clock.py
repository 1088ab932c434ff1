"""Time that people move ahead while they try the bot."""

from collections.abc import Callable
from datetime import datetime, timedelta

from typing_extensions import override

from bot.service.ports import Clock

FARTHEST = timedelta(days=3650)


class MovableClock(Clock):
    """A local clock, and how far it was moved ahead: the bot and its sandbox share one.

    `steady` are seconds that always go on. What was moved over has passed for both, so whatever
    counts seconds (a token's life, a cache's) counts these as well.
    """

    def __init__(self, local: Clock, *, steady: Callable[[], float]) -> None:
        self._local = local
        self._steady = steady
        self.ahead = timedelta()

    @override
    def now(self) -> datetime:
        """Return the present instant, aware and in UTC."""
        return self._local.now() + self.ahead

    def monotonic(self) -> float:
        """Return seconds that go on with the clock and never back."""
        return self._steady() + self.ahead.total_seconds()

    def move(self, by: timedelta) -> None:
        """Let time pass at once.

        Raises:
            ValueError: time does not go back, nor for more than ten years.
        """
        if not timedelta() < by <= FARTHEST - self.ahead:
            raise ValueError("Time only goes on, and for ten years at most.")
        self.ahead += by
