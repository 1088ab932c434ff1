"""What reading back shows, when it is looked for again and when patience ends."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from pydantic import JsonValue

from bot.domain.errors import GraphError, GraphFault
from bot.domain.kinds.exchange import EXCHANGE
from bot.domain.operation import Observation
from bot.domain.plan import Plan
from bot.domain.resource import Effect, Record, ResourceKind, Values, Verb
from bot.service.farside import (
    READ_ATTEMPTS,
    READ_BACK_S,
    RECOVERY_S,
    RETRY_READ_S,
    FarSide,
    Sight,
    View,
)
from bot.service.ports import Page, Receipt

NOW: Values = {"id": "c1", "serverName": "EXCH01", "version": "15.1", "lastSyncDateTime": "t0"}
NEW: Values = {**NOW, "version": "15.2"}
MOVED: Values = {**NOW, "lastSyncDateTime": "t1"}
TWIN: Values = {**NEW, "id": "c2"}
UPDATE = Plan("exchange", "update", Effect.UPDATE, "c1", "EXCH01", (), {"version": "15.2"}, NOW)
DELETE = Plan("exchange", "delete", Effect.DELETE, "c1", "EXCH01", (), None, NOW)
SYNC = Plan("exchange", "sync", Effect.ACT, "c1", "EXCH01", (), {"syncType": "fullSync"}, NOW)
CREATE = Plan(
    "exchange", "create", Effect.CREATE, None, "EXCH01", (), {"serverName": "EXCH01"}, None
)
BROKEN = GraphError(GraphFault(500, "InternalServerError", ""))
Seen = list[Values] | GraphError


class Reads:
    """Honours the reading half of `ports.Resources`: what is seen one read after another."""

    def __init__(self, *seen: Seen) -> None:
        self._seen = list(seen)
        self.count = 0

    def _next(self) -> list[Values]:
        self.count += 1
        now = self._seen.pop(0) if len(self._seen) > 1 else self._seen[0]
        if isinstance(now, GraphError):
            raise now
        return now

    async def list(self, kind: ResourceKind, *, patience_s: float | None = None) -> Page:
        return Page(tuple(kind.record.model_validate(values) for values in self._next()))

    async def get(
        self, kind: ResourceKind, record_id: str, *, patience_s: float | None = None
    ) -> Record | None:
        found = [values for values in self._next() if values["id"] == record_id]
        return kind.record.model_validate(found[0]) if found else None

    async def write(
        self,
        kind: ResourceKind,
        verb: Verb,
        *,
        record_id: str | None,
        body: Mapping[str, JsonValue] | None,
        client_request_id: str,
    ) -> Receipt:
        raise AssertionError("The far side only looks.")

    async def organization(self) -> str | None:
        return None


class Sleeps:
    def __init__(self) -> None:
        self.waits: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.waits.append(seconds)


def far_side(reads: Reads, sleeps: Sleeps | None = None) -> FarSide:
    return FarSide(resources=reads, sleep=sleeps or Sleeps())


async def look(plan: Plan, *seen: Seen) -> View:
    return await far_side(Reads(*seen)).look(
        EXCHANGE, plan, target_id=plan.target_id, waits=RECOVERY_S
    )


@pytest.mark.parametrize(
    ("plan", "seen", "sight"),
    [
        (UPDATE, [NEW], Sight.APPLIED),
        (UPDATE, [NOW], Sight.UNTOUCHED),
        (UPDATE, [{**NOW, "version": "16"}], Sight.OTHER),
        (UPDATE, [], Sight.GONE),
        (replace(UPDATE, before=None), [NOW], Sight.OTHER),
        (DELETE, [], Sight.APPLIED),
        (DELETE, [NOW], Sight.UNTOUCHED),
        (SYNC, [MOVED], Sight.APPLIED),
        (SYNC, [NOW], Sight.UNTOUCHED),
        (SYNC, [], Sight.GONE),
        (replace(SYNC, verb="delete"), [NOW], Sight.OTHER),
        (CREATE, [NOW], Sight.APPLIED),
        (CREATE, [], Sight.UNTOUCHED),
        (CREATE, [NOW, TWIN], Sight.SEVERAL),
        (replace(CREATE, known=("c1",)), [NOW], Sight.UNTOUCHED),
        (replace(CREATE, known=("c1",)), [NOW, TWIN], Sight.APPLIED),
    ],
)
async def test_a_look_tells_what_became_of_a_plan(
    plan: Plan, seen: list[Values], sight: Sight
) -> None:
    assert (await look(plan, seen)).sight is sight


async def test_looking_ends_as_soon_as_the_plan_is_seen_applied() -> None:
    reads, sleeps = Reads([NOW], [NOW], [NEW]), Sleeps()

    view = await far_side(reads, sleeps).look(EXCHANGE, UPDATE, target_id="c1", waits=RECOVERY_S)

    assert view.sight is Sight.APPLIED
    assert sleeps.waits == [1.0, 2.0]


async def test_looking_ends_when_patience_does() -> None:
    reads = Reads([NOW])

    await far_side(reads).look(EXCHANGE, UPDATE, target_id="c1", waits=RECOVERY_S)

    assert reads.count == len(RECOVERY_S)


async def test_recovery_outlasts_reads_that_fail_for_a_while() -> None:
    sleeps = Sleeps()

    view = await far_side(Reads(BROKEN, BROKEN, [NEW]), sleeps).recover(EXCHANGE, UPDATE)

    assert view.sight is Sight.APPLIED
    assert sleeps.waits == [RETRY_READ_S, RETRY_READ_S]


async def test_recovery_gives_up_after_three_failures() -> None:
    reads = Reads(BROKEN)

    with pytest.raises(GraphError):
        await far_side(reads).recover(EXCHANGE, UPDATE)

    assert reads.count == READ_ATTEMPTS


async def confirmed(plan: Plan, *seen: Seen, record: Values | None = None) -> Observation | None:
    verb = EXCHANGE.verb(plan.verb)
    assert verb is not None
    receipt = Receipt("r1", None if record is None else EXCHANGE.record.model_validate(record))
    result = await far_side(Reads(*seen)).confirm(EXCHANGE, verb, plan, receipt)
    assert result.request_id == "r1"
    return result.observation


@pytest.mark.parametrize(
    ("plan", "seen", "observation"),
    [
        (UPDATE, [NEW], Observation.CONFIRMED),
        (UPDATE, [NOW], Observation.DIFFERS),
        (UPDATE, [], Observation.UNMOVED),
        (DELETE, [], Observation.CONFIRMED),
        (DELETE, [NOW], Observation.UNMOVED),
        (CREATE, [NOW], Observation.CONFIRMED),
        (CREATE, [], Observation.UNMOVED),
        (CREATE, [NOW, TWIN], Observation.UNREAD),
        (SYNC, [NOW], Observation.PENDING),
    ],
)
async def test_an_accepted_write_is_reported_as_it_was_observed(
    plan: Plan, seen: list[Values], observation: Observation
) -> None:
    assert await confirmed(plan, seen) is observation


async def test_an_accepted_write_that_cannot_be_read_back_is_unread() -> None:
    assert await confirmed(UPDATE, BROKEN) is Observation.UNREAD


async def test_a_change_that_shows_late_is_waited_for() -> None:
    late: list[Seen] = [[NOW]] * (len(READ_BACK_S) - 1)

    assert await confirmed(UPDATE, *late, [NEW]) is Observation.CONFIRMED


async def test_a_created_record_is_looked_for_by_the_id_that_graph_gave_it() -> None:
    assert await confirmed(CREATE, [NOW, TWIN], record=TWIN) is Observation.CONFIRMED
