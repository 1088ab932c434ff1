"""Who may do what, as people see it: refusals, pause, roles that change, a policy that changes."""

import asyncio
from pathlib import Path

import pytest

from bot.sandbox.directory import Account
from bot.sandbox.faults import Fault, FaultKind
from bot.sandbox.people import Person
from bot.sandbox.world import OPERATORS, TENANT, VIEWERS, person
from tests.support.stage import POLICY, Script, Stage, joined, staged, text_of

OTHER_TENANT = "0ddba11e-0000-4000-8000-00000000f0e1"
APPROVAL = """
[[approval]]
commands  = ["exchange:delete"]
approvers = ["admin"]
"""
GUARDRAIL = """
[[guardrail]]
channel = "19:c0de0000000000000000000000000001@thread.tacv2"
allow   = ["*:list"]
"""
DENIAL = POLICY.replace('allow  = ["*:list"', 'deny = ["exchange:sync"]\nallow  = ["*:list"')
WRITES = (
    "/exchange create serverName=EXCH10",
    "/exchange add serverName=EXCH10",
    "/exchange update EXCH01 version=16",
    "/exchange sync EXCH01",
    "/exchange delete EXCH05",
)
DOWN = Fault(kind=FaultKind.STATUS, path="checkMemberGroups", status=503, times=None)


@pytest.mark.parametrize("text", WRITES)
async def test_a_viewer_is_refused_every_write_and_it_is_audited(
    text: str, any_stage: Stage
) -> None:
    said = await any_stage.sees("vic", text)

    assert "None of your roles allows exchange:" in said
    assert "admin" in said
    assert any_stage.graph_writes() == []
    assert await any_stage.audited() == ["command refused"]


@pytest.mark.parametrize("text", [*WRITES, "/exchange list", "/exchange get EXCH01", "/history"])
async def test_a_guest_is_refused_everything(text: str, stage: Stage) -> None:
    before = len(stage.sandbox.graph.requests())
    said = await stage.sees("gus", text)

    assert "Guests may not use this bot in this tenant." in said
    assert stage.graph_writes() == []
    assert "/deviceManagement" not in str(stage.sandbox.graph.requests()[before:])


@pytest.mark.parametrize("text", ["/help", "/help exchange list", "/whoami", "/exchange list"])
async def test_a_guest_is_told_what_they_are_here_and_whom_to_ask(text: str, stage: Stage) -> None:
    said = " ".join((await stage.sees("gus", text)).split())

    assert "You are a guest here." in said
    assert "Contoso Lab" in said
    assert "Ask a member of the team to run it" in said
    assert "an administrator of the bot to let guests in" in said


async def test_a_guest_is_let_in_where_the_policy_says_so(tmp_path: Path) -> None:
    policy = POLICY + '\n[people]\nguests = "allow"\n'
    async with staged(tmp_path, Script(policy=policy)) as stage:
        assert "5 in all" in await stage.sees("gus", "/exchange list")
        assert "None of your roles" in await stage.sees("gus", "/exchange sync EXCH01")


async def hears(stage: Stage, who: Person, text: str) -> tuple[int, str]:
    """Post what somebody types who is not of the demo; return the status and the newest card."""
    response = await stage.post(stage.sandbox.teams().message(who, stage.world.channel, text))
    await stage.settle()
    shown = stage.shown()
    return response.status_code, shown[-1] if shown else ""


async def test_somebody_of_another_tenant_is_let_in_once_the_policy_names_it(
    tmp_path: Path,
) -> None:
    eve = person("Eve Elsewhere", 7, tenant=OTHER_TENANT)
    policy = POLICY.replace("[roles.viewer]", f'[roles.viewer]\npeople = ["{eve.oid}"]')
    async with staged(tmp_path, Script(policy=policy)) as stage:
        turned_away = await hears(stage, eve, "/exchange list")
        stage.policy.write_text(f'{policy}\n[people]\ntenants = ["{OTHER_TENANT}"]\n', "utf-8")
        stage.bot.policies.reload_if_changed()
        let_in = await hears(stage, eve, "/exchange list")

    assert turned_away == (403, "")
    assert let_in[0] == 202
    assert "5 in all" in let_in[1]


async def test_a_tenant_let_in_by_setting_alone_is_told_that_the_policy_does_not_admit_it(
    tmp_path: Path,
) -> None:
    eve = person("Eve Elsewhere", 7, tenant=OTHER_TENANT)
    script = Script(settings={"BOT_ALLOWED_TENANTS": f"{TENANT},{OTHER_TENANT}"})
    async with staged(tmp_path, script) as stage:
        status, said = await hears(stage, eve, "/exchange list")

        assert status == 202
        assert "You are of another tenant." in said
        assert "belongs to a tenant that is not let in" in said
        assert "administrator of the bot to let your tenant in" in " ".join(said.split())
        assert await stage.audited() == ["command refused"]


async def test_a_disabled_account_is_refused_at_its_next_write(stage: Stage) -> None:
    ada = stage.world.ada
    account = stage.sandbox.directory.account(ada.oid)
    await stage.says("ada", "/exchange list")
    stage.sandbox.directory.put(
        Account(ada.oid, ada.name, is_enabled=False, groups=account.groups)
    )

    assert "Your account is disabled" in await stage.sees("ada", "/exchange delete EXCH05")
    assert stage.graph_writes() == []


async def test_somebody_the_directory_does_not_know_is_refused(stage: Stage) -> None:
    stage.sandbox.directory.remove(stage.world.oli.oid)

    assert "Not allowed" in await stage.sees("oli", "/exchange sync EXCH01")


async def test_help_shows_only_what_the_person_may_run(stage: Stage) -> None:
    ada = await stage.sees("ada", "/help")
    oli = await stage.sees("oli", "/help")
    vic = await stage.sees("vic", "/help")

    assert "/exchange delete" in ada
    assert "/exchange sync" in oli
    assert "/exchange delete" not in oli
    assert "/exchange sync" not in vic
    assert "/exchange list" in vic
    assert "/pause" not in vic


@pytest.mark.parametrize(
    ("who", "text", "suggested"),
    [
        ("ada", "/exchange delte EXCH05", ["/exchange delete"]),
        ("oli", "/exchange delte EXCH05", []),
        ("oli", "/exchange snyc EXCH05", ["/exchange sync"]),
        ("vic", "/exchange snyc EXCH05", []),
        ("vic", "/exchange lst", ["/exchange list"]),
        ("gus", "/exchange lst", []),
        ("vic", "/pauze", []),
        ("ada", "/pauze", ["/pause"]),
    ],
)
async def test_did_you_mean_offers_only_what_the_person_may_run(
    who: str, text: str, suggested: list[str], stage: Stage
) -> None:
    said = await stage.sees(who, text)

    lines = said.partition("Did you mean")[2].splitlines()
    assert [line for line in lines if line.startswith("/")] == suggested
    assert stage.graph_writes() == []


@pytest.mark.parametrize(
    ("who", "words", "why", "suggested"),
    [
        ("ada", "frobnicate", "There is no command frobnicate.", []),
        ("ada", "pauze", "There is no command pauze.", ["/pause"]),
        ("vic", "pauze", "There is no command pauze.", []),
        ("vic", "lst", "There is no command lst.", ["/exchange list"]),
        ("vic", "EXCH01", "There is no command EXCH01.", []),
        ("oli", "exchange snyc", "exchange has no verb snyc.", ["/exchange sync"]),
        ("vic", "exchange snyc", "exchange has no verb snyc.", []),
    ],
)
async def test_help_on_what_is_no_command_says_just_that_and_what_is_near(
    who: str, words: str, why: str, suggested: list[str], stage: Stage
) -> None:
    heard = await stage.says(who, f"/help {words}")
    said = text_of(heard)

    lines = said.partition("Did you mean")[2].splitlines()
    assert len(heard.cards) == 1
    assert why in said
    assert [line for line in lines if line.startswith("/")] == suggested
    assert "Usage" not in said
    assert "What you can do here" not in said


async def test_a_manual_tells_who_may_run_a_command_that_one_may_not(stage: Stage) -> None:
    said = await stage.sees("vic", "/help exchange delete")

    assert "exchange:delete" in said
    assert "admin" in said


async def test_a_write_that_needs_approval_waits_and_changes_nothing(
    tmp_path: Path, database: str
) -> None:
    script = Script(policy=POLICY + APPROVAL, database_url=database)
    async with staged(tmp_path, script) as stage:
        said = await stage.sees("ada", "/exchange delete EXCH05")
        planned = await stage.sees("ada", "/exchange delete EXCH05 --plan")

        assert "waiting for approval" in said
        assert "admin" in said
        assert "Plan: Delete EXCH05" in planned
        assert stage.graph_writes() == []
        assert "reading back" in await stage.sees("ada", "/exchange update EXCH01 version=16")


async def test_a_guardrail_holds_in_its_channel_whatever_the_role(tmp_path: Path) -> None:
    async with staged(tmp_path, Script(policy=POLICY + GUARDRAIL)) as stage:
        said = await stage.sees("ada", "/exchange delete EXCH05")
        inside = stage.activity("ada", "/exchange delete EXCH05", root="1700000000001")
        await stage.post(inside)
        await stage.settle()

        assert "This conversation allows only" in said
        assert "This conversation allows only" in stage.shown()[-1]
        assert stage.graph_writes() == []
        assert "5 in all" in await stage.sees("ada", "/exchange list")


async def test_a_denial_wins_over_every_allowance(tmp_path: Path) -> None:
    async with staged(tmp_path, Script(policy=DENIAL)) as stage:
        said = await stage.sees("ada", "/exchange sync EXCH01")

        assert "a denial always wins" in said
        assert stage.graph_writes() == []


# Stopping all writes


@pytest.mark.parametrize("text", WRITES)
async def test_pause_stops_every_write_and_names_who_and_why(text: str, any_stage: Stage) -> None:
    await any_stage.says("ada", '/pause --reason "mail move"')
    said = await any_stage.sees("ada", text)

    assert "Writes are paused" in said
    assert "Ada Admin" in said
    assert "mail move" in said
    assert any_stage.graph_writes() == []
    assert "5 in all" in await any_stage.sees("vic", "/exchange list")
    assert "Plan:" in await any_stage.sees("ada", f"{text} --plan")


async def test_the_card_of_a_pause_gives_its_reason_and_so_does_every_switch_after_it(
    any_stage: Stage,
) -> None:
    paused = await any_stage.sees("ada", '/pause --reason "mail move"')
    again = await any_stage.sees("ada", '/pause --reason "something else"')
    resumed = await any_stage.sees("ada", '/resume --reason "mail has moved"')

    assert "Ada Admin stopped all writes." in paused
    assert "mail move" in paused
    assert "Ada Admin stopped all writes before" in again
    assert "mail move" in again
    assert "something else" not in again
    assert "mail has moved" in resumed


async def test_resume_lets_writes_run_again(any_stage: Stage) -> None:
    await any_stage.says("ada", "/pause")
    assert "Already paused" in await any_stage.sees("ada", "/pause")
    assert "Writes resumed" in await any_stage.sees("ada", "/resume")
    assert "Not paused" in await any_stage.sees("ada", "/resume")

    said = await any_stage.sees("ada", "/exchange update EXCH01 version=16")
    assert "reading back confirms it" in said
    assert (await any_stage.audited())[:2] == ["writes paused", "writes resumed"]


async def test_a_pause_outlives_a_restart(tmp_path: Path, database: str) -> None:
    script = Script(database_url=database)
    async with staged(tmp_path, script) as first:
        await first.says("ada", "/pause")
        async with joined(tmp_path, script, first.clock, first.sandbox, first.world) as second:
            assert "Writes are paused" in await second.sees("ada", "/exchange delete EXCH05")
            assert second.graph_writes() == []


async def test_only_who_may_can_pause_or_resume(stage: Stage) -> None:
    assert "None of your roles allows bot:pause" in await stage.sees("oli", "/pause")
    await stage.says("ada", "/pause")
    assert "None of your roles allows bot:resume" in await stage.sees("oli", "/resume")


@pytest.mark.parametrize("text", WRITES)
async def test_read_only_refuses_every_write(text: str, tmp_path: Path) -> None:
    async with staged(tmp_path, Script(settings={"BOT_READ_ONLY": "on"})) as stage:
        said = await stage.sees("ada", text)
        resumed = await stage.sees("ada", "/resume")
        again = await stage.sees("ada", text)

        assert "This bot is set to read only." in said
        assert "Not paused" in resumed
        assert "This bot is set to read only." in again
        assert stage.graph_writes() == []
        assert "5 in all" in await stage.sees("ada", "/exchange list")


# Rights that change


async def test_a_role_taken_away_counts_at_once_for_writes(any_stage: Stage) -> None:
    await any_stage.says("oli", "/exchange update EXCH01 version=16")
    any_stage.sandbox.directory.leave(any_stage.world.oli.oid, OPERATORS)
    said = await any_stage.sees("oli", "/exchange update EXCH01 version=17")

    assert "None of your roles allows exchange:update" in said
    assert len(any_stage.graph_writes()) == 1


async def test_a_role_taken_away_counts_within_a_minute_for_reads(stage: Stage) -> None:
    await stage.says("vic", "/exchange list")
    stage.sandbox.directory.leave(stage.world.vic.oid, VIEWERS)
    stage.clock.move(seconds=59)
    assert "5 in all" in await stage.sees("vic", "/exchange list")
    stage.clock.move(seconds=2)

    assert "None of your roles allows exchange:list" in await stage.sees("vic", "/exchange list")


async def test_a_role_given_counts_at_once_for_writes(stage: Stage) -> None:
    await stage.says("vic", "/exchange sync EXCH01")
    stage.sandbox.directory.join(stage.world.vic.oid, OPERATORS)

    assert "Sync EXCH01" in await stage.sees("vic", "/exchange sync EXCH01")


async def test_a_changed_policy_is_taken_over_and_a_broken_one_is_not(stage: Stage) -> None:
    stage.policy.write_text(POLICY.replace('"exchange:sync", ', ""), "utf-8")
    stage.bot.policies.reload_if_changed()
    assert "None of your roles" in await stage.sees("oli", "/exchange sync EXCH01")

    stage.policy.write_text("[roles", "utf-8")
    stage.bot.policies.reload_if_changed()
    assert "None of your roles" in await stage.sees("oli", "/exchange sync EXCH01")
    assert "5 in all" in await stage.sees("oli", "/exchange list")

    stage.policy.write_text(POLICY, "utf-8")
    stage.bot.policies.reload_if_changed()
    assert "Sync EXCH01" in await stage.sees("oli", "/exchange sync EXCH01")


async def test_a_changed_policy_is_noticed_without_being_told(stage: Stage) -> None:
    stage.policy.write_text(POLICY.replace('"exchange:sync", ', ""), "utf-8")
    before = stage.bot.policies.current()
    async with asyncio.timeout(15):
        while stage.bot.policies.current() == before:  # noqa: ASYNC110 - a file has no event
            await asyncio.sleep(0.1)

    assert "None of your roles" in await stage.sees("oli", "/exchange sync EXCH01")


@pytest.mark.parametrize("text", ["/exchange list", "/whoami", *WRITES])
async def test_roles_that_cannot_be_read_count_as_none(text: str, any_stage: Stage) -> None:
    any_stage.sandbox.graph.faults.add(DOWN)
    before = len(any_stage.sandbox.graph.requests())
    said = await any_stage.sees("ada", text)

    assert "Microsoft Graph could not be asked who you are and which roles you have" in said
    assert "Error 0" in said
    assert any_stage.graph_writes() == []
    assert "/deviceManagement" not in str(any_stage.sandbox.graph.requests()[before:])


async def test_help_works_while_roles_cannot_be_read(stage: Stage) -> None:
    stage.sandbox.graph.faults.add(DOWN)
    said = await stage.sees("ada", "/help")

    assert "Your roles could not be read" in said
    assert "/whoami" in said
    assert "/exchange delete" not in said


async def test_a_person_over_the_rate_limit_is_told_to_slow_down(tmp_path: Path) -> None:
    async with staged(tmp_path, Script(settings={"BOT_RATE_LIMIT": "3"})) as stage:
        said = [await stage.sees("ada", "/whoami") for _ in range(4)]
        other = await stage.sees("vic", "/whoami")

        assert "Slow down, please" in said[-1]
        assert "Ada Admin" in said[0]
        assert "Vic Viewer" in other
