"""Where the bot is installed it says in three lines what whoever did so can do there."""

import pytest

from bot.sandbox.faults import Fault, FaultKind
from bot.sandbox.people import Channel
from bot.sandbox.terminal import buttons_of
from tests.support.stage import Stage

PLACES = (
    None,
    Channel("19:chat@thread.v2", kind="groupChat"),
    Channel("a:personal", kind="personal"),
)


async def installs(stage: Stage, who: str, channel: Channel | None = None) -> None:
    place = channel or stage.world.channel
    activity = stage.sandbox.teams().installed(stage.chat.people[who], place)
    response = await stage.post(activity)
    await stage.settle()

    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize("channel", PLACES)
async def test_an_install_is_greeted_once_where_it_happened(
    channel: Channel | None, stage: Stage
) -> None:
    await installs(stage, "ada", channel)
    (message,) = stage.messages()

    assert message.conversation == (channel or stage.world.channel).id
    assert message.reply_to is None
    assert "/exchange create" in stage.shown()[0]
    assert buttons_of(message.card or {}) == ["Help"]


async def test_a_greeting_names_only_what_this_person_may_do(stage: Stage) -> None:
    await installs(stage, "vic")
    (shown,) = stage.shown()

    assert "/exchange list" in shown
    assert "/exchange create" not in shown
    assert "Change: nothing yet" in shown
    assert "/watch" not in shown


async def test_while_the_directory_is_silent_the_greeting_names_what_everybody_may(
    stage: Stage,
) -> None:
    stage.sandbox.graph.faults.add(
        Fault(kind=FaultKind.STATUS, path="checkMemberGroups", status=403, times=None)
    )
    await installs(stage, "ada")
    (shown,) = stage.shown()

    assert "/help" in shown
    assert "/exchange" not in shown
    assert "Your roles could not be read" in shown


async def test_an_install_that_names_nobody_is_taken_in_without_a_word(stage: Stage) -> None:
    activity = stage.sandbox.teams().installed(stage.chat.people["ada"], stage.world.channel)
    activity["from"].pop("aadObjectId")
    await stage.post(activity)
    await stage.settle()

    assert stage.messages() == []


async def test_a_greeting_that_cannot_be_delivered_breaks_nothing(stage: Stage) -> None:
    stage.sandbox.connector.faults.add(Fault(kind=FaultKind.STATUS, status=403, times=None))
    await installs(stage, "ada")

    assert stage.messages() == []
