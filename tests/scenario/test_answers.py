"""One visible answer to each message, in its place, with everything an answer owes people."""

import asyncio
from pathlib import Path

import pytest

from bot.domain.resource import ResourceKind
from bot.sandbox.connector import Message
from bot.sandbox.faults import Fault, FaultKind
from bot.sandbox.people import Channel
from bot.service.ports import Page
from tests.support.stage import Script, Stage, joined, staged

GROUP = Channel("19:c0de00000000000000000000000000aa@thread.v2", kind="groupChat")
PERSONAL = Channel("a:1c0de0000personal", kind="personal")
COMMANDS = (
    "/help",
    "/help exchange sync",
    "/whoami",
    "/history",
    "/history EXCH01",
    "/exchange list",
    "/exchange list --status disconnected",
    "/exchange get EXCH01",
    "/exchange get NOPE",
    "/exchange frobnicate",
    "/exchange",
    "/nonsense",
    "hello there",
    "",
    "/exchange update EXCH01 version=16 --plan",
    "/exchange update EXCH01 version=15.2.1118.7",
    "/exchange sync EXCH01",
    "/exchange delete EXCH05",
    "/resolve ZZZZ done",
    "/pause",
    "/resume",
    "x" * 3000,
)
WRITES = (
    ("/exchange create serverName=EXCH10", "POST"),
    ("/exchange update EXCH01 version=16", "PATCH"),
    ("/exchange sync EXCH01", "POST"),
    ("/exchange delete EXCH05", "DELETE"),
)
every_write = pytest.mark.parametrize(("text", "method"), WRITES)


def assert_owed(message: Message, stage: Stage) -> None:
    """Every version of a message is a card alone, with a summary, and names cloud and tenant."""
    for version in (message.activity, *message.edits):
        assert not version.get("text")
        assert version["summary"]
        assert [a["contentType"] for a in version["attachments"]] == [
            "application/vnd.microsoft.card.adaptive"
        ]
    lines = stage.shown()[stage.messages().index(message)]
    assert "Contoso Lab · sandbox" in lines.replace("\N{NO-BREAK SPACE}", " ").replace("  ", " ")


@pytest.mark.parametrize("text", COMMANDS)
async def test_every_message_has_one_answer_under_it_in_its_thread(
    text: str, stage: Stage
) -> None:
    activity = stage.activity("ada", text)
    response = await stage.post(activity)
    await stage.settle()

    assert response.status_code in {200, 202}
    (message,) = stage.messages()
    assert message.conversation == activity["conversation"]["id"]
    assert message.conversation.endswith(f";messageid={activity['id']}")
    assert message.reply_to == activity["id"]
    assert_owed(message, stage)


@pytest.mark.parametrize("channel", [GROUP, PERSONAL], ids=["group", "personal"])
@pytest.mark.parametrize("text", ["/exchange list", "/exchange update EXCH01 version=16"])
async def test_chats_are_answered_like_channels(text: str, channel: Channel, stage: Stage) -> None:
    activity = stage.activity("ada", text, channel=channel)
    await stage.post(activity)
    await stage.settle()

    (message,) = stage.messages()
    assert (message.conversation, message.reply_to) == (channel.id, activity["id"])
    assert_owed(message, stage)


async def test_an_answer_inside_a_thread_stays_in_the_thread(stage: Stage) -> None:
    activity = stage.activity("ada", "/exchange update EXCH01 version=16", root="1700000000001")
    await stage.post(activity)
    await stage.settle()

    (message,) = stage.messages()
    assert message.conversation == f"{stage.world.channel.id};messageid=1700000000001"
    assert message.reply_to == activity["id"]


async def test_a_write_is_one_message_that_is_edited_in_place(stage: Stage) -> None:
    stage.sandbox.connector.refuses_text_beside_card = True
    await stage.says("ada", "/exchange update EXCH01 version=16")

    (message,) = stage.messages()
    verbs = [request.method for request in stage.sandbox.connector.log]
    assert verbs[0] == "POST"
    assert set(verbs[1:]) <= {"PUT"}
    assert len(verbs) == 1 + len(message.edits)
    assert "reading back confirms it" in stage.shown()[0]


async def test_a_command_needs_neither_mention_nor_slash(stage: Stage) -> None:
    teams = stage.sandbox.teams()
    for text in ("exchange list", "/exchange list", "EXCHANGE LIST"):
        activity = teams.message(
            stage.chat.people["vic"], stage.world.channel, text, mention=False
        )
        await stage.post(activity)
    await stage.settle()

    assert all("EXCH01" in shown for shown in stage.shown())
    assert len(stage.shown()) == 3


# The same activity again


@every_write
async def test_an_activity_sent_twice_at_once_has_one_effect(
    text: str, method: str, any_stage: Stage
) -> None:
    activity = any_stage.activity("ada", text)
    answers = await asyncio.gather(*(any_stage.post(activity) for _ in range(3)))
    await any_stage.settle()

    assert {answer.status_code for answer in answers} <= {200, 202}
    assert [verb for verb, _ in any_stage.graph_writes()] == [method]
    assert len(any_stage.messages()) == 1


async def test_an_activity_sent_again_later_has_no_second_answer(stage: Stage) -> None:
    activity = stage.activity("ada", "/exchange list")
    await stage.post(activity)
    await stage.settle()
    again = await stage.post(activity)
    await stage.settle()

    assert again.status_code == 200
    assert len(stage.messages()) == 1


@every_write
async def test_a_write_sent_again_after_a_restart_is_not_repeated(
    text: str, method: str, tmp_path: Path, database: str
) -> None:
    script = Script(database_url=database)
    async with staged(tmp_path, script) as first:
        activity = first.activity("ada", text)
        await first.post(activity)
        await first.settle()
        async with joined(tmp_path, script, first.clock, first.sandbox, first.world) as second:
            again = await second.post(activity)
            await second.settle()

            assert again.status_code in {200, 202}
            assert [verb for verb, _ in second.graph_writes()] == [method]
            assert len(second.messages()) == 1


async def test_a_pause_sent_again_after_a_restart_does_not_undo_a_resume(
    tmp_path: Path, database: str
) -> None:
    script = Script(database_url=database)
    async with staged(tmp_path, script) as first:
        pause = first.activity("ada", "/pause")
        await first.post(pause)
        await first.settle()
        await first.says("ada", "/resume")
        await first.bot.runner.stop(1)
        async with joined(tmp_path, script, first.clock, first.sandbox, first.world) as second:
            await second.post(pause)
            await second.settle()
            heard = await second.sees("ada", "/exchange update EXCH01 version=16")

    assert "reading back confirms it" in heard


async def test_an_edited_message_runs_nothing(stage: Stage) -> None:
    activity = stage.activity("ada", "/exchange list")
    edited = stage.sandbox.teams().edited(activity, "/exchange delete EXCH05")
    response = await stage.post(edited)
    await stage.settle()

    assert response.status_code == 200
    assert stage.messages() == []
    assert stage.graph_writes() == []


async def test_an_edit_of_a_message_that_ran_runs_nothing_either(stage: Stage) -> None:
    activity = stage.activity("ada", "/exchange get EXCH05")
    await stage.post(activity)
    await stage.settle()
    await stage.post(stage.sandbox.teams().edited(activity, "/exchange delete EXCH05"))
    await stage.settle()

    assert len(stage.messages()) == 1
    assert stage.graph_writes() == []


# Trouble with Teams


async def test_an_answer_that_teams_throttles_arrives_later(stage: Stage) -> None:
    activity = stage.activity("ada", "/exchange update EXCH01 version=16")
    stage.sandbox.connector.faults.add(throttled(), throttled())
    await stage.post(activity)
    await stage.settle()
    stage.clock.move(minutes=5)
    await stage.settle()

    assert len(stage.messages()) == 1
    assert "reading back confirms it" in stage.shown()[0]


def throttled() -> Fault:
    return Fault(kind=FaultKind.STATUS, status=429, retry_after="1")


async def test_a_message_deleted_meanwhile_does_not_stop_the_write(any_stage: Stage) -> None:
    connector = any_stage.sandbox.connector
    connector.faults.add(Fault(kind=FaultKind.STATUS, method="PUT", status=404, times=None))
    await any_stage.says("ada", "/exchange update EXCH01 version=16")
    # A 404 that does not name the message has to come three times: single ones come in error.
    for _ in range(2):
        any_stage.clock.move(seconds=30)
        await any_stage.settle()

    assert any_stage.graph_writes()[0][0] == "PATCH"
    assert "reading back confirms it" in any_stage.shown()[-1]
    assert "✅ done" in await any_stage.sees("ada", "/history")


# Errors that nobody foresaw


async def test_an_error_nobody_foresaw_is_told_with_an_id_and_may_be_tried_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_kind: ResourceKind) -> Page:
        raise RuntimeError("a defect")

    activity = stage.activity("ada", "/exchange list")
    with monkeypatch.context() as patch:
        patch.setattr(stage.bot.clients.gateway, "list", broken)
        response = await stage.post(activity)
        await stage.settle()
    await stage.post(activity)
    await stage.settle()

    first, second = stage.shown()
    assert response.status_code == 202
    assert "That did not work" in first
    assert "Error 0" in first
    assert "a defect" not in first
    assert "5 in all" in second


async def test_a_press_that_breaks_is_told_with_an_id(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_kind: ResourceKind) -> Page:
        raise RuntimeError("a defect")

    monkeypatch.setattr(stage.bot.clients.gateway, "list", broken)
    response = await stage.post(stage.press("ada", {"command": "/exchange list"}))

    assert response.status_code == 200
    assert "Error 0" in response.json()["value"]
