"""`/approvals`: what waits for me is decided from the list, wherever it was asked for."""

from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from bot.domain.operation import State
from bot.sandbox.connector import Message
from bot.sandbox.journal import JsonObject
from bot.sandbox.people import Channel
from bot.sandbox.terminal import buttons_of
from cards import words
from tests.support.room import CARD, Room, policy, press_on, room_of, text_of
from tests.support.stage import Script, staged

OTHER_TEAM = Channel(
    "19:c0de0000000000000000000000000009@thread.tacv2", team="19:0the7team@thread.tacv2"
)
PERSONAL = Channel("a:1c0de0000oli", kind="personal")
MINE = Channel("a:1c0de0000bob", kind="personal")
PLACES = pytest.mark.parametrize(
    "asked_in", [None, OTHER_TEAM, PERSONAL], ids=["here", "another team", "private chat"]
)


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    """Return a room where one administrator's vote is enough."""
    async with staged(tmp_path, Script(policy=policy())) as stage:
        room = room_of(stage)
        yield room
        await room.checks()


async def listed(room: Room, who: str, *, channel: Channel | None = None) -> Message:
    """Return the message that answers `/approvals`."""
    await room.types(who, "/approvals", channel=channel)
    return room.stage.messages()[-1]


async def pressed(
    room: Room, who: str, title: str, card: JsonObject, message: Message, **inputs: str
) -> JsonObject:
    """Press what a message shows somebody as this card, and return what takes its place."""
    shown = Message(
        message.id, message.conversation, {"attachments": [{"contentType": CARD, "content": card}]}
    )
    press = press_on(room.stage.sandbox.teams(), room.people[who], shown, title, **inputs)
    body = (await room.stage.post(press)).json()
    await room.stage.settle()
    assert body["type"] == CARD, body
    value: JsonObject = body["value"]
    return value


def rows(card: JsonObject) -> list[JsonObject]:
    return [each for each in card["body"] if "selectAction" in each]


@PLACES
@pytest.mark.parametrize("title", ["Approve", "Reject"])
async def test_show_opens_the_request_of_a_row_and_it_is_decided_there(
    room: Room, title: str, asked_in: Channel | None
) -> None:
    asked = await room.asks("oli", channel=asked_in)
    message = await listed(room, "bob", channel=MINE)
    assert message.card
    opened = await pressed(room, "bob", f"Show {asked.short}", message.card, message)
    decided = await pressed(room, "bob", title, opened, message, comment="after the move")

    assert buttons_of(opened) == ["Approve", "Reject"]
    assert words.COMMENT_LABEL in text_of(opened)
    assert await room.state(asked) is (State.DONE if title == "Approve" else State.REJECTED)
    assert "after the move" in text_of(decided)
    assert "Bob Admin" in text_of(decided)


@PLACES
@pytest.mark.parametrize("verb", ["approve", "reject"])
async def test_the_commands_of_a_row_decide_it_where_the_list_stands(
    room: Room, verb: str, asked_in: Channel | None
) -> None:
    asked = await room.asks("oli", channel=asked_in)
    shown = text_of((await listed(room, "bob", channel=MINE)).card)
    twin = f"/{verb} {asked.short}"
    await room.types("bob", f'{twin} --comment "after the move"', channel=MINE)

    assert twin in shown
    assert '--comment "…"' in shown
    assert await room.state(asked) is (State.DONE if verb == "approve" else State.REJECTED)
    assert "after the move" in await room.shown(asked)


@PLACES
async def test_a_row_says_what_it_is_about_who_asks_and_when_it_lapses(
    room: Room, asked_in: Channel | None
) -> None:
    record_id = room.stage.world.id_of("EXCH02")
    await room.asks("oli", f"/exchange update {record_id} version=16", channel=asked_in)
    (row,) = rows((await listed(room, "bob")).card or {})
    shown = text_of({"body": [row]})

    for part in (
        "Update EXCH02",
        record_id,
        "Oli Operator",
        "lapses 2026-11-21 13:00 UTC",
        "Show",
    ):
        assert part in shown
    assert shown.index("EXCH02") < shown.index(record_id)


async def test_what_i_asked_for_is_shown_and_taken_back_from_the_list(room: Room) -> None:
    asked = await room.asks("oli")
    message = await listed(room, "oli")
    assert message.card
    opened = await pressed(room, "oli", f"Show {asked.short}", message.card, message)
    await pressed(room, "oli", "Cancel", opened, message)

    assert f"/cancel {asked.short}" in text_of(message.card)
    assert "/approve" not in text_of(message.card)
    assert buttons_of(opened) == ["Cancel"]
    assert await room.state(asked) is State.CANCELLED


async def test_what_i_have_voted_on_does_not_wait_for_me(tmp_path: Path) -> None:
    async with staged(tmp_path, Script(policy=policy(needed="2"))) as stage:
        room = room_of(stage)
        asked = await room.asks("oli")
        await room.presses("bob", "Approve", asked)

        assert words.NOTHING_WAITS in text_of((await listed(room, "bob")).card)
        assert asked.short in text_of((await listed(room, "cyn")).card)


async def test_what_can_no_longer_be_decided_does_not_wait_for_me(room: Room) -> None:
    await room.asks("oli")
    room.rules(policy(expires='"1h"'))
    await room.passes(hours=1)

    assert words.NOTHING_WAITS in text_of((await listed(room, "bob")).card)


@pytest.mark.parametrize("who", ["ada", "oli", "bob", "vic"])
async def test_no_line_separates_a_list_from_nothing(room: Room, who: str) -> None:
    await room.asks("oli")
    await room.asks("ada", "/exchange delete EXCH02")
    await room.asks("ada", "/exchange delete EXCH05")
    card = (await listed(room, who)).card or {}
    top, *body = card["body"]

    assert not top.get("separator")
    assert not body[0].get("separator")
    for before, each in pairwise(body):
        # A line stands between two rows, or above the heading of the second list.
        is_row = "selectAction" in each
        assert bool(each.get("separator")) is (
            "selectAction" in before and (is_row or each.get("weight") == "Bolder")
        )
    for text in texts(body):
        assert not text.startswith("·")
        assert not text.endswith("·")


def texts(elements: list[JsonObject]) -> Iterator[str]:
    """Yield every paragraph of a card's elements."""
    for each in elements:
        if each["type"] == "RichTextBlock":
            yield "".join(str(inline["text"]) for inline in each["inlines"]).strip()
        for column in each.get("columns") or []:
            yield from texts(column["items"])
