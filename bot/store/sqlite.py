"""SQLite as the store wants it: explicit transactions, durable writes, readers that only read."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from urllib.parse import quote

import aiosqlite
from sqlalchemy import URL, Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool
from typing_extensions import override

from bot.store.lane import BUSY_MS, GRACE_S

READERS = 4
WRITING = ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON")
READING = ("PRAGMA query_only = ON",)
ROWS_AT_ONCE = 64
RETRY_S = 0.02


class Opening(aiosqlite.Connection):
    """A connection whose thread can be waited for when opening it failed, and never outlives us.

    The library stops the thread then, but lets it report to an event loop that may be closed. And
    a connection that nobody closed any more must not keep the process from ending: what it had not
    committed is undone by the next one to open the file.
    """

    stopped: asyncio.Future[None] | None = None

    def __init__(self, connector: Callable[[], sqlite3.Connection], rows_at_once: int) -> None:
        super().__init__(connector, rows_at_once)
        self._thread.daemon = True

    @override
    def stop(self) -> "asyncio.Future[None] | None":
        """Ask the thread to end; the future is done when it has nothing more to say."""
        self.stopped = super().stop()
        return self.stopped


def writing_engine(url: URL) -> AsyncEngine:
    """Return the engine of the one writer; it creates the file where there is none."""
    return _engine(url, size=1, begin="BEGIN IMMEDIATE", pragmas=WRITING)


def reading_engine(url: URL) -> AsyncEngine:
    """Return the engine of those who only read.

    They must not create the file. They open it for writing all the same, because a database in WAL
    mode may need recovery before it can be read; `query_only` does the rest.
    """
    if "uri" not in url.query:
        name = f"file:{quote(str(Path(url.database or '').absolute()))}"
        url = url.set(database=name, query={"mode": "rw", "uri": "true"})
    return _engine(url, size=READERS, begin="BEGIN", pragmas=READING)


def _engine(url: URL, *, size: int, begin: str, pragmas: Sequence[str]) -> AsyncEngine:
    async def connect() -> aiosqlite.Connection:
        return await _connect(engine, pragmas)

    def start(connection: Connection) -> None:
        busy_ms = connection.get_execution_options()[BUSY_MS]
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {busy_ms}")
        connection.exec_driver_sql(begin)

    engine = create_async_engine(
        url,
        async_creator=connect,
        poolclass=AsyncAdaptedQueuePool,
        pool_use_lifo=True,
        pool_size=size,
        max_overflow=0,
        hide_parameters=True,
    )
    event.listen(engine.sync_engine, "begin", start)
    return engine


async def _connect(engine: AsyncEngine, pragmas: Sequence[str]) -> aiosqlite.Connection:
    names, options = engine.dialect.create_connect_args(engine.url)
    # Without an isolation level the driver begins no transactions by itself: `start` does.
    options = {**options, "isolation_level": None, "timeout": GRACE_S}
    connection = Opening(partial(sqlite3.connect, *names, **options), ROWS_AT_ONCE)
    try:
        opened = await connection
        for pragma in pragmas:
            await _insist(opened, pragma)
    except BaseException:
        await connection.close()
        if connection.stopped is not None:
            await connection.stopped
        raise
    return opened


async def _insist(connection: aiosqlite.Connection, pragma: str) -> None:
    """Run a pragma, again while another process prepares the same new file.

    Turning to WAL needs the file alone and says `busy` at once instead of waiting.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + GRACE_S
    while True:
        try:
            await connection.execute_fetchall(pragma)
        except sqlite3.OperationalError as error:
            is_busy = error.sqlite_errorcode == sqlite3.SQLITE_BUSY
            if not is_busy or loop.time() > deadline:
                raise
            await asyncio.sleep(RETRY_S)
        else:
            return
