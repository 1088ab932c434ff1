"""Subscriptions with how telling goes, the same on every engine: whole, in order, in a few queries."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest
from sqlalchemy import Executable, RowMapping
from typing_extensions import override

from bot.domain.incident import Incident, Stage
from bot.domain.operation import Actor
from bot.domain.resource import Severity
from bot.domain.subscription import Subscription
from bot.service.ports import Reference
from bot.service.watch_ports import Post, Reach
from bot.store import watched
from bot.store.database import Database
from bot.store.lane import Session
from bot.store.store import SqlStore
from tests.support.databases import START, FakeClock, opened

ALICE = Actor("t", "alice", "Alice")


@pytest.fixture
async def database(laid_url: str) -> AsyncIterator[Database]:
    async with opened(laid_url, clock=FakeClock()) as database:
        yield database


@pytest.fixture
def store(database: Database) -> SqlStore:
    return SqlStore(database)


async def watches(store: SqlStore, name: str, root: str, *, tenant: str = "t") -> None:
    wish = Subscription(
        name, name, tenant, root, None, None, "", Severity.NEUTRAL, None, holds_critical=False, by=ALICE, created_at=START
    )  # fmt: skip
    async with store.begin() as tx:
        await tx.save_reference(Reference(tenant, "https://smba/amer/", root, "channel", None))
        await tx.save_subscription(wish)


async def told(store: SqlStore, name: str, root: str, hour: int) -> None:
    at = START + timedelta(hours=hour)
    incident = Incident(f"i{hour}", f"i{hour}", "exchange", str(hour), "EXCH", Stage.OPEN, Severity.WARNING, at, at)  # fmt: skip
    async with store.begin() as tx:
        await tx.save_incidents([incident])
        await tx.save_posts([Post(f"p{hour}", incident.id, name, "t", root)])
        await tx.shown(f"p{hour}", activity_id="1", revision=1, told=1, at=at)


async def names(
    store: SqlStore, root: str | None = None, *, offset: int = 0, limit: int | None = None
) -> tuple[int, list[str]]:
    total, rows = await store.watched("t", root=root, offset=offset, limit=limit)
    return total, [row.subscription.id for row in rows]


async def test_what_cannot_be_told_comes_first(store: SqlStore) -> None:
    for root in ("a", "b", "c", "d"):
        await watches(store, f"of {root}", root)
    async with store.begin() as tx:
        await tx.note_refusal("t", "c", "403", limit=None)
        await tx.set_blocked("t", "d", "Uninstalled")

    total, rows = await store.watched("t", root=None, offset=0, limit=None)

    assert total == 4
    assert [row.subscription.root for row in rows] == ["d", "c", "a", "b"]
    assert [row.reach for row in rows] == [
        Reach(0, "Uninstalled"),
        Reach(1, None),
        Reach(0, None),
        Reach(0, None),
    ]


async def test_a_subscription_says_when_it_told_last_and_where(store: SqlStore) -> None:
    await watches(store, "one", "a")
    await watches(store, "two", "b")
    await told(store, "one", "a", 1)
    await told(store, "one", "a", 3)
    async with store.begin() as tx:
        await tx.rename("t", "a", "Alerts")

    _, (one, two) = await store.watched("t", root=None, offset=0, limit=None)

    assert (one.told_at, one.name) == (START + timedelta(hours=3), "Alerts")
    assert (two.told_at, two.name) == (None, None)


async def test_a_page_is_what_was_asked_for(store: SqlStore) -> None:
    for number in range(5):
        await watches(store, str(number), f"root {number // 2}")

    assert await names(store, offset=1, limit=2) == (5, ["1", "2"])
    assert await names(store, "root 1") == (2, ["2", "3"])
    assert await names(store, "root 9") == (0, [])


async def test_a_tenant_sees_nothing_of_another(store: SqlStore) -> None:
    await watches(store, "ours", "a")
    await watches(store, "theirs", "a", tenant="other")
    async with store.begin() as tx:
        await tx.rename("other", "a", "Secret")
        await tx.set_blocked("other", "a", "Uninstalled")

    total, (row,) = await store.watched("t", root=None, offset=0, limit=None)

    assert (total, row.subscription.id) == (1, "ours")
    assert (row.name, row.reach) == (None, Reach(0, None))


class Counting(Session):
    """Counts the statements that go through a session."""

    def __init__(self, inner: Session) -> None:
        self._inner = inner
        self.count = 0

    @override
    async def all(self, statement: Executable) -> Sequence[RowMapping]:
        self.count += 1
        return await self._inner.all(statement)


async def test_many_subscriptions_take_no_more_statements_than_one(
    store: SqlStore, database: Database
) -> None:
    counts = []
    for number in range(30):
        await watches(store, str(number), f"root {number}")
        async with database.read() as inner:
            session = Counting(inner)
            await watched.some(session, "t", root=None, offset=0, limit=None)
            counts.append(session.count)

    assert set(counts) == {4}
