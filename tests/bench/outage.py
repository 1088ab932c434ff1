"""What it costs to write down who is told when very much breaks at once: no transaction is long.

    python tests/bench/outage.py [--channels 200] [--incidents 1000] [--engine sqlite|postgresql]

Prints the share of the time that the database allows one transaction, and the whole.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from typing_extensions import override

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from bot import logs
from bot.chance import RandomIds, SystemClock
from bot.domain.incident import Incident, begin, follow
from bot.domain.resource import Severity
from bot.domain.watch import Event, Happening
from bot.sandbox.world import TENANT
from bot.service.fanout import NOTICE_JOB, SPREAD_JOB, Fanout
from bot.service.ports import Reference, Tenants
from bot.store.database import Database
from bot.store.store import SqlStore
from bot.store.transaction import SqlTransaction
from tests.support.audience import AT_ONCE, channels as roots, wish
from tests.support.databases import fresh_url

ALLOWED_S = 10.0


class TimedStore(SqlStore):
    """A store that keeps how long each transaction took."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.took_s: list[float] = []

    @override
    @asynccontextmanager
    async def begin(self, busy_s: float | None = None) -> AsyncIterator[SqlTransaction]:
        start = time.perf_counter()
        async with super().begin(busy_s) as tx:
            yield tx
        self.took_s.append(time.perf_counter() - start)


def broken(number: int, now: datetime) -> Incident:
    """Return the incident of one connector that broke."""
    record_id = f"record-{number}"
    event = Event(Happening.BROKE, record_id, f"EXCH{number}", Severity.CRITICAL, now)
    new = begin(
        "exchange", event, incident_id=f"incident-{number:06}", short=f"i{number}", is_quiet=False
    )
    return follow(new, (event,), now)


async def measure(store: TimedStore, *, places: int, incidents: int) -> None:
    """Let so many incidents begin in one look, and write down who is told."""
    everywhere = roots(places)
    for start in range(0, places, AT_ONCE):
        async with store.begin() as tx:
            for root in everywhere[start : start + AT_ONCE]:
                await tx.save_reference(Reference(TENANT, "http://127.0.0.1", root, "channel"))
                await tx.save_subscription(wish(root))
    fanout = Fanout(
        store=store,
        ids=RandomIds(),
        clock=SystemClock(),
        tenants=Tenants(TENANT, frozenset({TENANT})),
    )
    found = [broken(number, datetime.now(UTC)) for number in range(incidents)]
    store.took_s.clear()
    start_s = time.perf_counter()
    async with store.begin() as tx:
        await tx.save_incidents(found)
        await fanout.tell(tx, found)
    look_s = time.perf_counter() - start_s
    while jobs := await store.claim_jobs([SPREAD_JOB], 1):
        await fanout.spread(jobs[0])
    whole_s = time.perf_counter() - start_s
    longest = max(store.took_s)
    first = await store.next_due([NOTICE_JOB])
    print(f"{places} channels x {incidents} incidents = {places * incidents} posts")
    print(f"  the look's transaction {look_s:6.2f} s")
    print(
        f"  longest transaction    {longest:6.2f} s, {longest / ALLOWED_S:.0%} of what is allowed"
    )
    print(
        f"  all written down in    {whole_s:6.2f} s, {whole_s / incidents * 1e3:.1f} ms an incident"
    )
    assert first is not None
    assert longest < ALLOWED_S


async def main() -> None:
    """Print the figures of one run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--channels", type=int, default=200)
    parser.add_argument("--incidents", type=int, default=1000)
    parser.add_argument("--engine", default="sqlite", choices=["sqlite", "postgresql"])
    asked = parser.parse_args()
    logs.configure("ERROR")
    with tempfile.TemporaryDirectory() as folder:
        async with fresh_url(asked.engine, Path(folder)) as url:
            database = Database.open(url, clock=SystemClock())
            try:
                await database.migrate()
                await measure(
                    TimedStore(database), places=asked.channels, incidents=asked.incidents
                )
            finally:
                await database.close()


if __name__ == "__main__":
    asyncio.run(main())
