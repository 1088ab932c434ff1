"""The policy in people's words: what I may, who may, and what an edit would change."""

import asyncio
from pathlib import Path

import pytest

from bot.cli.main import main
from bot.sandbox.world import ADMINS, OPERATORS, VIEWERS
from tests.support.paper import typed
from tests.support.stage import POLICY, FakeClock, Script, Stage, environment, sandboxed, staged

RULE = """
[[approval]]
commands  = ["exchange:update"]
approvers = ["admin"]
needed    = 2
expires   = "4h"
"""
RAIL = """
[[guardrail]]
channel = "{channel}"
allow   = ["*:list"]
"""


async def test_somebody_is_told_what_they_may_and_by_which_rule(stage: Stage) -> None:
    yes = await stage.sees("oli", "/can-i exchange sync EXCH01")
    no = await stage.sees("vic", "/can-i exchange sync EXCH01")

    assert "Yes, you may" in yes
    assert "operator" in yes
    assert "No, you may not" in no
    assert "None of your roles allows exchange:sync." in no
    assert "operator, admin" in no
    assert stage.graph_writes() == []


@pytest.mark.parametrize("text", ["/can-i approve 7F3K", "/can-i sync 7F3K", "/who-can again"])
async def test_what_depends_on_the_row_it_names_is_not_promised(stage: Stage, text: str) -> None:
    said = await stage.sees("vic", text)

    assert "what it names decides who may have it done" in said
    assert "at once" not in said


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("undo 7F3K", "operation"),
        ("undo", "operation"),
        ("again 7F3K", "operation"),
        ("approve 7F3K", "operation"),
        ("cancel 7F3K", "operation"),
        ("sync 7F3K", "incident"),
    ],
)
async def test_what_depends_on_an_operation_or_incident_is_said_to_depend_on_it(
    tmp_path: Path, text: str, row: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with staged(tmp_path) as stage:
        mine = await stage.sees("ada", f"/can-i {text}")
        whose = await stage.sees("ada", f"/who-can {text}")
        settings = environment(stage.sandbox, tmp_path, Script())
        oid = stage.world.ada.oid
    capsys.readouterr()
    asked = ["policy", "explain", "--as", oid, "--group", ADMINS, text]
    assert await asyncio.to_thread(main, asked, settings) == 0
    told = capsys.readouterr().out

    for said in (mine, whose, told):
        assert f"It depends on the {row}" in " ".join(said.split())
        assert "It would run at once" not in said
    assert "Yes, you may" not in mine
    assert told.startswith(f"depends bot:{text.split(maxsplit=1)[0]}: ")


async def test_who_may_not_undo_at_all_is_told_no(stage: Stage) -> None:
    said = await stage.sees("oli", "/can-i undo 7F3K")

    assert "No, you may not" in said
    assert "It depends" not in said


async def test_consent_is_part_of_the_answer(tmp_path: Path) -> None:
    async with staged(tmp_path, Script(policy=POLICY + RULE)) as stage:
        mine = await stage.sees("oli", "/can-i exchange update EXCH01 version=9")
        whose = await stage.sees("vic", "/who-can exchange update")

    for text in (mine, whose):
        assert "2 of: admin, within 4 hours" in text
    assert f"group {OPERATORS[:8]}…{OPERATORS[-4:]}" in whose
    assert OPERATORS in whose.partition("Their ids in Entra")[2]


async def test_a_plan_says_whose_consent_it_would_take_or_that_it_takes_none(
    tmp_path: Path,
) -> None:
    reason = RULE + "reason    = true\n"
    async with staged(tmp_path, Script(policy=POLICY + reason)) as stage:
        update = await stage.sees("oli", "/exchange update EXCH01 version=16 --plan")
        given = await stage.sees("oli", "/exchange update EXCH01 version=16 --plan --reason x")
        create = await stage.sees("oli", "/exchange create serverName=EXCH10 --plan")
        form = await typed(stage, "oli", "/exchange update")
        await form.sends(arg__target="EXCH01", set__version="16", opt__reason="x")

    for text in (update, given, form.text):
        assert "wait for somebody else's consent" in text
        assert "2 of: admin, within 4 hours" in text
    assert "The policy wants a reason" in update
    assert "The policy wants a reason" not in given
    assert "It would run at once." in create


async def test_a_plan_for_many_says_that_an_administrator_decides(tmp_path: Path) -> None:
    async with staged(tmp_path, Script(policy=POLICY + "\n[limits]\nbulk = 2\n")) as stage:
        many = await stage.sees("oli", "/exchange sync --all --plan")

    assert "1 of: admin" in many


@pytest.mark.parametrize(
    ("command", "note"),
    [
        ("exchange show", "/exchange show is another word for /exchange get."),
        ("acknowledge", "/ack is another word for /acknowledge."),
        ("exchange add", "It does what /exchange create does"),
    ],
)
async def test_help_names_other_words_for_a_command(command: str, note: str, stage: Stage) -> None:
    assert note in await stage.sees("ada", f"/help {command}")


async def test_the_history_of_nothing_says_what_an_operations_id_looks_like(stage: Stage) -> None:
    said = await stage.sees("ada", "/history 9999")
    all_of_it = await stage.sees("ada", "/history")

    assert "There is no operation 9999" in said
    assert "like 7F3K" in said
    assert "Type this /history" in " ".join(said.split())
    assert "There is no operation" not in all_of_it


@pytest.mark.parametrize("text", ["/help", "/can-i help", "/whoami", "/help exchange list"])
async def test_a_guest_is_told_the_same_whatever_they_ask(text: str, stage: Stage) -> None:
    said = await stage.sees("gus", text)

    assert "Guests may not use this bot in this tenant." in said
    assert "/exchange" not in said
    assert await stage.audited() == ["command refused"]


async def test_a_guardrail_is_named_where_it_holds(tmp_path: Path) -> None:
    rail = RAIL.format(channel="19:c0de0000000000000000000000000001@thread.tacv2")
    async with staged(tmp_path, Script(policy=POLICY + rail)) as stage:
        assert "allows only *:list" in await stage.sees("ada", "/can-i exchange sync EXCH01")
        assert "a guardrail keeps it out" in await stage.sees("ada", "/who-can exchange sync")
        assert "Everybody" in await stage.sees("ada", "/who-can help")


async def test_a_text_that_names_no_command_suggests_nothing(stage: Stage) -> None:
    said = await stage.sees("vic", "/can-i exchange delte EXCH01")

    assert "/exchange delete" not in said


async def test_the_policy_is_explained_by_whom_the_directory_knows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with sandboxed(FakeClock()) as (sandbox, world):
        settings = environment(sandbox, tmp_path, Script())
        oid = world.vic.oid
    asked = ["policy", "explain", "--as", oid, "exchange sync"]
    assert await asyncio.to_thread(main, asked, settings) == 2
    away = capsys.readouterr()
    assert "--group" in away.err

    known = ["policy", "explain", "--as", oid, "--group", VIEWERS, "exchange sync"]
    assert await asyncio.to_thread(main, known, settings) == 1
    assert "None of your roles allows exchange:sync." in capsys.readouterr().out


def test_an_edit_is_told_by_who_gains_and_who_loses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = tmp_path / "old.toml", tmp_path / "new.toml"
    old.write_text(POLICY, "utf-8")
    new.write_text(POLICY.replace('"exchange:sync", ', ""), "utf-8")

    assert main(["policy", "diff", str(old), str(new)], {}) == 0
    assert capsys.readouterr().out.splitlines() == [f"group {OPERATORS}", "  - exchange:sync"]
    assert main(["policy", "diff", str(old), str(old)], {}) == 0
    assert "Nothing changes." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["explain", "--as", "ada", "exchange sync"], "--as"),
        (["explain", "--as", "0e0b1ec7-0000-4000-8000-000000000001", "nonsense"], "command"),
        (["diff", "nowhere.toml", "nowhere.toml"], "OLD: nowhere.toml"),
    ],
)
def test_what_cannot_be_explained_is_refused_in_a_line(
    arguments: list[str], named: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(POLICY, "utf-8")
    more = ["--group", VIEWERS] if arguments[0] == "explain" else []

    assert main(["policy", *arguments, *more], {"BOT_POLICY_FILE": str(policy)}) == 2
    error = capsys.readouterr().err
    assert named in error
    assert "BOT_POLICY_FILE" not in error
    assert len(error.splitlines()) <= 3
    assert "Traceback" not in error


def test_a_policy_that_cannot_be_compared_is_named_by_its_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text(POLICY, "utf-8")
    bad.write_text("[roles.viewer]\nalow = []\n", "utf-8")

    assert main(["policy", "diff", str(good), str(bad)], {}) == 2
    error = capsys.readouterr().err
    assert f"NEW: {bad}: roles.viewer.alow is no key" in error
    assert len(error.splitlines()) == 1


def test_without_settings_the_way_to_explain_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    oid = "0e0b1ec7-0000-4000-8000-000000000001"

    assert main(["policy", "explain", "--as", oid, "exchange sync"], {}) == 2
    error = capsys.readouterr().err
    assert "MicrosoftAppId, MicrosoftAppPassword, MicrosoftAppTenantId: are not set" in error
    assert "--group" in error
    assert len(error.splitlines()) <= 3


@pytest.mark.parametrize("text", ["watch", "watch all", "watch exchange EXCH01"])
async def test_who_may_not_see_records_may_not_have_them_told(tmp_path: Path, text: str) -> None:
    blind = POLICY.replace('"*:list", "*:get", ', "")
    async with staged(tmp_path, Script(policy=blind)) as stage:
        refused = await stage.sees("oli", f"/{text}")
        mine = await stage.sees("oli", f"/can-i {text}")
        whose = await stage.sees("oli", f"/who-can {text}")
        admins = await stage.sees("ada", f"/{text}")
        subscriptions = await stage.bot.store.subscriptions()

    for said in (refused, mine):
        assert "None of your roles allows exchange:get." in said
    assert OPERATORS not in whose
    assert ADMINS in whose
    assert "Watching" in admins
    assert len(subscriptions) == 1


async def test_who_may_list_records_may_have_them_told(tmp_path: Path) -> None:
    half = POLICY.replace('"*:get", ', "")
    async with staged(tmp_path, Script(policy=half)) as stage:
        assert "Yes, you may" in await stage.sees("oli", "/can-i watch exchange")
        assert OPERATORS in await stage.sees("oli", "/who-can watch exchange")
        assert "not allowed" not in (await stage.sees("oli", "/watch exchange")).casefold()


async def test_what_an_option_needs_is_part_of_the_answer(stage: Stage) -> None:
    assert "Yes, you may" in await stage.sees("oli", "/can-i watches")
    assert "None of your roles allows bot:dead." in await stage.sees("oli", "/can-i watches --all")
    assert "Everybody" in await stage.sees("oli", "/who-can watches")
    assert OPERATORS not in await stage.sees("oli", "/who-can watches --all")
