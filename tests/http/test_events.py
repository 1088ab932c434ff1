"""What is neither a message nor a press has no effect, whatever it claims to be."""

import pytest

from bot.sandbox.journal import JsonObject
from tests.http.knocking import Door

pytestmark = pytest.mark.asyncio(loop_scope="module")

WIRE_EVENTS: dict[str, JsonObject] = {
    "continue conversation": {"type": "event", "name": "ContinueConversation"},
    "create conversation": {"type": "event", "name": "createConversation"},
    "invoke response": {"type": "invokeResponse", "value": {"status": 200, "body": {}}},
    "event": {"type": "event", "name": "anything", "value": {"command": "/pause"}},
    "typing": {"type": "typing"},
    "end of conversation": {"type": "endOfConversation", "code": "completedSuccessfully"},
    "trace": {"type": "trace", "value": {"command": "/pause"}},
    "command": {"type": "command", "name": "x", "value": {"commandId": "1"}},
    "delay": {"type": "delay", "value": 60000},
    "handoff": {"type": "handoff"},
    "reaction": {"type": "messageReaction", "reactionsAdded": [{"type": "like"}]},
    "edited": {"type": "messageUpdate", "channelData": None},
    "deleted": {"type": "messageDelete"},
    "upgraded": {"type": "installationUpdate", "action": "add-upgrade"},
    "removed": {"type": "installationUpdate", "action": "remove"},
    "joined": {"type": "conversationUpdate", "membersAdded": [{"id": "29:new"}]},
    "unknown": {"type": "somethingNew"},
    "message in capitals": {"type": "MESSAGE"},
    "a long type": {"type": "x" * 250},
}


def is_quiet(status: int) -> bool:
    return 200 <= status < 300 or 400 <= status < 500


@pytest.mark.parametrize("changes", WIRE_EVENTS.values(), ids=WIRE_EVENTS)
@pytest.mark.parametrize("sender", ["a person", "nobody"])
async def test_a_wire_event_runs_nothing(door: Door, changes: JsonObject, sender: str) -> None:
    event = door.message("/exchange delete EXCH01", **changes)
    if sender == "nobody":
        event.pop("from")
    with door.traced() as trace:
        response = await door.knock(event)
        await door.stage.settle()

    assert is_quiet(response.status_code)
    assert trace.posts == trace.graph == []
    assert not any("exc_info" in line for line in trace.lines)


INVOKES: dict[str, JsonObject] = {
    "unnamed": {"name": None},
    "unknown name": {"name": "something/new"},
    "dialog": {"name": "task/fetch", "value": {"data": {}, "context": {"theme": "default"}}},
    "dialog submitted": {"name": "task/submit", "value": {"data": {}}},
    "search": {"name": "application/search", "value": {"queryText": "EXCH"}},
    "link": {"name": "composeExtension/queryLink", "value": {"url": "https://x.example"}},
    "token exchange": {"name": "signin/tokenExchange", "value": {"id": "1", "token": "canary"}},
    "verify state": {"name": "signin/verifyState", "value": {"state": "123456"}},
    "sign-in failed": {"name": "signin/failure", "value": {"code": "invokeerror"}},
    "file consent": {"name": "fileConsent/invoke", "value": {"action": "accept"}},
    "no value": {"value": None},
    "value a text": {"value": "x"},
    "value a list": {"value": []},
    "no action": {"value": {}},
    "action a text": {"value": {"action": "x"}},
    "action of no type": {"value": {"action": {"data": {"command": "/pause"}}}},
    "action a submit": {"value": {"action": {"type": "Action.Submit", "data": {}}}},
    "data missing": {"value": {"action": {"type": "Action.Execute"}}},
    "data a text": {"value": {"action": {"type": "Action.Execute", "data": "x"}}},
    "data a list": {"value": {"action": {"type": "Action.Execute", "data": ["x"]}}},
    "command a number": {"value": {"action": {"type": "Action.Execute", "data": {"command": 7}}}},
    "verb an object": {"value": {"action": {"type": "Action.Execute", "verb": {}, "data": {}}}},
    "refreshed": {"value": {"action": {"type": "Action.Execute"}, "trigger": "automatic"}},
}


@pytest.mark.parametrize("changes", INVOKES.values(), ids=INVOKES)
async def test_an_odd_press_changes_nothing_and_breaks_nothing(
    door: Door, changes: JsonObject
) -> None:
    with door.traced() as trace:
        response = await door.knock(door.press(**changes))
        await door.stage.settle()

    assert is_quiet(response.status_code)
    assert door.stage.graph_writes() == []
    assert not any("exc_info" in line for line in trace.lines)
    assert "canary" not in str(trace.lines)


@pytest.mark.parametrize(
    "value", [7, "x", [], {}, {"command": 7}, {"command": {"a": 1}}, {"command": "/pause\x00"}]
)
async def test_an_odd_submission_changes_nothing_and_breaks_nothing(
    door: Door, value: object
) -> None:
    with door.traced() as trace:
        response = await door.knock(door.message(value=value, text=None))
        await door.stage.settle()

    assert is_quiet(response.status_code)
    assert door.stage.graph_writes() == []
    assert not any("exc_info" in line for line in trace.lines)
