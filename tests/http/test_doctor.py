"""`doctor` says of each thing a bot needs whether it is there, and how to mend it if it is not."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.cli import doctor
from bot.cli.main import main
from bot.cli.permissions import PERMISSIONS
from bot.sandbox.faults import Fault, FaultKind
from bot.sandbox.server import Sandbox
from bot.sandbox.world import OPERATORS
from tests.support.stage import FakeClock, Script, environment, sandboxed, staged


class Patient:
    """What the doctor looks at."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox = sandbox
        self.environment = environment(sandbox, folder, Script())
        self.policy = folder / "policy.toml"


@pytest_asyncio.fixture
async def patient(tmp_path: Path) -> AsyncIterator[Patient]:
    async with sandboxed(FakeClock()) as (sandbox, _):
        yield Patient(sandbox, tmp_path)


async def fixes(patient: Patient, **changes: str) -> dict[str, str]:
    """Return what is to be mended, by what was looked at."""
    found = [f async for f in doctor.examine(patient.environment | changes)]
    return {finding.what: finding.fix for finding in found if finding.fix}


async def test_a_bot_in_order_is_told_so(
    patient: Patient, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = await asyncio.to_thread(main, ["doctor"], patient.environment)

    assert ended == 0
    *checks, last = capsys.readouterr().out.splitlines()
    assert last == "All in order."
    assert len(checks) >= 8
    assert all(line.startswith("ok   ") for line in checks)


async def test_findings_are_counted_and_told_with_the_fix(
    patient: Patient, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = patient.environment | {"MicrosoftAppPassword": "canary"}
    ended = await asyncio.to_thread(main, ["doctor"], broken)

    assert ended == 1
    shown = capsys.readouterr()
    assert "FIX  token for Bot Connector\n     -> " in shown.out
    assert shown.out.splitlines()[-1].endswith(" to fix.")
    assert "canary" not in shown.out + shown.err
    assert shown.err == ""


async def test_entra_out_of_reach_is_told_from_entra_refusing(patient: Patient) -> None:
    patient.sandbox.identity.faults.add(
        Fault(kind=FaultKind.RESET, method="POST", path="oauth2", times=None)
    )

    assert "was not reached" in (await fixes(patient))["token for Bot Connector"]


async def test_a_setting_that_is_refused_is_the_only_finding(patient: Patient) -> None:
    assert await fixes(patient, BOT_CLOUD="germany") == {
        "setting BOT_CLOUD": "Input should be 'global', 'usgov', 'dod', 'china' or 'sandbox'."
    }


async def test_a_wrong_secret_is_traced_to_the_registration(patient: Patient) -> None:
    found = await fixes(patient, MicrosoftAppPassword="wrong")

    assert list(found) == ["token for Bot Connector"]
    assert "AADSTS7000215" in found["token for Bot Connector"]
    assert "MicrosoftAppPassword" in found["token for Bot Connector"]


async def test_what_rests_on_a_token_that_was_refused_is_said_to_be_unchecked(
    patient: Patient, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = patient.environment | {"MicrosoftAppPassword": "wrong"}
    await asyncio.to_thread(main, ["doctor"], wrong)

    shown = capsys.readouterr().out
    assert shown.count("AADSTS7000215") == 1
    unchecked = [line for line in shown.splitlines() if line.startswith("--   ")]
    assert unchecked == [
        "--   token for Graph: not checked, it rests on the token for Bot Connector",
        "--   Graph: list Exchange connectors: not checked, it rests on the token for Graph",
        "--   Graph: roles of people (users and their groups): not checked, it rests on the "
        "token for Graph",
        "--   Graph: groups that the policy names (3): not checked, it rests on the token for "
        "Graph",
    ]
    assert shown.splitlines()[-1] == "1 to fix."
    assert patient.sandbox.graph.log == []


async def test_graphs_own_application_is_traced_to_its_own_settings(patient: Patient) -> None:
    found = await fixes(
        patient,
        BOT_GRAPH_CLIENT_ID="0ddba11e-0000-4000-8000-00000000f0e1",
        BOT_GRAPH_CLIENT_SECRET="wrong",
    )

    assert list(found) == ["token for Graph"]
    assert "BOT_GRAPH_CLIENT_SECRET" in found["token for Graph"]


async def test_a_missing_consent_is_named(patient: Patient) -> None:
    patient.sandbox.graph.faults.add(
        Fault(
            kind=FaultKind.STATUS,
            path="exchangeConnectors",
            times=None,
            status=403,
            body={"error": {"code": "Forbidden", "message": "Missing scopes."}},
        )
    )

    (fix,) = (await fixes(patient)).values()

    assert "DeviceManagementServiceConfig.ReadWrite.All" in fix


async def test_a_missing_consent_for_the_directory_is_named(patient: Patient) -> None:
    patient.sandbox.graph.faults.add(
        Fault(
            kind=FaultKind.STATUS,
            path="/users/",
            times=None,
            status=403,
            body={"error": {"code": "Authorization_RequestDenied", "message": "No."}},
        )
    )

    (fix,) = (await fixes(patient)).values()

    assert "User.Read.All" in fix
    assert "GroupMember.Read.All" in fix


async def test_a_bad_policy_is_named_with_its_place(patient: Patient) -> None:
    patient.policy.write_text('[roles.viewer]\nallow = ["list"]\n', "utf-8")

    found = [finding async for finding in doctor.examine(patient.environment)]

    (fix,) = [finding.fix for finding in found if finding.fix]
    assert "roles.viewer.allow" in fix
    # What it names cannot be looked for: no line claims that it was.
    assert not any("groups that the policy names" in finding.what for finding in found)


async def test_a_policy_that_everybody_can_change_is_noted(patient: Patient) -> None:
    patient.policy.chmod(0o666)

    found = [finding async for finding in doctor.examine(patient.environment)]

    (note,) = [finding.note for finding in found if finding.note]
    assert "everybody on this machine can change it" in note


async def test_a_pattern_that_fits_no_command_is_named(patient: Patient) -> None:
    text = patient.policy.read_text("utf-8").replace('"exchange:sync"', '"exchange:snyc"')
    patient.policy.write_text(text, "utf-8")

    found = [finding async for finding in doctor.examine(patient.environment)]

    assert not any(finding.fix for finding in found)
    (note,) = [finding.note for finding in found if finding.note]
    assert "exchange:snyc" in note


@pytest.mark.parametrize(
    ("role", "needed", "what"),
    [
        ("", 1, "nobody can decide the approval of exchange:delete"),
        (
            'people = ["0e0b1ec7-0000-4000-8000-000000000001"]',
            2,
            "fewer people than needed can decide the approval of exchange:delete",
        ),
    ],
)
async def test_an_approval_that_nobody_or_too_few_can_give_is_to_be_mended(
    patient: Patient, capsys: pytest.CaptureFixture[str], role: str, needed: int, what: str
) -> None:
    rules = f"""
    [roles.auditor]
    allow = ["*:list"]
    {role}
    [[approval]]
    commands = ["exchange:delete"]
    approvers = ["auditor"]
    needed = {needed}
    """
    patient.policy.write_text(patient.policy.read_text("utf-8") + rules, "utf-8")

    ended = await asyncio.to_thread(main, ["doctor"], patient.environment)

    shown = capsys.readouterr().out
    assert ended == 1
    assert f"FIX  approvals that the policy asks for (1)\n     -> {what}: " in shown
    assert shown.splitlines()[-1] == "1 to fix."
    # The policy can be read all the same: its groups are looked for.
    assert "ok   Graph: groups that the policy names" in shown


async def test_a_group_that_the_directory_does_not_have_is_named_with_its_role(
    patient: Patient,
) -> None:
    gone = "0aa0c1de-0000-4000-8000-00000000dead"
    text = patient.policy.read_text("utf-8").replace(OPERATORS, gone)
    patient.policy.write_text(text, "utf-8")

    found = [finding async for finding in doctor.examine(patient.environment)]

    assert not any(finding.fix for finding in found)
    (note,) = [finding.note for finding in found if finding.note]
    assert note == f"role operator names group {gone}, which the directory does not have"


async def test_a_consent_missing_for_groups_is_named(patient: Patient) -> None:
    patient.sandbox.graph.faults.add(
        Fault(kind=FaultKind.STATUS, path="/groups/", times=None, status=403)
    )

    (fix,) = (await fixes(patient)).values()

    assert fix == "consent to GroupMember.Read.All (application)."


async def test_groups_that_cannot_be_asked_for_are_said_to_be_so(patient: Patient) -> None:
    patient.sandbox.graph.faults.add(
        Fault(kind=FaultKind.STATUS, path="/groups/", times=None, status=400)
    )

    (fix,) = (await fixes(patient)).values()

    assert fix.startswith("Graph answered 400")


async def test_keys_out_of_reach_are_named_with_their_address(patient: Patient) -> None:
    patient.sandbox.identity.faults.add(
        Fault(kind=FaultKind.STATUS, path="openid", times=None, status=503)
    )

    (fix,) = (await fixes(patient)).values()

    assert f"{patient.sandbox.url}/v1/.well-known/openidconfiguration" in fix


async def test_a_database_out_of_reach_is_named(patient: Patient) -> None:
    found = await fixes(patient, BOT_DATABASE_URL="sqlite:////nowhere/connectors.db")

    (fix,) = found.values()
    assert "BOT_DATABASE_URL" in fix


async def test_a_bad_certificate_ends_the_examination(patient: Patient, tmp_path: Path) -> None:
    pem = tmp_path / "bot.pem"
    pem.write_text("no certificate", "utf-8")
    pem.chmod(0o600)

    found = await fixes(patient, MicrosoftAppPassword="", BOT_CERTIFICATE_FILE=str(pem))

    assert list(found) == ["setting BOT_CERTIFICATE_FILE"]


async def test_all_that_is_asked_of_graph_is_covered_by_a_permission_that_says_why(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path) as stage:
        await stage.says("ada", "/exchange update EXCH01 version=15.9")
        given = environment(stage.sandbox, tmp_path, Script())
        assert [f.fix async for f in doctor.examine(given) if f.fix] == []
        asked = {entry.path for entry in stage.sandbox.graph.log}

    starts = {start for each in PERMISSIONS for start in each.paths}
    assert [path for path in asked if not any(path.startswith(start) for start in starts)] == []
    assert [start for start in starts if not any(path.startswith(start) for path in asked)] == []
    assert all(each.why.endswith(".") for each in PERMISSIONS)


async def test_nothing_is_changed_by_an_examination(patient: Patient) -> None:
    await fixes(patient)

    assert {request.method for request in patient.sandbox.graph.log} <= {"GET", "POST"}
    posts = [r.path for r in patient.sandbox.graph.log if r.method == "POST"]
    assert all(path.endswith("/checkMemberGroups") for path in posts)
    assert patient.sandbox.connector.log == []
