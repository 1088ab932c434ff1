"""Every invoke and every other activity in the documentation's shapes, and what is no such shape.

Sources: "Universal Action Model" (Adaptive Cards), "Use task modules with bots", "Dynamic search",
"Conversation events in your Teams bot" (Teams).
"""

from collections.abc import Callable
from datetime import timedelta

import pytest

from bot.sandbox.faults import Fault, FaultKind
from bot.sandbox.journal import JsonObject
from tests.support.paper import invoked, said
from tests.support.stage import Stage

CARD = "application/vnd.microsoft.card.adaptive"
TOAST = "application/vnd.microsoft.activity.message"
ERROR = "application/vnd.microsoft.error"
FOUND = "application/vnd.microsoft.search.searchResponse"
LISTS: JsonObject = {"command": "/exchange list"}
CREATES: JsonObject = {"form": "exchange:create"}
FILLED: JsonObject = {**CREATES, "verb": "fill", "set.serverName": "EXCH10"}

Make = Callable[[Stage], JsonObject]
INVOKES: dict[str, Make] = {
    "adaptiveCard/action": lambda stage: stage.press("ada", LISTS),
    "task/fetch": lambda stage: stage.sandbox.teams().task_fetch(
        stage.chat.people["ada"], stage.world.channel, "1", CREATES
    ),
    "task/submit": lambda stage: stage.sandbox.teams().task_submit(
        stage.chat.people["ada"], stage.world.channel, "1", FILLED
    ),
    "application/search": lambda stage: stage.sandbox.teams().search(
        stage.chat.people["ada"], stage.world.channel, "exchange", "exch"
    ),
}
SENSELESS: tuple[object, ...] = (
    None,
    {},
    [],
    "text",
    7,
    {"data": None},
    {"data": []},
    {"data": 7},
)
every_invoke = pytest.mark.parametrize("name", INVOKES)


def assert_shaped(name: str, body: JsonObject) -> None:
    """Hold a body against the documented shapes of the answers to an invoke of that name."""
    if name.startswith("task/"):
        assert set(body) == {"task"}
        task = body["task"]
        assert set(task) == {"type", "value"}
        if task["type"] == "message":
            assert isinstance(task["value"], str)
            assert task["value"]
            return
        assert task["type"] == "continue"
        assert {"title", "height", "width", "card"} == set(task["value"])
        assert task["value"]["card"]["contentType"] == CARD
        assert task["value"]["card"]["content"]["type"] == "AdaptiveCard"
        return
    assert set(body) == {"statusCode", "type", "value"}
    assert body["type"] in {CARD, TOAST, ERROR, FOUND}
    assert isinstance(body["value"], str) == (body["type"] == TOAST)
    assert body["statusCode"] == (400 if body["type"] == ERROR else 200)
    if body["type"] == ERROR:
        assert set(body["value"]) == {"code", "message"}
        assert all(isinstance(text, str) and text for text in body["value"].values())
    if body["type"] == FOUND:
        assert set(body["value"]) == {"results"}
        assert all(set(each) == {"title", "value"} for each in body["value"]["results"])


@every_invoke
async def test_an_invoke_is_answered_in_its_documented_shape(name: str, stage: Stage) -> None:
    body = await invoked(stage, INVOKES[name](stage))

    assert_shaped(name, body)
    assert body.get("type") != ERROR


@every_invoke
async def test_a_repeated_invoke_has_the_shape_too_and_no_effect(name: str, stage: Stage) -> None:
    activity = INVOKES[name](stage)
    await invoked(stage, activity)
    requests = len(stage.sandbox.graph.log)
    body = await invoked(stage, activity)

    assert_shaped(name, body)
    assert len(stage.sandbox.graph.log) == requests


@every_invoke
async def test_an_invoke_that_is_too_old_has_the_shape_too(name: str, stage: Stage) -> None:
    activity = INVOKES[name](stage)
    old = (stage.clock.now() - timedelta(hours=2)).isoformat()

    assert_shaped(name, await invoked(stage, activity | {"timestamp": old}))
    assert stage.messages() == []


@every_invoke
@pytest.mark.parametrize("value", SENSELESS, ids=str)
async def test_an_invoke_without_sense_is_answered_in_its_shape(
    name: str, value: object, stage: Stage
) -> None:
    body = await invoked(stage, INVOKES[name](stage) | {"value": value})

    assert_shaped(name, body)
    assert stage.messages() == []
    assert stage.graph_writes() == []


@every_invoke
async def test_an_invoke_of_a_stranger_is_told_no_in_its_shape(name: str, stage: Stage) -> None:
    activity = INVOKES[name](stage)
    activity["from"] = {**activity["from"], "aadObjectId": "9f000000-0000-4000-8000-000000000009"}
    body = await invoked(stage, activity)

    assert_shaped(name, body)
    assert "EXCH0" not in str(body)


@every_invoke
async def test_an_invoke_while_graph_is_down_is_answered_in_its_shape(
    name: str, stage: Stage
) -> None:
    stage.sandbox.graph.faults.add(Fault(kind=FaultKind.STATUS, path="/", status=503, times=None))

    assert_shaped(name, await invoked(stage, INVOKES[name](stage)))


@pytest.mark.parametrize(
    ("text", "first"),
    [("exch05", "EXCH05"), ("CH0", "EXCH"), ("e11c1de8", ""), ("", "")],
)
async def test_a_search_finds_by_name_and_by_id(text: str, first: str, stage: Stage) -> None:
    teams, ada = stage.sandbox.teams(), stage.chat.people["ada"]
    body = await invoked(stage, teams.search(ada, stage.world.channel, "exchange", text))
    results = body["value"]["results"]

    assert results
    assert results[0]["title"].startswith(first)
    assert {each["value"] for each in results} <= set(stage.world.connectors.records)


async def test_a_search_that_finds_nothing_says_so_with_an_empty_list(stage: Stage) -> None:
    teams, ada = stage.sandbox.teams(), stage.chat.people["ada"]
    body = await invoked(stage, teams.search(ada, stage.world.channel, "exchange", "zzz"))

    assert body == {"statusCode": 200, "type": FOUND, "value": {"results": []}}


async def test_typing_a_name_asks_graph_once_and_later_again(stage: Stage) -> None:
    teams, ada = stage.sandbox.teams(), stage.world.ada
    counts = []
    for seconds in (0, 1, 1, 6):
        stage.clock.move(seconds=seconds)
        await invoked(stage, teams.search(ada, stage.world.channel, "exchange", "EX"))
        counts.append(len(stage.sandbox.graph.requests("GET", under="/deviceManagement")))

    assert [count - counts[0] for count in counts] == [0, 0, 0, 1]


async def test_a_search_pages(stage: Stage) -> None:
    teams, ada = stage.sandbox.teams(), stage.chat.people["ada"]
    channel = stage.world.channel
    pages = [
        await invoked(stage, teams.search(ada, channel, "exchange", "", skip=skip, top=2))
        for skip in (0, 2, 4)
    ]
    ids = [each["value"] for page in pages for each in page["value"]["results"]]

    assert len(ids) == len(set(ids)) == 5


@pytest.mark.parametrize("dataset", ["nothing", "", "exchange:list"])
async def test_a_search_of_nothing_is_an_error(dataset: str, stage: Stage) -> None:
    teams, ada = stage.sandbox.teams(), stage.chat.people["ada"]
    body = await invoked(stage, teams.search(ada, stage.world.channel, dataset, "x"))

    assert body["type"] == ERROR


async def test_a_command_may_run_in_a_dialog_and_shows_its_card_there(stage: Stage) -> None:
    data = {"form": "exchange:get", "verb": "fill", "arg.target": "EXCH01"}
    teams, vic = stage.sandbox.teams(), stage.chat.people["vic"]
    body = await invoked(stage, teams.task_submit(vic, stage.world.channel, "1", data))

    assert_shaped("task/submit", body)
    assert "INTUNE-GW01" in said(body)
    assert stage.messages() == []


EVENTS: dict[str, Make] = {
    "messageUpdate": lambda stage: stage.sandbox.teams().edited(
        stage.activity("ada", "/help"), "/exchange delete EXCH05"
    ),
    "messageDelete": lambda stage: (
        stage.activity("ada", "/exchange list") | {"type": "messageDelete"}
    ),
    "installationUpdate remove": lambda stage: stage.sandbox.teams().installed(
        stage.chat.people["ada"], stage.world.channel, action="remove"
    ),
    "installationUpdate add-upgrade": lambda stage: (
        stage.sandbox.teams().installed(stage.chat.people["ada"], stage.world.channel)
        | {"action": "add-upgrade"}
    ),
    "messageReaction": lambda stage: stage.sandbox.teams().reacted(
        stage.chat.people["ada"], stage.world.channel, "1", "like"
    ),
    "conversationUpdate": lambda stage: (
        stage.activity("ada", "")
        | {"type": "conversationUpdate", "membersAdded": [{"id": "29:somebody"}]}
    ),
    "typing": lambda stage: stage.activity("ada", "") | {"type": "typing"},
    "event": lambda stage: (
        stage.activity("ada", "")
        | {"type": "event", "name": "application/vnd.microsoft.readReceipt"}
    ),
}
every_event = pytest.mark.parametrize("name", EVENTS)


@every_event
@pytest.mark.parametrize("value", [..., None, {}, [], "text"], ids=str)
async def test_an_event_is_taken_in_without_a_word_and_without_effect(
    name: str, value: object, stage: Stage
) -> None:
    activity = EVENTS[name](stage)
    if value is not ...:
        activity |= {"value": value, "entities": None, "text": None}
    answers = [await stage.post(activity) for _ in range(2)]
    await stage.settle()

    assert [(a.status_code, a.content) for a in answers] == [(200, b"")] * 2
    assert stage.messages() == []
    assert stage.graph_writes() == []
