"""Two looks at the same kind: what happened is told once, fully, and by whom, and nothing else."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from bot.domain.kinds.exchange import EXCHANGE, STATUSES
from bot.domain.operation import Actor, ItemResult, Observation, Operation, Result, State
from bot.domain.plan import Item, Plan
from bot.domain.resource import Effect, Severity, Values
from bot.domain.watch import BAD, Event, Happening, Look, Snapshot, diff

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
RECENT = "2026-11-21T08:55:00.1234567Z"
LONG_AGO = "2026-11-01T08:55:00Z"


def record(key: str = "a", **changes: str | None) -> dict[str, str | None]:
    return {
        "id": key,
        "serverName": f"EXCH {key}",
        "status": "connected",
        "exchangeConnectorType": "hosted",
        "lastSyncDateTime": RECENT,
        "version": "1.0",
        **changes,
    }


def look(*records: Values, at: datetime = LATER, is_cut: bool = False) -> Look:
    return Look(records, at, is_cut)


def seen(*records: Values) -> Snapshot:
    return diff(EXCHANGE, None, look(*records, at=NOW))[0]


def between(
    old: Mapping[str, str | None], new: Mapping[str, str | None], *deeds: Operation
) -> list[Event]:
    return list(diff(EXCHANGE, seen(dict(old)), look(dict(new)), deeds)[1])


def deed(effect: Effect, verb: str, **changes: object) -> Operation:
    plan = Plan(
        kind="exchange",
        verb=verb,
        effect=effect,
        target_id="a",
        target_name="EXCH a",
        changes=(),
        body={"version": "2.0"},
        before=None,
    )
    operation = Operation(
        id="O" * 26,
        short="OOOO",
        state=State.DONE,
        command="/exchange …",
        plan=plan,
        actor=Actor("t", "o", "Oli"),
        conversation="19:ops@thread.tacv2",
        created_at=NOW,
        updated_at=NOW,
    )
    fields = {k: v for k, v in changes.items() if k in {"state", "result"}}
    rest = {k: v for k, v in changes.items() if k not in fields}
    return replace(operation, plan=replace(plan, **rest), **fields)  # type: ignore[arg-type]  # fields of both


def happenings(events: list[Event]) -> list[Happening]:
    return [event.happening for event in events]


@pytest.mark.parametrize(
    ("before", "after", "wanted", "severity"),
    [
        ("connected", "disconnected", [Happening.BROKE], Severity.CRITICAL),
        ("connected", "connectionPending", [Happening.BROKE], Severity.WARNING),
        ("connectionPending", "disconnected", [Happening.BROKE], Severity.CRITICAL),
        ("disconnected", "connectionPending", [Happening.EASED], Severity.WARNING),
        ("disconnected", "connected", [Happening.RECOVERED], Severity.CRITICAL),
        ("disconnected", "none", [Happening.RECOVERED], Severity.CRITICAL),
        ("connected", "none", [], None),
        ("connected", "somethingNew", [Happening.BROKE], Severity.WARNING),
        ("disconnected", "disconnected", [], None),
    ],
)
def test_a_status_that_turns_is_told_with_how_bad_it_is(
    before: str, after: str, wanted: list[Happening], severity: Severity | None
) -> None:
    events = between(record(status=before), record(status=after))

    assert happenings(events) == wanted
    assert [event.severity for event in events] == ([severity] if severity else [])


def test_silence_is_told_once_and_its_end_once() -> None:
    fresh, old = record(), record(lastSyncDateTime=LONG_AGO)

    assert happenings(between(fresh, old)) == [Happening.STALE]
    assert happenings(between(old, old)) == []
    assert happenings(between(old, fresh)) == [Happening.SEEN]


def test_a_record_grows_stale_by_time_alone() -> None:
    after = Look((record(),), NOW + EXCHANGE.stale_after + timedelta(hours=1))

    events = diff(EXCHANGE, seen(record()), after)[1]

    assert happenings(list(events)) == [Happening.STALE]


def test_a_record_that_was_never_seen_has_its_time_before_it_is_stale() -> None:
    never = record(lastSyncDateTime="0001-01-01T00:00:00Z")
    first, events = diff(EXCHANGE, seen(), look(never))
    late = LATER + EXCHANGE.stale_after + timedelta(seconds=1)

    assert [e.happening for e in events] == [Happening.APPEARED]
    assert [e.happening for e in diff(EXCHANGE, first, look(never, at=late))[1]] == [
        Happening.STALE
    ]


def test_the_first_look_knows_what_is_wrong_and_calls_nothing_new() -> None:
    events = diff(EXCHANGE, None, look(record(), record("b", status="disconnected")))[1]

    assert [(e.happening, e.record_id) for e in events] == [(Happening.BROKE, "b")]


def test_what_somebody_else_changed_is_told_property_by_property() -> None:
    (event,) = between(
        record(version="1.0", exchangeAlias="x"), record(version="9", exchangeAlias=None)
    )

    assert event.happening is Happening.CHANGED
    assert event.operation is None
    assert {(c.name, c.before, c.after) for c in event.differences} == {
        ("version", "1.0", "9"),
        ("exchangeAlias", "x", None),
    }


def test_what_the_bot_changed_names_its_operation_and_nothing_else() -> None:
    (event,) = between(record(), record(version="2.0"), deed(Effect.UPDATE, "update"))

    assert (event.operation, event.where) == ("OOOO", "19:ops@thread.tacv2")
    assert event.severity is Severity.NEUTRAL


def test_what_the_bot_did_not_set_is_told_apart_from_what_it_did() -> None:
    events = between(
        record(), record(version="2.0", exchangeAlias="other"), deed(Effect.UPDATE, "update")
    )

    assert [(e.operation, [c.name for c in e.differences]) for e in events] == [
        (None, ["exchangeAlias"]),
        ("OOOO", ["version"]),
    ]


def test_a_change_over_the_bots_own_is_somebody_elses() -> None:
    (event,) = between(record(), record(version="3.0"), deed(Effect.UPDATE, "update"))

    assert event.operation is None


@pytest.mark.parametrize("state", [State.WAITING, State.REJECTED, State.STALE, State.APPROVED])
def test_an_operation_that_never_ran_explains_nothing(state: State) -> None:
    (event,) = between(record(), record(version="2.0"), deed(Effect.UPDATE, "update", state=state))

    assert event.operation is None


@pytest.mark.parametrize(
    ("state", "code", "is_ours"),
    [
        (State.FAILED, "graph", False),
        (State.FAILED, "paused", False),
        (State.FAILED, "unseen", False),
        (State.FAILED, "not-applied", True),
        (State.UNKNOWN, "unseen", True),
        (State.EXECUTING, "", True),
    ],
)
def test_an_operation_explains_only_what_it_may_have_done(
    state: State, code: str, *, is_ours: bool
) -> None:
    ended = deed(Effect.UPDATE, "update", state=state, result=Result(code=code))

    (event,) = between(record(), record(version="2.0"), ended)

    assert (event.operation is not None) is is_ours


def test_a_volatile_property_is_no_change() -> None:
    assert between(record(), record(lastSyncDateTime="2026-11-21T08:59:00Z")) == []


def test_arrivals_and_removals_are_told_and_the_bots_own_are_named() -> None:
    made = deed(Effect.CREATE, "create", target_id=None, result=Result(target_id="b"))
    gone = deed(Effect.DELETE, "delete", body=None)

    after, events = diff(EXCHANGE, seen(record()), look(record("b"), record("c")), (made, gone))

    assert [(e.happening, e.record_id, e.operation) for e in events] == [
        (Happening.APPEARED, "b", "OOOO"),
        (Happening.APPEARED, "c", None),
        (Happening.REMOVED, "a", "OOOO"),
    ]
    assert set(after.tracks) == {"b", "c"}


def test_a_deletion_of_many_by_the_bot_is_named_for_each_that_it_may_have_deleted() -> None:
    ends = {"a": (State.DONE, ""), "b": (State.EXECUTING, ""), "c": (State.FAILED, "graph")}
    many = deed(
        Effect.DELETE,
        "delete",
        target_id=None,
        body=None,
        items=tuple(Item(key, f"EXCH {key}", {}) for key in "abcd"),
        result=Result(items=tuple(ItemResult(key, key, *end) for key, end in ends.items())),
    )
    before = seen(*(record(key) for key in "abcd"))

    missing, first = diff(EXCHANGE, before, look(), (many,))
    second = diff(EXCHANGE, missing, look(), (many,))[1]

    assert [(e.record_id, e.operation) for e in first] == [("a", "OOOO"), ("b", "OOOO")]
    assert [(e.record_id, e.operation) for e in second] == [("c", None), ("d", None)]


def test_a_list_that_was_cut_removes_nothing_and_afterwards_adds_nothing() -> None:
    cut, events = diff(EXCHANGE, seen(record(), record("b")), look(record(), is_cut=True))
    assert events == ()

    assert diff(EXCHANGE, cut, look(record(), record("b")))[1] == ()


def test_a_sync_of_the_bot_is_told_as_seen_or_as_not_seen() -> None:
    sync = deed(Effect.ACT, "sync", body={"syncType": "fullSync"})
    moved = between(record(), record(lastSyncDateTime="2026-11-21T08:59:00Z"), sync)
    unmoved = Result(observation=Observation.UNMOVED)
    still = replace(deed(Effect.ACT, "sync", body=None, result=unmoved), updated_at=LATER)

    assert happenings(moved) == [Happening.SYNCED]
    assert happenings(between(record(), record(), still)) == [Happening.UNSYNCED]


@pytest.mark.parametrize("moves", [True, False])
def test_how_a_sync_turned_out_is_told_by_one_look(*, moves: bool) -> None:
    result = Result() if moves else Result(observation=Observation.UNMOVED)
    sync = replace(deed(Effect.ACT, "sync", body=None, result=result), updated_at=LATER)
    snapshot, told = seen(record()), []
    for minutes in (5, 6, 7):
        at = NOW + timedelta(minutes=minutes)
        last = f"2026-11-21T09:0{minutes - 2}:00Z" if moves else RECENT
        snapshot, events = diff(
            EXCHANGE, snapshot, look(record(lastSyncDateTime=last), at=at), (sync,)
        )
        told += happenings(list(events))

    assert told == [Happening.SYNCED if moves else Happening.UNSYNCED]


def test_a_cut_list_forgets_nothing_that_it_does_not_show() -> None:
    broken = record("b", status="disconnected")
    cut, _ = diff(EXCHANGE, seen(record(), broken), look(record(), is_cut=True))
    again = diff(EXCHANGE, cut, look(record(), broken))[1]
    well = diff(EXCHANGE, cut, look(record(), record("b")))[1]

    assert again == ()
    assert happenings(list(well)) == [Happening.RECOVERED]


WORLDS = st.dictionaries(
    st.sampled_from("abcd"),
    st.tuples(
        st.sampled_from([*STATUSES, "odd", None]),
        st.sampled_from([RECENT, LONG_AGO, None, "0001-01-01T00:00:00Z"]),
        st.sampled_from(["1", "2", None]),
    ),
)


def records(world: Mapping[str, tuple[str | None, str | None, str | None]]) -> list[Values]:
    return [
        record(key, status=status, lastSyncDateTime=last, version=version)
        for key, (status, last, version) in sorted(world.items())
    ]


@given(st.lists(WORLDS, min_size=1, max_size=6))
def test_no_event_without_a_change_and_no_change_without_an_event(
    worlds: list[Mapping[str, tuple[str | None, str | None, str | None]]],
) -> None:
    snapshot: Snapshot | None = None
    for number, world in enumerate(worlds):
        at = NOW + timedelta(minutes=number)
        before = snapshot
        first, events = diff(EXCHANGE, before, look(*records(world), at=at))
        # What is gone is told by the look after the one that missed it.
        snapshot, confirmed = diff(EXCHANGE, first, look(*records(world), at=at))
        assert {event.happening for event in confirmed} <= {Happening.REMOVED}
        assert diff(EXCHANGE, snapshot, look(*records(world), at=at))[1] == ()
        told = {event.record_id for event in (*events, *confirmed)}
        if before is None:
            continue
        for key in {*before.tracks, *snapshot.tracks}:
            old, new = before.tracks.get(key), snapshot.tracks.get(key)
            is_same = (
                old is not None
                and new is not None
                and _matters(old.values) == _matters(new.values)
                and old.is_stale == new.is_stale
            )
            assert (key in told) is not is_same, key


def test_a_single_short_answer_removes_nothing() -> None:
    everything = [record(str(number)) for number in range(20)]
    first, _ = diff(EXCHANGE, None, look(*everything))
    short, missed = diff(EXCHANGE, first, look())
    after, found = diff(EXCHANGE, short, look(*everything))

    assert (missed, found) == ((), ())
    assert after.tracks == first.tracks
    assert all(track.is_missing for track in short.tracks.values())


def _matters(values: Values) -> tuple[object, ...]:
    """Return what people would call a change: a turn between or within bad, or another version."""
    severity = EXCHANGE.severity_of(values)
    return (values.get("status") if severity in BAD else "well", values.get("version"))
