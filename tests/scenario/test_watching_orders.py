"""Watching where several rules meet: quiet hours, snoozes, refusals, filters that end meanwhile.

Each of these orders of events was drawn by tests/faults/test_watch_streams.py. It is 09:00 UTC.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.sandbox.faults import Fault, FaultKind
from tests.support.tower import OTHER, Tower, towered

QUIET = "/watch exchange --quiet 08:00-11:00"


@pytest.fixture
async def tower(tmp_path: Path, database: str) -> AsyncIterator[Tower]:
    async with towered(tmp_path, database) as tower:
        yield tower


async def ends(tower: Tower, target: str | None) -> None:
    """End the subscription of this channel that has that target."""
    (one,) = [
        s
        for s in await tower.stage.bot.store.subscriptions()
        if (s.target is None) is (target is None)
    ]
    await tower.room.types("ada", f"/unwatch {one.short}")
    tower.begin()


async def test_what_is_critical_does_not_wait_because_of_what_is_small_behind_it(
    tower: Tower,
) -> None:
    await tower.watches(QUIET)
    faults = tower.stage.sandbox.connector.faults
    faults.add(
        Fault(kind=FaultKind.STATUS, method="POST", status=429, retry_after="90", times=None)
    )
    await tower.breaks()
    tower.change("EXCH05", version="9.9")
    await tower.looks()
    faults.clear()
    before = tower.news()
    await tower.room.passes(minutes=2)

    assert before == []
    (root,) = tower.roots()
    assert "disconnected" in tower.text(root)


async def test_taking_an_incident_on_in_quiet_hours_is_nothing_to_sum_up(tower: Tower) -> None:
    await tower.watches("/watch exchange --quiet 09:30-11:00")
    tower.change("EXCH05", status="connectionPending")
    await tower.looks()
    (root,) = tower.roots()
    await tower.room.passes(minutes=40)
    await tower.presses("ada", "Acknowledge", root)
    await tower.room.passes(hours=2)

    assert tower.news() == [tower.now(root)]


async def test_what_a_summary_told_is_not_told_once_more_by_taking_it_on(tower: Tower) -> None:
    await tower.watches(QUIET)
    tower.change("EXCH05", status="connectionPending")
    await tower.looks()
    await tower.room.passes(hours=2)
    told = len(tower.roots())
    await tower.room.types("ada", f"/acknowledge {(await tower.incident()).short}", channel=OTHER)
    await tower.looks()

    here = [m for m in tower.roots() if m.conversation == tower.stage.world.channel.id]
    assert (told, len(here)) == (1, 1)


async def test_what_is_put_off_is_not_told_to_who_watches_since(tower: Tower) -> None:
    await tower.watches()
    await tower.breaks()
    (root,) = tower.roots()
    await tower.presses("ada", "Snooze", root)
    await tower.room.types("ada", "/watch exchange", channel=OTHER)
    tower.begin()
    tower.change("EXCH05", version="9.9")
    await tower.looks(3)
    silent = tower.news()
    await tower.room.passes(hours=1)
    # One conversation after the other.
    await tower.room.passes(seconds=1)

    assert silent == []
    (there,) = tower.roots()
    assert there.conversation == OTHER.id
    assert "9.9" in tower.text(there)


async def test_the_end_of_a_snooze_tells_whoever_watches_since_what_happened_in_it(
    tower: Tower,
) -> None:
    # Support for it has ended: nobody is asked about it again, so nothing else would tell them.
    tower.change("EXCH05", exchangeConnectorType="onPremises")
    await tower.looks()
    await tower.watches()
    await tower.breaks()
    (root,) = tower.roots()
    await tower.presses("ada", "Snooze", root)
    await tower.room.passes(minutes=10)
    await tower.room.types("ada", "/watch exchange --severity info", channel=OTHER)
    await tower.looks()
    tower.begin()
    tower.change("EXCH05", version="9.9")
    await tower.looks()
    silent = tower.news()
    await tower.room.passes(hours=1)
    await tower.room.passes(seconds=1)

    assert silent == []
    (there,) = tower.roots()
    assert there.conversation == OTHER.id
    assert "9.9" in tower.text(there)


async def test_a_snooze_outlasts_the_summary_of_quiet_hours(tower: Tower) -> None:
    await tower.watches(QUIET)
    await tower.breaks()
    (root,) = tower.roots()
    await tower.room.types("ada", f"/snooze {(await tower.incident()).short} --for 5h")
    tower.begin()
    tower.change("EXCH05", version="9.9")
    await tower.looks()
    await tower.room.passes(hours=3)
    silent = tower.news()
    await tower.room.passes(hours=2)

    assert silent == []
    (told,) = tower.replies(root)
    assert "9.9" in told


async def test_another_filter_of_the_conversation_tells_what_the_ended_one_held(
    tower: Tower,
) -> None:
    await tower.watches(QUIET)
    await tower.watches(f"{QUIET.replace('exchange', 'exchange EXCH05')}")
    tower.change("EXCH05", version="9.9")
    await tower.looks()
    await ends(tower, None)
    await tower.room.passes(hours=2)

    (summary,) = tower.roots()
    assert "EXCH05" in tower.text(summary)


async def test_another_filter_of_the_conversation_tells_what_was_on_its_way(tower: Tower) -> None:
    await tower.watches()
    await tower.watches("/watch exchange EXCH05")
    faults = tower.stage.sandbox.connector.faults
    is_news = lambda request: "replyToId" not in (request.body or {})  # noqa: E731
    faults.add(
        Fault(
            kind=FaultKind.STATUS,
            method="POST",
            status=429,
            retry_after="90",
            times=None,
            where=is_news,
        )
    )
    await tower.breaks()
    await ends(tower, None)
    faults.clear()
    await tower.room.passes(minutes=2)

    (root,) = tower.roots()
    assert "disconnected" in tower.text(root)


async def test_who_watches_anew_is_not_told_what_nobody_wanted_to_hear(tower: Tower) -> None:
    await tower.watches(QUIET)
    tower.change("EXCH05", status="connectionPending")
    await tower.looks()
    await ends(tower, None)
    await tower.watches()
    await tower.room.types("ada", f"/acknowledge {(await tower.incident()).short}", channel=OTHER)
    await tower.looks()

    here = [m for m in tower.roots() if m.conversation == tower.stage.world.channel.id]
    assert here == []


async def test_quiet_hours_that_were_prolonged_hold_the_summary_back(tower: Tower) -> None:
    await tower.watches(QUIET)
    tower.change("EXCH05", version="9.9")
    await tower.looks()
    await tower.watches("/watch exchange --quiet 08:00-13:00")
    await tower.room.passes(hours=3)
    silent = tower.news()
    await tower.room.passes(hours=1)

    assert silent == []
    assert len(tower.roots()) == 1


async def test_a_deleted_card_does_not_come_back_in_quiet_hours(tower: Tower) -> None:
    await tower.watches(QUIET)
    await tower.breaks()
    tower.stage.sandbox.connector.faults.add(
        Fault(kind=FaultKind.STATUS, method="PUT", status=404, times=None)
    )
    tower.begin()
    tower.change("EXCH05", version="9.9")
    await tower.looks()
    silent = tower.news()
    await tower.room.passes(hours=2)

    assert silent == []
    assert [title for title in tower.titles() if "While it was quiet" in title]


async def test_a_deleted_card_does_not_come_back_in_quiet_hours_for_what_people_do(
    tower: Tower,
) -> None:
    await tower.watches("/watch exchange --quiet 09:30-11:00")
    tower.change("EXCH05", status="connectionPending")
    await tower.looks()
    await tower.room.passes(minutes=40)
    tower.stage.sandbox.connector.faults.add(
        Fault(kind=FaultKind.STATUS, method="PUT", status=404, times=None)
    )
    tower.begin()
    await tower.room.types("ada", f"/acknowledge {(await tower.incident()).short}", channel=OTHER)
    for _ in range(6):
        # A 404 that does not name the message has to come repeatedly.
        await tower.room.passes(minutes=5)
    here = tower.stage.world.channel.id
    silent = [m for m in tower.roots() if m.conversation == here]
    await tower.room.passes(hours=2)

    assert silent == []
    (back,) = [m for m in tower.roots() if m.conversation == here]
    assert "Acknowledged" in tower.text(back)
