"""One time for all replicas: that of the database they share."""

from collections.abc import Callable
from datetime import datetime, timedelta

from bot.service.ports import Clock
from bot.store.database import Database

READINGS = 5


class DatabaseClock:
    """The database's time as it was last read, and the seconds that have passed since.

    So whoever sets the machine's clock changes nothing. On SQLite, and before the first `sync`, it
    is the local clock. `steady` are seconds that always go on, whatever the clock says.
    """

    def __init__(self, local: Clock, *, steady: Callable[[], float]) -> None:
        self._local = local
        self._steady = steady
        self._read: tuple[datetime, float] | None = None

    def now(self) -> datetime:
        """Return the present instant, aware and in UTC."""
        if self._read is None:
            return self._local.now()
        theirs, at = self._read
        return theirs + timedelta(seconds=self._steady() - at)

    async def sync(self, database: Database) -> None:
        """Read the database's time again; call it at start and every minute.

        What a busy machine makes of one reading can be far off, so the quickest of several counts,
        and it moves the clock only where it contradicts it.

        Raises:
            StoreError: the database cannot serve; the time goes on from the last reading.
        """
        readings = [await self._reading(database) for _ in range(READINGS)]
        known = [reading for reading in readings if reading is not None]
        if not known:
            return
        slack_s, theirs, at = min(known)
        off = abs(self.now() - theirs - timedelta(seconds=self._steady() - at))
        if self._read is None or off > timedelta(seconds=slack_s):
            self._read = theirs, at

    async def _reading(self, database: Database) -> tuple[float, datetime, float] | None:
        """Return how far off a reading may be, the database's time, and when that was."""
        before = self._steady()
        theirs = await database.time()
        slack_s = (self._steady() - before) / 2
        return None if theirs is None else (slack_s, theirs, before + slack_s)
