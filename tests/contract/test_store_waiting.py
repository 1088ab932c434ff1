"""What waits for consent, searched for one person among everybody's: whole, in order, counted."""

import tracemalloc
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.approval import Approval, Decision, Vote
from bot.domain.consent import ApprovalRule
from bot.domain.operation import Actor, Operation, State
from bot.domain.plan import Item, Plan
from bot.domain.resource import Effect
from bot.service.ports import Docket, Matter
from bot.store.database import Database
from bot.store.store import SqlStore
from tests.support.crowd import crowd
from tests.support.databases import START, FakeClock, execute, opened

HOUR = timedelta(hours=1)
ALICE, BOB = (Actor("tenant-1", f"oid-{name}", name) for name in ("alice", "bob"))
RULE = ApprovalRule(("*:*",), ("admin", "chéf"), 1, HOUR, HOUR, needs_reason=False, remind=None, channel=None)  # fmt: skip
UPDATE = Matter("exchange", "update", ("admin", "chéf"))

# What takes revisions 0005 and 0007 back, and 0006: the latter last, for a trigger of SQLite names its table.
WITHOUT_WATCHING = (
    "DROP INDEX conversation_tenant_team_idx",
    "ALTER TABLE job DROP COLUMN dead_at",
    "ALTER TABLE conversation DROP COLUMN failures",
    "ALTER TABLE job DROP COLUMN doubts",
    "ALTER TABLE job DROP COLUMN streak",
    "ALTER TABLE conversation DROP COLUMN blocked",
    "ALTER TABLE conversation DROP COLUMN team",
    "ALTER TABLE conversation DROP COLUMN name",
    *(
        f"DROP TABLE {name}"
        for name in ("post", "incident", "subscription", "snapshot", "throttle", "promise")
    ),
)
WITHOUT_CHECKPOINTS = "DROP TABLE audit_checkpoint"


@pytest.fixture
async def database(laid_url: str) -> AsyncIterator[Database]:
    async with opened(laid_url, clock=FakeClock()) as database:
        yield database


async def asked(
    database: Database,
    number: int,
    *,
    actor: Actor = ALICE,
    verb: str = "update",
    approvers: tuple[str, ...] = RULE.approvers,
    lapses: float = 1.0,
) -> Operation:
    """Let somebody ask for something."""
    plan = Plan("exchange", verb, Effect.UPDATE, f"C{number}", "EXCH", (), {"a": "ä" * 500}, {})
    operation = Operation(
        id=f"{number:026d}",
        short=f"{number:04d}",
        state=State.WAITING,
        command="/exchange update",
        plan=plan,
        actor=actor,
        conversation="19:c@thread.tacv2",
        created_at=START,
        updated_at=START,
    )
    approval = Approval(
        operation_id=operation.id,
        rule=replace(RULE, approvers=approvers),
        fingerprint="0",
        revision=1,
        expires_at=START + lapses * HOUR,
        thread="19:c@thread.tacv2",
        reply_to=None,
    )
    async with SqlStore(database).begin() as tx:
        await tx.add_operation(operation, "guid")
        await tx.add_approval(approval)
    return operation


async def test_what_waits_is_named_once_by_what_it_is_and_who_decides(database: Database) -> None:
    await asked(database, 1)
    await asked(database, 2, actor=BOB)
    await asked(database, 3, verb="delete")
    await asked(database, 4, approvers=("owner",))
    await asked(database, 5, actor=replace(ALICE, tenant="tenant-2"), verb="sync")
    over = await asked(database, 6, verb="create")
    store = SqlStore(database)
    async with store.begin() as tx:
        await tx.move_operation(over.id, source=State.WAITING, target=State.CANCELLED)

    matters = await store.matters("tenant-1")

    key = repr
    assert sorted(matters, key=key) == sorted(
        (UPDATE, replace(UPDATE, verb="delete"), replace(UPDATE, approvers=("owner",))), key=key
    )


async def test_only_what_fits_is_found_the_most_urgent_first_and_the_rest_counted(
    database: Database,
) -> None:
    late, soon = [await asked(database, n, lapses=h) for n, h in ((1, 3.0), (2, 1.0))]
    own = await asked(database, 3, actor=BOB)
    await asked(database, 4, verb="delete")
    await asked(database, 5, actor=replace(ALICE, tenant="tenant-2"))
    store, bob = SqlStore(database), (BOB.tenant, BOB.oid)

    everything = await store.to_decide(bob, [Docket(UPDATE)], 5, now=START)
    first = await store.to_decide(bob, [Docket(UPDATE)], 1, now=START)
    nothing = await store.to_decide(bob, [], 5, now=START)
    mine = await store.asked_by(bob, 5)

    assert [(operation.id, approval.operation_id) for operation, approval in everything.rows] == [
        (soon.id, soon.id),
        (late.id, late.id),
    ]
    assert (len(first.rows), first.more) == (1, 1)
    assert (nothing.rows, nothing.more) == ((), 0)
    assert ([operation.id for operation, _ in mine.rows], mine.more) == ([own.id], 0)


async def voted(database: Database, operation: Operation, who: Actor, comment: str) -> None:
    """Let somebody consent to what waits for more."""
    async with SqlStore(database).begin() as tx:
        approval = await tx.lock_approval(operation.id)
        assert approval is not None
        vote = Vote(who, Decision.APPROVE, comment, START)
        await tx.save_approval(replace(approval, votes=(*approval.votes, vote)))


async def test_what_somebody_voted_on_is_neither_found_nor_counted_for_them(
    database: Database,
) -> None:
    bob, cyn = BOB, replace(BOB, oid="oid-%", name="oid-bob")
    mine, theirs, open_ = [await asked(database, number) for number in (1, 2, 3)]
    await voted(database, mine, replace(bob, oid=bob.oid.upper()), "go on")
    await voted(database, theirs, cyn, 'as "oid":"oid-bob" says')
    store = SqlStore(database)

    for who, found in ((bob, [theirs, open_]), (cyn, [mine, open_])):
        waits = await store.to_decide((who.tenant, who.oid), [Docket(UPDATE)], 1, now=START)
        everything = await store.to_decide((who.tenant, who.oid), [Docket(UPDATE)], 5, now=START)
        assert (len(waits.rows), waits.more) == (1, 1)
        assert [operation.id for operation, _ in everything.rows] == [each.id for each in found]


async def test_what_is_too_late_to_decide_is_neither_found_nor_counted(database: Database) -> None:
    await asked(database, 1, lapses=0.0)
    late = await asked(database, 2, lapses=3.0)
    store, bob = SqlStore(database), (BOB.tenant, BOB.oid)
    stricter = Docket(UPDATE, within=HOUR)

    for now, docket, found in (
        (START, Docket(UPDATE), [late.id]),
        (START + HOUR, Docket(UPDATE), [late.id]),
        (START + HOUR / 2, stricter, [late.id]),
        (START + HOUR, stricter, []),
    ):
        waits = await store.to_decide(bob, [docket], 5, now=now)
        assert ([operation.id for operation, _ in waits.rows], waits.more) == (found, 0)


async def test_few_and_many_targets_are_told_apart(database: Database) -> None:
    one, many = await asked(database, 1), await asked(database, 2)
    items = tuple(Item(f"C{number}", "EXCH", {}) for number in range(4))
    async with SqlStore(database).begin() as tx:
        await tx.replan(replace(many, plan=replace(many.plan, items=items)))
    store, bob = SqlStore(database), (BOB.tenant, BOB.oid)

    for docket, found in (
        (Docket(UPDATE, most=3), [one.id]),
        (Docket(UPDATE, fewest=4), [many.id]),
        (Docket(UPDATE, fewest=5), []),
        (Docket(UPDATE, most=4), [one.id, many.id]),
    ):
        waits = await store.to_decide(bob, [docket], 5, now=START)
        assert [operation.id for operation, _ in waits.rows] == found


async def test_a_revision_that_others_decide_is_found_by_its_new_deciders(
    database: Database,
) -> None:
    operation = await asked(database, 1)
    store, bob = SqlStore(database), (BOB.tenant, BOB.oid)
    async with store.begin() as tx:
        approval = await tx.lock_approval(operation.id)
        assert approval is not None
        await tx.save_approval(replace(approval, rule=replace(RULE, approvers=("owner",))))

    assert (await store.to_decide(bob, [Docket(UPDATE)], 5, now=START)).rows == ()
    owners = Docket(replace(UPDATE, approvers=("owner",)))
    found = await store.to_decide(bob, [owners], 5, now=START)
    assert len(found.rows) == 1


async def test_the_same_wish_for_the_same_target_is_found_among_many(database: Database) -> None:
    operation = await asked(database, 1)
    await crowd(database, await asked(database, 2), 1500)
    store, alice = SqlStore(database), (ALICE.tenant, ALICE.oid)

    found = await store.waiting_alike(alice, operation.plan)

    assert found is not None
    assert found.id == operation.id
    assert await store.waiting_alike((BOB.tenant, BOB.oid), operation.plan) is None
    assert await store.waiting_alike(alice, replace(operation.plan, verb="delete")) is None


async def test_ten_thousand_that_wait_take_no_more_memory_than_twenty(database: Database) -> None:
    last = await asked(database, 1)
    await crowd(database, last, 10_000)
    store, bob = SqlStore(database), (BOB.tenant, BOB.oid)
    everything = 10_000 * len(str(last.plan.body))
    dockets = [Docket(matter) for matter in await store.matters(BOB.tenant)]
    await store.to_decide(bob, dockets, 20, now=START)

    tracemalloc.start()
    found = await store.to_decide(bob, dockets, 20, now=START)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (len(found.rows), found.more) == (20, 9981)
    assert peak < everything / 2


async def test_what_was_planned_for_many_before_is_found_by_each(database: Database) -> None:
    operation = await asked(database, 1)
    many = replace(operation.plan, items=(Item("C-ONE", "Straße", {}),))
    async with SqlStore(database).begin() as tx:
        await tx.replan(replace(operation, plan=many))
    await execute(
        database,
        *WITHOUT_WATCHING,
        "DROP TABLE operation_target",
        WITHOUT_CHECKPOINTS,
        "UPDATE alembic_version SET version_num = '0003'",
    )
    await database.migrate()
    store = SqlStore(database)

    for name in ("c-one", "STRASSE"):
        found = await store.operations(tenant=None, target=name, offset=0, limit=5)
        assert [each.id for each in found] == [operation.id]


async def test_what_was_asked_before_the_columns_were_there_is_found_too(
    database: Database,
) -> None:
    operation = await asked(database, 1)
    await execute(
        database,
        *WITHOUT_WATCHING,
        "ALTER TABLE operation DROP COLUMN verb",
        "ALTER TABLE approval DROP COLUMN approvers",
        "DROP TABLE operation_target",
        WITHOUT_CHECKPOINTS,
        "UPDATE alembic_version SET version_num = '0002'",
    )
    await database.migrate()
    store = SqlStore(database)

    found = await store.to_decide((BOB.tenant, BOB.oid), [Docket(UPDATE)], 5, now=START)

    assert await store.matters("tenant-1") == (UPDATE,)
    assert [each.id for each, _ in found.rows] == [operation.id]
