"""What could not be delivered: it is kept, said in words, and tried again when a person says so."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update

from bot.sandbox.faults import Fault, FaultKind
from bot.sandbox.journal import JsonObject
from bot.sandbox.world import TENANT
from bot.service.letters import AT_ONCE
from bot.service.watch_ports import Post
from bot.store.tables import job
from tests.support.tower import OTHER, Tower, towered


@pytest.fixture
async def tower(tmp_path: Path) -> AsyncIterator[Tower]:
    async with towered(tmp_path, f"sqlite:///{tmp_path / 'connectors.db'}") as tower:
        await tower.watches()
        yield tower


def strikes(tower: Tower, fault: Fault) -> None:
    """Let a fault strike every message to the channel until it is over."""
    here = tower.stage.world.channel.id
    tower.stage.sandbox.connector.faults.add(replace(fault, method="POST", path=here))


def refusal(status: int, code: str = "", *, times: int | None = None) -> Fault:
    body: JsonObject = {"error": {"code": code, "message": "As the service puts it."}}
    return Fault(kind=FaultKind.STATUS, status=status, body=body if code else None, times=times)


LOST = Fault(kind=FaultKind.RESET_AFTER, times=None)


async def passes(tower: Tower, minutes: int) -> None:
    for _ in range(minutes):
        await tower.room.passes(seconds=60)


async def test_a_letter_says_what_where_why_since_when_and_how_often(tower: Tower) -> None:
    strikes(tower, refusal(413, "MessageSizeTooBig"))
    await tower.breaks()
    await passes(tower, 5)

    dead = await tower.room.types("ada", "/dead", channel=OTHER)

    incident = await tower.incident()
    for part in (
        f"Incident {incident.short}: EXCH05 – disconnected",  # noqa: RUF001 - as titled
        f"to {tower.stage.world.channel.id}",
        "The message is too long for Teams (413 MessageSizeTooBig).",
        "1 attempt",
        "09:01 UTC (5 minutes ago)",
        "/replay 2",
    ):
        assert part in dead
    assert "may have arrived" not in dead


async def test_one_letter_can_be_tried_again_without_the_others(tower: Tower) -> None:
    strikes(tower, refusal(413))
    tower.change("EXCH01", status="disconnected")
    await tower.breaks()
    tower.stage.sandbox.connector.faults.clear()
    _, letters = await tower.stage.bot.store.dead_jobs(None)

    answer = await tower.room.types("ada", f"/replay {letters[0].id}", channel=OTHER)

    assert len(letters) == 2
    assert "1 message is being tried again" in answer
    assert (await tower.stage.bot.store.dead_jobs(None))[1] == letters[1:]
    here = [m for m in tower.roots() if m.conversation == tower.stage.world.channel.id]
    assert len(here) == 1
    assert "messages replayed" in await tower.stage.audited()


@pytest.mark.parametrize("number", ["999", "EXCH05", "-1", "9" * 30])
async def test_what_is_not_waiting_is_said_to_be_so(tower: Tower, number: str) -> None:
    answer = await tower.room.types("ada", f'/replay "{number}"')

    assert f"No message {number} is waiting" in answer
    assert "messages replayed" not in await tower.stage.audited()


async def test_nothing_to_try_again_is_an_answer_too(tower: Tower) -> None:
    assert "Nothing is left to try again" in await tower.room.types("ada", "/replay")
    assert "Everything could be delivered" in await tower.room.types("ada", "/dead")


@pytest.mark.parametrize("command", ["/dead", "/replay", "/watches --all"])
async def test_only_who_may_sees_or_replays_what_is_dead(tower: Tower, command: str) -> None:
    assert "bot:" in await tower.room.types("oli", command)
    assert "command refused" in await tower.stage.audited()


async def test_an_outage_however_long_costs_one_repeat(tower: Tower) -> None:
    """The whole connector fails for an hour, after it carried the message out."""
    connector = tower.stage.sandbox.connector
    strikes(tower, LOST)
    connector.faults.add(Fault(kind=FaultKind.STATUS, method="GET", status=503, times=None))
    await tower.breaks()
    await passes(tower, 60)
    during = len(tower.roots())
    connector.faults.clear()
    await passes(tower, 5)

    assert during == 1
    assert len(tower.roots()) == 2
    assert (await tower.stage.bot.store.dead_jobs(None))[0] == 0


async def test_a_press_on_a_message_that_may_not_have_arrived_makes_it_known(
    tower: Tower,
) -> None:
    strikes(tower, LOST)
    await tower.breaks()
    await passes(tower, 5)
    copies = tower.roots()
    dead = await tower.room.types("ada", "/dead", channel=OTHER)
    tower.stage.sandbox.connector.faults.clear()
    answer = await tower.presses("oli", "Acknowledge", copies[-1])
    await tower.recovers()

    assert len(copies) == 3
    assert "It may have arrived" in dead
    assert "Oli Operator" in answer
    assert "recovered" in tower.text(copies[-1])
    here = tower.stage.world.channel.id
    assert [m for m in tower.roots() if m.conversation == here] == [*map(tower.now, copies)]
    (reply,) = tower.replies(copies[-1])
    assert "Well again" in reply


@pytest.mark.parametrize("status", [401, 307, 405])
async def test_what_is_no_passing_trouble_is_given_up_after_ten_tries(
    tower: Tower, status: int
) -> None:
    strikes(tower, refusal(status))
    await tower.breaks()
    await passes(tower, 25)
    total, (letter,) = await tower.stage.bot.store.dead_jobs(None)
    tower.stage.sandbox.connector.faults.clear()
    await tower.room.types("ada", "/replay", channel=OTHER)

    assert (total, letter.attempts) == (1, 10)
    assert letter.reason.startswith(str(status))
    assert len([m for m in tower.roots() if "EXCH05" in tower.text(m)]) >= 1


async def test_what_cannot_be_sent_for_an_hour_is_delivered_by_itself_afterwards(
    tower: Tower,
) -> None:
    strikes(tower, refusal(429))
    await tower.breaks()
    await passes(tower, 60)
    tower.stage.sandbox.connector.faults.clear()
    await passes(tower, 3)

    assert len(tower.roots()) == 1


async def test_messages_refused_in_one_moment_do_not_give_a_conversation_up(tower: Tower) -> None:
    strikes(tower, refusal(403, "BotNotInConversationRoster", times=3))
    for name in ("EXCH01", "EXCH 04"):
        tower.change(name, status="disconnected")
    await tower.breaks()
    await passes(tower, 1)

    assert len(tower.roots()) == 3
    assert (await tower.stage.bot.store.dead_jobs(None))[0] == 0


async def test_a_conversation_given_up_is_tried_when_a_person_says_so(tower: Tower) -> None:
    strikes(tower, refusal(403, "BotDisabledByAdmin"))
    await tower.breaks()
    await passes(tower, 3)
    listed = await tower.room.types("ada", "/watches --all", channel=OTHER)
    tower.stage.sandbox.connector.faults.clear()
    await tower.room.types("ada", "/replay", channel=OTHER)

    assert "An administrator of Teams disabled the bot there" in listed
    assert any("EXCH05" in title for title in tower.titles())


async def test_thousands_of_letters_are_tried_again_a_part_at_a_time(
    tmp_path: Path, database: str
) -> None:
    async with towered(tmp_path, database) as tower:
        store = tower.stage.bot.store
        incident = (await store.open_incidents())[0]
        posts = [Post(f"{n:026}", incident.id, "", TENANT, f"19:{n}") for n in range(AT_ONCE + 2)]
        await die(tower, posts)
        first = await tower.room.types("ada", "/replay", channel=OTHER)
        left, _ = await store.dead_jobs(1)
        second = await tower.room.types("ada", "/replay", channel=OTHER)

        assert "1000 messages are being tried again, 2 left: once more for the next." in first
        assert left == 2
        assert "2 messages are being tried again." in second
        assert await store.dead_jobs(1) == (0, ())


async def die(tower: Tower, posts: list[Post]) -> None:
    """Let what tells of an incident be dead, of a kind that nobody here would send."""
    now = tower.stage.clock.now()
    async with tower.stage.bot.store.begin() as tx:
        await tx.save_posts(posts)
        await tx.add_jobs("of-a-newer-release", {post.id: now for post in posts})
    async with tower.stage.bot.database.write() as session:
        await session.change(
            update(job).where(job.c.kind == "of-a-newer-release").values(dead_at=now)
        )
