"""Many connectors that break at once: one message tells them, and none is lost or told twice."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from bot.service.fanout import CROWD
from tests.support.room import text_of
from tests.support.tower import OTHER, Tower, towered

MANY = 30
FEW = CROWD - 1


@pytest.fixture
async def tower(tmp_path: Path, database: str) -> AsyncIterator[Tower]:
    async with towered(tmp_path, database) as tower:
        connectors = tower.stage.world.connectors
        model = connectors.records[tower.stage.world.id_of("EXCH05")]
        for name in names(MANY):
            kept = {key: value for key, value in model.items() if key != "id"}
            connectors.add({**kept, "serverName": name})
        await tower.looks()
        await tower.watches()
        yield tower


def names(count: int) -> list[str]:
    return [f"MANY{number:02}" for number in range(count)]


async def turns(tower: Tower, names: Sequence[str], status: str) -> None:
    tower.begin()
    for name in names:
        tower.change(name, status=status)
    await tower.looks()
    await tower.room.passes(seconds=6)
    await tower.room.passes(seconds=6)


async def test_many_breaks_at_once_are_one_message(tower: Tower) -> None:
    await turns(tower, names(MANY), "disconnected")

    (title,) = tower.titles()
    assert f"Many at once: {MANY} incidents" in title


async def test_a_few_breaks_at_once_are_a_message_each(tower: Tower) -> None:
    await turns(tower, names(FEW), "disconnected")

    assert sorted(title.split()[1] for title in tower.titles()) == names(FEW)


async def test_one_of_many_has_its_own_message_once_something_new_happens_to_it(
    tower: Tower,
) -> None:
    await turns(tower, names(MANY), "disconnected")
    await turns(tower, ["MANY07"], "connected")

    (title,) = tower.titles()
    assert "MANY07 \N{EN DASH} recovered" in title


async def test_many_that_recover_at_once_are_one_message_too(tower: Tower) -> None:
    await turns(tower, names(MANY), "disconnected")
    await turns(tower, names(MANY), "connected")

    (title,) = tower.titles()
    assert f"Many at once: {MANY} incidents" in title


async def test_who_watches_one_of_many_is_told_of_it_alone(tower: Tower) -> None:
    await tower.room.types("ada", "/watch exchange MANY07", channel=OTHER)
    await turns(tower, names(MANY), "disconnected")

    (there,) = [m for m in tower.roots() if m.conversation == OTHER.id]
    assert "MANY07 \N{EN DASH} disconnected" in text_of(there.card)


async def test_quiet_hours_go_on_for_what_they_hold_while_many_pass_them(tower: Tower) -> None:
    await tower.watches("/watch exchange --quiet 08:00-11:00")
    await turns(tower, ["EXCH05"], "connectionPending")
    silent = tower.titles()
    await turns(tower, names(MANY), "disconnected")
    crowd = tower.roots()
    tower.begin()
    await tower.room.passes(hours=2)

    assert silent == []
    assert [f"{MANY} incidents" in tower.text(message) for message in crowd] == [True]
    (summary,) = tower.roots()
    assert "While it was quiet: 1 incident" in tower.text(summary)
