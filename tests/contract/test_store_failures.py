"""A database that cannot serve is a `StoreError` in time, and is used again when it can."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.domain.errors import ConfigError, StoreError
from bot.service.ports import Pause
from bot.store.database import Database
from bot.store.engines import POSTGRES_READERS, make_engines
from bot.store.lane import GRACE_S
from bot.store.sqlite import READERS
from bot.store.store import SqlStore
from tests.support.databases import SERVER, START, FakeClock, fresh_url, opened, tables

BUSY_S = 0.3
# How much longer a busy machine may take.
SLACK_S = 5.0
PAUSE = Pause("Alice", START, None)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def sqlite(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Database]:
    (tmp_path / "store.db").write_bytes(tables())
    async with (
        fresh_url("sqlite", tmp_path) as url,
        opened(url, clock=clock, busy_s=BUSY_S) as database,
    ):
        yield database


@pytest.fixture
async def postgres_url(tmp_path: Path, with_tables: str) -> AsyncIterator[str]:
    async with fresh_url("postgresql", tmp_path, template=with_tables) as url:
        yield url


@pytest.fixture
async def postgres(postgres_url: str, clock: FakeClock) -> AsyncIterator[Database]:
    async with opened(postgres_url, clock=clock, busy_s=BUSY_S) as database:
        yield database


async def pause(store: SqlStore) -> None:
    async with store.begin() as tx:
        await tx.set_pause(PAUSE)


async def fails_in_time(database: Database, work: str) -> None:
    """Assert that reading or writing fails within the promised time."""
    store = SqlStore(database)
    async with asyncio.timeout(BUSY_S + 1):
        with pytest.raises(StoreError):
            await (store.pause() if work == "read" else pause(store))


def is_empty(folder: Path) -> bool:
    """Whether a folder holds nothing."""
    return not any(folder.iterdir())


async def test_a_locked_file_refuses_writers_in_time_and_recovers(
    sqlite: Database, tmp_path: Path, clock: FakeClock
) -> None:
    store = SqlStore(sqlite)
    async with store.begin() as tx:
        await tx.add_job("execute", "one", clock.now() + timedelta(seconds=1))
    with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        await fails_in_time(sqlite, "write")
        await fails_in_time(sqlite, "write")

        # Who only reads, or finds nothing to claim, does not notice.
        assert await store.pause() is None
        assert await store.claim_jobs(["execute"], 5) == ()
        other.execute("ROLLBACK")

    await pause(store)
    assert await store.pause() == PAUSE


async def test_writers_that_queue_for_the_one_seat_give_up_in_time(sqlite: Database) -> None:
    async with SqlStore(sqlite).begin():
        await asyncio.gather(*(fails_in_time(sqlite, "write") for _ in range(3)))

    await pause(SqlStore(sqlite))


async def test_readers_that_find_no_seat_give_up_in_time(
    engine: tuple[str, str], laid_url: str, clock: FakeClock
) -> None:
    async with opened(laid_url, clock=clock, busy_s=BUSY_S) as database:
        async with AsyncExitStack() as stack:
            for _ in range(READERS if engine[0] == "sqlite" else POSTGRES_READERS):
                await stack.enter_async_context(database.read())
            await fails_in_time(database, "read")
            await pause(SqlStore(database))

        assert await SqlStore(database).pause() == PAUSE


async def test_a_full_disk_refuses_writers_and_recovers(sqlite: Database) -> None:
    store = SqlStore(sqlite)
    async with sqlite.write() as session:
        size = await session.first(text("PRAGMA page_count"))
        await session.all(text(f"PRAGMA max_page_count = {size and size['page_count']}"))

    with pytest.raises(StoreError, match="OperationalError"):
        async with store.begin() as tx:
            await tx.set_pause(Pause("Alice", START, "x" * 100_000))

    assert await store.pause() is None
    async with sqlite.write() as session:
        await session.all(text("PRAGMA max_page_count = 100000"))
    await pause(store)


async def test_a_read_only_file_can_be_read_and_not_written(
    sqlite: Database, tmp_path: Path, clock: FakeClock
) -> None:
    await pause(SqlStore(sqlite))

    url = f"sqlite:///file:{tmp_path / 'store.db'}?mode=ro&uri=true"
    async with opened(url, clock=clock, busy_s=BUSY_S) as database:
        await fails_in_time(database, "write")

        assert await SqlStore(database).pause() == PAUSE


async def test_readers_cannot_write_even_by_mistake(sqlite: Database) -> None:
    with pytest.raises(StoreError):
        async with sqlite.read() as session:
            await session.change(text("DELETE FROM control"))


async def test_reading_does_not_create_the_file(tmp_path: Path, clock: FakeClock) -> None:
    async with opened(f"sqlite:///{tmp_path / 'none.db'}", clock=clock, busy_s=BUSY_S) as database:
        await fails_in_time(database, "read")

    assert is_empty(tmp_path)


async def test_a_folder_that_is_not_there_is_a_store_error(
    tmp_path: Path, clock: FakeClock
) -> None:
    url = f"sqlite:///{tmp_path / 'absent' / 'store.db'}"
    async with opened(url, clock=clock, busy_s=BUSY_S) as database:
        await fails_in_time(database, "write")


async def test_writers_are_durable_and_constrained(sqlite: Database) -> None:
    async with sqlite.write() as session:
        names = ("journal_mode", "synchronous", "foreign_keys")
        rows = [await session.first(text(f"PRAGMA {name}")) for name in names]

    assert [row and row[name] for row, name in zip(rows, names, strict=True)] == ["wal", 2, 1]


async def test_a_slow_statement_is_cut_off_and_the_seat_is_free_again(postgres: Database) -> None:
    for _ in range(POSTGRES_READERS + 1):
        async with asyncio.timeout(BUSY_S + GRACE_S + SLACK_S):
            with pytest.raises(StoreError, match="too slow"):
                async with postgres.read() as session:
                    await session.all(text("SELECT pg_sleep(30)"))

    assert await SqlStore(postgres).pause() is None


async def test_a_locked_table_is_a_store_error_in_time_and_recovers(
    postgres: Database, postgres_url: str, clock: FakeClock
) -> None:
    async with opened(postgres_url, clock=clock) as other, other.write() as session:
        await session.change(text("LOCK TABLE control IN ACCESS EXCLUSIVE MODE"))
        await fails_in_time(postgres, "read")
        await fails_in_time(postgres, "write")

    await pause(SqlStore(postgres))


async def admit(url: str, *, is_open: bool) -> None:
    """Open or close a database to everybody, and end the connections there are."""
    name = url.rpartition("/")[2]
    end = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name")
    async with opened(f"{SERVER}/postgres", clock=FakeClock()) as admin, admin.write() as session:
        await session.change(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {is_open}"))
        await session.all(end.bindparams(name=name))


async def test_a_server_that_goes_away_and_comes_back_is_used_again(
    postgres: Database, postgres_url: str
) -> None:
    store = SqlStore(postgres)

    async def caught_in_the_middle() -> None:
        async with store.begin() as tx:
            await tx.set_pause(PAUSE)
            await admit(postgres_url, is_open=False)
            await tx.pause()

    with pytest.raises(StoreError):
        await caught_in_the_middle()
    await fails_in_time(postgres, "read")
    await fails_in_time(postgres, "write")
    await admit(postgres_url, is_open=True)

    assert await store.pause() is None
    await pause(store)


async def test_a_block_that_fails_by_itself_is_not_hidden_by_a_lost_connection(
    postgres: Database, postgres_url: str
) -> None:
    store = SqlStore(postgres)

    async def failing() -> None:
        async with store.begin() as tx:
            await tx.set_pause(PAUSE)
            await admit(postgres_url, is_open=True)
            raise LookupError

    with pytest.raises(LookupError):
        await failing()

    assert await store.pause() is None


@pytest.mark.parametrize("scheme", ["postgresql+asyncpg", "postgresql", "postgres"])
async def test_a_server_that_is_not_there_is_a_store_error(clock: FakeClock, scheme: str) -> None:
    url = f"{scheme}://postgres@127.0.0.1:1/none?sslmode=disable"
    async with opened(url, clock=clock, busy_s=BUSY_S) as database:
        await fails_in_time(database, "read")


@pytest.mark.parametrize(
    "url", ["", "nonsense", "mysql://localhost/x", "sqlite://", "sqlite:///:memory:"]
)
def test_a_url_that_cannot_be_used_names_the_setting(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_engines(url, busy_s=BUSY_S)

    assert caught.value.setting == "BOT_DATABASE_URL"
    assert "\n" not in str(caught.value)


def test_postgresql_without_its_driver_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "asyncpg", None)

    with pytest.raises(ConfigError, match="postgres"):
        make_engines("postgresql://localhost/x", busy_s=BUSY_S)
