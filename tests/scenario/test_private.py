"""What is asked in private is answered in private, where that is switched on and Teams has it.

Source: "Targeted messages" (Teams): inbound `recipient.isTargeted`, outbound
`isTargetedActivity=true` with a recipient, none on an edit.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.sandbox.faults import Fault, FaultKind
from bot.sandbox.journal import JsonObject
from tests.support.paper import Sheet
from tests.support.stage import Script, Stage, staged


@pytest.fixture
async def private(tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(tmp_path, Script(settings={"BOT_TARGETED": "on"})) as stage:
        yield stage


def whispered(stage: Stage, who: str, text: str) -> JsonObject:
    """Return what arrives when somebody chooses a command of the / menu and sends it."""
    teams, person = stage.sandbox.teams(), stage.chat.people[who]
    activity = teams.message(person, stage.world.channel, text, mention=False)
    activity["recipient"] = {**activity["recipient"], "isTargeted": True}
    return activity


async def whispers(stage: Stage, who: str, text: str) -> None:
    response = await stage.post(whispered(stage, who, text))
    await stage.settle()
    assert response.status_code == 202


async def test_a_command_of_the_slash_menu_is_answered_in_private(private: Stage) -> None:
    await whispers(private, "ada", "exchange list")
    (message,) = private.messages()

    assert message.is_targeted
    assert message.activity["recipient"] == {"id": private.chat.people["ada"].mri}
    assert "5 in all" in private.shown()[0]


async def test_a_refusal_embarrasses_nobody(private: Stage) -> None:
    await whispers(private, "vic", "exchange delete EXCH05")

    assert [message.is_targeted for message in private.messages()] == [True]


async def test_a_slow_answer_is_edited_in_private_and_names_nobody(private: Stage) -> None:
    faults = private.sandbox.graph.faults
    faults.add(Fault(kind=FaultKind.HANG, path="exchangeConnectors"))
    await private.post(whispered(private, "ada", "exchange list"))
    faults.release()
    await private.settle()
    (message,) = private.messages()
    edits = [r for r in private.sandbox.connector.log if r.method == "PUT"]

    assert message.is_targeted
    assert [request.query for request in edits] == [{"isTargetedActivity": "true"}]
    assert all("recipient" not in request.body for request in edits)
    assert "5 in all" in private.shown()[0]


async def test_a_write_that_is_asked_for_in_private_is_for_everybody_to_see(
    private: Stage,
) -> None:
    await whispers(private, "ada", "exchange update EXCH01 version=16")

    assert [message.is_targeted for message in private.messages()] == [False]
    assert "done" in private.shown()[0]


async def test_a_form_in_private_leads_to_a_card_for_everybody(private: Stage) -> None:
    await whispers(private, "ada", "exchange create")
    message = private.messages()[-1]
    root = message.conversation.partition(";messageid=")[2]
    form = Sheet(private, "ada", message.card or {}, message.id, root)
    await form.sends(set__serverName="EXCH10")
    await form.sends()

    assert [m.is_targeted for m in private.messages()] == [True, False]
    assert private.messages()[0].edits == ()
    assert "Create EXCH10 – done" in private.shown()[1]  # noqa: RUF001 - as in the card


async def test_where_teams_has_no_private_messages_the_thread_is_answered(private: Stage) -> None:
    private.sandbox.connector.faults.add(Fault(kind=FaultKind.STATUS, status=400, times=1))
    await whispers(private, "ada", "exchange list")
    (message,) = private.messages()

    assert not message.is_targeted
    assert "5 in all" in private.shown()[0]


async def test_what_is_asked_for_all_to_see_is_answered_so(private: Stage) -> None:
    await private.says("ada", "/exchange list")

    assert [message.is_targeted for message in private.messages()] == [False]


async def test_without_the_setting_everything_is_answered_in_the_thread(stage: Stage) -> None:
    await whispers(stage, "ada", "exchange list")

    assert [message.is_targeted for message in stage.messages()] == [False]
