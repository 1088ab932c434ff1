"""Where the bot can write: every activity tells it, some take it away, and no token goes astray."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.sandbox.connector import Message
from bot.sandbox.journal import JsonObject
from bot.sandbox.people import Channel
from bot.sandbox.world import TENANT
from bot.service.ports import Reference
from tests.support.audience import channels, subscribe
from tests.support.room import UPDATE, policy, room_of, text_of
from tests.support.stage import FakeClock, Script, joined, sandboxed, text_of as last_of
from tests.support.stranger import Stranger, listening
from tests.support.tower import OTHER, Tower, towered

TEAM = "19:team0000000000000000000000000009@thread.tacv2"
HERE, THERE = (
    Channel(f"19:c0de000000000000000000000000001{n}@thread.tacv2", team=TEAM) for n in (1, 2)
)
CHAT = Channel("19:c0de0000000000000000000000000020@thread.v2", "groupChat")


@pytest.fixture
async def tower(tmp_path: Path, database: str) -> AsyncIterator[Tower]:
    async with towered(tmp_path, database) as tower:
        yield tower


@pytest.fixture
async def stranger() -> AsyncIterator[Stranger]:
    async with listening() as stranger:
        yield stranger


def installed(tower: Tower, channel: Channel, action: str) -> JsonObject:
    activity = tower.stage.sandbox.teams().installed(tower.stage.world.ada, channel)
    return activity | {"action": action}


def updated(tower: Tower, channel: Channel, event: str = "", **more: object) -> JsonObject:
    """Return a conversationUpdate; the bot stands for itself in `added` and `removed`."""
    activity = installed(tower, channel, "add")
    del activity["action"]
    data = activity["channelData"] | ({"eventType": event} if event else {})
    if "name" in more:
        data["channel"] = {"id": channel.id, "name": more["name"]}
    who = [activity["recipient"]] if more.get("bot", True) else [activity["from"]]
    members = {f"members{side}": who for side in ("Added", "Removed") if more.get(side.lower())}
    return activity | {"type": "conversationUpdate", "channelData": data, **members}


async def hears(tower: Tower, activity: JsonObject) -> None:
    response = await tower.stage.post(activity)
    assert response.status_code in {200, 202}
    await tower.stage.settle()


async def known(tower: Tower, channel: Channel) -> Reference | None:
    return await tower.stage.bot.store.reference(TENANT, channel.id)


async def lost(tower: Tower, channel: Channel) -> str | None:
    reach = await tower.stage.bot.store.reach(TENANT, channel.id)
    assert reach is not None
    return reach.blocked


@pytest.mark.parametrize("channel", [HERE, CHAT], ids=["channel", "chat"])
@pytest.mark.parametrize("what", ["add", "add-upgrade", "added", "renamed", "message", "press"])
async def test_every_activity_tells_where_a_conversation_is_reached(
    tower: Tower, what: str, channel: Channel
) -> None:
    teams, ada = tower.stage.sandbox.teams(), tower.stage.world.ada
    await hears(
        tower,
        {
            "add": installed(tower, channel, "add"),
            "add-upgrade": installed(tower, channel, "add-upgrade"),
            "added": updated(tower, channel, added=True),
            "renamed": updated(tower, channel, "channelRenamed", name="Alerts"),
            "message": teams.message(ada, channel, "/whoami"),
            "press": teams.press(ada, channel, "1", {}, "run"),
        }[what],
    )

    found = await known(tower, channel)
    assert found is not None
    assert found.service_url == tower.stage.sandbox.service_url
    assert found.conversation == channel.id
    assert await lost(tower, channel) is None


@pytest.mark.parametrize(
    ("end", "code", "begin"),
    [
        ("remove", "Uninstalled", "add"),
        ("remove-upgrade", "Uninstalled", "add-upgrade"),
        ("removed", "Removed", "added"),
        ("teamDeleted", "TeamDeleted", "teamRestored"),
        ("teamArchived", "TeamArchived", "teamUnarchived"),
    ],
)
async def test_what_happens_to_a_team_happens_to_all_its_channels(
    tower: Tower, end: str, code: str, begin: str
) -> None:
    teams, world = tower.stage.sandbox.teams(), tower.stage.world
    for channel in (HERE, THERE, world.channel, CHAT):
        await hears(tower, teams.message(world.ada, channel, "/whoami"))

    def event(name: str) -> JsonObject:
        if name.startswith("team"):
            return updated(tower, HERE, name)
        if name in {"added", "removed"}:
            return updated(tower, HERE, added=name == "added", removed=name == "removed")
        return installed(tower, HERE, name)

    await hears(tower, event(end))
    without = [await lost(tower, channel) for channel in (HERE, THERE, world.channel, CHAT)]
    await hears(tower, event(begin))

    assert without == [code, code, None, None]
    assert [await lost(tower, channel) for channel in (HERE, THERE)] == [None, None]


async def test_a_deleted_channel_is_lost_alone_and_stays_so_when_its_team_comes_back(
    tower: Tower,
) -> None:
    teams, world = tower.stage.sandbox.teams(), tower.stage.world
    for channel in (HERE, THERE):
        await hears(tower, teams.message(world.ada, channel, "/whoami"))
    deleted = updated(tower, HERE, "channelDeleted", name="Alerts")
    deleted["conversation"]["id"] = TEAM
    await hears(tower, deleted)
    one = [await lost(tower, channel) for channel in (HERE, THERE)]
    await hears(tower, installed(tower, THERE, "remove"))
    await hears(tower, installed(tower, THERE, "add"))
    after = [await lost(tower, channel) for channel in (HERE, THERE)]
    await hears(tower, updated(tower, HERE, "channelRestored", name="Alerts"))

    assert one == ["ChannelDeleted", None]
    assert after == ["ChannelDeleted", None]
    assert await lost(tower, HERE) is None


async def test_somebody_else_who_is_removed_takes_nothing_away(tower: Tower) -> None:
    await hears(tower, tower.stage.sandbox.teams().message(tower.stage.world.ada, HERE, "/whoami"))

    await hears(tower, updated(tower, HERE, removed=True, bot=False))

    assert await lost(tower, HERE) is None


async def test_other_conversations_are_seen_by_who_may_with_name_and_reason(tower: Tower) -> None:
    await tower.watches()
    await tower.room.types("ada", "/watch exchange", channel=HERE)
    await hears(tower, updated(tower, HERE, "channelRenamed", name="Alerts"))
    await hears(tower, installed(tower, THERE, "remove"))

    here = await tower.room.types("ada", "/watches")
    every = await tower.room.types("ada", "/watches --all")
    refused = await tower.room.types("oli", "/watches --all")

    assert "belongs to another conversation" in here
    assert "What every conversation is told" in every
    assert "In Alerts" in every
    assert "The bot was uninstalled there; install it again (Uninstalled)" in every
    assert every.index("In Alerts") < every.index("In this conversation")
    assert "bot:dead" in refused
    assert "Alerts" not in refused


async def test_many_subscriptions_are_shown_page_by_page(tower: Tower) -> None:
    stage = tower.stage
    await subscribe(stage.bot.store, stage.sandbox, channels(14))
    first = await stage.sees("ada", "/watches --all")
    second = last_of(await stage.presses("ada", "Next"))
    back = last_of(await stage.presses("ada", "Previous"))
    beyond = await stage.sees("ada", "/watches --all --page 99")

    seen = [{name for name in channels(14) if name in text} for text in (first, second)]
    assert [len(names) for names in seen] == [10, 4]
    assert not seen[0] & seen[1]
    assert all(name in back for name in seen[0])
    assert all(name in beyond for name in seen[1])


async def test_a_changed_service_url_serves_the_next_message_and_back_again(
    tmp_path: Path, stranger: Stranger
) -> None:
    url = f"sqlite:///{tmp_path / 'connectors.db'}"
    async with towered(tmp_path, url, BOT_SANDBOX_SERVICE_URLS=stranger.url) as tower:
        await tower.watches()
        await moves(tower, stranger.url)
        moved = len(stranger.asked)
        await tower.breaks()
        told = stranger.asked[moved:]
        await moves(tower, tower.stage.sandbox.service_url)
        tower.begin()
        tower.change("EXCH01", status="disconnected")
        await tower.looks()

        path = f"/other/v3/conversations/{tower.stage.world.channel.id}/activities"
        assert told == [f"POST {path}"]
        assert stranger.asked[moved:] == told
        assert ["EXCH01" in title for title in tower.titles()] == [True]


async def test_the_card_of_an_operation_moves_with_its_conversation(
    tmp_path: Path, stranger: Stranger
) -> None:
    url = f"sqlite:///{tmp_path / 'connectors.db'}"
    script = Script(policy=policy())
    async with towered(
        tmp_path, url, script=script, BOT_SANDBOX_SERVICE_URLS=stranger.url
    ) as tower:
        operation = await tower.room.asks("oli", UPDATE)
        card = await tower.room.message(operation)
        await moves(tower, stranger.url)
        await tower.room.types("bob", f"/approve {operation.short}", channel=OTHER)

        assert any(each.startswith("PUT") and card.id in each for each in stranger.asked)


async def test_a_service_url_that_left_the_allow_list_gets_no_token(
    tmp_path: Path, stranger: Stranger
) -> None:
    clock = FakeClock()
    watching = {"BOT_WATCH_INTERVAL": "60"}
    before = Script(settings={**watching, "BOT_SANDBOX_SERVICE_URLS": stranger.url})
    async with sandboxed(clock) as (sandbox, world):
        async with joined(tmp_path, before, clock, sandbox, world) as stage:
            tower = Tower(stage, room_of(stage))
            await tower.watches()
            await moves(tower, stranger.url)
        heard = len(stranger.asked)
        async with joined(tmp_path, replace(before, settings=watching), clock, sandbox, world) as (
            stage
        ):
            tower = Tower(stage, room_of(stage))
            tower.begin()
            await tower.breaks()
            told = told_in(tower)
            dead = await tower.room.types("ada", "/dead", channel=OTHER)
            await hears(tower, stage.activity("ada", "/whoami"))
            await tower.room.types("ada", "/replay", channel=OTHER)

            assert told == []
            assert "BOT_SERVICE_URLS" in dead
            assert len(stranger.asked) == heard
            assert len(told_in(tower)) == 1


def told_in(tower: Tower) -> list[Message]:
    """Return the new messages in the channel that stand by themselves and are about EXCH05."""
    here = tower.stage.world.channel.id
    return [m for m in tower.roots() if m.conversation == here and "EXCH05" in text_of(m.card)]


async def moves(tower: Tower, service_url: str) -> None:
    """Let the channel be heard through another service URL."""
    activity = tower.stage.activity("ada", "/whoami") | {"serviceUrl": service_url}
    signed = {"Authorization": tower.stage.sandbox.identity.sign(service_url)}
    response = await tower.stage.post(activity, signed)
    assert response.status_code == 202
    await tower.stage.settle()
