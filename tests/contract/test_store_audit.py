"""The audit's chain: nothing in it can be changed, moved or cut off without being named."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs
from typing_extensions import override

from bot.domain.audit import Broken, Flaw, Head, Row, Verified, canonical, next_row, verify
from bot.domain.errors import StoreError
from bot.domain.operation import Actor
from bot.service.ports import AuditRecord
from bot.store.audit import PAGE, exported
from bot.store.database import Database
from bot.store.head_file import HeadFile
from bot.store.store import SqlStore
from tests.support.databases import (
    START,
    FakeClock,
    disarm_audit,
    execute,
    fresh_url,
    opened,
)

ALICE = Actor("tenant-1", "oid-alice", "Alice Ågren")
LENGTH = 1_000


def chain(length: int) -> tuple[list[Row], Head]:
    """Return a chain of so many lines and its head."""
    rows: list[Row] = []
    head = Head()
    for number in range(1, length + 1):
        event = canonical("operation asked", ALICE, f"op-{number}", {"number": number})
        rows.append(next_row(head, 1_000_000 + number, event))
        head = Head(rows[-1].seq, rows[-1].hash)
    return rows, head


def relinked(rows: list[Row], start: int) -> list[Row]:
    """Return the rows with every hash from `start` on worked out anew, as a forger would."""
    result = rows[:start]
    head = Head(result[-1].seq, result[-1].hash) if result else Head()
    for row in rows[start:]:
        result.append(next_row(head, row.at_us, row.event))
        head = Head(result[-1].seq, result[-1].hash)
    return result


ROWS, HEAD = chain(LENGTH)


def test_a_whole_chain_is_verified() -> None:
    assert verify(ROWS, HEAD) == Verified(LENGTH, HEAD.hash)
    assert verify(ROWS, HEAD, [HEAD, Head(7, ROWS[6].hash)]) == Verified(LENGTH, HEAD.hash)


def test_an_empty_chain_is_verified() -> None:
    assert verify([], Head()) == Verified(0, Head().hash)


def test_the_hash_is_that_of_the_four_parts() -> None:
    # printf '1|5|%064d|{}' 0 | sha256sum
    row = next_row(Head(), 5, "{}")

    assert row.hash == "609f9a39d169db41efe8b677c6504d2378164f2cc956a188e548066795127e22"


def test_the_canonical_text_does_not_depend_on_order_or_encoding() -> None:
    one = canonical("asked", ALICE, "op", {"b": "é\ud800\x00", "a": 1})
    two = canonical("asked", ALICE, "op", {"a": 1, "b": "é\ud800\x00"})

    assert one == two
    assert one.isascii()
    assert canonical("started", None, None, {}) == (
        '{"actor":null,"details":{},"operation":null,"what":"started"}'
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda row: replace(row, event=row.event.replace("asked", "never")),
        lambda row: replace(row, at_us=row.at_us + 1),
        lambda row: replace(row, hash="f" * 64),
    ],
)
def test_every_changed_row_is_named(change: object) -> None:
    assert callable(change)
    for place in range(LENGTH):
        rows = [*ROWS[:place], change(ROWS[place]), *ROWS[place + 1 :]]

        assert verify(rows, HEAD) == Broken(place + 1, Flaw.CHANGED, place)


def test_every_row_with_a_changed_link_is_named() -> None:
    for place in range(LENGTH):
        rows = [*ROWS[:place], replace(ROWS[place], prev="f" * 64), *ROWS[place + 1 :]]

        assert verify(rows, HEAD) == Broken(place + 1, Flaw.REORDERED, place)


def test_every_removed_row_is_named() -> None:
    for place in range(LENGTH - 1):
        rows = [*ROWS[:place], *ROWS[place + 1 :]]

        assert verify(rows, HEAD) == Broken(place + 1, Flaw.MISSING, place)


def test_every_cut_is_named() -> None:
    for length in range(LENGTH):
        assert verify(ROWS[:length], HEAD) == Broken(length + 1, Flaw.TRUNCATED, length)


def test_rows_that_changed_places_are_named() -> None:
    for place in range(LENGTH - 1):
        one, two = ROWS[place], ROWS[place + 1]
        moved = [replace(two, seq=one.seq), replace(one, seq=two.seq)]
        shown = [two, one]

        inside = verify([*ROWS[:place], *moved, *ROWS[place + 2 :]], HEAD)
        outside = verify([*ROWS[:place], *shown, *ROWS[place + 2 :]], HEAD)

        assert inside == Broken(place + 1, Flaw.REORDERED, place)
        assert outside == Broken(place + 1, Flaw.MISSING, place)


def test_a_row_that_stands_twice_is_named() -> None:
    assert verify([*ROWS[:9], *ROWS[8:]], HEAD) == Broken(9, Flaw.REORDERED, 9)


def test_a_forged_row_breaks_the_link_of_the_next() -> None:
    forged = next_row(Head(8, ROWS[7].hash), 1, "{}")

    assert verify([*ROWS[:8], forged, *ROWS[9:]], HEAD) == Broken(10, Flaw.REORDERED, 9)


def test_rows_behind_the_head_are_named() -> None:
    assert verify(ROWS, Head(150, ROWS[149].hash)) == Broken(151, Flaw.UNEXPECTED, 150)


def test_a_tail_that_was_rewritten_whole_is_caught_by_the_head_and_by_the_anchors() -> None:
    start = 120
    rows = relinked([*ROWS[:start], replace(ROWS[start], event="{}"), *ROWS[start + 1 :]], start)
    forged_head = Head(LENGTH, rows[-1].hash)

    assert verify(rows, HEAD) == Broken(LENGTH, Flaw.CHANGED, LENGTH)
    assert verify(rows, forged_head) == Verified(LENGTH, forged_head.hash)
    anchors = [Head(n, ROWS[n - 1].hash) for n in (100, 130, 140)]
    assert verify(rows, forged_head, anchors) == Broken(130, Flaw.CHANGED, 129)


def test_a_cut_with_a_forged_head_is_caught_by_the_anchors() -> None:
    head = Head(199, ROWS[198].hash)

    assert verify(ROWS[:199], head, [HEAD]) == Broken(200, Flaw.TRUNCATED, 199)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def head_file(tmp_path: Path) -> Path:
    return tmp_path / "audit.head"


@pytest.fixture
async def database(laid_url: str, clock: FakeClock, head_file: Path) -> AsyncIterator[Database]:
    async with opened(laid_url, clock=clock, audit_head_file=head_file) as found:
        yield found


@pytest.fixture
def store(database: Database) -> SqlStore:
    return SqlStore(database)


def content(path: Path) -> tuple[str, int]:
    """Return a file's text and who may do what with it."""
    return path.read_text(), path.stat().st_mode & 0o777


def cut_short(path: Path) -> None:
    """Leave the beginning of a line, as a crash in the middle of a write does."""
    with path.open("a") as file:
        file.write("4 cut sho")


def put_in_the_way(path: Path) -> None:
    """Make a path that nothing can be written to, not even by root."""
    path.mkdir()


def take_away(path: Path) -> None:
    """Undo `put_in_the_way`."""
    path.rmdir()


def confirm(path: Path, head: Head) -> None:
    with path.open("a") as file:
        file.write(f"{head.seq} {head.hash}\n")


async def append(store: SqlStore, count: int, *, each: int = 1) -> None:
    for _ in range(count):
        async with store.begin() as tx:
            for _ in range(each):
                await tx.append_audit(AuditRecord("operation asked", ALICE, "op", {"n": 1}))


async def test_what_was_appended_is_verified_and_exported(
    store: SqlStore, clock: FakeClock
) -> None:
    assert await store.verify_audit() == Verified(0, Head().hash)
    async with store.begin() as tx:
        await tx.append_audit(AuditRecord("bot started", None, None, {"version": "1"}))
        await tx.append_audit(AuditRecord("operation asked", ALICE, "op-1", {"x": [None]}))

    rows = [row async for row in store.audit_rows()]
    of_one = [row async for row in store.audit_rows(operation_id="op-1")]
    behind = [row async for row in store.audit_rows(1)]

    head = await store.audit_head()
    assert await store.verify_audit() == Verified(2, head.hash)
    assert [row.seq for row in rows] == [1, 2]
    assert of_one == behind == rows[1:]
    assert exported(rows[1]) == {
        "seq": 2,
        "at": START.isoformat(),
        "at_us": rows[1].at_us,
        "prev": rows[0].hash,
        "hash": head.hash,
        "what": "operation asked",
        "actor": {"tenant": "tenant-1", "oid": "oid-alice", "name": "Alice Ågren"},
        "operation": "op-1",
        "details": {"x": [None]},
    }


async def test_a_long_audit_is_read_page_by_page(store: SqlStore) -> None:
    await append(store, 1, each=PAGE + 7)

    assert len([row async for row in store.audit_rows()]) == PAGE + 7
    assert isinstance(await store.verify_audit(), Verified)


async def test_verifying_holds_up_no_writer(store: SqlStore) -> None:
    await append(store, 3)

    async with store.begin() as tx:
        await tx.append_audit(AuditRecord("operation asked", None, None, {}))
        assert isinstance(await store.verify_audit(), Verified)

    assert (await store.audit_head()).seq == 4


async def test_every_head_is_logged_after_it_is_true(store: SqlStore) -> None:
    with capture_logs() as lines:
        await append(store, 1, each=2)

    head = await store.audit_head()
    assert [line["seq"] for line in lines if line["event"] == "audit appended"] == [1, 2]
    assert lines[-1]["hash"] == head.hash


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE audit SET event = '{}' WHERE seq = 4", Broken(4, Flaw.CHANGED, 3)),
        ("DELETE FROM audit WHERE seq = 4", Broken(4, Flaw.MISSING, 3)),
        ("DELETE FROM audit WHERE seq = 9", Broken(9, Flaw.TRUNCATED, 8)),
        ("DELETE FROM audit", Broken(1, Flaw.TRUNCATED, 0)),
        ("UPDATE audit_head SET seq = 8", Broken(9, Flaw.UNEXPECTED, 8)),
    ],
)
async def test_tampering_in_the_database_is_named(
    store: SqlStore, database: Database, statement: str, broken: Broken
) -> None:
    await append(store, 9)
    await disarm_audit(database)

    await execute(database, statement)

    assert await store.verify_audit() == broken


async def test_a_last_row_removed_with_its_head_is_found_by_the_head_file(
    store: SqlStore, database: Database, clock: FakeClock
) -> None:
    await append(store, 9)
    before = [row async for row in store.audit_rows()][-1]
    await disarm_audit(database)

    await execute(database, "DELETE FROM audit WHERE seq = 9")
    back = text("UPDATE audit_head SET seq = 8, hash = :hash").bindparams(hash=before.prev)
    async with database.write() as session:
        await session.change(back)

    assert await store.verify_audit() == Broken(9, Flaw.TRUNCATED, 8)
    clock.advance(1)
    await append(store, 1)
    assert await store.verify_audit() == Broken(9, Flaw.CHANGED, 8)


async def test_each_commit_is_announced_and_confirmed(store: SqlStore, head_file: Path) -> None:
    await append(store, 1, each=3)

    head = await store.audit_head()
    assert content(head_file) == (f"3 {head.hash} ?\n3 {head.hash}\n", 0o600)


async def test_an_announcement_that_never_came_true_is_no_evidence(
    store: SqlStore, head_file: Path
) -> None:
    await append(store, 2)
    await HeadFile(head_file).announce(Head(3, "a" * 64))
    cut_short(head_file)

    await append(store, 2)

    head = await store.audit_head()
    assert await store.verify_audit() == Verified(4, head.hash)
    assert (await HeadFile(head_file).confirmed())[-1] == head


async def test_without_its_head_file_nothing_is_committed(
    store: SqlStore, head_file: Path
) -> None:
    put_in_the_way(head_file)

    with pytest.raises(StoreError):
        await append(store, 1)
    with pytest.raises(StoreError):
        await store.verify_audit()

    assert (await store.audit_head()).seq == 0
    take_away(head_file)
    await append(store, 1)
    assert isinstance(await store.verify_audit(), Verified)


async def test_a_head_that_cannot_be_confirmed_is_told_and_stays_committed(
    database: Database, head_file: Path
) -> None:
    class Vanishing(HeadFile):
        @override
        async def confirm(self, head: Head) -> None:
            raise OSError

    database.terms = replace(database.terms, head_file=Vanishing(head_file))
    store = SqlStore(database)

    with capture_logs() as lines:
        await append(store, 1)

    assert lines[-1]["event"] == "audit head not confirmed"
    assert (await store.audit_head()).seq == 1


async def test_an_audit_without_a_head_file_is_verified_by_its_head(
    tmp_path: Path, clock: FakeClock
) -> None:
    async with (
        fresh_url("sqlite", tmp_path) as url,
        opened(url, clock=clock) as database,
    ):
        await database.migrate()
        store = SqlStore(database)
        await append(store, 2)

        assert await store.verify_audit() == Verified(2, (await store.audit_head()).hash)


async def test_what_is_cut_is_gone_and_the_rest_is_proved(
    store: SqlStore, database: Database
) -> None:
    await append(store, 9)
    rows = [row async for row in store.audit_rows()]

    await store.cut_audit(Head(4, rows[3].hash))
    once = await store.verify_audit()
    await append(store, 3)
    await store.cut_audit(Head(8, rows[7].hash))

    head = await store.audit_head()
    assert once == Verified(10, once.head_hash if isinstance(once, Verified) else "", 4)
    assert await store.verify_audit() == Verified(14, head.hash, 8)
    left = [row async for row in store.audit_rows()]
    assert [row.seq for row in left] == [9, 10, 11, 12, 13, 14]
    assert exported(left[-1])["what"] == "audit cut"
    assert exported(left[-1])["details"] == {"seq": 8, "hash": rows[7].hash}


async def test_only_what_is_old_is_cut_and_never_the_last_line(
    store: SqlStore, clock: FakeClock
) -> None:
    await append(store, 3)
    clock.advance(3600)
    await append(store, 2)
    rows = [row async for row in store.audit_rows()]

    assert await store.audit_end_before(START) is None
    hour_later = await store.audit_end_before(START + timedelta(seconds=1800))
    assert hour_later == Head(3, rows[2].hash)
    everything = await store.audit_end_before(START + timedelta(days=9))
    assert everything == Head(4, rows[3].hash)


async def test_behind_the_checkpoint_nothing_can_be_deleted(
    store: SqlStore, database: Database
) -> None:
    await append(store, 5)
    rows = [row async for row in store.audit_rows()]
    await store.cut_audit(Head(3, rows[2].hash))

    for statement in (
        "DELETE FROM audit WHERE seq = 4",
        "DELETE FROM audit",
        "UPDATE audit SET at = 0",
    ):
        with pytest.raises(StoreError):
            await execute(database, statement)

    assert isinstance(await store.verify_audit(), Verified)


@pytest.mark.parametrize(
    ("statements", "broken"),
    [
        # A checkpoint that the chain does not tell of.
        (
            [
                "INSERT INTO audit_checkpoint SELECT seq, hash, at FROM audit WHERE seq = 6",
                "DELETE FROM audit WHERE seq <= 6",
            ],
            Broken(6, Flaw.CUT, 10),
        ),
        (["UPDATE audit_checkpoint SET hash = 'f'"], Broken(3, Flaw.CHANGED, 3)),
        (["DELETE FROM audit_checkpoint"], Broken(1, Flaw.MISSING, 0)),
    ],
)
async def test_a_checkpoint_that_was_forged_is_found(
    store: SqlStore, database: Database, statements: list[str], broken: Broken
) -> None:
    await append(store, 9)
    rows = [row async for row in store.audit_rows()]
    await store.cut_audit(Head(3, rows[2].hash))
    assert isinstance(await store.verify_audit(), Verified)

    await execute(database, *statements)

    assert await store.verify_audit() == broken


async def test_a_checkpoint_must_agree_with_the_head_file(
    store: SqlStore, database: Database, head_file: Path
) -> None:
    await append(store, 4)
    rows = [row async for row in store.audit_rows()]
    await store.cut_audit(Head(2, rows[1].hash))
    confirm(head_file, Head(2, "f" * 64))

    assert await store.verify_audit() == Broken(2, Flaw.CHANGED, 2)


HARMS = (
    (
        "UPDATE audit SET event = event || ' ' WHERE seq = PLACE",
        "UPDATE audit SET event = rtrim(event) WHERE seq = PLACE",
        Flaw.CHANGED,
    ),
    (
        "UPDATE audit SET seq = seq + 5000 WHERE seq = PLACE",
        "UPDATE audit SET seq = seq - 5000 WHERE seq = PLACE + 5000",
        Flaw.MISSING,
    ),
    (
        "UPDATE audit SET seq = seq + 5000 WHERE seq >= PLACE",
        "UPDATE audit SET seq = seq - 5000 WHERE seq > 5000",
        Flaw.MISSING,
    ),
)


async def test_any_of_a_thousand_rows_in_the_database_is_named(
    store: SqlStore, database: Database
) -> None:
    await append(store, 10, each=100)
    await disarm_audit(database)
    random = Random(7)  # noqa: S311 - to be repeated, not to be secret

    for place in random.sample(range(2, 1000), 12):
        for harm, mend, flaw in HARMS:
            await execute(database, harm.replace("PLACE", str(place)))
            found = await store.verify_audit()
            await execute(database, mend.replace("PLACE", str(place)))

            assert found == Broken(place, flaw, place - 1)
    assert isinstance(await store.verify_audit(), Verified)
