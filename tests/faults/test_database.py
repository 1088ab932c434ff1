"""A database that cannot be written: no Graph write, a visible answer in time, recovery by itself.

One lock is held for longer than the real busy limit of 10 seconds; the rest fails at once.
"""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path

from sqlalchemy import text

from bot.domain.audit import Verified
from bot.domain.operation import State
from bot.sandbox.faults import Fault, FaultKind
from cards import words
from tests.support.stage import Script, Stage, staged

ANSWER_WITHIN_S = 12.0
UPDATE = "/exchange update EXCH01 version=15.9"
# Far more than what is free in the pages that a small database has.
LONG_UPDATE = f"/exchange update EXCH01 version={'9' * 1500}"
NOT_STORED = words.FAILURES["store-unavailable"]


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the write lock from another connection."""
    with closing(sqlite3.connect(folder / "connectors.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


async def pragma(stage: Stage, statement: str) -> None:
    """Run a PRAGMA on the bot's one writing connection."""
    async with stage.bot.database.write() as session:
        await session.change(text(statement))


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


def card_of(text: str) -> str:
    """Tell the card that refuses to start from the list."""
    if NOT_STORED in text:
        return "refusal"
    return "list" if "EXCH05" in text else text


async def is_readable_and_whole(stage: Stage) -> bool:
    return isinstance(await stage.bot.store.verify_audit(), Verified)


async def states(stage: Stage) -> list[State]:
    found = await stage.bot.store.operations(kind=None, target=None, offset=0, limit=9)
    return [operation.state for operation in found]


async def test_a_lock_longer_than_the_busy_limit_is_answered_and_outlived(tmp_path: Path) -> None:
    async with staged(tmp_path, Script(lease_s=3600.0)) as stage:
        with locked(tmp_path):
            started = time.monotonic()
            write, read = await asyncio.gather(
                stage.post(stage.activity("ada", UPDATE)),
                stage.post(stage.activity("vic", "/exchange list")),
            )
            await stage.settle()
            waited = time.monotonic() - started

            assert (write.is_success, read.is_success) == (True, True)
            assert waited <= ANSWER_WITHIN_S
            assert sorted(card_of(text) for text in stage.shown()) == ["list", "refusal"]
            assert stage.graph_writes() == []
            assert await states(stage) == []

        assert words.STATES["done:confirmed"][1] in await stage.sees("ada", UPDATE)
        assert await is_readable_and_whole(stage)
        assert len(stage.graph_writes()) == 1


async def test_a_full_database_lets_no_write_through_until_there_is_room(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await pragma(stage, "PRAGMA max_page_count = 1")

        card = await stage.sees("ada", LONG_UPDATE)

        assert NOT_STORED in card
        assert stage.graph_writes() == []
        assert await states(stage) == []
        assert "EXCH05" in await stage.sees("vic", "/exchange list")

        await pragma(stage, "PRAGMA max_page_count = 1073741823")

        assert words.STATES["done:confirmed"][1] in await stage.sees("ada", UPDATE)
        assert await is_readable_and_whole(stage)


async def test_a_read_only_database_lets_reads_and_refusals_through_and_no_write(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path) as stage:
        # What SQLite says of a file that must not be written; the way back needs a restart.
        await pragma(stage, "PRAGMA query_only = ON")

        assert NOT_STORED in await stage.sees("ada", UPDATE)
        assert "exchange:update" in await stage.sees("vic", UPDATE)
        assert "EXCH05" in await stage.sees("vic", "/exchange list")
        assert stage.graph_writes() == []
        assert await states(stage) == []


async def test_an_audit_head_that_cannot_be_written_stops_every_write(tmp_path: Path) -> None:
    head = tmp_path / "head"
    script = Script(settings={"BOT_AUDIT_HEAD_FILE": str(head)})
    async with staged(tmp_path, script) as stage:
        head.mkdir()

        card = await stage.sees("ada", UPDATE)

        assert NOT_STORED in card
        assert stage.graph_writes() == []
        assert await states(stage) == []

        head.rmdir()

        assert words.STATES["done:confirmed"][1] in await stage.sees("ada", UPDATE)
        assert await is_readable_and_whole(stage)


async def test_a_database_lost_while_graph_was_asked_ends_in_the_truth_once_it_is_back(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path) as stage:
        graph = stage.sandbox.graph.faults
        graph.add(Fault(kind=FaultKind.HANG_AFTER, method="PATCH"))
        said = asyncio.create_task(stage.post(stage.activity("ada", UPDATE)))
        await graph.wait_until_paused()
        async with failing(tmp_path):
            graph.release()
            await said
            await stage.settle()
            assert await states(stage) == [State.EXECUTING]

        stage.clock.move(seconds=31)
        stage.bot.runner.wake()
        await stage.settle()

        assert await states(stage) == [State.DONE]
        assert len(stage.graph_writes()) == 1
        assert words.STATES["done:found"][1] in stage.shown()[-1]
        assert await is_readable_and_whole(stage)
