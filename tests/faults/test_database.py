"""A database that cannot be written: no Graph write, a visible answer in time, recovery by itself.

One lock is held for longer than the real busy limit of 10 seconds; the rest fails at once.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from typing_extensions import override

from bot.domain.audit import Verified
from bot.domain.errors import StoreError
from bot.domain.operation import State
from bot.sandbox.faults import Fault, FaultKind
from bot.store.policy_file import parse_policy
from bot.store.store import SqlStore
from bot.store.transaction import SqlTransaction
from cards import words
from tests.support.office import Office, copied, empty_database, request
from tests.support.outages import LONG, failing, full, locked, read_only
from tests.support.room import policy
from tests.support.stage import Script, Stage, staged
from tests.support.wall import Posted

ANSWER_WITHIN_S = 12.0
UPDATE = "/exchange update EXCH01 version=15.9"
LONG_UPDATE = f"/exchange update EXCH01 version={LONG}"
NOT_STORED = words.FAILURES["store-unavailable"]


def card_of(text: str) -> str:
    """Tell the card that refuses to start from the list."""
    if NOT_STORED in text:
        return "refusal"
    return "list" if "EXCH05" in text else text


async def is_readable_and_whole(stage: Stage) -> bool:
    return isinstance(await stage.bot.store.verify_audit(), Verified)


async def states(stage: Stage) -> list[State]:
    return await states_of(stage.bot.store)


async def states_of(store: SqlStore) -> list[State]:
    found = await store.operations(tenant=None, target=None, offset=0, limit=9)
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
        async with full(stage):
            assert NOT_STORED in await stage.sees("ada", LONG_UPDATE)
            assert stage.graph_writes() == []
            assert await states(stage) == []
            assert "EXCH05" in await stage.sees("vic", "/exchange list")

        assert words.STATES["done:confirmed"][1] in await stage.sees("ada", UPDATE)
        assert await is_readable_and_whole(stage)


async def test_a_read_only_database_lets_reads_and_refusals_through_and_no_write(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path) as stage:
        async with read_only(stage):
            assert NOT_STORED in await stage.sees("ada", UPDATE)
            assert "exchange:update" in await stage.sees("vic", UPDATE)
            assert "EXCH05" in await stage.sees("vic", "/exchange list")
            assert stage.graph_writes() == []
            assert await states(stage) == []

        assert words.STATES["done:confirmed"][1] in await stage.sees("ada", UPDATE)
        assert await is_readable_and_whole(stage)


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


class Busy(SqlStore):
    """A store that is busy for the next so many changes."""

    refusals = 0

    @override
    @asynccontextmanager
    async def begin(self, busy_s: float | None = None) -> AsyncIterator[SqlTransaction]:
        if self.refusals:
            self.refusals -= 1
            raise StoreError("locked")
        async with super().begin(busy_s) as tx:
            yield tx


async def test_what_stands_in_teams_is_not_posted_again_for_a_database_that_was_busy(
    tmp_path: Path,
) -> None:
    url = copied(await empty_database(tmp_path / "empty.db"), tmp_path / "office.db")
    rules = parse_policy(policy().encode())
    office = Office(url, rules, {"oli": "operator", "ada": "admin"}, store=Busy)
    store, posted = office.store, list[str]()
    assert isinstance(store, Busy)

    def hinder(entry: object) -> None:
        if isinstance(entry, Posted):
            posted.append(entry.message.title)
            store.refusals = 2

    office.wall.tell = hinder
    await office.asks(request("oli", "a1", text="/exchange update EXCH01 version=2"))
    await office.jobs.drain()
    store.refusals = 0
    (asked,) = await store.operations(tenant=None, target=None, offset=0, limit=9)
    await office.asks(request("ada", "a2", text=f"/approve {asked.short}"))
    for _ in range(3):
        await office.jobs.drain()
        office.clock.move(minutes=1)

    assert len(posted) == 2
    assert await states_of(store) == [State.DONE]
    await office.close()
