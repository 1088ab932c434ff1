"""What the store knows of the last look: its records, how old they are, and that nobody looked since.

Our choice: a look that finds nothing new writes an instant, not thousands of records again.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.watch import Snapshot, Track
from bot.service.watch_ports import Seen
from bot.store.store import SqlStore
from tests.support.databases import START, FakeClock, opened

TRACKS = {"c1": Track({"id": "c1", "status": "connected"}, START)}
LATER = START + timedelta(minutes=5)


@pytest.fixture
async def store(laid_url: str) -> AsyncIterator[SqlStore]:
    async with opened(laid_url, clock=FakeClock()) as database:
        yield SqlStore(database)


async def saved(store: SqlStore) -> Seen:
    seen = Seen(Snapshot(START, TRACKS), 0)
    async with store.begin() as tx:
        await tx.save_seen("exchange", seen)
    return seen


async def test_a_look_that_brings_nothing_new_makes_what_is_known_younger(store: SqlStore) -> None:
    before = await saved(store)
    async with store.begin() as tx:
        await tx.note_look("exchange", taken_at=LATER, failures=0)

    assert await store.seen("exchange") == Seen(Snapshot(LATER, TRACKS), 0)
    assert await store.seen("exchange", known=before) == Seen(Snapshot(LATER, TRACKS), 0)


async def test_a_look_that_fails_is_counted_and_leaves_what_is_known(store: SqlStore) -> None:
    before = await saved(store)
    async with store.begin() as tx:
        await tx.note_look("exchange", taken_at=START, failures=2)

    assert await store.seen("exchange", known=before) == replace(before, failures=2)


async def test_what_is_known_is_not_read_again_while_nobody_looks(store: SqlStore) -> None:
    known = await saved(store)

    assert await store.seen("exchange", known=known) is known
    assert await store.seen("ndes", known=known) == Seen(None, 0)
