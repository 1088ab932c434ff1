"""The runner of background work, on a real store with short leases."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from typing_extensions import override

from bot.domain.errors import StoreError
from bot.service.jobs import Runner
from bot.service.ports import Job
from bot.store.database import Database
from bot.store.store import SqlStore
from tests.support.databases import FakeClock

LEASE_S = 0.3
WITHIN_S = 5.0


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def database(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Database]:
    url = f"sqlite:///{tmp_path / 'jobs.db'}"
    database = Database.open(url, clock=clock, lease_s=LEASE_S)
    await database.migrate()
    yield database
    await database.close()


@pytest.fixture
def store(database: Database) -> SqlStore:
    return SqlStore(database)


async def add(store: SqlStore, clock: FakeClock, *subjects: str, kind: str = "work") -> None:
    async with store.begin() as tx:
        for subject in subjects:
            await tx.add_job(kind, subject, clock.now())


async def finish(store: SqlStore, job: Job) -> bool:
    async with store.begin() as tx:
        return await tx.finish_job(job)


def runner_of(
    store: SqlStore,
    clock: FakeClock,
    work: Callable[[Job], Awaitable[None]],
    *,
    at_once: int = 8,
) -> Runner:
    return Runner(
        store=store, clock=clock, handlers={"work": work}, lease_s=LEASE_S, at_once=at_once
    )


@asynccontextmanager
async def running(runner: Runner) -> AsyncIterator[None]:
    """Run the runner; leaving stops it and waits for its end."""
    task = asyncio.create_task(runner.run())
    try:
        yield
    finally:
        await runner.stop(WITHIN_S)
        async with asyncio.timeout(WITHIN_S):
            await task


async def test_each_due_job_is_done_once(store: SqlStore, clock: FakeClock) -> None:
    done: list[str] = []
    everything = asyncio.Event()

    async def work(job: Job) -> None:
        done.append(job.subject)
        assert await finish(store, job)
        if len(done) == 3:
            everything.set()

    await add(store, clock, "a", "b", "c")
    async with asyncio.timeout(WITHIN_S), running(runner_of(store, clock, work)):
        await everything.wait()

    assert sorted(done) == ["a", "b", "c"]
    assert await store.next_due(["work"]) is None


async def test_jobs_of_kinds_that_it_does_not_know_stay(store: SqlStore, clock: FakeClock) -> None:
    async def work(job: Job) -> None:
        await finish(store, job)

    await add(store, clock, "later", kind="of-a-newer-release")

    assert await runner_of(store, clock, work).drain() == 0
    assert await store.next_due(["of-a-newer-release"]) == clock.now()


async def test_no_more_jobs_run_at_once_than_allowed(store: SqlStore, clock: FakeClock) -> None:
    at_work, most, done = 0, 0, 0
    everything = asyncio.Event()

    async def work(job: Job) -> None:
        nonlocal at_work, most, done
        at_work += 1
        most = max(most, at_work)
        await finish(store, job)
        at_work -= 1
        done += 1
        if done == 6:
            everything.set()

    await add(store, clock, *"abcdef")
    async with asyncio.timeout(WITHIN_S), running(runner_of(store, clock, work, at_once=2)):
        await everything.wait()

    assert most <= 2


async def test_a_job_that_breaks_is_tried_again_later_and_later(
    store: SqlStore, clock: FakeClock
) -> None:
    attempts: list[int] = []

    async def work(job: Job) -> None:
        attempts.append(job.attempts)
        raise RuntimeError("broken")

    await add(store, clock, "a")
    runner = runner_of(store, clock, work)
    waits: list[float] = []
    for _ in range(8):
        assert await runner.drain() == 1
        due = await store.next_due(["work"])
        assert due is not None
        waits.append((due - clock.now()).total_seconds())
        clock.advance(waits[-1])

    assert waits == [2, 4, 8, 16, 32, 60, 60, 60]
    assert attempts == [1, 2, 3, 4, 5, 6, 7, 8]


async def test_a_job_that_breaks_does_not_end_the_others(
    store: SqlStore, clock: FakeClock
) -> None:
    whole = asyncio.Event()

    async def work(job: Job) -> None:
        if job.subject == "broken":
            raise RuntimeError("broken")
        await finish(store, job)
        whole.set()

    runner = runner_of(store, clock, work)
    async with asyncio.timeout(WITHIN_S), running(runner):
        await add(store, clock, "broken", "whole")
        runner.wake()
        await whole.wait()


async def test_a_job_whose_store_failed_falls_due_with_its_lease(
    store: SqlStore, clock: FakeClock
) -> None:
    async def work(job: Job) -> None:
        raise StoreError("locked")

    await add(store, clock, "a")
    await runner_of(store, clock, work).drain()

    assert await store.next_due(["work"]) == clock.now() + timedelta(seconds=LEASE_S)


async def test_a_lease_is_renewed_while_the_handler_works(
    store: SqlStore, clock: FakeClock
) -> None:
    first_due = clock.now() + timedelta(seconds=LEASE_S)
    release, begun = asyncio.Event(), asyncio.Event()

    async def work(job: Job) -> None:
        begun.set()
        await release.wait()
        assert await finish(store, job)

    await add(store, clock, "a")
    async with asyncio.timeout(WITHIN_S), running(runner_of(store, clock, work)):
        await begun.wait()
        clock.advance(LEASE_S / 2)
        while await store.next_due(["work"]) == first_due:  # noqa: ASYNC110 - the renewal has no event
            await asyncio.sleep(0.01)
        release.set()

    assert await store.next_due(["work"]) is None


async def test_a_handler_that_lost_its_lease_cannot_finish(
    store: SqlStore, clock: FakeClock
) -> None:
    outcomes: list[bool] = []

    async def work(job: Job) -> None:
        clock.advance(LEASE_S + 1)
        (other,) = await store.claim_jobs(["work"], 1)
        outcomes.append(await finish(store, job))
        outcomes.append(await finish(store, other))

    await add(store, clock, "a")
    await runner_of(store, clock, work).drain()

    assert outcomes == [False, True]


async def test_a_broken_handler_that_lost_its_lease_does_not_give_the_job_back(
    store: SqlStore, clock: FakeClock
) -> None:
    others: list[Job] = []

    async def work(job: Job) -> None:
        clock.advance(LEASE_S + 1)
        others.extend(await store.claim_jobs(["work"], 1))
        raise RuntimeError("broken")

    await add(store, clock, "a")
    await runner_of(store, clock, work).drain()

    assert await store.next_due(["work"]) == clock.now() + timedelta(seconds=LEASE_S)
    assert await finish(store, others[0])


async def test_stop_waits_for_what_runs_and_claims_nothing_more(
    store: SqlStore, clock: FakeClock
) -> None:
    begun, release = asyncio.Event(), asyncio.Event()
    done: list[str] = []

    async def work(job: Job) -> None:
        begun.set()
        await release.wait()
        done.append(job.subject)
        await finish(store, job)

    await add(store, clock, "first")
    runner = runner_of(store, clock, work, at_once=1)
    task = asyncio.create_task(runner.run())
    async with asyncio.timeout(WITHIN_S):
        await begun.wait()
        await add(store, clock, "second")
        stopping = asyncio.create_task(runner.stop(WITHIN_S))
        release.set()
        await stopping
        await task

    assert done == ["first"]
    assert not runner.is_busy
    assert await store.next_due(["work"]) == clock.now()


async def test_stop_ends_what_does_not_end_by_itself_and_its_job_is_kept(
    store: SqlStore, clock: FakeClock
) -> None:
    begun = asyncio.Event()

    async def work(job: Job) -> None:
        begun.set()
        await asyncio.Event().wait()

    await add(store, clock, "a")
    runner = runner_of(store, clock, work)
    task = asyncio.create_task(runner.run())
    async with asyncio.timeout(WITHIN_S):
        await begun.wait()
        await runner.stop(0.05)
        await task

    assert await store.next_due(["work"]) is not None


class Flaky(SqlStore):
    """A store that cannot serve the first looks for work."""

    refusals = 3

    @override
    async def claim_jobs(
        self, kinds: Sequence[str], limit: int, *, besides: Collection[int] = ()
    ) -> Sequence[Job]:
        self._refuse()
        return await super().claim_jobs(kinds, limit, besides=besides)

    @override
    async def next_due(self, kinds: Sequence[str]) -> datetime | None:
        self._refuse()
        return await super().next_due(kinds)

    def _refuse(self) -> None:
        if self.refusals:
            self.refusals -= 1
            raise StoreError("locked")


async def test_a_store_that_cannot_serve_only_delays_jobs(
    database: Database, clock: FakeClock
) -> None:
    flaky = Flaky(database)
    done = asyncio.Event()

    async def work(job: Job) -> None:
        await finish(flaky, job)
        done.set()

    await add(flaky, clock, "a")
    runner = runner_of(flaky, clock, work)
    async with asyncio.timeout(WITHIN_S), running(runner):
        runner.wake()
        await done.wait()

    assert flaky.refusals == 0
