"""A signed request must also be small, well formed, from Teams, and meant for this bot."""

import gzip
import json
from collections.abc import Callable
from typing import TypeAlias

import pytest

from bot.sandbox.journal import JsonObject
from tests.http.knocking import JSON, Door

pytestmark = pytest.mark.asyncio(loop_scope="module")

Body: TypeAlias = Callable[[Door], bytes]
OTHER_TENANT = "0ddba11e-0000-4000-8000-00000000f0e1"
PERSON = "0e0b1ec7-0000-4000-8000-000000000001"
MEBIBYTE = 1024 * 1024


def nested(levels: int) -> Body:
    def body(door: Door) -> bytes:
        return (
            json.dumps(door.message()).encode()[:-1]
            + b', "value": '
            + b'{"a":' * levels
            + b"1"
            + b"}" * (levels + 1)
        )

    return body


def raw(content: bytes) -> Body:
    return lambda _: content


def with_value(literal: bytes) -> Body:
    """Return a good message with a value that is no strict JSON."""
    return lambda door: json.dumps(door.message()).encode()[:-1] + b', "value": ' + literal + b"}"


BROKEN: dict[str, tuple[Body, int]] = {
    "nothing": (raw(b""), 400),
    "half an object": (raw(b'{"type": "message"'), 400),
    "a list": (lambda door: json.dumps([door.message()]).encode(), 400),
    "null": (raw(b"null"), 400),
    "a text": (raw(b'"message"'), 400),
    "not UTF-8": (raw(b'{"type": "\xff"}'), 400),
    "a form": (raw(b"type=message&text=/help"), 400),
    "NaN": (with_value(b"NaN"), 400),
    "infinity": (with_value(b"-Infinity"), 400),
    "an infinite number": (with_value(b"1e999"), 400),
    "an endless number": (with_value(b"9" * 5_000), 400),
    "half a surrogate pair": (with_value(b'"\\ud83d"'), 400),
    "a name twice": (lambda door: json.dumps(door.message()).encode()[:-1] + b',"id":"1"}', 400),
    "900 levels": (nested(900), 400),
    "100,000 brackets": (raw(b"[" * 100_000), 400),
    "2 MiB": (with_value(b'"' + b"a" * 2 * MEBIBYTE + b'"'), 413),
}


@pytest.mark.parametrize(("body", "status"), BROKEN.values(), ids=BROKEN)
async def test_a_body_that_is_no_activity_is_turned_away(
    door: Door, body: Body, status: int
) -> None:
    assert (await door.turned_away(body(door)))[0] == status


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "text/plain; x=application/json",
        "application/x-www-form-urlencoded",
        "application/json; charset=utf-16",
        "application/json, text/plain",
    ],
)
async def test_what_does_not_say_it_is_json_is_turned_away(door: Door, content_type: str) -> None:
    answer = await door.turned_away(door.message(), {"Content-Type": content_type})

    assert answer == (415, "content type")


async def test_a_compressed_body_is_turned_away_unread(door: Door) -> None:
    bomb = gzip.compress(b" " * 10 * MEBIBYTE)

    answer = await door.turned_away(bomb, {"Content-Encoding": "gzip"})

    assert answer == (415, "content encoding")


async def test_a_long_body_of_a_stranger_is_not_read(door: Door) -> None:
    body = b"[" * 200_000

    assert await door.turned_away(body, {"Authorization": ""}) == (401, "no token")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_activities_are_only_posted(door: Door, method: str) -> None:
    with door.traced() as trace:
        response = await door.knock(door.message(), method=method)
        await door.stage.settle()

    assert response.status_code == 405
    assert trace.posts == trace.graph == []


WRONG_TYPES: dict[str, JsonObject] = {
    "type a number": {"type": 7},
    "type missing": {"type": None},
    "type empty": {"type": ""},
    "id missing": {"id": None},
    "id a number": {"id": 1700000000000},
    "id with a line break": {"id": "1\n2"},
    "from a text": {"from": "29:ada"},
    "from a list": {"from": [{"id": "29:ada"}]},
    "from without id": {"from": {"aadObjectId": PERSON}},
    "directory id a list": {"from": {"id": "29:ada", "aadObjectId": [PERSON]}},
    "recipient missing": {"recipient": None},
    "recipient a text": {"recipient": "28:bot"},
    "conversation missing": {"conversation": None},
    "conversation a text": {"conversation": "19:x"},
    "conversation without id": {"conversation": {"tenantId": OTHER_TENANT}},
    "group flag a text": {"conversation": {"id": "19:x", "isGroup": "yes"}},
    "channelData a list": {"channelData": []},
    "tenant a text": {"channelData": {"tenant": OTHER_TENANT}},
    "tenant a list": {"channelData": {"tenant": [OTHER_TENANT]}},
    "text a number": {"text": 7},
    "text a list": {"text": ["/help"]},
    "timestamp a number": {"timestamp": 1700000000},
    "timestamp a word": {"timestamp": "yesterday"},
    "timestamp an object": {"timestamp": {"$date": 1}},
    "entities a text": {"entities": "x"},
    "entities of texts": {"entities": ["x"]},
    "channelId a number": {"channelId": 7},
    "members an object": {"membersAdded": {"id": "28:bot"}},
    "name an object": {"name": {}},
}


@pytest.mark.parametrize("changes", WRONG_TYPES.values(), ids=WRONG_TYPES)
async def test_an_activity_of_wrong_types_is_turned_away(door: Door, changes: JsonObject) -> None:
    assert (await door.turned_away(door.message(**changes)))[0] == 400


def in_tenant(tenant: str, *, said_in: str | None = None) -> JsonObject:
    return {
        "channelData": {"tenant": {"id": tenant}},
        "conversation": {"id": "19:x@thread.tacv2", "tenantId": said_in or tenant},
    }


FOREIGN: dict[str, tuple[JsonObject, str]] = {
    "web chat": ({"channelId": "webchat"}, "channel"),
    "direct line": ({"channelId": "directline"}, "channel"),
    "emulator": ({"channelId": "emulator"}, "channel"),
    "channel in other case": ({"channelId": "MSTeams"}, "channel"),
    "channel empty": ({"channelId": ""}, "channel"),
    "channel missing": ({"channelId": None}, "channel"),
    "another bot": ({"recipient": {"id": f"28:{OTHER_TENANT}"}}, "recipient"),
    "a person": ({"recipient": {"id": "29:ada"}}, "recipient"),
    "another tenant": (in_tenant(OTHER_TENANT), "tenant"),
    "no tenant": ({"channelData": {}}, "tenant"),
    "no channel data": ({"channelData": None}, "tenant"),
    "nobody": ({"from": None}, "sender has no directory id"),
    "no directory id": ({"from": {"id": "29:ada"}}, "sender has no directory id"),
    "a mail address": (
        {"from": {"id": "29:ada", "aadObjectId": "ada@contoso.example"}},
        "sender has no directory id",
    ),
    "a directory id in braces": (
        {"from": {"id": "29:ada", "aadObjectId": f"{{{PERSON}}}"}},
        "sender has no directory id",
    ),
}


@pytest.mark.parametrize(("changes", "reason"), FOREIGN.values(), ids=FOREIGN)
async def test_an_activity_that_is_not_for_this_bot_is_turned_away(
    door: Door, changes: JsonObject, reason: str
) -> None:
    assert await door.turned_away(door.message(**changes)) == (403, reason)


async def test_a_conversation_of_another_tenant_than_its_channel_is_turned_away(
    door: Door,
) -> None:
    message = door.message(**in_tenant(door.stage.world.ada.tenant, said_in=OTHER_TENANT))

    assert await door.turned_away(message) == (403, "tenant of the conversation")


@pytest.mark.parametrize("minutes", [-16, -60 * 24, 6, 60 * 24 * 365])
async def test_a_stale_activity_is_taken_and_has_no_effect(door: Door, minutes: int) -> None:
    message = door.message()
    door.stage.clock.move(minutes=-minutes)
    try:
        with door.traced() as trace:
            response = await door.knock(message)
            await door.stage.settle()
    finally:
        door.stage.clock.move(minutes=minutes)

    assert response.status_code == 200
    assert trace.posts == trace.graph == []
    assert trace.refusals == []


async def test_a_repeated_activity_is_answered_once(door: Door) -> None:
    message = door.message("/whoami")
    with door.traced() as trace:
        statuses = [(await door.knock(message)).status_code for _ in range(3)]
        await door.stage.settle()

    assert statuses == [202, 200, 200]
    assert len(trace.posts) == 1


TAKEN_IN = {
    "statusCode": 200,
    "type": "application/vnd.microsoft.activity.message",
    "value": "Already taken in. This came before; nothing happens twice. Contoso Lab · sandbox",
}


async def test_a_repeated_press_is_answered_in_words_and_without_effect(door: Door) -> None:
    press = door.press()
    await door.knock(press)
    await door.stage.settle()

    with door.traced() as trace:
        response = await door.knock(press)
        await door.stage.settle()

    assert (response.status_code, response.json()) == (200, TAKEN_IN)
    assert trace.posts == trace.graph == []


async def test_json_may_say_its_charset(door: Door) -> None:
    response = await door.knock(
        door.message("/whoami"), {"Content-Type": f"{JSON}; charset=utf-8"}
    )
    await door.stage.settle()

    assert response.status_code == 202


async def test_no_refusal_tells_the_sender_why(door: Door) -> None:
    for body, headers in (
        (door.message(channelId="webchat"), None),
        (b"{", None),
        (door.message(), {"Authorization": "Bearer canary"}),
    ):
        assert (await door.knock(body, headers)).content == b""
