"""Answers that are owed: held while somebody works on them, given once by whoever comes after."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.outcome import Noted
from bot.service.ports import Job, Promise
from bot.service.promises import GOOD_FOR, PROMISE_JOB
from bot.store.policy_file import parse_policy
from cards import words
from tests.support.office import Office, copied, empty_database, request
from tests.support.room import policy
from tests.support.stage import FakeClock
from tests.support.wall import Trouble

LEASE = timedelta(seconds=31)
ASKED = request("ada", "a1", text="/whoami")
WORKING = "🔄 " + words.NOTICES["working"][0]
ANSWER = words.NOTICES["stopped"][0]


@dataclass
class Desk:
    """An office in which one answer is owed."""

    office: Office
    job: Job
    promise: Promise

    @property
    def clock(self) -> FakeClock:
        return self.office.clock

    def said(self) -> list[str]:
        return [message.title for message in self.office.wall.messages]

    async def is_owed(self) -> bool:
        return await self.office.store.promise(self.job.subject) is not None


@asynccontextmanager
async def desk(folder: Path, *, acknowledged: bool = True) -> AsyncIterator[Desk]:
    url = copied(await empty_database(folder / "empty.db"), folder / "office.db")
    office = Office(
        url, parse_policy(policy(needed="1").encode()), {"ada": "admin", "oli": "operator"}
    )
    try:
        message = None
        if acknowledged:
            message = await office.wall.post(ASKED.reference, Noted("working"))
        promise = Promise(ASKED, ASKED.reference, message, office.clock.now())
        job = await office.use_cases.promises.make(promise)
        assert job is not None
        yield Desk(office, job, promise)
    finally:
        await office.close()


async def test_nobody_takes_a_promise_over_while_its_maker_works_on_it(tmp_path: Path) -> None:
    async with desk(tmp_path) as d:
        assert await d.office.jobs.drain() == 0

        d.clock.move(seconds=LEASE.total_seconds())

        assert await d.office.jobs.drain() == 1
        assert not await d.is_owed()


async def test_a_promise_ends_with_the_work_for_it(tmp_path: Path) -> None:
    async with desk(tmp_path) as d:
        await d.office.use_cases.promises.keep(d.job, asyncio.ensure_future(asyncio.sleep(0)))

        assert not await d.is_owed()
        assert await d.office.store.next_due([PROMISE_JOB]) is None


async def test_a_promise_outlives_work_that_was_cut_off(tmp_path: Path) -> None:
    async with desk(tmp_path) as d:
        work: asyncio.Task[None] = asyncio.ensure_future(asyncio.sleep(60))
        work.cancel()
        await d.office.use_cases.promises.keep(d.job, work)

        assert await d.is_owed()


async def test_the_acknowledgement_becomes_the_answer(tmp_path: Path) -> None:
    async with desk(tmp_path) as d:
        d.clock.move(seconds=LEASE.total_seconds())
        await d.office.jobs.drain()

        (shown,) = d.said()
        assert "Working on it" not in shown


@pytest.mark.parametrize("is_deleted", [True, False])
async def test_without_an_acknowledgement_to_edit_the_answer_is_a_message(
    tmp_path: Path, *, is_deleted: bool
) -> None:
    async with desk(tmp_path, acknowledged=is_deleted) as d:
        for message in d.office.wall.messages:
            message.is_deleted = True
        d.clock.move(seconds=LEASE.total_seconds())
        await d.office.jobs.drain()

        assert len(d.said()) == 1 + is_deleted
        assert not await d.is_owed()


async def test_an_answer_that_teams_does_not_take_now_stays_owed(tmp_path: Path) -> None:
    async with desk(tmp_path) as d:
        d.office.wall.troubles[ASKED.reference.root] = Trouble.THROTTLED
        d.clock.move(seconds=LEASE.total_seconds())
        await d.office.jobs.drain()

        assert await d.is_owed()

        d.clock.move(seconds=d.office.wall.throttle_s)
        await d.office.jobs.drain()

        assert not await d.is_owed()
        assert "Working on it" not in d.said()[0]


async def test_an_answer_that_teams_refuses_is_owed_no_more(tmp_path: Path) -> None:
    async with desk(tmp_path) as d:
        d.office.wall.troubles[ASKED.reference.root] = Trouble.REFUSED
        d.clock.move(seconds=LEASE.total_seconds())
        await d.office.jobs.drain()

        assert not await d.is_owed()


@pytest.mark.parametrize("trouble", [None, Trouble.UNREACHABLE])
async def test_what_is_owed_for_too_long_is_said_to_be_over(
    tmp_path: Path, trouble: Trouble | None
) -> None:
    async with desk(tmp_path) as d:
        if trouble:
            d.office.wall.troubles[ASKED.reference.root] = trouble
        d.clock.move(seconds=(GOOD_FOR + LEASE).total_seconds())
        await d.office.jobs.drain()

        assert (ANSWER in d.said()[0]) is (trouble is None)
        assert not await d.is_owed()


async def test_a_database_that_cannot_serve_promises_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path) as d:
        async with d.office.database.write():
            other = await d.office.use_cases.promises.make(replace(d.promise, message=None))

        assert other is None


async def test_what_another_process_took_over_is_struck_out_by_whoever_answered_first(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as d:
        d.clock.move(seconds=LEASE.total_seconds())
        (taken,) = await d.office.store.claim_jobs([PROMISE_JOB], 1)
        await d.office.use_cases.promises.keep(d.job, asyncio.ensure_future(asyncio.sleep(0)))
        await d.office.use_cases.promises.redeem(taken)

        assert not await d.is_owed()
        assert d.said() == [WORKING]
        assert await d.office.store.next_due([PROMISE_JOB]) is None


async def test_a_process_does_not_take_over_what_it_still_works_on(tmp_path: Path) -> None:
    async with desk(tmp_path) as d:
        go = asyncio.Event()
        promises = d.office.use_cases.promises

        async def slow() -> None:
            await go.wait()

        work = asyncio.ensure_future(slow())
        keeping = asyncio.ensure_future(promises.keep(d.job, work))
        await asyncio.sleep(0)
        d.clock.move(seconds=LEASE.total_seconds())
        await d.office.jobs.drain()

        assert d.said() == [WORKING]

        go.set()
        await keeping

        assert not await d.is_owed()


async def test_a_message_that_became_a_card_is_left_alone_however_late(tmp_path: Path) -> None:
    async with desk(tmp_path) as d:
        await d.office.asks(request("ada", "a2", text="/exchange update EXCH01 version=9"))
        (operation,) = await d.office.store.operations(tenant=None, target=None, offset=0, limit=1)
        async with d.office.store.begin() as tx:
            await tx.card_shown(operation.id, activity_id=d.promise.message, revision=1)
        d.clock.move(seconds=(GOOD_FOR + LEASE).total_seconds())
        for _ in range(3):
            await d.office.jobs.drain()

        assert "The bot was stopped" not in d.office.wall.messages[0].text
        assert not await d.is_owed()


async def test_a_private_acknowledgement_says_that_it_was_begun(tmp_path: Path) -> None:
    async with desk(tmp_path) as d:
        place = replace(ASKED.reference, private_to="29:ada")
        asked = replace(
            request("ada", "a3", text="/exchange update EXCH01 version=9"), reference=place
        )
        job = await d.office.use_cases.promises.make(
            Promise(asked, place, d.promise.message, d.clock.now())
        )
        assert job is not None
        async with d.office.store.begin() as tx:
            await tx.drop_promise(d.job.subject)
        d.clock.move(seconds=LEASE.total_seconds())
        await d.office.jobs.drain()

        assert words.NOTICES["started"][0] in d.said()[0]


async def test_a_typed_vote_does_not_count_for_a_plan_that_came_after_it(tmp_path: Path) -> None:
    async with desk(tmp_path) as d:
        await d.office.asks(request("oli", "a4", text="/exchange update EXCH01 version=9"))
        (operation,) = await d.office.store.operations(tenant=None, target=None, offset=0, limit=1)
        vote = request("ada", "a5", text=f"/approve {operation.short}")
        job = await d.office.use_cases.promises.make(
            Promise(vote, vote.reference, None, d.clock.now())
        )
        assert job is not None
        d.clock.move(seconds=1)
        revised = f"/exchange update EXCH01 version=99 --revise {operation.short}"
        await d.office.asks(request("oli", "a6", text=revised))
        d.clock.move(seconds=LEASE.total_seconds())
        await d.office.jobs.drain()

        assert d.office.graph.writes == []
        assert words.NOTICES["vote-old-revision"][0] in "\n".join(d.said())
