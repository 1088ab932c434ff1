"""kill -9 at any step of an approval: no vote lost, one effect or none, and everybody is told.

A real process is killed with SIGKILL while people ask and vote, and started anew on the same
database; whoever got no answer says it again. A part is run each time.
`python -m pytest tests/faults/test_approval_kills.py --approval-kills=all` kills 20 times at every
step, `--approval-kills=300` at 300 random moments, `--approval-chaos=400` kills two replicas on
PostgreSQL at random while 400 approvals run; `--log-cli-level=info` shows the figures.
"""

import asyncio
import logging
import random
import time
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path

import pytest

from bot.sandbox.faults import Fault, FaultKind, Faults
from tests.support.books import judge, settle
from tests.support.chaos import Chaos
from tests.support.databases import fresh_url
from tests.support.kill import Fuse, Victim
from tests.support.room import policy
from tests.support.stage import Script
from tests.support.stories import (
    ENDS,
    is_plausible,
    judge_press,
    look,
    play,
    talk_of,
    talks_of,
)
from tests.support.talk import Doors, Talk
from tests.support.trials import (
    AT_RANDOM,
    COLLECTION,
    LATE_REQUEST,
    REACH_S,
    SETTLED_WITHIN_S,
    Scene,
    Trial,
    arrive_late,
    is_answered,
    obstacle,
    opened,
    perform_all,
    problems_of,
    set_up,
    title_of,
    wait_for_requests,
)

log = logging.getLogger(__name__)
SEED = 20261122
ROUNDS = 20
NAMED_KILLS = 15
RANDOM_KILLS = 8
AT_ONCE = 8
# The step that ends each of them, and the steps of each at which the bot kills itself.
LAST = {"approve": "outcome", "reject": "rejected", "cancel": "cancelled", "expire": "expired"}
STEPS = {
    "approve": (
        "requested",
        "shown",
        "voted",
        "approved",
        "executing",
        "outcome",
        "edited",
        "told",
    ),
    "reject": ("rejected", "edited", "told"),
    "cancel": ("cancelled", "edited"),
    "expire": ("expired", "edited", "told"),
}
# Where the bot waits for Microsoft while an approved write is killed from outside.
WAITS = (
    "rights being read",
    "card being posted",
    "card posted",
    "vote being shown",
    "vote shown",
    "last look",
    "request sent",
    LATE_REQUEST,
    "effect happened",
    "answer received",
    "card being edited",
    "card edited",
    "decision being told",
    "decision told",
)
# Nobody can know that these were posted, so they are posted again.
TWICE = {
    f"{work}, {point}"
    for work in STEPS
    for point in ("before shown was committed", "before told was committed")
} | {"approve, card posted", "approve, decision told"}
# About so many requests to Microsoft each takes; random moments are drawn from them.
REQUESTS = {"approve": 25, "reject": 15, "cancel": 14, "expire": 9}
PAUSE_S = 0.1
# Longer than anybody pauses who has something left to say to Microsoft.
SILENT_S = 4.0
# While bots are killed all the time a card may take long; what counts is the time once they live.
PATIENCE_S = 300.0
MIX = ("approve", "approve", "reject", "approve", "approve", "cancel", "approve", "expire")
EXPIRES = {"expire": '"2s"'}


def fuse_of(trial: Trial) -> Fuse | None:
    """Return where the bot kills itself, for points like `before told was committed`."""
    when, _, rest = trial.point.partition(" ")
    step, _, committed = rest.partition(" ")
    if committed != "was committed":
        return None
    if step == "edited":
        return Fuse("shown", is_before=when == "before", after=LAST[trial.work])
    return Fuse(step, is_before=when == "before")


def hang(scene: Scene, trial: Trial, talk: Talk) -> Faults | None:
    """Let Microsoft keep the bot waiting where it is to be killed; return the side that does."""
    graph, connector = scene.sandbox.graph.faults, scene.sandbox.connector.faults
    before, after = FaultKind.HANG, FaultKind.HANG_AFTER
    found: tuple[Faults, Fault] | None
    match trial.point:
        case "rights being read":
            found = graph, Fault(kind=before, path="^/users/")
        case "vote being shown" | "vote shown":
            kind = after if trial.point == "vote shown" else before
            found = connector, Fault(kind=kind, method="PUT")
        case "last look":
            target = f"{COLLECTION}/"
            found = graph, Fault(kind=before, path=target, where=lambda _: bool(talk.pressed))
        case "card being edited" | "card edited":
            kind = after if trial.point == "card edited" else before
            found = connector, Fault(kind=kind, method="PUT", where=lambda _: is_answered(scene))
        case "decision being told" | "decision told":
            kind = after if trial.point == "decision told" else before
            found = connector, Fault(kind=kind, method="POST", skip=1)
        case _:
            found = obstacle(scene, trial.point, "PATCH")
    if found is None:
        return None
    faults, fault = found
    faults.add(fault)
    return faults


async def perform(trial: Trial, folder: Path, database_url: str | None = None) -> Trial:
    rules = policy(needed="2", expires=EXPIRES.get(trial.work, '"4h"'))
    doors = Doors(random.Random(SEED))  # noqa: S311 - doors, no secrets
    async with set_up(folder, Script(policy=rules, database_url=database_url)) as scene:
        talk = talk_of(scene, doors, "/exchange update EXCH01 version=15.9")
        held = hang(scene, trial, talk)
        playing = asyncio.create_task(play(talk, trial.work))
        try:
            await live_and_die(scene, trial, doors, held)
            left = await look(scene, talk)
            trial.died_at = str(left)
            await live_again(scene, trial, talk, playing)
        except TimeoutError as error:
            trial.problems.append(f"{trial}: not over in time: {error}")
        else:
            for pressed in talk.pressed:
                judge_press(trial, left, pressed)
        finally:
            playing.cancel()
            await asyncio.wait({playing})
    return trial


async def live_and_die(scene: Scene, trial: Trial, doors: Doors, held: Faults | None) -> None:
    """Start a bot and return when it is dead at the trial's point."""
    victim = await Victim.launch(scene.settings, fuse_of(trial))
    await doors.open(victim.url)
    try:
        await reach(scene, trial, victim, held)
    finally:
        await victim.kill()
        doors.close(victim.url)
    scene.sandbox.graph.faults.clear()
    scene.sandbox.connector.faults.clear()


async def reach(scene: Scene, trial: Trial, victim: Victim, held: Faults | None) -> None:
    """Return when the bot is where it is to be killed, or has killed itself there."""
    if fuse_of(trial) is not None:
        is_so = await victim.killed(REACH_S)
        trial.expect(is_so=is_so, wanted="the step was not reached")
    elif held is not None:
        await held.wait_until_paused(within_s=REACH_S)
        if trial.point == "rights being read":
            # Until the bot has said that it works on it, and for a while in which it could say more.
            await scene.sandbox.connector.wait_for(title_of, within_s=REACH_S)
            await asyncio.sleep(PAUSE_S)
    else:
        await wait_for_requests(scene, trial.requests, within_s=SILENT_S)
        await asyncio.sleep(trial.delay_s)


async def live_again(scene: Scene, trial: Trial, talk: Talk, playing: asyncio.Task[None]) -> None:
    """Start a bot where the first one died, let all come to its end, and judge it."""
    started = time.monotonic()
    victim = await Victim.launch(scene.settings)
    try:
        await talk.doors.open(victim.url)
        async with asyncio.timeout(SETTLED_WITHIN_S), opened(scene) as store:
            if trial.point == LATE_REQUEST:
                await arrive_late(scene)
            await playing
            await settle(trial, store, started)
            said = len(talk.messages())
            trial.expect(is_so=await talk.repeat(), wanted="no answer to a repetition")
            await settle(Trial(trial.work, trial.point), store, started)
            trial.expect(is_so=len(talk.messages()) == said, wanted="a repetition was answered")
            await judge(scene, trial, store, [(talk, ENDS[trial.work])])
        least = int(f"{trial.work}, {trial.point}" in TWICE)
        is_so = least <= trial.orphans <= 1
        trial.expect(is_so=is_so, wanted=f"{trial.orphans} messages too many")
    finally:
        await victim.kill()


def named_trials() -> list[Trial]:
    """Return every step of every story once."""
    fuses = [
        Trial(work, f"{when} {step} was committed")
        for work, steps in STEPS.items()
        for step in steps
        for when in ("before", "after")
    ]
    return [*fuses, *(Trial("approve", point) for point in WAITS)]


@pytest.fixture
def kills(pytestconfig: pytest.Config) -> str:
    return str(pytestconfig.getoption("--approval-kills", default="some"))


async def test_a_kill_at_a_named_step_loses_no_vote_and_writes_once(
    tmp_path: Path, kills: str
) -> None:
    if kills.isdigit():
        pytest.skip("random kills were asked for")
    every = named_trials()
    rounds = [t for _ in range(ROUNDS) for t in named_trials()]
    trials = rounds if kills == "all" else every[:: len(every) // NAMED_KILLS]

    ended = await perform_all(trials, tmp_path, perform)

    assert problems_of(ended) == []


async def test_a_kill_at_a_random_moment_loses_no_vote_and_writes_once(
    tmp_path: Path, kills: str
) -> None:
    if kills == "all":
        pytest.skip("named steps were asked for")
    chance = random.Random(SEED)  # noqa: S311 - moments, no secrets
    count = int(kills) if kills.isdigit() else RANDOM_KILLS
    trials = [
        Trial(work, AT_RANDOM, chance.uniform(0, PAUSE_S), chance.randint(1, REQUESTS[work]))
        for work in islice(cycle(MIX), count)
    ]

    ended = await perform_all(trials, tmp_path, perform)

    assert problems_of(ended) == []


@pytest.mark.parametrize("point", ["after approved was committed", "decision told"])
async def test_a_kill_on_postgresql_loses_no_vote_and_writes_once(
    tmp_path: Path, point: str
) -> None:
    async with fresh_url("postgresql", tmp_path) as url:
        trial = await perform(Trial("approve", point), tmp_path, url)

    assert problems_of([trial]) == []


async def play_all(trial: Trial, talks: Sequence[Talk]) -> None:
    """Play all talks, a few at a time."""
    seats = asyncio.Semaphore(AT_ONCE)

    async def seated(talk: Talk) -> None:
        async with seats:
            try:
                await play(talk, trial.work)
            except TimeoutError:
                said = [title_of(message) for message in talk.messages()]
                trial.problems.append(f"{talk.command['text']}: no card, only {said}")

    await asyncio.gather(*map(seated, talks))


async def test_two_replicas_that_are_killed_at_random_lose_nothing_and_write_once(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    count = int(pytestconfig.getoption("--approval-chaos", default="30"))
    chance = random.Random(SEED)  # noqa: S311 - moments, no secrets
    trial = Trial("approve", AT_RANDOM)
    doors = Doors(chance)
    async with fresh_url("postgresql", tmp_path) as url:
        script = Script(policy=policy(needed="2"), database_url=url)
        async with set_up(tmp_path, script) as scene:
            talks = talks_of(scene, doors, count, patience_s=PATIENCE_S)
            chaos = Chaos(scene, doors, chance, asyncio.Event())
            async with chaos.replicas(), opened(scene) as store:
                await play_all(trial, talks)
                await chaos.spare()
                await settle(trial, store, chaos.restarted)
                await judge(scene, trial, store, [(talk, ENDS["approve"]) for talk in talks])
    again = sum(pressed.times > 1 for talk in talks for pressed in talk.pressed)
    wrong = [p for talk in talks for p in talk.pressed if not is_plausible(p)]
    versions = {
        str(r["serverName"]): r["version"] for r in scene.world.connectors.records.values()
    }
    log.info("%d approvals, %d kills, %d presses repeated", count, chaos.kills, again)
    log.info("settled in %.1f s, %d messages twice", trial.seconds, trial.orphans)
    log.info("%d problems: %s", len(trial.problems), trial.problems)

    assert problems_of([trial]) == []
    assert wrong == []
    assert all(versions[f"CHAOS{n:03d}"] == f"16.{n}" for n in range(count))
    assert chaos.kills > 0
