"""Incidents in the store, the same on every engine: the latest of each record, locked in order."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.incident import Incident, Stage
from bot.domain.resource import Severity
from bot.store.database import Database
from bot.store.incidents import AT_ONCE
from bot.store.store import SqlStore
from tests.support.databases import START, FakeClock, execute, opened

PATIENT_S = 30.0
"""How long much work at once may take where the machine has other work too."""


@pytest.fixture
async def database(laid_url: str) -> AsyncIterator[Database]:
    async with opened(laid_url, clock=FakeClock(), busy_s=PATIENT_S) as database:
        yield database


@pytest.fixture
def store(database: Database) -> SqlStore:
    return SqlStore(database)


def story(incident_id: str, record_id: str, *, hour: int = 0, is_open: bool = False) -> Incident:
    at = START + timedelta(hours=hour)
    return Incident(
        id=incident_id,
        short=incident_id,
        kind="exchange",
        record_id=record_id,
        name=f"EXCH {record_id}",
        stage=Stage.OPEN if is_open else Stage.RECOVERED,
        severity=Severity.WARNING,
        opened_at=at,
        changed_at=at,
    )


async def save(store: SqlStore, *incidents: Incident) -> None:
    async with store.begin() as tx:
        for incident in incidents:
            await tx.save_incidents([incident])


async def latest(store: SqlStore, *record_ids: str) -> dict[str, str]:
    async with store.begin() as tx:
        found = await tx.lock_incidents("exchange", record_ids)
    return {record_id: incident.id for record_id, incident in found.items()}


async def test_the_incident_that_changed_last_is_the_one_of_its_record(store: SqlStore) -> None:
    await save(
        store,
        story("9", "a", hour=1),
        story("1", "a", hour=3, is_open=True),
        story("5", "a", hour=2),
        story("2", "b", hour=1),
        story("3", "b", hour=1),
        story("4", "c"),
    )

    assert await latest(store, "a", "b", "nothing") == {"a": "1", "b": "3"}


async def test_older_incidents_of_a_record_are_not_even_read(
    store: SqlStore, database: Database
) -> None:
    await save(store, story("1", "a", hour=1), story("2", "a", hour=2))
    await execute(database, "UPDATE incident SET document = 'unreadable' WHERE id = '1'")

    assert await latest(store, "a") == {"a": "2"}


async def test_more_records_than_one_statement_takes_are_all_found(store: SqlStore) -> None:
    some = [str(number) for number in range(2 * AT_ONCE + 1)]
    await save(store, *(story(f"i{record}", record) for record in some))

    assert len(await latest(store, *some)) == len(some)


async def test_transactions_that_want_the_same_incidents_wait_in_line(store: SqlStore) -> None:
    await save(store, *(story(str(9 - n), str(n), hour=n) for n in range(4)))

    async def touches(*record_ids: str) -> None:
        async with store.begin() as tx:
            for incident in (await tx.lock_incidents("exchange", record_ids)).values():
                await tx.save_incidents([replace(incident, count=incident.count + 1)])

    await asyncio.gather(*(touches("0", "1", "2", "3") for _ in range(5)))
    await asyncio.gather(
        *(touches(*order) for order in ("0123", "3210", "2031", "1302") for _ in range(5))
    )

    async with store.begin() as tx:
        found = await tx.lock_incidents("exchange", ("0", "1", "2", "3"))
    assert {incident.count for incident in found.values()} == {25}
