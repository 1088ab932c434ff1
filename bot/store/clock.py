"""One time for all replicas: that of the database they share."""

from datetime import datetime, timedelta

from bot.service.ports import Clock
from bot.store.database import Database


class DatabaseClock:
    """The local clock, corrected by how far it was from the database's when they last met.

    On SQLite there is nothing to correct. Before the first `sync` it is the local clock.
    """

    def __init__(self, local: Clock) -> None:
        self._local = local
        self._offset = timedelta()

    @property
    def offset(self) -> timedelta:
        """What is added to the local time."""
        return self._offset

    def now(self) -> datetime:
        """Return the present instant, aware and in UTC."""
        return self._local.now() + self._offset

    async def sync(self, database: Database) -> None:
        """Compare the clocks again; call it at start and every minute.

        Raises:
            StoreError: the database cannot serve; the offset stays as it was.
        """
        before = self._local.now()
        theirs = await database.time()
        after = self._local.now()
        if theirs is not None:
            self._offset = theirs - (before + (after - before) / 2)
