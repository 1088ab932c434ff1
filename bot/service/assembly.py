"""Joins the use cases: every part gets what it needs, once, here."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from bot.domain.command import Catalogue
from bot.service.approvals import Approvals
from bot.service.choices import Choices
from bot.service.controls import Controls
from bot.service.courier import Courier
from bot.service.execution import (
    EXECUTE_JOB,
    EXPIRE_JOB,
    OBSERVE_JOB,
    REMIND_JOB,
    TELL_JOB,
    Execution,
)
from bot.service.fanout import ASK_JOB, DIGEST_JOB, NOTICE_JOB, SPREAD_JOB, Fanout
from bot.service.farside import FarSide
from bot.service.forms import Forms
from bot.service.incidents import Incidents
from bot.service.jobs import LONGEST_DELAY, Runner, Runners
from bot.service.letters import Letters
from bot.service.notify import CARD_JOB, CardOutbox
from bot.service.observing import Observing
from bot.service.operations import Operations
from bot.service.overview import Overviews
from bot.service.pacing import PacedMessenger, Pacer
from bot.service.pending import Pending
from bot.service.ports import Handler, Messenger, Tenants, World
from bot.service.promises import PROMISE_JOB, Promises
from bot.service.reads import Reads
from bot.service.recheck import Recheck
from bot.service.subscriptions import Subscriptions
from bot.service.summaries import Summaries
from bot.service.telling import Telling
from bot.service.turn import Desks, Turn
from bot.service.watch_desk import WatchDesk
from bot.service.watching import WATCH_JOB, Rhythm, Watching
from bot.service.writes import Writes

WORKS_AT_ONCE = 8
TIMERS = (EXPIRE_JOB, REMIND_JOB, DIGEST_JOB, ASK_JOB)
MESSAGES_AT_ONCE = 12
"""Messages wait for their turn most of the time: so many keep one replica at Teams' limit."""


@dataclass(frozen=True, slots=True)
class Means:
    """What the use cases are made of, beside the world.

    `observe_for` is how long an accepted action is watched; `lease_s` must be the store's;
    `is_read_only` refuses every write. `sleep` and `random` are the flow of time and chance.
    """

    catalogue: Catalogue
    tenants: Tenants
    messenger: Messenger
    sleep: Callable[[float], Awaitable[None]]
    random: Callable[[], float]
    observe_for: timedelta
    watch_interval_s: float
    lease_s: float
    is_read_only: bool


@dataclass(frozen=True, slots=True)
class UseCases:
    """What the rest of the bot talks to."""

    runner: Runners
    turn: Turn
    watching: Watching
    promises: Promises


def assemble(world: World, means: Means) -> UseCases:
    """Return the use cases, ready to run."""
    catalogue = means.catalogue

    def wake() -> None:
        runner.wake()

    fanout = Fanout(
        store=world.store, ids=world.ids, clock=world.clock, tenants=means.tenants, wake=wake
    )
    rhythm = Rhythm(means.watch_interval_s, means.random)
    watching = Watching(world, catalogue=catalogue, fanout=fanout, rhythm=rhythm)
    incidents = Incidents(world, catalogue=catalogue, fanout=fanout, wake=wake)
    pending = Pending(world, catalogue=catalogue)
    approvals = Approvals(world, pending=pending, catalogue=catalogue, wake=wake)
    turn = _turn(world, means, approvals, pending, incidents, wake)
    promises = Promises(
        world, messenger=means.messenger, handle=turn.handle, lease_s=means.lease_s
    )
    # What waits for Graph must not keep people from seeing how things stand.
    groups: tuple[tuple[dict[str, Handler], int], ...] = (
        (_shows(world, means), MESSAGES_AT_ONCE),
        (_works(world, means, approvals), WORKS_AT_ONCE),
        ({PROMISE_JOB: promises.redeem}, WORKS_AT_ONCE),
        (
            {WATCH_JOB: watching.look, SPREAD_JOB: fanout.spread, ASK_JOB: incidents.ask},
            WORKS_AT_ONCE,
        ),
    )
    runner = Runners(
        *(
            Runner(
                store=world.store,
                clock=world.clock,
                handlers=jobs,
                lease_s=means.lease_s,
                delays={**dict.fromkeys(TIMERS), WATCH_JOB: max(LONGEST_DELAY, rhythm.longest)},
                at_once=at_once,
            )
            for jobs, at_once in groups
        )
    )
    return UseCases(runner, turn, watching, promises)


def _shows(world: World, means: Means) -> dict[str, Handler]:
    pacer = Pacer(store=world.store, clock=world.clock, sleep=means.sleep)
    messenger = PacedMessenger(means.messenger, pacer)
    courier = Courier(store=world.store, messenger=means.messenger, clock=world.clock, pacer=pacer)
    outbox = CardOutbox(
        store=world.store, messenger=messenger, courier=courier, catalogue=means.catalogue
    )
    summaries = Summaries(
        store=world.store,
        messenger=messenger,
        clock=world.clock,
        courier=courier,
        catalogue=means.catalogue,
    )
    telling = Telling(
        store=world.store,
        messenger=messenger,
        clock=world.clock,
        courier=courier,
        catalogue=means.catalogue,
    )
    return {
        CARD_JOB: outbox.show,
        TELL_JOB: outbox.tell,
        NOTICE_JOB: telling.notice,
        DIGEST_JOB: summaries.digest,
    }


def _works(world: World, means: Means, approvals: Approvals) -> dict[str, Handler]:
    catalogue = means.catalogue
    far_side = FarSide(resources=world.resources, sleep=means.sleep)
    observing = Observing(
        world, catalogue=catalogue, far_side=far_side, observe_for=means.observe_for
    )
    execution = Execution(
        world,
        catalogue=catalogue,
        far_side=far_side,
        recheck=Recheck(world, catalogue=catalogue, is_read_only=means.is_read_only),
    )
    return {
        EXECUTE_JOB: execution.execute,
        OBSERVE_JOB: observing.observe,
        EXPIRE_JOB: approvals.expire,
        REMIND_JOB: approvals.remind,
    }


def _turn(
    world: World,
    means: Means,
    approvals: Approvals,
    pending: Pending,
    incidents: Incidents,
    wake: Callable[[], None],
) -> Turn:
    catalogue = means.catalogue
    operations = Operations(world, catalogue=catalogue)
    reads = Reads(world, catalogue=catalogue)
    controls = Controls(
        world,
        catalogue=catalogue,
        operations=operations,
        wake=wake,
        is_read_only=means.is_read_only,
    )
    desks = Desks(
        reads=reads,
        writes=Writes(world, reads=reads, operations=operations, controls=controls),
        approvals=approvals,
        pending=pending,
        controls=controls,
        forms=Forms(
            world,
            choices=Choices(world, pending=pending, catalogue=catalogue),
            catalogue=catalogue,
        ),
        watch=WatchDesk(
            incidents=incidents,
            subscriptions=Subscriptions(
                world, catalogue=catalogue, reads=reads, tenants=means.tenants
            ),
            overviews=Overviews(world, catalogue=catalogue),
            letters=Letters(world, catalogue=catalogue, home=means.tenants.home, wake=wake),
        ),
    )
    return Turn(world, catalogue=catalogue, desks=desks)
