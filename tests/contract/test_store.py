"""The store's contract, the same on every engine. Source of each rule: `bot/service/ports.py`."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

import pytest
from sqlalchemy import text

from bot.domain.errors import GraphFault, StoreError
from bot.domain.operation import ARROWS, Actor, Observation, Operation, Result, State
from bot.domain.plan import Change, Plan
from bot.domain.resource import Effect
from bot.service.ports import AuditRecord, Card, Job, Pause, Reference, Store
from bot.service.watch_ports import Reach
from bot.store.clock import DatabaseClock
from bot.store.database import Database
from bot.store.store import SqlStore
from tests.support.databases import ENGINES, START, FakeClock, fresh_url, opened, python

KINDS = ("execute", "card")
ALICE = Actor("tenant-1", "oid-alice", "Alice Ågren")
PLAN = Plan(
    kind="exchange",
    verb="update",
    effect=Effect.UPDATE,
    target_id="0AA0C1DE-0001",
    target_name="EXCH Straße",
    changes=(Change("version", "Version", None, "15.2"),),
    body=MappingProxyType({"version": "15.2", "nested": [1, {"deep": None}]}),
    before={"version": "\x00 and \U0001f600"},
    known=("a", "b"),
)
OPERATION = Operation(
    id="01J0000000000000000000000A",
    short="7F3K",
    state=State.WAITING,
    command="/exchange update EXCH01 version=15.2",
    plan=PLAN,
    actor=ALICE,
    conversation="19:c@thread.tacv2;messageid=1",
    created_at=START,
    updated_at=START,
    reason="maintenance",
)
REFERENCE = Reference(
    "tenant-1", "https://smba/amer/", "19:c@thread.tacv2;messageid=1", "channel", "55"
)
CARD = Card(OPERATION.id, REFERENCE, None, 1, 0)
RESULT = Result(
    code="drifted",
    observation=Observation.DIFFERS,
    fault=GraphFault(409, "Conflict", "no", "r-1", "c-1"),
    target_id="NEW-1",
    differences=(Change("version", "Version", "15.2", "15.1"),),
    resolved_by="Bob",
)
ALL_ARROWS = [(source, target) for source, targets in ARROWS.items() for target in sorted(targets)]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def url(laid_url: str) -> str:
    return laid_url


@pytest.fixture
async def database(url: str, clock: FakeClock) -> AsyncIterator[Database]:
    async with opened(url, clock=clock) as found:
        yield found


@pytest.fixture
def store(database: Database) -> SqlStore:
    return SqlStore(database)


async def add(store: Store, *operations: Operation) -> None:
    async with store.begin() as tx:
        for operation in operations:
            await tx.add_operation(operation, f"request-{operation.id}")


async def add_job(store: Store, clock: FakeClock, subject: str = "one", after: float = 0) -> None:
    async with store.begin() as tx:
        await tx.add_job("execute", subject, clock.now() + timedelta(seconds=after))


async def claim_one(store: Store) -> Job:
    jobs = await store.claim_jobs(KINDS, 1)
    return jobs[0]


async def finish(store: Store, job: Job) -> bool:
    async with store.begin() as tx:
        return await tx.finish_job(job)


# Operations


async def test_an_operation_comes_back_as_it_was_written(store: SqlStore) -> None:
    await add(store, OPERATION)

    found = await store.operation(OPERATION.id)

    assert found == replace(OPERATION, plan=replace(PLAN, body=dict(PLAN.body or {})))
    assert await store.client_request_id(OPERATION.id) == f"request-{OPERATION.id}"


async def test_an_unknown_operation_is_none_everywhere(store: SqlStore) -> None:
    assert await store.operation("nothing") is None
    assert await store.client_request_id("nothing") is None
    assert await store.find_operation("nothing") is None
    assert await store.card("nothing") is None


@pytest.mark.parametrize("typed", ["7f3k", "7F3K", OPERATION.id, OPERATION.id.lower()])
async def test_an_operation_is_found_by_its_ids_in_any_case(store: SqlStore, typed: str) -> None:
    await add(store, OPERATION)

    found = await store.find_operation(typed)

    assert found is not None
    assert found.id == OPERATION.id


async def test_a_short_id_is_taken_in_any_case(store: SqlStore) -> None:
    assert await store.is_short_free("7F3K")

    await add(store, OPERATION)

    assert not await store.is_short_free("7f3k")
    assert await store.is_short_free("7F3L")


async def test_a_second_operation_with_a_short_id_is_refused_whole(store: SqlStore) -> None:
    await add(store, OPERATION)

    with pytest.raises(StoreError):
        await add(store, replace(OPERATION, id="B", short="OTHER"), replace(OPERATION, id="C"))

    assert await store.operation("B") is None


async def test_every_step_is_taken_from_its_source_and_only_once(
    store: SqlStore, clock: FakeClock
) -> None:
    for number, (source, target) in enumerate(ALL_ARROWS):
        name = f"op-{number}"
        await add(store, replace(OPERATION, id=name, short=name, state=source))
        clock.advance(7)

        async with store.begin() as tx:
            first = await tx.move_operation(name, source=source, target=target, result=RESULT)
        async with store.begin() as tx:
            second = await tx.move_operation(name, source=source, target=target)

        assert (first, second) == (True, False)
        found = await store.operation(name)
        assert found is not None
        assert (found.state, found.result, found.updated_at) == (target, RESULT, clock.now())


async def test_a_step_without_a_result_keeps_the_result(store: SqlStore) -> None:
    await add(store, replace(OPERATION, result=RESULT))

    async with store.begin() as tx:
        await tx.move_operation(OPERATION.id, source=State.WAITING, target=State.APPROVED)
        inside = await tx.operation(OPERATION.id)

    assert inside is not None
    assert inside.result == RESULT
    assert inside.state is State.APPROVED


async def test_a_result_is_replaced_in_its_state_alone(store: SqlStore) -> None:
    await add(store, replace(OPERATION, state=State.DONE))

    async with store.begin() as tx:
        wrong = await tx.set_result(OPERATION.id, State.FAILED, Result(code="wrong"))
        right = await tx.set_result(OPERATION.id, State.DONE, Result(code="right"))

    assert (wrong, right) == (False, True)
    found = await store.operation(OPERATION.id)
    assert found is not None
    assert found.result.code == "right"


async def test_of_two_replicas_racing_for_a_step_one_wins(
    store: SqlStore, url: str, clock: FakeClock
) -> None:
    await add(store, OPERATION)

    async def race(mine: Store, target: State) -> bool:
        async with mine.begin() as tx:
            won = await tx.move_operation(OPERATION.id, source=State.WAITING, target=target)
            await tx.append_audit(AuditRecord(f"operation {target}", ALICE, OPERATION.id, {}))
            return won

    async with opened(url, clock=clock) as other:
        targets = (State.APPROVED, State.REJECTED, State.EXPIRED, State.CANCELLED)
        stores = (store, SqlStore(other), store, SqlStore(other))
        won = await asyncio.gather(*map(race, stores, targets))

    assert sum(won) == 1
    found = await store.operation(OPERATION.id)
    assert found is not None
    assert found.state is targets[won.index(True)]


async def test_operations_are_listed_newest_first_in_pages(store: SqlStore) -> None:
    many = [
        replace(OPERATION, id=f"{n}", short=f"S{n}", created_at=START + timedelta(seconds=n % 3))
        for n in range(6)
    ]
    await add(store, *many)

    first = await store.operations(tenant=None, target=None, offset=0, limit=4)
    rest = await store.operations(tenant=ALICE.tenant, target=None, offset=4, limit=4)

    assert [o.id for o in (*first, *rest)] == ["5", "2", "4", "1", "3", "0"]


@pytest.mark.parametrize(
    ("tenant", "target", "count"),
    [
        (ALICE.tenant, None, 1),
        ("another", None, 0),
        (None, "0aa0c1de-0001", 1),
        (None, "exch STRASSE", 1),
        (None, "EXCH", 0),
        (ALICE.tenant, "%", 0),
    ],
)
async def test_history_is_asked_by_tenant_and_by_the_target_in_any_case(
    store: SqlStore, tenant: str | None, target: str | None, count: int
) -> None:
    await add(store, OPERATION)

    assert len(await store.operations(tenant=tenant, target=target, offset=0, limit=9)) == count


async def test_history_finds_what_an_operation_created(store: SqlStore) -> None:
    await add(store, replace(OPERATION, state=State.EXECUTING, plan=replace(PLAN, target_id=None)))
    async with store.begin() as tx:
        await tx.move_operation(
            OPERATION.id, source=State.EXECUTING, target=State.DONE, result=RESULT
        )

    assert len(await store.operations(tenant=None, target="new-1", offset=0, limit=9)) == 1


# Transactions


async def test_a_failed_block_leaves_nothing(store: SqlStore, clock: FakeClock) -> None:
    async def block() -> None:
        async with store.begin() as tx:
            await tx.claim_activity("t", "c", "a")
            await tx.add_operation(OPERATION, "request")
            await tx.add_job("execute", OPERATION.id, clock.now())
            await tx.append_audit(AuditRecord("operation asked", ALICE, OPERATION.id, {}))
            await tx.save_reference(REFERENCE)
            await tx.set_pause(Pause("Alice", clock.now(), None))
            raise LookupError

    with pytest.raises(LookupError):
        await block()

    assert await store.operation(OPERATION.id) is None
    assert await store.next_due(KINDS) is None
    assert (await store.audit_head()).seq == 0
    assert await store.reference("tenant-1", REFERENCE.root) is None
    assert await store.pause() is None
    async with store.begin() as tx:
        assert await tx.claim_activity("t", "c", "a")
        await tx.save_reference(REFERENCE)
    assert await store.reference("tenant-1", REFERENCE.root) == REFERENCE


async def test_a_cancelled_block_leaves_nothing_and_the_store_goes_on(store: SqlStore) -> None:
    inside = asyncio.Event()

    async def block() -> None:
        async with store.begin() as tx:
            await tx.add_operation(OPERATION, "request")
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(block())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await store.operation(OPERATION.id) is None
    await add(store, OPERATION)


async def test_a_failure_that_was_swallowed_still_rolls_back(store: SqlStore) -> None:
    async def block() -> None:
        async with store.begin() as tx:
            await tx.add_operation(OPERATION, "request")
            with pytest.raises(StoreError):
                await tx.add_operation(OPERATION, "request")

    with pytest.raises(StoreError):
        await block()

    assert await store.operation(OPERATION.id) is None


KILLED = """
import asyncio, sys
from datetime import UTC, datetime
from bot.store.database import Database
from bot.store.store import SqlStore
class Clock:
    def now(self): return datetime(2026, 11, 20, tzinfo=UTC)
async def main():
    store = SqlStore(Database.open(sys.argv[1], clock=Clock()))
    async with store.begin() as tx:
        await tx.claim_activity("t", "c", "a")
        await tx.add_job("execute", "one", Clock().now())
        print("inside", flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


async def test_a_killed_process_leaves_nothing_and_blocks_nobody(
    store: SqlStore, url: str
) -> None:
    process = await python(KILLED, url)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"inside\n"

    process.kill()
    await process.wait()

    assert await store.next_due(KINDS) is None
    async with store.begin() as tx:
        assert await tx.claim_activity("t", "c", "a")


# Inbound activities


async def test_an_activity_is_claimed_once(store: SqlStore) -> None:
    async with store.begin() as tx:
        first = await tx.claim_activity("t", "c", "a")
        again = await tx.claim_activity("t", "c", "a")
        other = await tx.claim_activity("t", "c2", "a")
    async with store.begin() as tx:
        later = await tx.claim_activity("t", "c", "a")

    assert (first, again, other, later) == (True, False, True, False)


# Jobs


async def test_a_job_is_claimed_when_it_is_due_and_by_one_alone(
    store: SqlStore, clock: FakeClock
) -> None:
    await add_job(store, clock, after=10)
    assert await store.claim_jobs(KINDS, 5) == ()
    assert await store.next_due(KINDS) == clock.now() + timedelta(seconds=10)

    clock.advance(10)
    job = await claim_one(store)

    assert (job.kind, job.subject, job.attempts) == ("execute", "one", 1)
    assert await store.claim_jobs(KINDS, 5) == ()


async def test_the_jobs_due_first_are_claimed_first_up_to_the_limit(
    store: SqlStore, clock: FakeClock
) -> None:
    for number, after in enumerate((3, 1, 2)):
        await add_job(store, clock, f"job-{number}", after)
    clock.advance(5)

    first = await store.claim_jobs(KINDS, 2)
    rest = await store.claim_jobs(KINDS, 2)

    assert {job.subject for job in first} == {"job-1", "job-2"}
    assert [job.subject for job in rest] == ["job-0"]


async def test_two_replicas_share_the_work_without_overlap(
    store: SqlStore, url: str, clock: FakeClock
) -> None:
    for number in range(20):
        await add_job(store, clock, f"job-{number}")

    async with opened(url, clock=clock) as other:
        mine = (store.claim_jobs(KINDS, 5), SqlStore(other).claim_jobs(KINDS, 5))
        more = (store.claim_jobs(KINDS, 5), SqlStore(other).claim_jobs(KINDS, 5))
        claimed = await asyncio.gather(*mine, *more)
        left = await store.claim_jobs(KINDS, 20)

    subjects = [job.subject for jobs in (*claimed, left) for job in jobs]
    assert sorted(subjects) == sorted({f"job-{n}" for n in range(20)})


async def test_jobs_of_unknown_kinds_stay_for_others(store: SqlStore, clock: FakeClock) -> None:
    async with store.begin() as tx:
        await tx.add_job("from-the-future", "one", clock.now())

    assert await store.claim_jobs(KINDS, 5) == ()
    assert await store.next_due(KINDS) is None
    assert len(await store.claim_jobs(["from-the-future"], 5)) == 1


async def test_a_finished_job_is_gone(store: SqlStore, clock: FakeClock) -> None:
    await add_job(store, clock)
    job = await claim_one(store)

    assert await finish(store, job)

    assert await store.next_due(KINDS) is None
    assert not await finish(store, job)


async def test_a_lost_lease_can_do_nothing(store: SqlStore, clock: FakeClock) -> None:
    await add_job(store, clock)
    lost = await claim_one(store)
    clock.advance(30)
    held = await claim_one(store)

    async with store.begin() as tx:
        assert not await tx.finish_job(lost)
        assert not await tx.postpone_job(lost, clock.now(), None)
        assert not await tx.renew_job(lost)
    assert not await store.renew_job(lost)
    assert held.attempts == 2
    assert await finish(store, held)


async def test_a_renewed_lease_is_not_taken_over(store: SqlStore, clock: FakeClock) -> None:
    await add_job(store, clock)
    job = await claim_one(store)
    clock.advance(20)

    assert await store.renew_job(job)

    clock.advance(20)
    assert await store.claim_jobs(KINDS, 1) == ()
    clock.advance(10)
    assert (await claim_one(store)).attempts == 2


async def test_a_postponed_job_falls_due_when_asked(store: SqlStore, clock: FakeClock) -> None:
    await add_job(store, clock)
    job = await claim_one(store)

    async with store.begin() as tx:
        assert await tx.postpone_job(job, clock.now() + timedelta(seconds=90), "Graph is away")

    assert await store.next_due(KINDS) == clock.now() + timedelta(seconds=90)
    assert not await finish(store, job)


async def test_a_job_given_back_untried_counts_no_attempt(
    store: SqlStore, clock: FakeClock
) -> None:
    await add_job(store, clock)
    for error in ("Teams is away", None, None):
        job = await claim_one(store)
        async with store.begin() as tx:
            await tx.postpone_job(job, clock.now(), error)

    assert (await claim_one(store)).attempts == 2


async def test_what_may_have_had_its_effect_is_not_hastened_until_it_is_a_new_beginning(
    store: SqlStore, clock: FakeClock
) -> None:
    await add_job(store, clock)
    job = await claim_one(store)
    await add_job(store, clock)
    async with store.begin() as tx:
        await tx.postpone_job(job, clock.now() + timedelta(seconds=60), "lost", is_doubtful=True)
    await add_job(store, clock)
    due = await store.next_due(KINDS)
    clock.advance(60)
    again = await claim_one(store)
    async with store.begin() as tx:
        await tx.bury_job(again, "lost", is_doubtful=True)
    total, (dead,) = await store.dead_jobs(9)
    clock.advance(60)
    await add_job(store, clock)
    anew = await claim_one(store)

    assert due == clock.now() - timedelta(seconds=60)
    assert (job.doubts, again.doubts, anew.doubts) == (0, 1, 0)
    assert (total, dead.doubts, dead.attempts, dead.reason) == (1, 2, 2, "lost")
    assert anew.attempts == 1


@pytest.mark.parametrize(("again", "due"), [(5, 5), (50, 20)])
async def test_adding_a_waiting_job_moves_it_to_the_earlier_time(
    store: SqlStore, clock: FakeClock, again: float, due: float
) -> None:
    await add_job(store, clock, after=20)

    await add_job(store, clock, after=again)

    assert await store.next_due(KINDS) == clock.now() + timedelta(seconds=due)


async def test_work_asked_for_during_a_claim_runs_again(store: SqlStore, clock: FakeClock) -> None:
    await add_job(store, clock)
    job = await claim_one(store)
    await add_job(store, clock, after=8)
    await add_job(store, clock, after=3)
    await add_job(store, clock, after=9)
    assert await store.claim_jobs(KINDS, 1) == ()

    assert await finish(store, job)

    assert await store.next_due(KINDS) == clock.now() + timedelta(seconds=3)
    clock.advance(3)
    again = await claim_one(store)
    assert again.attempts == 1
    assert await finish(store, again)
    assert await store.next_due(KINDS) is None


async def test_work_asked_for_during_a_claim_may_come_before_a_retry(
    store: SqlStore, clock: FakeClock
) -> None:
    await add_job(store, clock)
    job = await claim_one(store)
    await add_job(store, clock, after=3)

    async with store.begin() as tx:
        await tx.postpone_job(job, clock.now() + timedelta(seconds=60), None)

    assert await store.next_due(KINDS) == clock.now() + timedelta(seconds=3)


async def test_a_claim_after_a_lost_lease_covers_what_was_asked_before_it(
    store: SqlStore, clock: FakeClock
) -> None:
    await add_job(store, clock)
    await claim_one(store)
    await add_job(store, clock)
    clock.advance(30)

    job = await claim_one(store)
    assert await finish(store, job)

    assert await store.next_due(KINDS) is None


async def test_a_recurring_job_arms_itself_in_the_transaction_that_finishes_it(
    store: SqlStore, clock: FakeClock
) -> None:
    await add_job(store, clock)
    job = await claim_one(store)

    async with store.begin() as tx:
        await tx.add_job("execute", "one", clock.now() + timedelta(seconds=300))
        assert await tx.finish_job(job)

    assert await store.next_due(KINDS) == clock.now() + timedelta(seconds=300)


# Cards


async def test_a_card_is_stored_with_the_job_that_shows_it(
    store: SqlStore, clock: FakeClock
) -> None:
    async with store.begin() as tx:
        await tx.add_card(CARD)
        await tx.add_operation(OPERATION, "request")

    assert await store.card(OPERATION.id) == CARD
    job = await claim_one(store)
    assert (job.kind, job.subject) == ("card", OPERATION.id)


async def test_a_card_without_its_operation_is_refused(store: SqlStore) -> None:
    with pytest.raises(StoreError):
        async with store.begin() as tx:
            await tx.add_card(CARD)

    assert await store.card(OPERATION.id) is None


async def test_a_burst_of_changes_is_one_job_and_the_last_revision(
    store: SqlStore, clock: FakeClock
) -> None:
    async with store.begin() as tx:
        await tx.add_operation(OPERATION, "request")
        await tx.add_card(CARD)
        await tx.want_card(OPERATION.id)
        await tx.want_card(OPERATION.id)
    jobs = await store.claim_jobs(KINDS, 9)
    async with store.begin() as tx:
        await tx.card_shown(OPERATION.id, activity_id="77", revision=3)
        await tx.card_shown(OPERATION.id, activity_id="77", revision=2)
        await tx.finish_job(jobs[0])

    assert len(jobs) == 1
    assert await store.card(OPERATION.id) == replace(
        CARD, activity_id="77", revision_wanted=3, revision_sent=3
    )


async def test_wanting_the_card_of_an_operation_without_one_asks_for_nothing(
    store: SqlStore,
) -> None:
    await add(store, OPERATION)

    async with store.begin() as tx:
        await tx.want_card(OPERATION.id)

    assert await store.next_due(KINDS) is None


# Conversations and controls


async def test_the_thread_heard_of_last_is_how_a_channel_is_reached(
    store: SqlStore, clock: FakeClock
) -> None:
    thread = replace(REFERENCE, conversation="19:c@thread.tacv2;messageid=2")
    for reference in (REFERENCE, thread):
        clock.advance(1)
        async with store.begin() as tx:
            await tx.save_reference(reference)

    assert await store.reference("tenant-1", "19:c@thread.tacv2") == thread
    assert await store.reference("tenant-2", "19:c@thread.tacv2") is None


async def test_a_reference_is_written_only_when_it_changed(
    store: SqlStore, database: Database, clock: FakeClock
) -> None:
    moved = replace(REFERENCE, service_url="https://smba/emea/", reply_to="77")
    said_again = replace(REFERENCE, reply_to="66")
    seen = []
    for mine, reference in ((store, REFERENCE), (store, said_again), (SqlStore(database), moved)):
        async with mine.begin() as tx:
            await tx.save_reference(reference)
        seen.append(await store.reference("tenant-1", REFERENCE.root))

    assert seen == [REFERENCE, REFERENCE, moved]


async def test_a_conversation_is_given_up_after_refusals_in_a_row_and_taken_back_when_heard_of(
    store: SqlStore,
) -> None:
    where = (REFERENCE.tenant, REFERENCE.root)
    async with store.begin() as tx:
        await tx.save_reference(REFERENCE)
        first = await tx.note_refusal(*where, "Blocked", limit=2)
        await tx.note_success(*where)
        second = await tx.note_refusal(*where, "Blocked", limit=2)
    in_between = await store.reach(*where)
    async with store.begin() as tx:
        third = await tx.note_refusal(*where, "Blocked", limit=2)
    given_up = await store.reach(*where)
    async with store.begin() as tx:
        await tx.save_reference(REFERENCE)

    assert (first, second, third) == (False, False, True)
    assert in_between == Reach(1, None)
    assert given_up == Reach(2, "Blocked")
    assert await store.reach(*where) == Reach(0, None)
    assert await store.reach("nobody", "nowhere") is None


@pytest.mark.parametrize("is_by_team", [False, True])
async def test_a_conversation_is_taken_back_with_the_threads_that_earlier_versions_kept(
    store: SqlStore, *, is_by_team: bool
) -> None:
    where = (REFERENCE.tenant, REFERENCE.root)
    channel = replace(REFERENCE, conversation=REFERENCE.root, team="t1")
    thread = replace(REFERENCE, conversation=f"{REFERENCE.root};messageid=2")
    async with store.begin() as tx:
        await tx.save_reference(channel)
        await tx.save_reference(thread)
        await tx.set_blocked(*where, "Uninstalled")
    lost = await store.reach(*where)
    async with store.begin() as tx:
        if is_by_team:
            await tx.regain_team(REFERENCE.tenant, "t1", ["Uninstalled"])
        else:
            await tx.save_reference(channel)

    assert lost == Reach(0, "Uninstalled")
    assert await store.reach(*where) == Reach(0, None)


async def test_a_success_ends_a_row_of_refusals_but_brings_nothing_back_that_was_lost(
    store: SqlStore,
) -> None:
    where = (REFERENCE.tenant, REFERENCE.root)
    async with store.begin() as tx:
        await tx.save_reference(REFERENCE)
        counted = await tx.note_refusal(*where, "Blocked", limit=None)
        await tx.note_success(*where)
        await tx.set_blocked(*where, "Uninstalled")
        await tx.note_success(*where)

    assert not counted
    assert await store.reach(*where) == Reach(0, "Uninstalled")


async def test_a_channel_keeps_its_team_and_name_until_they_change(store: SqlStore) -> None:
    for team, name in (("t1", "Alerts"), (None, None), (None, "Alarms")):
        async with store.begin() as tx:
            await tx.save_reference(replace(REFERENCE, team=team, name=name))

    found = await store.reference(REFERENCE.tenant, REFERENCE.root)
    assert found is not None
    assert (found.team, found.name) == ("t1", "Alarms")


async def test_a_pause_is_seen_until_it_is_lifted(store: SqlStore, clock: FakeClock) -> None:
    first = Pause("Alice", clock.now(), "maintenance")
    second = Pause("Bob", clock.now(), None)

    async with store.begin() as tx:
        await tx.set_pause(first)
        assert await tx.pause() == first
    async with store.begin() as tx:
        await tx.set_pause(second)
    assert await store.pause() == second
    async with store.begin() as tx:
        await tx.set_pause(None)

    assert await store.pause() is None


async def test_jobs_that_were_put_too_far_off_are_recalled_and_a_lease_is_let_end(
    store: SqlStore, clock: FakeClock
) -> None:
    async with store.begin() as tx:
        for subject in ("claimed", "put off"):
            await tx.add_job("execute", subject, clock.now())
        await tx.add_job("expire", "a timer", clock.now() + timedelta(hours=4))
    jobs = await store.claim_jobs(["execute"], 2)
    async with store.begin() as tx:
        await tx.postpone_job(jobs[1], clock.now(), None)
    clock.jump(timedelta(days=-1))

    assert await store.claim_jobs(["execute", "expire"], 5) == ()
    await store.recall_jobs(["execute"], clock.now() + timedelta(minutes=2))

    assert [job.subject for job in await store.claim_jobs(["execute"], 5)] == ["put off"]
    assert await store.renew_job(jobs[0])
    clock.advance(31)
    assert {job.subject for job in await store.claim_jobs(["execute"], 5)} == {
        "claimed",
        "put off",
    }
    assert await store.next_due(["expire"]) == clock.now() + timedelta(
        days=1, hours=4, seconds=-31
    )


async def test_jobs_besides_are_passed_over_though_their_lease_is_over(
    store: SqlStore, clock: FakeClock
) -> None:
    async with store.begin() as tx:
        for subject in ("mine", "free"):
            await tx.add_job("execute", subject, clock.now())
    (mine,) = await store.claim_jobs(["execute"], 1)
    clock.advance(31)

    (other,) = await store.claim_jobs(["execute"], 5, besides=[mine.id])

    assert other.subject == "free"
    assert await store.claim_jobs(["execute"], 5, besides=[mine.id]) == ()
    async with store.begin() as tx:
        assert await tx.finish_job(mine)


# Time and health


async def test_the_time_is_the_databases_where_it_has_one(
    database: Database, clock: FakeClock
) -> None:
    shared = DatabaseClock(clock, steady=clock.steady)
    assert shared.now() == clock.now()

    await shared.sync(database)

    theirs = await database.time()
    expected = clock.now() if theirs is None else theirs
    assert abs(shared.now() - expected) < timedelta(seconds=5)
    before = shared.now()
    clock.advance(60)
    assert shared.now() - before == timedelta(seconds=60)


@pytest.mark.parametrize("jump", [timedelta(days=1), timedelta(days=-1)])
async def test_setting_a_replicas_clock_does_not_change_the_databases_time(
    database: Database, clock: FakeClock, jump: timedelta
) -> None:
    shared = DatabaseClock(clock, steady=clock.steady)
    await shared.sync(database)
    before = shared.now()

    clock.jump(jump)

    has_time = await database.time() is not None
    assert shared.now() - before == (timedelta() if has_time else jump)


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_ping_needs_a_migrated_database(
    engine: str, tmp_path: Path, clock: FakeClock
) -> None:
    async with (
        fresh_url(engine, tmp_path) as url,
        opened(url, clock=clock) as database,
    ):
        with pytest.raises(StoreError):
            await database.ping()

        await database.migrate()

        await database.ping()


async def test_a_store_that_lost_the_head_of_its_audit_is_not_healthy(
    database: Database, store: SqlStore
) -> None:
    async with database.write() as session:
        await session.change(text("DELETE FROM audit_head"))

    with pytest.raises(StoreError):
        await database.ping()
    with pytest.raises(StoreError):
        await store.audit_head()
    with pytest.raises(StoreError):
        async with store.begin() as tx:
            await tx.append_audit(AuditRecord("bot started", None, None, {}))
