"""The engines behind a database URL: SQLite by aiosqlite, PostgreSQL by asyncpg."""

from dataclasses import dataclass

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.domain.errors import ConfigError
from bot.store.sqlite import READERS, reading_engine, writing_engine

SETTING = "BOT_DATABASE_URL"
POSTGRES_WRITERS = 5
POSTGRES_READERS = 3


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
            pool_pre_ping=True,
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
    return Engines(engine, POSTGRES_WRITERS, engine, POSTGRES_READERS)
