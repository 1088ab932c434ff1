"""A request made in a private chat: its asker is told where its card is, and who can see it."""

from pathlib import Path

import pytest

from bot.domain.operation import State
from bot.sandbox.journal import JsonObject
from bot.sandbox.people import Channel
from bot.sandbox.terminal import press_of
from tests.support.room import UPDATE, Room, policy, room_of, text_of
from tests.support.stage import Script, staged

OFFICE = Channel("19:c0de0000000000000000000000000002@thread.tacv2")
OLIS, BOBS = (Channel(f"a:1c0de0000{who}", kind="personal") for who in ("oli", "bob"))
GROUP = Channel("19:c0de0000000000000000000000000020@thread.v2", "groupChat")
UNSEEN = "Nobody but you can see this card"


async def heard_of(room: Room, name: str = "") -> None:
    """Let the bot hear of the channel that the rule names, by its name or without one."""
    activity = room.stage.sandbox.teams().message(room.people["bob"], OFFICE, "/whoami")
    if name:
        activity["channelData"]["channel"] = {"id": OFFICE.id, "name": name}
    await room.stage.post(activity)
    await room.stage.settle()


@pytest.mark.parametrize("name", ["Change board", ""], ids=["named", "unnamed"])
async def test_the_asker_is_told_where_the_card_is_and_who_can_see_it(
    tmp_path: Path, name: str
) -> None:
    text = policy(channel=f'"{OFFICE.id}"')
    async with staged(tmp_path, Script(policy=text)) as stage:
        room = room_of(stage)
        await heard_of(room, name)
        asked = await room.asks("oli", channel=OLIS)
        told = text_of(next(m for m in stage.messages() if m.conversation == OLIS.id).card)

        assert (await room.message(asked)).conversation == OFFICE.id
        for part in (asked.short, "the channel", name, "everybody there can see", "admin"):
            assert part in told
        assert UNSEEN not in told


async def test_the_card_in_the_channel_says_what_is_asked_and_by_whom(tmp_path: Path) -> None:
    text = policy(channel=f'"{OFFICE.id}"')
    async with staged(tmp_path, Script(policy=text)) as stage:
        room = room_of(stage)
        await heard_of(room)
        asked = await room.asks("oli", f'{UPDATE} --reason "old agent"', channel=OLIS)
        shown = await room.shown(asked)
        await room.presses("bob", "Approve", asked)
        last = stage.messages()[-1]

        for part in ("Update EXCH01", "Oli Operator", "15.9", UPDATE, "old agent"):
            assert part in shown
        assert UNSEEN not in shown
        assert await room.state(asked) is State.DONE
        assert last.conversation == OLIS.id
        assert "Approved" in text_of(last.card)


@pytest.mark.parametrize("channel", ["", f'"{OFFICE.id}"'], ids=["no channel", "never heard of"])
async def test_a_card_that_nobody_else_can_see_says_so_and_what_to_do(
    tmp_path: Path, channel: str
) -> None:
    text = policy(channel=channel) if channel else policy()
    async with staged(tmp_path, Script(policy=text)) as stage:
        room = room_of(stage)
        asked = await room.asks("oli", channel=OLIS)
        shown, own = await room.shown(asked), text_of(await own_view(room, "oli"))
        await room.types("bob", f"/approve {asked.short}", channel=BOBS)
        decided = await room.shown(asked)

        for said in (shown, own):
            assert UNSEEN in said
            assert f"/approve {asked.short}" in said
            assert "/approvals" in said
            assert "ask in the channel" in said
        assert await room.state(asked) is State.DONE
        assert UNSEEN not in decided


async def own_view(room: Room, who: str) -> JsonObject:
    """Return what somebody's client shows them of the newest message."""
    message = room.stage.messages()[-1]
    asked = {"operation": (await room.newest()).id}
    press = room.stage.sandbox.teams().press(
        room.people[who], Channel(message.conversation, "personal"), message.id, asked, "view"
    )
    response = await room.stage.post(room.stage.sandbox.teams().unasked(press))
    card: JsonObject = response.json()["value"]
    return card


@pytest.mark.parametrize("where", [None, GROUP], ids=["channel", "group chat"])
async def test_a_card_that_others_can_see_says_nothing_of_it(
    tmp_path: Path, where: Channel | None
) -> None:
    async with staged(tmp_path, Script(policy=policy())) as stage:
        room = room_of(stage)
        asked = await room.asks("oli", channel=where)

        assert UNSEEN not in await room.shown(asked)


async def test_an_approver_who_opens_it_is_not_told_of_the_askers_chat(tmp_path: Path) -> None:
    async with staged(tmp_path, Script(policy=policy())) as stage:
        room = room_of(stage)
        asked = await room.asks("oli", channel=OLIS)
        await room.types("bob", "/approvals", channel=BOBS)
        listed = stage.messages()[-1]
        action = press_of(listed.card or {}, f"Show {asked.short}")
        assert action
        press = stage.sandbox.teams().press(
            room.people["bob"], BOBS, listed.id, action["data"], action["verb"]
        )
        opened = text_of((await stage.post(press)).json()["value"])

        assert "Update EXCH01" in opened
        assert UNSEEN not in opened
