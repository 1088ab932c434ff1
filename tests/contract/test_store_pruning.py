"""What is over is forgotten after its time; what somebody still waits for never is."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from bot.domain.approval import Approval
from bot.domain.consent import ApprovalRule
from bot.domain.incident import Incident, Stage
from bot.domain.operation import ARROWS, Actor, Operation, Result, State
from bot.domain.plan import Item, Plan
from bot.domain.resource import Effect, Severity
from bot.domain.subscription import Subscription
from bot.domain.watch import Snapshot
from bot.service.ports import Card, Reference, Retention
from bot.service.watch_ports import Lane, Post, Reach, Seen
from bot.store.database import Database
from bot.store.pruning import AT_ONCE
from bot.store.store import SqlStore
from bot.store.tables import metadata
from tests.support.databases import FakeClock, opened

DAY = timedelta(days=1)
KEPT = Retention(
    activities=DAY, operations=9 * DAY, cards=5 * DAY, incidents=7 * DAY, letters=3 * DAY, conversations=6 * DAY
)  # fmt: skip
ALICE = Actor("t", "alice", "Alice")
OPEN = tuple(ARROWS)
ENDED = tuple(state for state in State if state not in ARROWS)
ITEMS = (Item("a", "A", {}), Item("b", "B", {}))


PATIENT_S = 30.0
"""How long much work at once may take where the machine has other work too."""


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def database(laid_url: str, clock: FakeClock) -> AsyncIterator[Database]:
    async with opened(laid_url, clock=clock, busy_s=PATIENT_S) as database:
        yield database


@pytest.fixture
def store(database: Database) -> SqlStore:
    return SqlStore(database)


async def counts(database: Database) -> dict[str, int]:
    """Return how many rows every table has that has any, the audit aside."""
    found = {}
    async with database.read() as session:
        for table in metadata.sorted_tables:
            row = await session.first(select(func.count().label("n")).select_from(table))
            if row and row["n"] and not table.name.startswith("audit"):
                found[table.name] = row["n"]
    return found


async def written(
    store: SqlStore,
    clock: FakeClock,
    operation_id: str,
    state: State,
    *,
    root: str = "19:c@thread.tacv2",
) -> Operation:
    """Write an operation on two targets, with the approval and the card that hang on it."""
    plan = Plan("exchange", "sync", Effect.ACT, None, "2", (), None, {}, items=ITEMS)
    operation = Operation(
        id=operation_id,
        short=operation_id,
        state=state,
        command="/exchange sync --all",
        plan=plan,
        actor=ALICE,
        conversation=root,
        created_at=clock.now(),
        updated_at=clock.now(),
        result=Result(),
    )
    rule = ApprovalRule(("*:*",), ("admin",), 1, DAY, DAY, needs_reason=False, remind=None, channel=None)  # fmt: skip
    approval = Approval(
        operation_id=operation_id,
        rule=rule,
        fingerprint="0",
        revision=1,
        expires_at=clock.now() + DAY,
        thread=root,
        reply_to=None,
    )
    async with store.begin() as tx:
        await tx.add_operation(operation, f"request-{operation_id}")
        await tx.add_approval(approval)
        place = Reference("t", "https://smba/amer/", root, "channel", None)
        await tx.add_card(Card(operation_id, place, None, 1, 0))
    (job,) = await store.claim_jobs(["card"], 1)
    async with store.begin() as tx:
        await tx.card_shown(operation_id, activity_id="1", revision=1)
        await tx.finish_job(job)
    return operation


def story(incident_id: str, now: datetime, stage: Stage = Stage.RECOVERED) -> Incident:
    return Incident(
        id=incident_id,
        short=incident_id,
        kind="exchange",
        record_id=incident_id,
        name="EXCH01",
        stage=stage,
        severity=Severity.WARNING,
        opened_at=now,
        changed_at=now,
        closed_at=None if stage is Stage.OPEN else now,
    )


async def told(
    store: SqlStore, incident: Incident, *, by: str = "", held_until: datetime | None = None
) -> str:
    """Write an incident and where it was told; return the post's id."""
    post = f"post-{incident.id}"
    async with store.begin() as tx:
        await tx.save_incidents([incident])
        await tx.save_posts([Post(post, incident.id, by, "t", "root", held_until=held_until)])
        if held_until is None:
            await tx.shown(post, activity_id="1", revision=1, told=1, at=incident.changed_at)
    return post


def wish(root: str, now: datetime) -> Subscription:
    return Subscription(
        root, root, "t", root, None, None, "", Severity.NEUTRAL, None, holds_critical=False, by=ALICE, created_at=now
    )  # fmt: skip


async def has_died(store: SqlStore, clock: FakeClock, kind: str, subject: str) -> None:
    async with store.begin() as tx:
        await tx.add_job(kind, subject, clock.now())
    (job,) = await store.claim_jobs([kind], 1)
    async with store.begin() as tx:
        assert await tx.bury_job(job, "403")


async def test_old_activities_are_forgotten_and_no_others(
    store: SqlStore, clock: FakeClock
) -> None:
    async with store.begin() as tx:
        await tx.claim_activity("t", "c", "old")
    clock.jump(2 * DAY)
    async with store.begin() as tx:
        await tx.claim_activity("t", "c", "new")

    await store.prune(KEPT)

    async with store.begin() as tx:
        assert await tx.claim_activity("t", "c", "old")
        assert not await tx.claim_activity("t", "c", "new")


async def test_what_has_ended_goes_with_all_that_hangs_on_it(
    store: SqlStore, clock: FakeClock, database: Database
) -> None:
    for state in ENDED:
        await written(store, clock, f"old-{state}", state)
    clock.jump(10 * DAY)
    await written(store, clock, "new", State.DONE)

    await store.prune(KEPT)

    assert await counts(database) == {"operation": 1, "operation_target": 2, "approval": 1, "card": 1}  # fmt: skip
    assert await store.operation("new") is not None


@pytest.mark.parametrize("state", OPEN)
async def test_what_is_open_or_unknown_stays_however_old(
    store: SqlStore, clock: FakeClock, database: Database, state: State
) -> None:
    await written(store, clock, "old", state)
    before = await counts(database)
    clock.jump(3000 * DAY)

    await store.prune(KEPT)

    assert await counts(database) == before


async def test_an_ended_operation_stays_while_a_job_is_about_it(
    store: SqlStore, clock: FakeClock, database: Database
) -> None:
    await written(store, clock, "old", State.DONE)
    async with store.begin() as tx:
        await tx.add_job("observe", "old", clock.now())
    before = await counts(database)
    clock.jump(10 * DAY)

    await store.prune(KEPT)

    assert await counts(database) == before


async def test_a_spent_card_goes_before_its_operation(store: SqlStore, clock: FakeClock) -> None:
    await written(store, clock, "old", State.DONE)
    clock.jump(6 * DAY)

    await store.prune(KEPT)

    assert await store.card("old") is None
    assert await store.operation("old") is not None
    assert await store.approval("old") is not None


async def test_a_closed_incident_goes_with_its_posts(
    store: SqlStore, clock: FakeClock, database: Database
) -> None:
    for stage in (Stage.RECOVERED, Stage.REMOVED, Stage.NOTED):
        await told(store, story(f"old-{stage}", clock.now(), stage))
    await told(store, story("open", clock.now(), Stage.OPEN))
    clock.jump(8 * DAY)
    await told(store, story("new", clock.now()))

    await store.prune(KEPT)

    assert await counts(database) == {"incident": 2, "post": 2}
    assert await store.incident("open")
    assert await store.incident("new")


async def test_an_incident_that_is_still_to_be_told_stays(
    store: SqlStore, clock: FakeClock, database: Database
) -> None:
    later = clock.now() + 8 * DAY
    await told(store, story("held", clock.now()), held_until=later)
    post = await told(store, story("queued", clock.now()))
    async with store.begin() as tx:
        await tx.add_job("notice", post, later)
    await told(store, story("spreads", clock.now()))
    async with store.begin() as tx:
        await tx.add_job("spread", "spreads", later)
    clock.jump(8 * DAY)

    await store.prune(KEPT)

    assert await counts(database) == {"incident": 3, "post": 3, "job": 2}


async def test_when_a_subscription_told_last_is_not_forgotten(
    store: SqlStore, clock: FakeClock
) -> None:
    async with store.begin() as tx:
        await tx.save_subscription(wish("root", clock.now()))
    await told(store, story("first", clock.now()), by="root")
    clock.jump(DAY)
    await told(store, story("last", clock.now()), by="root")
    last = clock.now()
    clock.jump(8 * DAY)

    await store.prune(KEPT)

    assert await store.incident("first") is None
    _, (watched,) = await store.watched("t", root=None, offset=0, limit=9)
    assert watched.told_at == last


async def test_a_letter_goes_unless_it_is_about_something_open(
    store: SqlStore, clock: FakeClock
) -> None:
    await written(store, clock, "waits", State.WAITING)
    await written(store, clock, "done", State.DONE)
    goes_on = await told(store, story("open", clock.now(), Stage.OPEN))
    over = await told(store, story("over", clock.now()))
    for kind, subject in (("card", "waits"), ("card", "done"), ("notice", goes_on), ("notice", over)):  # fmt: skip
        await has_died(store, clock, kind, subject)
    clock.jump(2 * DAY)
    await has_died(store, clock, "digest", "new")
    clock.jump(2 * DAY)

    await store.prune(KEPT)

    _, letters = await store.dead_jobs(None)
    assert {letter.subject for letter in letters} == {"waits", goes_on, "new"}


async def test_letters_that_are_tried_again_take_back_the_conversations_they_go_to(
    store: SqlStore, clock: FakeClock
) -> None:
    roots = ("root", "watched", "card", "desk", "nobody")
    await written(store, clock, "operation", State.DONE, root="card;messageid=1")
    subjects = ["operation", await told(store, story("open", clock.now(), Stage.OPEN)), "watched"]
    approval = await store.approval("operation")
    assert approval is not None
    async with store.begin() as tx:
        await tx.save_approval(replace(approval, thread="desk;messageid=2"))
        await tx.save_subscription(wish("watched", clock.now()))
        for root in roots:
            await tx.save_reference(Reference("t", "https://smba/amer/", root, "channel", None))
            await tx.set_blocked("t", root, "BotNotInConversationRoster")
    for subject in (*subjects, "of something gone"):
        await has_died(store, clock, "tell", subject)
    _, letters = await store.dead_jobs(None)
    async with store.begin() as tx:
        count = await tx.revive_jobs([letter.id for letter in letters], clock.now())

    assert count == 4
    assert await store.dead_jobs(None) == (0, ())
    blocked = [(await store.reach("t", root) or Reach(0, None)).blocked for root in roots]
    assert blocked == [None, None, None, None, "BotNotInConversationRoster"]


async def test_a_conversation_out_of_reach_goes_where_nobody_waits(
    store: SqlStore, clock: FakeClock
) -> None:
    roots = ("lost", "watched", "asked", "reached")
    async with store.begin() as tx:
        for root in roots:
            await tx.save_reference(Reference("t", "https://smba/amer/", root, "channel", None))
            if root != "reached":
                await tx.set_blocked("t", root, "BotNotInConversationRoster")
        await tx.save_subscription(wish("watched", clock.now()))
    await written(store, clock, "waits", State.WAITING, root="asked")
    early = clock.now() + 5 * DAY
    clock.jump(early - clock.now())
    await store.prune(KEPT)
    known_early = [root for root in roots if await store.reach("t", root)]
    clock.jump(2 * DAY)
    await store.prune(KEPT)

    assert known_early == [*roots]
    assert [root for root in roots if await store.reach("t", root)] == [*roots[1:]]


async def test_a_budget_goes_once_it_is_whole_again(
    store: SqlStore, clock: FakeClock, database: Database
) -> None:
    lane = Lane((clock.now().timestamp(),), None)
    stopped = Lane((), clock.now() + 3 * DAY)
    names = [f"thread {number}" for number in range(AT_ONCE + 100)]
    async with store.begin() as tx:
        await tx.lanes("tenant t", names)
        await tx.save_lanes({"tenant t": lane, "stopped": stopped, **dict.fromkeys(names, lane)})
    clock.jump(DAY)
    await store.prune(KEPT)
    early = await counts(database)
    clock.jump(DAY)
    await store.prune(KEPT)

    assert early == {"throttle": len(names) + 2}
    assert await counts(database) == {"throttle": 1}


async def test_what_is_known_of_a_kind_goes_with_the_kind(
    store: SqlStore, clock: FakeClock
) -> None:
    known = Snapshot(clock.now(), {})
    async with store.begin() as tx:
        await tx.save_seen("gone", Seen(known, 0))
        await tx.save_seen("out of reach", Seen(known, 700))
        await tx.save_seen("exchange", Seen(known, 0))
    clock.jump(8 * DAY)
    async with store.begin() as tx:
        await tx.note_look("exchange", taken_at=clock.now(), failures=0)

    await store.prune(KEPT)

    found = {name: (await store.seen(name)).snapshot for name in ("gone", "out of reach", "exchange")}  # fmt: skip
    assert [name for name, snapshot in found.items() if snapshot] == ["out of reach", "exchange"]


async def crowd(store: SqlStore, clock: FakeClock) -> None:
    """Write more of everything than one transaction takes, all of it old."""
    async with store.begin() as tx:
        for number in range(AT_ONCE + 200):
            await tx.claim_activity("t", "c", str(number))
        for number in range(230):
            await tx.save_incidents([story(f"old-{number:03}", clock.now())])
        posts = [Post(f"{n}", "old-000", "", "t", f"{n}") for n in range(2 * AT_ONCE + 1)]
        await tx.save_posts(posts)
    clock.jump(8 * DAY)


async def test_all_of_it_is_forgotten_however_much_there_is(
    store: SqlStore, clock: FakeClock, database: Database
) -> None:
    await crowd(store, clock)

    await store.prune(KEPT)

    assert await counts(database) == {}


async def test_two_replicas_may_prune_at_once(
    store: SqlStore, clock: FakeClock, database: Database
) -> None:
    await crowd(store, clock)

    await asyncio.gather(store.prune(KEPT), store.prune(KEPT))
    # What one of them held the other passed over.
    await store.prune(KEPT)

    assert await counts(database) == {}


async def test_whoever_is_asked_anew_meanwhile_is_not_forgotten(
    store: SqlStore, clock: FakeClock
) -> None:
    """An operation that was unknown for years and is resolved now ended now."""
    old = await written(store, clock, "old", State.UNKNOWN)
    clock.jump(3000 * DAY)
    async with store.begin() as tx:
        moved = await tx.move_operation(
            "old", source=State.UNKNOWN, target=State.DONE, result=replace(old.result)
        )

    await store.prune(KEPT)

    assert moved
    assert await store.operation("old") is not None
