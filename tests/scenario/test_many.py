"""Doing one thing to many, taking it back, changing one's mind, and everybody's own view of it."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot.cli.demo import POLICY
from bot.sandbox.faults import Fault, FaultKind
from bot.sandbox.terminal import buttons_of
from tests.support.stage import Script, Stage, joined, staged

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


async def test_what_was_never_seen_is_not_deleted_for_its_age(stage: Stage) -> None:
    stale = paths(stage, "EXCH 04")

    await stage.says("ada", "/exchange delete --stale 400d")

    assert [path for _, path in stage.graph_writes()] == stale


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("/exchange sync", "Which one?"),
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


async def test_an_update_is_undone_by_its_button(any_stage: Stage) -> None:
    await any_stage.says("ada", "/exchange update EXCH01 version=16")
    said = (await any_stage.presses("ada", "Undo")).cards[-1]

    record = any_stage.world.connectors.get(any_stage.world.id_of("EXCH01"))
    assert record["version"] == "15.2.1118.7"
    assert "undo of 0001" in str(said)


async def test_a_delete_is_undone_under_a_new_id_that_is_named(stage: Stage) -> None:
    old = stage.world.id_of("EXCH05")
    await stage.says("ada", "/exchange delete EXCH05")
    said = await stage.sees("ada", "/undo 0001")

    new = stage.world.id_of("EXCH05")
    assert new != old
    assert new in said


async def test_a_create_is_undone_by_deleting_what_was_created(stage: Stage) -> None:
    await stage.says("ada", "/exchange create serverName=EXCH09")
    await stage.says("ada", "/undo 0001")

    assert stage.graph_writes()[-1][0] == "DELETE"
    assert "EXCH09" not in str(stage.world.connectors.records)


@pytest.mark.parametrize(
    ("before", "undo", "title"),
    [
        ("/exchange sync EXCH01", "/undo 0001", "Cannot be undone"),
        ("/exchange delete --status connected", "/undo 0001", "Cannot be undone"),
        ("/exchange list", "/undo ZZZZ", "No such operation"),
    ],
)
async def test_what_has_no_opposite_is_not_undone(
    stage: Stage, before: str, undo: str, title: str
) -> None:
    await stage.says("ada", before)
    writes = stage.graph_writes()

    assert title in await stage.sees("ada", undo)
    assert stage.graph_writes() == writes


async def test_what_failed_is_not_undone(stage: Stage) -> None:
    stage.sandbox.graph.faults.add(Fault(kind=FaultKind.STATUS, method="PATCH", status=403))
    await stage.says("ada", "/exchange update EXCH01 version=16")

    assert "Nothing to undo" in await stage.sees("ada", "/undo 0001")


async def test_undoing_takes_the_right_to_do_the_opposite(tmp_path: Path) -> None:
    policy = POLICY.replace('"exchange:update"]', '"exchange:update", "bot:undo"]')
    async with staged(tmp_path, Script(policy=policy)) as stage:
        await stage.says("oli", "/exchange create serverName=EXCH09")

        assert "None of your roles allows exchange:delete" in await stage.sees("oli", "/undo 0001")


async def test_undoing_what_needs_approval_waits_for_approval(tmp_path: Path) -> None:
    async with staged(tmp_path, Script(policy=POLICY + APPROVAL)) as stage:
        await stage.says("ada", "/exchange create serverName=EXCH09")

        assert "waiting for approval" in await stage.sees("ada", "/undo 0001")
        assert "Plan: Delete EXCH09" in await stage.sees("ada", "/undo 0001 --plan")


async def test_a_second_request_for_the_same_offers_to_revise_the_first(
    tmp_path: Path, database: str
) -> None:
    script = Script(policy=POLICY + APPROVAL, database_url=database)
    async with staged(tmp_path, script) as stage:
        await stage.says("oli", "/exchange update EXCH01 version=16")
        offer = await stage.sees("oli", "/exchange update EXCH01 version=17")
        revised = await stage.sees("oli", "/exchange update EXCH01 version=17 --revise 0001")
        await stage.says("ada", "/approve 0001")

        assert "--revise 0001" in offer
        assert "Revised" in revised
        assert stage.world.connectors.get(stage.world.id_of("EXCH01"))["version"] == "17"
        assert "operation revised" in await stage.audited()


async def test_a_vote_on_a_card_from_before_the_revision_does_not_count(tmp_path: Path) -> None:
    async with staged(tmp_path, Script(policy=POLICY + APPROVAL)) as stage:
        await stage.says("oli", "/exchange update EXCH01 version=16")
        card = stage.messages()[0]
        assert card.card
        old = card.card["actions"][0]["data"]
        await stage.says("oli", "/exchange update EXCH01 version=17 --revise 0001")

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

        said = await stage.sees(who, f"/exchange update {command} --revise 0001")

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
        assert "lapsed" in seen["gus"]


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
