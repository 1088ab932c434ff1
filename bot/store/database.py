"""The database of a process: its two ways in, its limits, its schema."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from sqlalchemy import func, select

from bot.domain.errors import StoreError
from bot.service.ports import Clock
from bot.store.engines import Engines, make_engines
from bot.store.head_file import HeadFile
from bot.store.lane import Lane, Session
from bot.store.migrations import upgrade
from bot.store.tables import audit_head

MIGRATION_S = 60.0


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for every use of a database.

    `lease_s` seconds pass before another process may take over a claimed job. `head_file`
    is where the end of the audit is written down outside the database.
    """

    clock: Clock
    lease_s: float
    head_file: HeadFile | None


class Database:
    """Connections to one database; made by `open`, ended by `close`.

    Nothing is connected before it is needed, and a database that comes back is used again without
    a restart.
    """

    def __init__(self, engines: Engines, *, terms: Terms, busy_s: float) -> None:
        self.terms = terms
        self._engines = engines
        self._writer = Lane(engines.writer, seats=engines.writers, busy_s=busy_s)
        self._reader = Lane(engines.reader, seats=engines.readers, busy_s=busy_s)

    @classmethod
    def open(
        cls,
        url: str,
        *,
        clock: Clock,
        lease_s: float = 30.0,
        busy_s: float = 10.0,
        audit_head_file: Path | None = None,
    ) -> Self:
        """Return the database of a URL; all waiting for it ends within `busy_s` + 1 seconds.

        Raises:
            ConfigError: the URL cannot be used.
        """
        head_file = None if audit_head_file is None else HeadFile(audit_head_file)
        terms = Terms(clock, lease_s, head_file)
        return cls(make_engines(url, busy_s=busy_s), terms=terms, busy_s=busy_s)

    def write(self, busy_s: float | None = None) -> AbstractAsyncContextManager[Session]:
        """Open a transaction that may write; a locked file is given up after `busy_s`, if given."""
        return self._writer.session(busy_s=busy_s)

    def read(self) -> AbstractAsyncContextManager[Session]:
        """Open a transaction that only reads; on SQLite it waits for no writer."""
        return self._reader.session()

    async def migrate(self) -> None:
        """Bring the schema up to date; safe while other processes do the same.

        Raises:
            StoreError: the database cannot be reached or changed.
        """
        async with self._writer.session(work_s=MIGRATION_S) as session:
            await session.run(upgrade)

    async def ping(self) -> None:
        """Read one row of the store.

        Raises:
            StoreError: the database cannot serve, or was never migrated.
        """
        async with self.read() as session:
            if await session.first(select(audit_head.c.seq)) is None:
                raise StoreError("the audit has no head")

    async def time(self) -> datetime | None:
        """Return the database's own time; None where it has none, being a file."""
        async with self.read() as session:
            if session.is_sqlite:
                return None
            row = await session.first(select(func.clock_timestamp().label("time")))
            return None if row is None else row["time"]

    async def close(self) -> None:
        """Close every connection; one that is in use is waited for, for a moment."""
        async with self._writer.emptied(), self._reader.emptied():
            await self._engines.writer.dispose()
            await self._engines.reader.dispose()
