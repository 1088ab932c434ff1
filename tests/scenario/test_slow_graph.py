"""Graph hangs: people see within two seconds that work goes on, and later what came of it.

These few tests spend real seconds: the limits of an acknowledgement are what they are about.
"""

import asyncio
import time

import pytest

from bot.sandbox.faults import Fault, FaultKind
from bot.sandbox.journal import JsonObject
from tests.support.stage import Stage

ACKNOWLEDGED_S = 3.0
INVOKE_S = 3.0
SHOWN_S = 10.0
HANG = Fault(kind=FaultKind.HANG, path="exchangeConnectors")
TOAST = "application/vnd.microsoft.activity.message"


def is_working(message: object) -> bool:
    return "Working on it" in str(message)


async def test_a_slow_list_is_acknowledged_and_edited_into_the_answer(stage: Stage) -> None:
    stage.sandbox.graph.faults.add(HANG)
    began = time.monotonic()
    posted = asyncio.ensure_future(stage.post(stage.activity("ada", "/exchange list")))
    await stage.sandbox.connector.wait_for(lambda m: is_working(m.card))
    response = await posted

    assert time.monotonic() - began < ACKNOWLEDGED_S
    assert response.status_code == 202

    stage.sandbox.graph.faults.release()
    await stage.settle()

    (message,) = stage.messages()
    assert len(message.edits) == 1
    assert "5 in all" in stage.shown()[0]
    assert not is_working(message.card)


@pytest.mark.parametrize("text", ["/exchange list", "/exchange get EXCH01", "/status"])
async def test_while_graph_refuses_the_last_look_is_shown_within_ten_seconds(
    stage: Stage, text: str
) -> None:
    away = Fault(kind=FaultKind.STATUS, status=503, path="deviceManagement", times=None)
    stage.sandbox.graph.faults.add(away)
    began = stage.clock.monotonic()

    said = await stage.sees("ada", text)

    assert "Graph cannot be asked just now" in said
    assert "EXCH01" in said
    assert stage.clock.monotonic() - began < SHOWN_S


async def test_a_slow_list_that_fails_becomes_the_error(stage: Stage) -> None:
    faults = stage.sandbox.graph.faults
    faults.add(
        Fault(kind=FaultKind.HANG, path="checkMemberGroups"),
        Fault(kind=FaultKind.STATUS, path="exchangeConnectors", status=403, times=None),
    )
    await stage.post(stage.activity("ada", "/exchange list"))
    assert is_working(stage.shown())
    faults.release()
    await stage.settle()

    (shown,) = stage.shown()
    assert "Graph does not allow this" in shown


async def test_a_slow_write_is_one_message_from_working_to_done(any_stage: Stage) -> None:
    faults = any_stage.sandbox.graph.faults
    faults.add(HANG)
    posted = asyncio.ensure_future(
        any_stage.post(any_stage.activity("ada", "/exchange update EXCH01 version=16"))
    )
    await any_stage.sandbox.connector.wait_for(lambda m: is_working(m.card))

    assert not posted.done()

    faults.release()
    response = await posted
    await any_stage.settle()

    assert response.status_code == 202
    assert len(any_stage.messages()) == 1
    assert "reading back confirms it" in any_stage.shown()[0]


async def test_a_slow_write_sent_twice_has_one_effect_and_one_answer(stage: Stage) -> None:
    stage.sandbox.graph.faults.add(HANG)
    activity = stage.activity("ada", "/exchange update EXCH01 version=16")
    posts = [asyncio.ensure_future(stage.post(activity)) for _ in range(2)]
    await stage.sandbox.connector.wait_for(lambda m: is_working(m.card))
    stage.sandbox.graph.faults.release()
    await asyncio.gather(*posts)
    await stage.settle()

    assert [method for method, _ in stage.graph_writes()] == ["PATCH"]
    assert len(stage.messages()) == 1


async def test_a_slow_press_is_answered_in_time_and_its_result_follows(stage: Stage) -> None:
    stage.sandbox.graph.faults.add(HANG)
    began = time.monotonic()
    response = await stage.post(stage.press("ada", {"command": "/exchange list"}, card="77"))
    body: JsonObject = response.json()

    assert time.monotonic() - began < INVOKE_S
    assert (body["statusCode"], body["type"]) == (200, TOAST)
    assert "come in the thread" in body["value"]
    assert stage.messages() == []

    stage.sandbox.graph.faults.release()
    await stage.settle()

    (message,) = stage.messages()
    assert message.reply_to == "77"
    assert message.conversation.endswith(";messageid=77")
    assert "5 in all" in stage.shown()[0]


@pytest.mark.parametrize(
    ("kind", "title"),
    [
        (FaultKind.STATUS, "Graph is not available"),
        (FaultKind.RESET, "Graph could not be reached"),
        (FaultKind.HALF_BODY, "Graph could not be reached"),
        (FaultKind.WRONG_JSON, "Graph reported an error"),
        (FaultKind.HUGE_BODY, "Graph reported an error"),
    ],
)
async def test_people_are_told_what_is_wrong_with_graph(
    kind: FaultKind, title: str, stage: Stage
) -> None:
    stage.sandbox.graph.faults.add(Fault(kind=kind, path="exchangeConnectors", times=None))
    said = await stage.sees("ada", "/exchange update EXCH01 version=16")

    assert title in said
    assert "Nothing was changed." in said
    assert "Error 0" in said


async def test_after_warm_up_an_activity_makes_no_connection_and_no_token(stage: Stage) -> None:
    texts = ("/exchange list", "/whoami", "/exchange update EXCH01 version=16", "/history")
    for text in texts:
        await stage.says("ada", text)
    connector, identity = stage.sandbox.connector, stage.sandbox.identity
    connections, tokens = len(connector.connections), dict(identity.tokens_issued)
    graph = len(stage.sandbox.graph.desk.journal.connections)

    for _ in range(5):
        for text in texts[:2]:
            await stage.says("vic", text)
    await stage.says("ada", "/exchange update EXCH01 version=17")

    assert len(connector.connections) == connections
    assert len(stage.sandbox.graph.desk.journal.connections) == graph
    assert dict(identity.tokens_issued) == tokens
    assert dict(tokens) == {"bot": 1, "graph": 1}


async def test_a_form_opens_in_time_while_graph_hangs_with_what_was_last_seen(
    stage: Stage,
) -> None:
    await stage.says("ada", "/status")
    stage.sandbox.graph.faults.add(HANG)
    began = time.monotonic()
    activity = stage.sandbox.teams().task_fetch(
        stage.chat.people["ada"], stage.world.channel, "1", {"form": "exchange:sync"}
    )
    response = await stage.post(activity)

    assert time.monotonic() - began < INVOKE_S
    card = response.json()["task"]["value"]["card"]["content"]
    target = next(e for e in card["body"] if e.get("id") == "arg.target")
    assert target["type"] in {"Input.ChoiceSet", "Input.Text"}

    stage.sandbox.graph.faults.release()
    await stage.settle()


async def test_a_search_is_answered_in_time_while_graph_hangs(stage: Stage) -> None:
    stage.sandbox.graph.faults.add(HANG)
    teams, ada = stage.sandbox.teams(), stage.chat.people["ada"]
    began = time.monotonic()
    response = await stage.post(teams.search(ada, stage.world.channel, "exchange", "exch"))

    assert time.monotonic() - began < INVOKE_S
    assert response.json()["statusCode"] == 200

    stage.sandbox.graph.faults.release()
    await stage.settle()
