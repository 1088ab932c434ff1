"""Fresh databases for tests, on SQLite always and on PostgreSQL where one is reachable."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import asyncpg  # type: ignore[import-untyped]  # it ships no types
import pytest
from sqlalchemy import create_engine, text

from bot.store.database import Database
from bot.store.migrations import upgrade

ENGINES = ("sqlite", "postgresql")
SERVER = "postgresql://postgres@127.0.0.1:5432"
START = datetime(2026, 11, 20, 9, 0, 0, 123456, tzinfo=UTC)


class FakeClock:
    """A clock that stands until it is moved."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._passed = 0.0

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> None:
        self.jump(timedelta(seconds=seconds))
        self._passed += seconds

    def jump(self, by: timedelta) -> None:
        """Set the clock, ahead or back, while no time passes."""
        self._now += by

    def steady(self) -> float:
        """Return the seconds that have passed, however the clock was set."""
        return self._passed


@cache
def tables() -> bytes:
    """Return a SQLite file with the bot's tables and no rows: copies spare the migrations."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "tables.db"
        engine = create_engine(f"sqlite:///{file}")
        with engine.begin() as connection:
            upgrade(connection)
        engine.dispose()
        return file.read_bytes()


@asynccontextmanager
async def fresh_url(
    engine: str, folder: Path, *, template: str = "template1"
) -> AsyncIterator[str]:
    """Yield the URL of an empty database of the engine, which is gone afterwards.

    On PostgreSQL it is a copy of `template`.
    """
    if engine == "sqlite":
        yield f"sqlite+aiosqlite:///{folder / 'store.db'}"
        return
    name = f"store_test_{uuid4().hex}"
    try:
        server = await asyncpg.connect(f"{SERVER}/postgres", timeout=2)
    except (OSError, asyncpg.PostgresError) as error:
        pytest.skip(f"no PostgreSQL for user postgres at 127.0.0.1:5432: {error}")
    try:
        await server.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        yield f"{SERVER}/{name}"
    finally:
        await server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await server.close()


@asynccontextmanager
async def opened(
    url: str,
    *,
    clock: FakeClock,
    busy_s: float = 5.0,
    audit_head_file: Path | None = None,
) -> AsyncIterator[Database]:
    """Yield an open database, migrated or not as it was found."""
    database = Database.open(url, clock=clock, busy_s=busy_s, audit_head_file=audit_head_file)
    try:
        yield database
    finally:
        await database.close()


async def disarm_audit(database: Database) -> None:
    """Do what somebody with full rights can do: switch off what guards the audit."""
    async with database.write() as session:
        if session.is_sqlite:
            await session.change(text("DROP TRIGGER audit_no_update"))
            await session.change(text("DROP TRIGGER audit_no_delete"))
        else:
            await session.change(text("ALTER TABLE audit DISABLE TRIGGER ALL"))


async def execute(database: Database, *statements: str) -> None:
    """Run SQL behind the store's back."""
    async with database.write() as session:
        for statement in statements:
            await session.change(text(statement))


async def python(script: str, *arguments: str) -> asyncio.subprocess.Process:
    """Start another process that runs a script against the same code."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        script,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
