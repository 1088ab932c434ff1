"""Keeps background messages within Teams' limits, together with every other replica."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from typing_extensions import override

from bot.domain.errors import StoreError
from bot.domain.outcome import Outcome
from bot.domain.pace import PATIENCE_S, THREAD, Place, give_back, reserve, take
from bot.service.ports import Clock, Messenger, Reference, Store
from bot.service.watch_ports import Lane

TENANT_STOP_S = 1.0
SOON_S = 0.5
"""When to ask again where messages without an answer hold every place."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Whether a message may go now, or else not before `later`."""

    later: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Turn:
    """When to send, from a place; without one: when to ask again."""

    at: float
    place: Place | None


@dataclass(eq=False, slots=True)
class _Wish:
    """A sender who waits for a turn, and the answer."""

    root: str
    turn: _Turn | None = None
    failure: StoreError | None = None

    @property
    def is_answered(self) -> bool:
        return self.turn is not None or self.failure is not None


@dataclass(slots=True)
class _Gate:
    """The senders to one tenant; `answered` are places of messages that are over, and since when."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: list[_Wish] = field(default_factory=list)
    under_way: dict[str, list[Place]] = field(default_factory=dict)
    answered: list[tuple[Place, float]] = field(default_factory=list)


class Pacer:
    """Hands out turns from budgets that stand in the database.

    Replicas wait for each other there, so the senders of this one go together: one asks for all
    who wait. That a message is over is written down with the next turn: until then its place is of
    no use to other replicas, and this one comes back for more as long as there is work.
    """

    def __init__(
        self, *, store: Store, clock: Clock, sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self._store = store
        self._clock = clock
        self._sleep = sleep
        self._gates: dict[str, _Gate] = {}

    async def turn(self, tenant: str, root: str) -> Slot:
        """Wait for the turn of one message to a conversation, or tell when it comes.

        Raises:
            StoreError: the database cannot serve.
        """
        gate, wish = self._gates.setdefault(tenant, _Gate()), _Wish(root)
        gate.waiting.append(wish)
        try:
            async with gate.lock:
                if not wish.is_answered:
                    await self._ask(tenant, gate)
        finally:
            if wish in gate.waiting:
                gate.waiting.remove(wish)
        if wish.turn is None:
            raise StoreError("no turn to send") from wish.failure
        if wish.turn.place is None:
            return Slot(datetime.fromtimestamp(wish.turn.at, UTC))
        gate.under_way.setdefault(root, []).append(wish.turn.place)
        wait_s = wish.turn.at - self._now()
        if wait_s > 0:
            await self._sleep(wait_s)
        return Slot()

    async def _ask(self, tenant: str, gate: _Gate) -> None:
        """Answer everybody who waits, in one transaction."""
        wishes, gate.waiting = gate.waiting, []
        told = tuple(gate.answered)
        try:
            turns = await self._turns(tenant, [wish.root for wish in wishes], told)
        except StoreError as error:
            for wish in wishes:
                wish.failure = error
            return
        except BaseException:
            # Who asked for all was cancelled: somebody else does.
            gate.waiting = [*wishes, *gate.waiting]
            raise
        for wish, turn in zip(wishes, turns, strict=True):
            wish.turn = turn
        gate.answered = gate.answered[len(told) :]

    async def _turns(
        self, tenant: str, roots: Sequence[str], told: Iterable[tuple[Place, float]]
    ) -> list[_Turn]:
        """Return a turn for a message to each of these conversations."""
        name = _of_tenant(tenant)
        threads = {root: _of_thread(tenant, root) for root in roots}
        async with self._store.begin() as tx:
            lanes = dict(await tx.lanes(name, tuple(threads.values())))
            for place, answered_at in told:
                marks = give_back(lanes[name].marks, place, answered_at)
                lanes[name] = replace(lanes[name], marks=marks)
            now, turns = self._now(), []
            for thread in (threads[root] for root in roots):
                turn, lanes[name], lanes[thread] = _next(lanes[name], lanes[thread], now)
                turns.append(turn)
            await tx.save_lanes(lanes)
        return turns

    def ended(self, tenant: str, root: str) -> None:
        """Note that a message to a conversation was answered, or never will be."""
        gate, now = self._gates.setdefault(tenant, _Gate()), self._now()
        places = [p for p in gate.under_way.pop(root, ()) if p.held_until > now]
        if places:
            gate.answered.append((places.pop(), now))
        if places:
            gate.under_way[root] = places

    async def stop(self, tenant: str, root: str, wait_s: float) -> datetime:
        """Keep everybody from writing there for as long as the service asked; return until when."""
        now = self._clock.now()
        until = now + timedelta(seconds=wait_s)
        soon = now + timedelta(seconds=min(wait_s, TENANT_STOP_S))
        ends = {_of_tenant(tenant): soon, _of_thread(tenant, root): until}
        async with self._store.begin() as tx:
            lanes = await tx.lanes(_of_tenant(tenant), (_of_thread(tenant, root),))
            await tx.save_lanes(
                {
                    name: Lane(lane.marks, max(ends[name], lane.blocked_until or ends[name]))
                    for name, lane in lanes.items()
                }
            )
        return until

    def _now(self) -> float:
        return self._clock.now().timestamp()


class PacedMessenger(Messenger):
    """Sends what has had its turn, and tells the pacer when that is over."""

    def __init__(self, messenger: Messenger, pacer: Pacer) -> None:
        self._messenger = messenger
        self._pacer = pacer

    @override
    async def post(self, reference: Reference, outcome: Outcome) -> str | None:
        async with self._sending(reference):
            return await self._messenger.post(reference, outcome)

    @override
    async def edit(self, reference: Reference, activity_id: str, outcome: Outcome) -> None:
        async with self._sending(reference):
            await self._messenger.edit(reference, activity_id, outcome)

    @override
    async def members(self, reference: Reference) -> tuple[str, ...]:
        return await self._messenger.members(reference)

    @override
    async def is_answering(self, reference: Reference) -> bool:
        return await self._messenger.is_answering(reference)

    @asynccontextmanager
    async def _sending(self, reference: Reference) -> AsyncIterator[None]:
        try:
            yield
        finally:
            self._pacer.ended(reference.tenant, reference.root)


def _of_tenant(tenant: str) -> str:
    return f"tenant {tenant}"


def _of_thread(tenant: str, root: str) -> str:
    return f"thread {tenant} {root}"


def _next(whole: Lane, thread: Lane, now: float) -> tuple[_Turn, Lane, Lane]:
    """Return the turn of one more message, and both budgets with it; unchanged where it has none."""
    stops = (whole.blocked_until, thread.blocked_until)
    open_at = max((stop.timestamp() for stop in stops if stop), default=now)
    allowed_at, _ = reserve(thread.marks, THREAD, max(now, open_at))
    start, place, free_at = take(whole.marks, now, not_before=allowed_at)
    if start - now > PATIENCE_S:
        return _Turn(max(allowed_at, min(start, now + SOON_S)), None), whole, thread
    _, marks = reserve(thread.marks, THREAD, start)
    return _Turn(start, place), replace(whole, marks=free_at), replace(thread, marks=marks)
