"""A database that cannot be written for a while: locked, full, read-only, broken; and back again."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import TypeAlias

from sqlalchemy import text

from tests.support.stage import Stage

Outage: TypeAlias = Callable[[Stage], AbstractAsyncContextManager[None]]
NO_PAGES, MOST_PAGES = 1, 1_073_741_823
# Far more than what is free in the pages that a small database has.
LONG = "9" * 1500


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the write lock from another connection."""
    with closing(sqlite3.connect(folder / "connectors.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@asynccontextmanager
async def full(stage: Stage) -> AsyncIterator[None]:
    """Give the database not one page more; what fits into those it has can still be written."""
    await _pragma(stage, f"max_page_count = {NO_PAGES}")
    yield
    await _pragma(stage, f"max_page_count = {MOST_PAGES}")


@asynccontextmanager
async def read_only(stage: Stage) -> AsyncIterator[None]:
    """Let SQLite say what it says of a file that must not be written."""
    await _pragma(stage, "query_only = ON")
    yield
    # The bot goes on with connections made anew, as it does with a file that may be written again.
    await stage.bot.database.close()


@asynccontextmanager
async def failing(folder: Path) -> AsyncIterator[None]:
    """Let every change of an operation fail in the middle of its transaction."""

    def execute(statement: str) -> None:
        with closing(sqlite3.connect(folder / "connectors.db", isolation_level=None)) as other:
            other.execute(statement)

    await asyncio.to_thread(
        execute,
        "CREATE TRIGGER broken BEFORE UPDATE ON operation"
        " BEGIN SELECT RAISE(FAIL, 'disk I/O error'); END",
    )
    yield
    await asyncio.to_thread(execute, "DROP TRIGGER broken")


async def _pragma(stage: Stage, setting: str) -> None:
    """Change a setting of the bot's one writing connection."""
    async with stage.bot.database.write() as session:
        await session.change(text(f"PRAGMA {setting}"))
