"""kill -9 between a look and its delivery: incidents and cards agree with the world afterwards.

The bot looks every second. `python -m pytest tests/faults/test_watch_kills.py --watch-kills=all`
kills at every step of what is told, `--watch-kills=200` that many times at random moments; without
the option a part of the steps is run.
"""

import asyncio
import random
import time
from collections.abc import Callable
from datetime import timedelta
from itertools import cycle, islice
from pathlib import Path

import pytest

from bot.chance import SystemClock
from bot.sandbox.faults import Fault, FaultKind, Faults
from tests.support.kill import LEASE_S, Fuse, Victim
from tests.support.rounds import BAD, NAME, OTHER, Channels, Left, end_quiet_hours, judge, left
from tests.support.stage import Script
from tests.support.trials import (
    AT_RANDOM,
    COLLECTION,
    REACH_S,
    Scene,
    Trial,
    perform_all,
    problems_of,
    set_up,
)

INTERVAL_S = 1
AGREES_WITHIN_S = 3 * INTERVAL_S + LEASE_S
SLOWNESS_S = 8.0
"""What several bots at once on a busy machine may take longer, the start included."""

SPAN_S = 2.5
SEED = 20261121
POLL_S = 0.05
LOOKING = "look being taken"
# What happens to the connector before the bot that is killed begins, and while it lives.
WORKS = {
    "break": ("connected", BAD),
    "recover": (BAD, "connected"),
    "break, well while it is dead": ("connected", BAD),
    "hold": ("connected", BAD),
    "sum up": (BAD, BAD),
}
POSTED = ("message being posted", "message posted")
EDITED = ("card being edited", "card edited")
POINTS = {
    "break": ("happened", "noticed", "stands", LOOKING, *POSTED),
    "recover": ("happened", "noticed", "stands", "replied", *EDITED, *POSTED),
    "break, well while it is dead": ("noticed", "stands", *POSTED),
    "hold": ("noticed",),
    "sum up": ("summed up", *POSTED),
}
WAITS = {
    POSTED[0]: (FaultKind.HANG, "POST"),
    POSTED[1]: (FaultKind.HANG_AFTER, "POST"),
    EDITED[0]: (FaultKind.HANG, "PUT"),
    EDITED[1]: (FaultKind.HANG_AFTER, "PUT"),
}
ALWAYS_QUIET = "--quiet 00:00-23:59 --hold-critical"


def change(scene: Scene, status: str) -> None:
    """Change the connector behind the bot's back."""
    connectors = scene.world.connectors
    connectors.change(scene.world.id_of(NAME), {"status": status})


async def until(
    scene: Scene, is_so: Callable[[Left], bool], *, within_s: float = REACH_S
) -> Left | None:
    """Return what the database says once that holds; None when it does not in time."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        found = await left(scene)
        if is_so(found):
            return found
        await asyncio.sleep(POLL_S)  # another process's database has no event
    return None


async def watch(scene: Scene, url: str, options: str = "") -> None:
    """Have both channels told."""
    for channel in (scene.world.channel, OTHER):
        text = f"/watch exchange {options}"
        asked = scene.sandbox.teams().message(scene.world.ada, channel, text)
        answer = await scene.deliver(url, asked)
        assert answer is not None
        assert answer.is_success


async def prepare(scene: Scene, work: str) -> Channels:
    """Let a bot that nobody kills in between do what went before; return what is new since."""
    before, _ = WORKS[work]
    is_quiet = work in {"hold", "sum up"}
    victim = await Victim.launch(scene.settings)
    try:
        assert await until(scene, lambda found: found.looked_at is not None)
        await watch(scene, victim.url, ALWAYS_QUIET if is_quiet else "")
        known = frozenset(message.id for message in scene.sandbox.connector.messages())
        if before == BAD:
            change(scene, BAD)
            assert await until(scene, lambda found: is_told(found, is_held=is_quiet))
        if work == "sum up":
            await watch(scene, victim.url)
        return Channels(scene, known)
    finally:
        await victim.kill()


def is_told(found: Left, *, is_held: bool) -> bool:
    """Whether both channels were told, or are to be told when their quiet hours are over."""
    done = [p for p in found.posts if (p.held_until is not None) is is_held]
    return len(done) == 2 and (is_held or (found.is_idle and all(p.activity_id for p in done)))


def hang(scene: Scene, point: str) -> Faults | None:
    """Let Microsoft keep the bot waiting where it is to be killed."""
    graph, connector = scene.sandbox.graph.faults, scene.sandbox.connector.faults
    if point == LOOKING:
        graph.add(Fault(kind=FaultKind.HANG, method="GET", path=COLLECTION))
        return graph
    if point in WAITS:
        kind, method = WAITS[point]
        connector.add(Fault(kind=kind, method=method))
        return connector
    return None


async def live_and_die(scene: Scene, trial: Trial) -> None:
    """Let a bot live through the change, and die at the trial's point."""
    when, _, step = trial.point.partition(" ")
    fuse = Fuse(step, is_before=when == "before") if when in {"before", "after"} else None
    if trial.work == "sum up":
        await end_quiet_hours(scene)
    waiting = None if trial.point == LOOKING else hang(scene, trial.point)
    victim = await Victim.launch(scene.settings, fuse)
    try:
        waiting = waiting or hang(scene, trial.point)
        change(scene, WORKS[trial.work][1])
        await reach(trial, victim, fuse, waiting)
    except TimeoutError:
        trial.problems.append(f"{trial}: not reached")
    finally:
        await victim.kill()
        scene.sandbox.graph.faults.clear()
        scene.sandbox.connector.faults.clear()


async def reach(trial: Trial, victim: Victim, fuse: Fuse | None, waiting: Faults | None) -> None:
    """Return when the bot is dead at the trial's point, or is to be killed there."""
    if fuse is not None:
        is_so = await victim.killed(REACH_S)
        trial.expect(is_so=is_so, wanted="the step was not reached")
    elif waiting is not None:
        await waiting.wait_until_paused(within_s=REACH_S)
    else:
        await asyncio.sleep(trial.delay_s)


async def live_again(scene: Scene, trial: Trial, channels: Channels) -> None:
    """Start a bot where the first one died, and judge it once it agrees with the world."""
    status = WORKS[trial.work][1]
    if trial.work == "break, well while it is dead":
        status = "connected"
        change(scene, status)
    died = SystemClock().now()
    victim = await Victim.launch(scene.settings)
    started = time.monotonic()
    try:
        if trial.work == "hold":
            await until(scene, lambda f: is_told(f, is_held=True))
            await watch(scene, victim.url)
            await end_quiet_hours(scene)
        within_s = AGREES_WITHIN_S + SLOWNESS_S
        found = await until(scene, lambda f: f.agrees(status, died), within_s=within_s)
        trial.seconds = time.monotonic() - started
        if found is None:
            trial.problems.append(f"{trial}: does not agree: {await left(scene)}")
            return
        judge(trial, channels, found, status)
        await rest(scene, trial, channels)
    finally:
        await victim.kill()


async def rest(scene: Scene, trial: Trial, channels: Channels) -> None:
    """Let two more looks be taken: nothing has changed, so nothing is to be told."""
    said = len(channels.messages(lambda _: True))
    later = SystemClock().now() + timedelta(seconds=2 * INTERVAL_S)
    found = await until(scene, lambda f: f.looked_at is not None and f.looked_at > later)
    trial.expect(is_so=found is not None, wanted="no look was taken any more")
    is_so = len(channels.messages(lambda _: True)) == said
    trial.expect(is_so=is_so, wanted="something was told without a change")


async def perform(trial: Trial, folder: Path) -> Trial:
    script = Script(settings={"BOT_WATCH_INTERVAL": str(INTERVAL_S)})
    async with set_up(folder, script) as scene:
        channels = await prepare(scene, trial.work)
        await live_and_die(scene, trial)
        await live_again(scene, trial, channels)
    return trial


def named_trials() -> list[Trial]:
    """Return every step of every story once."""
    return [
        Trial(work, point)
        for work, steps in POINTS.items()
        for step in steps
        for point in ([step] if step in {*WAITS, LOOKING} else [f"before {step}", f"after {step}"])
    ]


@pytest.fixture
def kills(pytestconfig: pytest.Config) -> str:
    return str(pytestconfig.getoption("--watch-kills", default="some"))


async def test_a_kill_between_look_and_delivery_leaves_cards_that_agree_with_the_world(
    tmp_path: Path, kills: str
) -> None:
    every = named_trials()
    trials = every if kills == "all" else every[3 :: len(every) // 4 - 1]
    if kills.isdigit():
        chance = random.Random(SEED)  # noqa: S311 - moments, no secrets
        trials = [
            Trial(work, AT_RANDOM, chance.uniform(0, SPAN_S))
            for work in islice(cycle(WORKS), int(kills))
        ]

    ended = await perform_all(trials, tmp_path, perform)

    assert problems_of(ended) == []
