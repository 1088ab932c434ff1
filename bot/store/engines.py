"""The engines behind a database URL: SQLite by aiosqlite, PostgreSQL by asyncpg."""

from dataclasses import dataclass
from time import monotonic

from sqlalchemy import URL, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from bot.domain.errors import ConfigError
from bot.store.sqlite import READERS, reading_engine, writing_engine

SETTING = "BOT_DATABASE_URL"
POSTGRES_WRITERS = 5
POSTGRES_READERS = 7
FRESH_S = 1.0
"""How long ago a connection was used that need not be asked whether it still stands."""

_USED = "used_at"


@dataclass(frozen=True, slots=True)
class Engines:
    """Where to write and where to read, and how many may do so at once.

    On PostgreSQL both are one engine, whose pool of 8 is shared out: a transaction that holds a
    seat to write can always get one to read.
    """

    writer: AsyncEngine
    writers: int
    reader: AsyncEngine
    readers: int


def make_engines(text: str, *, busy_s: float) -> Engines:
    """Return the engines for a URL; nothing is connected yet.

    Raises:
        ConfigError: the URL cannot be read, names another engine or no file.
    """
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise ConfigError(
            SETTING, "this is no database URL; try sqlite+aiosqlite:///./connectors.db"
        ) from error
    backend = url.drivername.partition("+")[0]
    if backend == "sqlite":
        return _sqlite(url)
    if backend in {"postgresql", "postgres"}:
        return _postgresql(url, busy_s=busy_s)
    raise ConfigError(SETTING, f"{backend} is not supported; use sqlite or postgresql")


def _sqlite(url: URL) -> Engines:
    path = url.database
    if not path or path == ":memory:":
        raise ConfigError(SETTING, "a database in memory forgets everything; name a file")
    url = url.set(drivername="sqlite+aiosqlite")
    return Engines(writing_engine(url), 1, reading_engine(url), READERS)


def _postgresql(url: URL, *, busy_s: float) -> Engines:
    query = dict(url.query)
    # The name everybody knows from libpq; the driver calls it otherwise.
    if "sslmode" in query:
        query["ssl"] = query.pop("sslmode")
    try:
        engine = create_async_engine(
            url.set(drivername="postgresql+asyncpg", query=query),
            pool_size=POSTGRES_WRITERS + POSTGRES_READERS,
            max_overflow=0,
            hide_parameters=True,
            connect_args={
                "timeout": busy_s,
                "server_settings": {
                    "application_name": "connectors-bot",
                    # A replica that was frozen inside a transaction must not stop the others.
                    "idle_in_transaction_session_timeout": str(int(busy_s * 2000)),
                },
            },
        )
    except ModuleNotFoundError as error:
        raise ConfigError(
            SETTING, "PostgreSQL needs asyncpg; install the extra: connectors-bot[postgres]"
        ) from error
    _ask_before_use(engine)
    # Statements see what is committed when they begin, in a transaction or not: so one that only
    # reads needs none, and saves two ways to the server and back.
    reader = engine.execution_options(isolation_level="AUTOCOMMIT")
    return Engines(engine, POSTGRES_WRITERS, reader, POSTGRES_READERS)


def _ask_before_use(engine: AsyncEngine) -> None:
    """Have a connection that has been idle for a while answer before it is used again."""

    def checkin(_connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
        record.info[_USED] = monotonic()

    def checkout(
        connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: PoolProxiedConnection
    ) -> None:
        used = record.info.get(_USED)
        if used is None or monotonic() - used < FRESH_S:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError from error

    event.listen(engine.sync_engine, "checkin", checkin)
    event.listen(engine.sync_engine, "checkout", checkout)
