"""Doing one thing to many, taking it back, changing one's mind, and everybody's own view of it."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.operation import Operation
from bot.sandbox.faults import Fault, FaultKind
from bot.sandbox.terminal import buttons_of, press_of
from cards import signs, words
from tests.support.room import policy
from tests.support.stage import POLICY, Script, Stage, joined, staged, text_of

APPROVAL = """
[[approval]]
commands  = ["exchange:update", "exchange:delete"]
approvers = ["admin"]
needed    = 1
expires   = "4h"
"""
LIMIT = "\n[limits]\nbulk = 3\n"
CONNECTORS = "/deviceManagement/exchangeConnectors"


def headline(said: str) -> tuple[str, str]:
    """Return what a write does, and the word for where it stands."""
    _, _, title = said.splitlines()[0].partition(" ")
    what, _, word = title.rpartition(" \N{EN DASH} ")
    return what, word


def paths(stage: Stage, *names: str, suffix: str = "") -> list[str]:
    return sorted(f"{CONNECTORS}/{stage.world.id_of(name)}{suffix}" for name in names)


async def test_a_filter_syncs_every_connector_it_fits_and_tells_each_result(
    any_stage: Stage,
) -> None:
    said = await any_stage.sees("oli", "/exchange sync --status connected")

    assert sorted(path for _, path in any_stage.graph_writes()) == paths(
        any_stage, "EXCH01", "EXCH 04", "EXCH05", suffix="/sync"
    )
    assert headline(said) == ("Sync 3 Exchange connectors", "done")
    assert [said.count(name) for name in ("EXCH01", "EXCH 04", "EXCH05", "EXCH02")] == [1, 1, 1, 0]
    assert len(any_stage.messages()) == 1


async def test_a_plan_for_many_names_its_targets_and_changes_nothing(stage: Stage) -> None:
    said = await stage.sees("ada", "/exchange delete --stale 400d --plan")

    assert "Plan: Delete 1 Exchange connector" in said
    assert "EXCH 04" in said
    assert stage.graph_writes() == []


def twins(stage: Stage) -> list[str]:
    """Let there be two connectors of one name; return the starts of their ids."""
    for number in (1, 2):
        twin = {"id": f"{number}e11a0de-0000-4000-8000-000000000001", "serverName": "EXCH 09"}
        stage.world.connectors.add({"status": "disconnected", **twin})
    return ["1e11a0de", "2e11a0de"]


async def test_two_of_one_name_are_told_apart_on_every_card_that_lists_them(
    tmp_path: Path,
) -> None:
    script = Script(policy=POLICY + APPROVAL.replace("exchange:update", "exchange:sync"))
    async with staged(tmp_path, script) as stage:
        starts = twins(stage)
        listed = [await stage.sees("ada", text) for text in ("/exchange list", "/status")]
        plan = await stage.sees("ada", '/exchange delete --serverName "EXCH 09" --plan')
        consent = await stage.sees("oli", '/exchange sync --serverName "EXCH 09"')
        (asked,) = await operations(stage)
        await stage.says("ada", f"/approve {asked.short}")
        done = next(said for said in stage.shown() if headline(said)[0] == headline(consent)[0])

    assert headline(done)[1] == "done"
    for said in (*listed, plan, consent, done):
        assert [said.count(f"EXCH 09  ·  {start}") for start in starts] == [1, 1]
    assert "EXCH01  ·" not in listed[0]


async def test_a_list_points_at_one_of_two_of_one_name_by_its_id(stage: Stage) -> None:
    first, second = twins(stage)
    said = await stage.sees("vic", '/exchange list --serverName "EXCH 09"')
    (hint,) = [line for line in said.splitlines() if "/exchange get" in line]
    shown = await stage.sees("vic", hint)

    assert hint in {f"/exchange get {first}", f"/exchange get {second}"}
    assert hint.split()[-1] in shown
    assert "More than one" not in shown


async def test_of_two_whose_ids_begin_alike_the_whole_ids_are_shown(stage: Stage) -> None:
    made = [stage.world.connectors.add({"serverName": "EXCH 09"})["id"] for _ in range(2)]
    said = await stage.sees("ada", '/exchange delete --serverName "EXCH 09" --plan')

    assert all(f"EXCH 09  ·  {record_id}" in said for record_id in made)


async def test_what_was_never_seen_is_not_deleted_for_its_age(stage: Stage) -> None:
    stale = paths(stage, "EXCH 04")

    await stage.says("ada", "/exchange delete --stale 400d")

    assert [path for _, path in stage.graph_writes()] == stale


async def test_above_the_limit_an_administrator_decides_what_operators_decide_for_one(
    tmp_path: Path, database: str
) -> None:
    rules = policy(approvers='"operator"', commands='"exchange:sync"') + LIMIT
    async with staged(tmp_path, Script(policy=rules, database_url=database)) as stage:
        await stage.says("oli", "/exchange sync --all")
        (asked,) = await stage.bot.store.operations(tenant=None, target=None, offset=0, limit=1)
        listed = await stage.sees("ada", "/approvals")
        await stage.says("ada", f"/approve {asked.short}")

        assert "/exchange sync --all" in listed
        assert len(stage.graph_writes()) == 5


@pytest.mark.parametrize("verb", ["delete", "sync"])
@pytest.mark.parametrize("age", ["400", "400days", "400w", "2years"])
async def test_an_age_that_cannot_be_read_chooses_nothing(
    stage: Stage, verb: str, age: str
) -> None:
    said = await stage.sees("ada", f"/exchange {verb} --stale {age}")

    assert f"{age} is not a length of time" in said
    assert stage.graph_writes() == []


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("/exchange sync", "Ask for a sync and watch whether it happens"),
        ("/exchange sync EXCH01 --all", "One or many"),
        ("/exchange sync --serverName nobody", "Nothing to do"),
    ],
)
async def test_a_choice_that_says_nothing_or_too_much_starts_nothing(
    stage: Stage, text: str, title: str
) -> None:
    assert title in await stage.sees("ada", text)
    assert stage.graph_writes() == []


async def test_one_target_that_fails_does_not_stop_the_others(any_stage: Stage) -> None:
    broken = any_stage.world.id_of("EXCH05")
    any_stage.sandbox.graph.faults.add(
        Fault(kind=FaultKind.STATUS, path=f"{broken}/sync$", status=403, times=None)
    )

    said = await any_stage.sees("oli", "/exchange sync --status connected")

    rows = [line for line in said.splitlines() if line.startswith(("EXCH01", "EXCH 04", "EXCH05"))]
    assert ["failed" in row for row in sorted(rows)] == [False, False, True]
    assert "Not every target was changed as asked" in said


async def test_a_delete_of_many_that_are_all_seen_gone_is_confirmed(any_stage: Stage) -> None:
    said = await any_stage.sees("ada", "/exchange delete --status connected")

    assert words.STATES["done:confirmed"][1] in " ".join(said.split())
    assert words.STEPS_TAKEN["observed"] in said


def refuse(stage: Stage, *names: str) -> None:
    """Let Graph refuse whatever is asked of these connectors, but to show them."""
    for name in names:
        for method in ("POST", "DELETE"):
            path = stage.world.id_of(name)
            fault = Fault(kind=FaultKind.STATUS, path=path, method=method, status=403, times=None)
            stage.sandbox.graph.faults.add(fault)


def sign(said: str) -> str:
    """Return the sign at the head of a card."""
    return said.partition(" ")[0]


@pytest.mark.parametrize("verb", ["sync", "delete"])
async def test_many_of_which_some_failed_are_done_in_part_on_the_card_and_in_the_history(
    any_stage: Stage, verb: str
) -> None:
    refuse(any_stage, "EXCH05")
    said = await any_stage.sees("ada", f"/exchange {verb} --status connected")
    (asked,) = await operations(any_stage)
    history = " ".join((await any_stage.sees("vic", "/history")).split())
    again = " ".join((await any_stage.sees("ada", f"/again {asked.short}")).split())

    assert headline(said)[1] == "done in part, 2 of 3"
    assert sign(said) == signs.WARNED
    assert words.OUTCOMES["some-failed"] in " ".join(said.split())
    assert words.STATES["done:confirmed"][1] not in " ".join(said.split())
    assert f"{signs.WARNED} done in part, 2 of 3" in history
    assert f'Operation {asked.short} is marked "done in part, 2 of 3"' in again


async def test_many_of_which_one_failed_are_watched_in_part_until_the_others_have_moved(
    any_stage: Stage,
) -> None:
    any_stage.world.connectors.action_delay = timedelta(minutes=3)
    refuse(any_stage, "EXCH05")
    watched = await any_stage.sees("oli", "/exchange sync --status connected")
    any_stage.clock.move(minutes=4)
    await any_stage.settle()

    assert headline(watched)[1] == "accepted in part, watching, 2 of 3"
    assert headline(any_stage.shown()[0])[1] == "done in part, 2 of 3"


async def test_what_was_accepted_and_never_seen_to_happen_is_not_counted_as_done(
    stage: Stage,
) -> None:
    stage.world.connectors.action_delay = None
    refuse(stage, "EXCH05")
    await stage.says("oli", "/exchange sync --status connected")
    stage.clock.move(hours=1)
    await stage.settle()
    said = stage.shown()[0]

    assert headline(said)[1] == "accepted, not seen to happen, 2 of 3"
    assert f"{signs.WARNED} accepted, not seen to happen" in rows_of(said)["EXCH01"]


async def test_who_asked_is_told_that_what_was_approved_is_done_in_part(
    tmp_path: Path, database: str
) -> None:
    rules = POLICY + APPROVAL.replace("exchange:update", "exchange:sync")
    async with staged(tmp_path, Script(policy=rules, database_url=database)) as stage:
        refuse(stage, "EXCH01", "EXCH05")
        await stage.says("oli", "/exchange sync --status connected")
        (asked,) = await operations(stage)
        await stage.says("ada", f"/approve {asked.short}")
        late = " ".join((await stage.sees("ada", f"/approve {asked.short}")).split())
        told = next(said for said in stage.shown() if words.NOTICES["decided-partly"][0] in said)

        assert "Oli Operator: Sync 3 Exchange connectors was approved by Ada Admin" in told
        assert "carried out for 1 of 3 only" in " ".join(told.split())
        assert sign(told) == signs.WARNED
        assert f'Operation {asked.short} is marked "done in part, 1 of 3"' in late


async def test_a_delete_of_many_fails_when_none_succeeded(stage: Stage) -> None:
    stage.sandbox.graph.faults.add(
        Fault(kind=FaultKind.STATUS, method="DELETE", status=403, times=None)
    )

    said = await stage.sees("ada", "/exchange delete --status connected")

    assert headline(said) == ("Delete 3 Exchange connectors", "failed")


async def test_many_syncs_are_watched_until_the_last_has_moved(any_stage: Stage) -> None:
    any_stage.world.connectors.action_delay = timedelta(minutes=3)
    said = await any_stage.sees("oli", "/exchange sync --status connected")

    any_stage.clock.move(minutes=4)
    await any_stage.settle()

    assert "watching" in said
    assert headline(any_stage.shown()[0]) == ("Sync 3 Exchange connectors", "done")


async def test_many_syncs_that_never_move_are_not_called_done(any_stage: Stage) -> None:
    any_stage.world.connectors.action_delay = None
    await any_stage.says("oli", "/exchange sync --status connected")

    any_stage.clock.move(hours=1)
    await any_stage.settle()

    assert "not seen to happen" in any_stage.shown()[0]


async def test_above_the_limit_an_administrator_votes(tmp_path: Path, database: str) -> None:
    async with staged(tmp_path, Script(policy=POLICY + LIMIT, database_url=database)) as stage:
        waiting = await stage.sees("oli", "/exchange sync --all")
        before = stage.graph_writes()
        await stage.presses("ada", "Approve")

        assert "waiting for approval" in waiting
        assert before == []
        assert len(stage.graph_writes()) == 5


async def test_a_batch_goes_on_where_its_bot_was_stopped(tmp_path: Path, database: str) -> None:
    script = Script(database_url=database, lease_s=2)
    async with staged(tmp_path, script) as first:
        third = first.world.id_of("EXCH05")
        hang = Fault(kind=FaultKind.HANG_AFTER, path=f"{third}/sync$")
        first.sandbox.graph.faults.add(hang)
        await first.post(first.activity("oli", "/exchange sync --status connected"))
        await first.sandbox.graph.faults.wait_until_paused()
        await first.bot.runner.stop(0)
        first.sandbox.graph.faults.release()
        first.clock.move(minutes=1)
        async with joined(tmp_path, script, first.clock, first.sandbox, first.world) as second:
            await second.settle()

            synced = [path for _, path in second.graph_writes()]
            assert sorted(synced) == paths(second, "EXCH01", "EXCH 04", "EXCH05", suffix="/sync")
            assert headline(second.shown()[0]) == ("Sync 3 Exchange connectors", "done")


async def test_a_batch_taken_over_from_a_frozen_bot_sends_nothing_twice(
    tmp_path: Path, database: str
) -> None:
    script = Script(database_url=database)
    async with staged(tmp_path, script) as first:
        first.sandbox.graph.faults.add(Fault(kind=FaultKind.HANG, path="/sync$"))
        await first.post(first.activity("oli", "/exchange sync --status connected"))
        await first.sandbox.graph.faults.wait_until_paused()
        first.clock.move(seconds=31)
        async with joined(tmp_path, script, first.clock, first.sandbox, first.world) as second:
            (taken_over,) = await operations(second)
            first.sandbox.graph.faults.release()
            await first.settle()

            synced = [path for _, path in first.graph_writes()]
            states = [item.state.value for item in taken_over.result.items]
            assert sorted(synced) == paths(first, "EXCH01", "EXCH 04", "EXCH05", suffix="/sync")
            assert states == ["unknown", "done", "done"]
            assert (await operations(second))[0].result.items == taken_over.result.items


async def operations(stage: Stage) -> Sequence[Operation]:
    """Return what was asked for, newest first."""
    return await stage.bot.store.operations(tenant=None, target=None, offset=0, limit=9)


def rows_of(said: str) -> dict[str, str]:
    """Return what the card of a sync of the three connected ones says of each, and why."""
    text = " ".join(said.split())
    places = {name: text.index(name) for name in ("EXCH01", "EXCH 04", "EXCH05")}
    order = sorted(places.values())
    ends = dict(zip(order, [*order[1:], len(text)], strict=True))
    return {name: text[at : ends[at]] for name, at in places.items()}


async def hang_on_the_second(stage: Stage) -> list[str]:
    """Wait until Graph hangs on the second target; return the order of all of them by name."""
    await stage.sandbox.graph.faults.wait_until_paused()
    (operation,) = await operations(stage)
    assert [item.state.value for item in operation.result.items] == ["done", "executing"]
    return [item.target_name for item in operation.plan.items]


async def test_a_pause_in_the_middle_of_many_lets_the_rest_alone_and_says_so(
    any_stage: Stage,
) -> None:
    faults = any_stage.sandbox.graph.faults
    faults.add(Fault(kind=FaultKind.HANG, path="/sync$", skip=1))
    await any_stage.post(any_stage.activity("oli", "/exchange sync --status connected"))
    first, second, third = await hang_on_the_second(any_stage)
    paused = await any_stage.post(any_stage.activity("ada", "/pause"))
    faults.release()
    await any_stage.settle()
    said = any_stage.shown()[0]
    await any_stage.says("ada", "/resume")
    any_stage.clock.move(minutes=20)
    await any_stage.settle()

    rows = rows_of(said)
    assert paused.status_code == 202
    assert [path for _, path in any_stage.graph_writes()] == [
        f"{CONNECTORS}/{any_stage.world.id_of(name)}/sync" for name in (first, second)
    ]
    assert words.OUTCOMES["paused"] in rows[third]
    assert "not sent" in rows[third]
    assert "waits" not in said
    assert not any("failed" in rows[name] for name in (first, second))
    assert words.OUTCOMES["some-failed"] in said


async def test_a_deadline_in_the_middle_of_many_lets_the_rest_alone_and_says_so(
    tmp_path: Path, database: str
) -> None:
    policy = POLICY + APPROVAL.replace('"exchange:delete"', '"exchange:sync"')
    script = Script(policy=policy, database_url=database, lease_s=7200)
    async with staged(tmp_path, script) as stage:
        await stage.says("oli", "/exchange sync --status connected")
        faults = stage.sandbox.graph.faults
        faults.add(Fault(kind=FaultKind.HANG, path="/sync$", skip=1))
        await stage.post(stage.activity("ada", "/approve 0004"))
        first, second, third = await hang_on_the_second(stage)
        stage.clock.move(hours=1)
        faults.release()
        await stage.settle()

        rows = rows_of(stage.shown()[0])
        assert [path for _, path in stage.graph_writes()] == [
            f"{CONNECTORS}/{stage.world.id_of(name)}/sync" for name in (first, second)
        ]
        assert words.OUTCOMES["execute-late"] in rows[third]
        assert "not sent" in rows[third]
        assert not any("failed" in rows[name] for name in (first, second))


@pytest.mark.parametrize("is_by_id", [False, True])
async def test_the_history_of_a_record_has_what_was_done_to_it_among_many(
    any_stage: Stage, *, is_by_id: bool
) -> None:
    await any_stage.says("oli", "/exchange sync --status connected")
    names = {name: any_stage.world.id_of(name) for name in ("EXCH01", "EXCH05", "EXCH02")}
    found = [
        await any_stage.sees("vic", f"/history {record_id if is_by_id else name.lower()}")
        for name, record_id in names.items()
    ]

    assert ["/exchange sync --status connected" in said for said in found] == [True, True, False]


async def test_the_history_of_a_record_follows_a_revision_of_many(
    tmp_path: Path, database: str
) -> None:
    policy = POLICY + APPROVAL
    async with staged(tmp_path, Script(policy=policy, database_url=database)) as stage:
        await stage.says("ada", "/exchange delete --status connected")
        await stage.says("ada", "/exchange delete --serverName EXCH02 --revise 0004")

        assert "/exchange delete" in await stage.sees("vic", "/history EXCH02")
        assert "/exchange delete" not in await stage.sees("vic", "/history EXCH05")


async def test_an_update_is_undone_by_its_button(any_stage: Stage) -> None:
    await any_stage.says("ada", "/exchange update EXCH01 version=16")
    said = (await any_stage.presses("ada", "Undo")).cards[-1]

    record = any_stage.world.connectors.get(any_stage.world.id_of("EXCH01"))
    assert record["version"] == "15.2.1118.7"
    assert "undo of 0004" in str(said)


async def test_a_delete_is_undone_under_a_new_id_that_is_named(stage: Stage) -> None:
    old = stage.world.id_of("EXCH05")
    await stage.says("ada", "/exchange delete EXCH05")
    said = await stage.sees("ada", "/undo 0004")

    new = stage.world.id_of("EXCH05")
    assert new != old
    assert new in said


@pytest.mark.parametrize(
    ("text", "then"),
    [
        ("/exchange delete EXCH05", "Undone already"),
        ("/exchange update EXCH01 version=16", "EXCH01 already looks like that"),
    ],
)
async def test_an_operation_is_undone_once_however_often_it_is_pressed(
    any_stage: Stage, text: str, then: str
) -> None:
    await any_stage.says("ada", text)
    (done,) = any_stage.messages()
    button = press_of(done.card or {}, "Undo")
    assert button is not None
    teams, root = any_stage.sandbox.teams(), done.conversation.partition(";messageid=")[2]
    presses = [
        teams.press(
            any_stage.chat.people["ada"],
            any_stage.world.channel,
            done.id,
            button["data"],
            button["verb"],
            thread_root=root,
        )
        for _ in range(3)
    ]
    await asyncio.gather(*(any_stage.post(press) for press in presses[:2]))
    await any_stage.settle()
    await any_stage.post(presses[2])
    typed = await any_stage.sees("ada", f"/undo {(await operations(any_stage))[-1].short}")

    assert len(any_stage.graph_writes()) == 2
    assert then in typed


async def test_a_create_is_undone_by_deleting_what_was_created(stage: Stage) -> None:
    await stage.says("ada", "/exchange create serverName=EXCH09")
    await stage.says("ada", "/undo 0004")

    assert stage.graph_writes()[-1][0] == "DELETE"
    assert "EXCH09" not in str(stage.world.connectors.records)


@pytest.mark.parametrize(
    ("before", "undo", "title"),
    [
        ("/exchange sync EXCH01", "/undo 0004", "Cannot be undone"),
        ("/exchange delete --status connected", "/undo 0004", "Cannot be undone"),
        ("/exchange list", "/undo ZZZZ", "No such operation"),
    ],
)
async def test_what_has_no_opposite_is_not_undone_nor_offered(
    stage: Stage, before: str, undo: str, title: str
) -> None:
    await stage.says("ada", before)
    shown = [button for message in stage.messages() for button in buttons_of(message.card or {})]
    writes = stage.graph_writes()
    form = await stage.sees("ada", "/undo")

    assert title in await stage.sees("ada", undo)
    assert "Undo" not in shown
    assert before not in form
    assert stage.graph_writes() == writes


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("/exchange update EXCH01 version=16", "EXCH01"),
        ("/exchange update EXCH01 serverName=EXCH11", "EXCH01"),
        ("/exchange create serverName=EXCH09", "EXCH09"),
    ],
)
async def test_an_undo_whose_record_is_gone_names_it_as_the_operation_knew_it(
    stage: Stage, text: str, name: str
) -> None:
    await stage.says("ada", text)
    (done,) = await operations(stage)
    record_id = done.result.target_id or done.plan.target_id or ""
    stage.world.connectors.remove(record_id)
    pressed = text_of(await stage.presses("ada", "Undo"))
    typed = await stage.sees("ada", f"/undo {done.short}")
    asked_for = " ".join((await stage.sees("ada", f"/exchange get {record_id}")).split())

    for said in (typed, pressed):
        gone = f"The Exchange connector {name} is gone. Its id was {record_id}."
        assert gone in " ".join(said.split())
    assert f"The Exchange connector with the id {record_id} is gone" in asked_for


async def test_what_failed_is_not_undone(stage: Stage) -> None:
    stage.sandbox.graph.faults.add(Fault(kind=FaultKind.STATUS, method="PATCH", status=403))
    await stage.says("ada", "/exchange update EXCH01 version=16")

    assert "Nothing to undo" in await stage.sees("ada", "/undo 0004")


async def test_undoing_takes_the_right_to_do_the_opposite(tmp_path: Path) -> None:
    policy = POLICY.replace('"bot:watch"', '"bot:watch", "bot:undo"')
    async with staged(tmp_path, Script(policy=policy)) as stage:
        await stage.says("oli", "/exchange create serverName=EXCH09")

        assert "None of your roles allows exchange:delete" in await stage.sees("oli", "/undo 0004")


async def test_undoing_what_needs_approval_waits_for_approval(tmp_path: Path) -> None:
    async with staged(tmp_path, Script(policy=POLICY + APPROVAL)) as stage:
        await stage.says("ada", "/exchange create serverName=EXCH09")

        assert "waiting for approval" in await stage.sees("ada", "/undo 0004")
        planned = await stage.sees("ada", "/undo 0004 --plan")
        assert "Plan: Delete EXCH09" in planned
        assert "/undo 0004" in planned
        assert "/exchange delete" not in planned


async def test_a_second_request_for_the_same_offers_to_revise_the_first(
    tmp_path: Path, database: str
) -> None:
    script = Script(policy=POLICY + APPROVAL, database_url=database)
    async with staged(tmp_path, script) as stage:
        await stage.says("oli", "/exchange update EXCH01 version=16")
        offer = await stage.sees("oli", "/exchange update EXCH01 version=17")
        revised = await stage.sees("oli", "/exchange update EXCH01 version=17 --revise 0004")
        await stage.says("ada", "/approve 0004")

        assert "--revise 0004" in offer
        assert "Revised" in revised
        assert stage.world.connectors.get(stage.world.id_of("EXCH01"))["version"] == "17"
        assert "operation revised" in await stage.audited()


async def test_a_vote_on_a_card_from_before_the_revision_does_not_count(tmp_path: Path) -> None:
    async with staged(tmp_path, Script(policy=POLICY + APPROVAL)) as stage:
        await stage.says("oli", "/exchange update EXCH01 version=16")
        card = stage.messages()[0]
        assert card.card
        old = card.card["actions"][0]["data"]
        await stage.says("oli", "/exchange update EXCH01 version=17 --revise 0004")

        teams, people = stage.sandbox.teams(), stage.chat.people
        press = teams.press(people["ada"], stage.world.channel, card.id, old, "approve")
        answer = await stage.post(press)

        assert "An old card" in answer.json()["value"]
        assert stage.graph_writes() == []


@pytest.mark.parametrize("command", ["EXCH02 version=17", "EXCH01 version=17"])
async def test_nobody_revises_what_is_not_their_own_or_about_something_else(
    tmp_path: Path, command: str
) -> None:
    async with staged(tmp_path, Script(policy=POLICY + APPROVAL)) as stage:
        await stage.says("oli", "/exchange update EXCH01 version=16")
        who = "oli" if command.startswith("EXCH02") else "ada"

        said = await stage.sees(who, f"/exchange update {command} --revise 0004")

        assert "Cannot be revised" in said


async def test_everybody_sees_the_buttons_that_are_theirs(tmp_path: Path) -> None:
    async with staged(tmp_path, Script(policy=POLICY + APPROVAL)) as stage:
        await stage.says("oli", "/exchange update EXCH01 version=16")
        card = stage.messages()[0]
        assert card.card
        refresh = card.card["refresh"]
        seen = {}
        for who, person in stage.chat.people.items():
            data, verb = refresh["action"]["data"], refresh["action"]["verb"]
            press = stage.sandbox.teams().press(person, stage.world.channel, card.id, data, verb)
            value = (await stage.post(press)).json()["value"]
            seen[who] = buttons_of(value) if isinstance(value, dict) else value

        assert len(refresh["userIds"]) == 4
        assert seen["ada"] == ["Approve", "Reject"]
        assert seen["oli"] == ["Cancel"]
        assert seen["vic"] == []
        assert seen["gus"] == []


async def test_an_approval_card_does_without_the_list_of_members(tmp_path: Path) -> None:
    async with staged(tmp_path, Script(policy=POLICY + APPROVAL)) as stage:
        fault = Fault(kind=FaultKind.STATUS, path="pagedmembers", status=403, times=None)
        stage.sandbox.connector.faults.add(fault)

        await stage.says("oli", "/exchange update EXCH01 version=16")

        card = stage.messages()[0].card
        assert card
        assert "refresh" not in card
        assert "waiting for approval" in stage.shown()[0]


async def test_a_view_of_what_is_not_there_says_so(stage: Stage) -> None:
    await stage.says("ada", "/exchange list")
    press = stage.press("ada", {"verb": "view", "operation": "nothing"})

    assert "lapsed" in (await stage.post(press)).json()["value"]
