"""The schema: made by revisions alone, equal to the tables, safe to bring up to date at once."""

import asyncio
import sqlite3
import tempfile
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from structlog.testing import capture_logs

from bot.domain.errors import StoreError
from bot.store.tables import metadata
from tests.support.databases import ENGINES, FakeClock, execute, fresh_url, opened, python

MIGRATE = """
import asyncio, sys
from datetime import UTC, datetime
from bot.store.database import Database
class Clock:
    def now(self): return datetime(2026, 11, 20, tzinfo=UTC)
async def main():
    database = Database.open(sys.argv[1], clock=Clock())
    await database.migrate()
    await database.ping()
    await database.close()
asyncio.run(main())
"""


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=ENGINES)
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    async with fresh_url(str(request.param), tmp_path) as found:
        yield found


def new_folder(parent: Path) -> Path:
    """Return a folder that was not there before."""
    return Path(tempfile.mkdtemp(dir=parent))


def differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


async def test_the_revisions_make_exactly_the_tables(url: str, clock: FakeClock) -> None:
    async with opened(url, clock=clock) as database:
        await database.migrate()

        async with database.write() as session:
            assert await session.run(differences) == []


async def test_a_migrated_database_is_left_as_it_is(url: str, clock: FakeClock) -> None:
    async with opened(url, clock=clock) as database:
        with capture_logs() as first:
            await database.migrate()
        with capture_logs() as second:
            await database.migrate()

    assert [line["event"] for line in first] == ["schema migrated"]
    assert second == []


async def test_a_newer_schema_is_used_and_not_touched(url: str, clock: FakeClock) -> None:
    async with opened(url, clock=clock) as database:
        await database.migrate()
        await execute(database, "UPDATE alembic_version SET version_num = '9999'")

        with capture_logs() as lines:
            await database.migrate()

        assert [line["event"] for line in lines] == ["newer schema found"]
        await database.ping()


@pytest.mark.parametrize("engine", ENGINES)
async def test_engines_that_migrate_at_once_all_succeed(
    engine: str, tmp_path: Path, clock: FakeClock
) -> None:
    for _ in range(20 if engine == "sqlite" else 2):
        async with (
            fresh_url(engine, new_folder(tmp_path)) as url,
            opened(url, clock=clock) as one,
            opened(url, clock=clock) as two,
            opened(url, clock=clock) as three,
        ):
            await asyncio.gather(one.migrate(), two.migrate(), three.migrate())


async def test_a_new_file_that_another_process_keeps_for_itself_is_a_store_error(
    tmp_path: Path, clock: FakeClock
) -> None:
    with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        async with fresh_url("sqlite", tmp_path) as url, opened(url, clock=clock) as database:
            with pytest.raises(StoreError):
                await database.migrate()
            other.execute("ROLLBACK")

            await database.migrate()
            await database.ping()


async def test_processes_that_start_at_once_all_succeed(url: str) -> None:
    processes = [await python(MIGRATE, url) for _ in range(2)]

    codes = await asyncio.gather(*(process.wait() for process in processes))

    assert codes == [0, 0]


@pytest.mark.parametrize(
    "change", ["UPDATE audit SET event = '{}'", "DELETE FROM audit", "TRUNCATE audit"]
)
async def test_the_audit_refuses_to_be_changed(url: str, clock: FakeClock, change: str) -> None:
    if change.startswith("TRUNCATE") and url.startswith("sqlite"):
        pytest.skip("SQLite has no TRUNCATE")
    async with opened(url, clock=clock) as database:
        await database.migrate()
        await execute(
            database, "INSERT INTO audit (seq, at, event, prev, hash) VALUES (1, 1, '', '', '')"
        )

        with pytest.raises(StoreError):
            await execute(database, change)

        async with database.read() as session:
            assert len(await session.all(text("SELECT seq FROM audit"))) == 1
