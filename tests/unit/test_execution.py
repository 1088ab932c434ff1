"""How operations end when the world does not wait: leases, rights, pauses and other people."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import JsonValue

from bot.domain.audit import Verified
from bot.domain.command import Catalogue
from bot.domain.errors import DirectoryUnavailable, GraphAmbiguous, GraphError, GraphFault
from bot.domain.kinds import KINDS
from bot.domain.operation import Actor, Observation, Operation, State
from bot.domain.plan import Item, Plan
from bot.domain.policy import Person, Policy, Role
from bot.domain.resource import Effect, Record, ResourceKind, Values, Verb
from bot.service.execution import EXECUTE_JOB, OBSERVE_JOB, Execution
from bot.service.farside import RECOVERY_S, FarSide
from bot.service.observing import Observing
from bot.service.ports import Job, Page, Pause, Receipt, World
from bot.service.recheck import Recheck
from bot.store.audit import exported
from bot.store.database import Database
from bot.store.store import SqlStore
from tests.support.stage import CountedIds, FakeClock

TENANT, OID, GROUP = "t", "o", "0aa0c1de-0000-4000-8000-000000000001"
LEASE_S = 30.0
NOW: dict[str, JsonValue] = {
    "id": "c1",
    "serverName": "EXCH01",
    "version": "15.1",
    "lastSyncDateTime": "2026-11-21T08:00:00Z",
}
UPDATE = Plan("exchange", "update", Effect.UPDATE, "c1", "EXCH01", (), {"version": "15.2"}, NOW)
DELETE = Plan("exchange", "delete", Effect.DELETE, "c1", "EXCH01", (), None, NOW)
SYNC = Plan("exchange", "sync", Effect.ACT, "c1", "EXCH01", (), {"syncType": "fullSync"}, NOW)
CREATE = Plan(
    "exchange", "create", Effect.CREATE, None, "EXCH09", (), {"serverName": "EXCH09"}, None
)
LOST = GraphFault(0, "timeout", "")
FORBIDDEN = GraphFault(403, "Forbidden", "no")

Step = Callable[["FakeGraph", Plan], Awaitable[Receipt]]


async def carries_out(graph: "FakeGraph", plan: Plan) -> Receipt:
    graph.apply(plan)
    return Receipt("r1")


async def loses_the_answer(graph: "FakeGraph", plan: Plan) -> Receipt:
    graph.apply(plan)
    raise GraphAmbiguous(LOST)


async def loses_the_request(_graph: "FakeGraph", _plan: Plan) -> Receipt:
    raise GraphAmbiguous(LOST)


async def refuses(_graph: "FakeGraph", _plan: Plan) -> Receipt:
    raise GraphError(FORBIDDEN)


async def accepts_only(_graph: "FakeGraph", _plan: Plan) -> Receipt:
    return Receipt("r1")


class FakeGraph:
    """Honours `ports.Resources` on a few records; each write takes the next of `steps`."""

    def __init__(self, plan: Plan, *steps: Step) -> None:
        self.plan = plan
        self.records: dict[str, Values] = {"c1": NOW}
        self.writes = 0
        self.reads = 0
        self.before_read: Callable[[], None] = lambda: None
        self._steps = list(steps)

    def apply(self, plan: Plan) -> None:
        body = {k: v for k, v in (plan.body or {}).items() if not k.startswith("@")}
        match plan.effect:
            case Effect.CREATE:
                new = f"n{len(self.records)}"
                self.records[new] = {"id": new, **body}
            case Effect.DELETE:
                self.records.pop("c1", None)
            case Effect.UPDATE:
                self.records["c1"] = {**self.records["c1"], **body}
            case _:
                self.records["c1"] = {**NOW, "lastSyncDateTime": "2026-11-21T09:00:00Z"}

    def change(self, **values: str) -> None:
        self.records["c1"] = {**self.records["c1"], **values}

    def _look(self) -> None:
        self.reads += 1
        self.before_read()

    async def list(self, kind: ResourceKind, *, patience_s: float | None = None) -> Page:
        self._look()
        return Page(tuple(kind.record.model_validate(v) for v in self.records.values()))

    async def get(
        self, kind: ResourceKind, record_id: str, *, patience_s: float | None = None
    ) -> Record | None:
        self._look()
        found = self.records.get(record_id)
        return None if found is None else kind.record.model_validate(found)

    async def write(
        self,
        kind: ResourceKind,
        verb: Verb,
        *,
        record_id: str | None,
        body: Mapping[str, JsonValue] | None,
        client_request_id: str,
    ) -> Receipt:
        self.writes += 1
        step = self._steps.pop(0) if self._steps else carries_out
        return await step(self, self.plan)

    async def organization(self) -> str | None:
        return None


class FakeDirectory:
    """Honours `ports.Directory`: one person, who may lose the group or not be readable."""

    def __init__(self) -> None:
        self.groups = frozenset({GROUP})
        self.is_away = False

    async def person(
        self, tenant: str, oid: str, groups: frozenset[str], *, is_fresh: bool
    ) -> Person:
        if self.is_away:
            raise DirectoryUnavailable(LOST)
        return Person(oid, tenant, "Ada", is_guest=False, is_enabled=True, groups=self.groups)


class FixedPolicy:
    def current(self) -> Policy:
        return Policy({"admin": Role("admin", groups=frozenset({GROUP}), allow=("*:*",))})


@dataclass
class Bench:
    """One operation that waits to be executed."""

    graph: FakeGraph
    directory: FakeDirectory
    store: SqlStore
    clock: FakeClock
    execution: Execution
    observing: Observing
    operation_id: str

    async def claim(self, kind: str = EXECUTE_JOB) -> Job:
        (job,) = await self.store.claim_jobs([kind], 1)
        return job

    async def execute(self) -> Operation:
        """Work until it has ended, or waits for more than somebody else's write to be seen."""
        await self.execution.execute(await self.claim())
        while (operation := await self.operation()).state is State.EXECUTING:
            await self.wait_for_the_next_look()
            await self.execution.execute(await self.claim())
        return operation

    async def wait_for_the_next_look(self) -> None:
        due = await self.store.next_due([EXECUTE_JOB])
        assert due is not None
        assert due - self.clock.now() <= timedelta(seconds=RECOVERY_S[-1])
        self.clock.move(seconds=max(0.0, (due - self.clock.now()).total_seconds()))

    async def operation(self) -> Operation:
        found = await self.store.operation(self.operation_id)
        assert found is not None
        return found

    async def interrupt(self) -> None:
        """Leave the operation as a process leaves it that dies after committing its intent."""
        await self.claim()
        async with self.store.begin() as tx:
            assert await tx.move_operation(
                self.operation_id, source=State.APPROVED, target=State.EXECUTING
            )
        self.clock.move(seconds=LEASE_S)

    async def told(self) -> list[str]:
        """Return what the audit says, oldest first; the chain must hold."""
        assert isinstance(await self.store.verify_audit(), Verified)
        return [str(exported(row)["what"]) async for row in self.store.audit_rows()]

    async def has_jobs(self) -> bool:
        return await self.store.next_due([EXECUTE_JOB, OBSERVE_JOB]) is not None


@asynccontextmanager
async def bench(
    folder: Path, plan: Plan, *steps: Step, is_read_only: bool = False
) -> AsyncIterator[Bench]:
    clock, graph, directory = FakeClock(), FakeGraph(plan, *steps), FakeDirectory()
    database = Database.open(f"sqlite:///{folder / 'store.db'}", clock=clock, lease_s=LEASE_S)
    try:
        await database.migrate()
        store = SqlStore(database)
        world = World(store, graph, directory, FixedPolicy(), clock, CountedIds())
        catalogue = Catalogue(KINDS)
        far_side = FarSide(resources=graph, sleep=clock.sleep)
        recheck = Recheck(world, catalogue=catalogue, is_read_only=is_read_only)
        execution = Execution(world, catalogue=catalogue, far_side=far_side, recheck=recheck)
        observing = Observing(
            world, catalogue=catalogue, far_side=far_side, observe_for=timedelta(minutes=15)
        )
        operation = Operation(
            id="OP1".ljust(26, "0"),
            short="OP1",
            state=State.APPROVED,
            command="/exchange",
            plan=plan,
            actor=Actor(TENANT, OID, "Ada"),
            conversation="19:x",
            created_at=clock.now(),
            updated_at=clock.now(),
        )
        async with store.begin() as tx:
            await tx.add_operation(operation, "request-1")
            await tx.add_job(EXECUTE_JOB, operation.id, clock.now())
        yield Bench(graph, directory, store, clock, execution, observing, operation.id)
    finally:
        await database.close()


@pytest.mark.parametrize("plan", [CREATE, UPDATE, DELETE])
async def test_a_write_that_goes_well_is_done_and_leaves_no_job(
    tmp_path: Path, plan: Plan
) -> None:
    async with bench(tmp_path, plan) as b:
        ended = await b.execute()

        assert (ended.state, ended.result.observation) == (State.DONE, Observation.CONFIRMED)
        assert await b.told() == ["operation executing", "operation done"]
        assert not await b.has_jobs()


async def test_rights_lost_while_it_waited_stop_a_write(tmp_path: Path) -> None:
    async with bench(tmp_path, UPDATE) as b:
        b.clock.move(seconds=31)
        b.directory.groups = frozenset()

        ended = await b.execute()

        assert (ended.state, ended.result.code) == (State.FAILED, "rights-lost")
        assert b.graph.writes == 0


async def test_rights_that_cannot_be_read_again_stop_a_write(tmp_path: Path) -> None:
    async with bench(tmp_path, UPDATE) as b:
        b.clock.move(seconds=31)
        b.directory.is_away = True

        held = await b.execute()
        b.clock.move(seconds=31)
        ended = await b.execute()

        assert held.state is State.APPROVED

        assert (ended.state, ended.result.code) == (State.FAILED, "rights-unread")
        assert b.graph.writes == 0


async def test_rights_that_still_hold_let_a_late_write_run(tmp_path: Path) -> None:
    async with bench(tmp_path, UPDATE) as b:
        b.clock.move(seconds=31)

        assert (await b.execute()).state is State.DONE


async def test_a_batch_that_lost_its_lease_before_it_began_sends_nothing(tmp_path: Path) -> None:
    many = replace(SYNC, target_id=None, items=(Item("c1", "EXCH01", NOW),))
    async with bench(tmp_path, many) as b:
        lost = await b.claim()
        b.clock.move(seconds=LEASE_S)
        await b.claim()
        await b.execution.execute(lost)

        assert b.graph.writes == 0
        assert (await b.operation()).result.items == ()


async def pause(b: Bench) -> None:
    async with b.store.begin() as tx:
        await tx.set_pause(Pause("Bob", b.clock.now(), None))


async def test_a_pause_between_request_and_execution_stops_a_write(tmp_path: Path) -> None:
    async with bench(tmp_path, UPDATE) as b:
        await pause(b)

        ended = await b.execute()

        assert (ended.state, ended.result.code) == (State.FAILED, "paused")
        assert b.graph.writes == 0


async def test_a_read_only_bot_executes_nothing_that_was_left(tmp_path: Path) -> None:
    async with bench(tmp_path, UPDATE, is_read_only=True) as b:
        assert (await b.execute()).result.code == "paused"
        assert b.graph.writes == 0


@pytest.mark.parametrize("plan", [UPDATE, DELETE])
async def test_an_interrupted_write_is_not_sent_again_while_writes_are_paused(
    tmp_path: Path, plan: Plan
) -> None:
    async with bench(tmp_path, plan) as b:
        await b.interrupt()
        await pause(b)

        ended = await b.execute()

        assert (ended.state, ended.result.code) == (State.FAILED, "paused")
        assert b.graph.writes == 0


async def test_an_interrupted_write_is_not_sent_again_for_somebody_without_rights(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, UPDATE) as b:
        await b.interrupt()
        b.directory.groups = frozenset()

        assert (await b.execute()).result.code == "rights-lost"
        assert b.graph.writes == 0


async def test_what_happened_before_a_pause_is_found_done(tmp_path: Path) -> None:
    async with bench(tmp_path, UPDATE) as b:
        await b.interrupt()
        b.graph.apply(UPDATE)
        await pause(b)

        assert (await b.execute()).state is State.DONE
        assert b.graph.writes == 0


@pytest.mark.parametrize("plan", [UPDATE, DELETE])
async def test_an_interrupted_write_that_left_no_trace_is_sent_once(
    tmp_path: Path, plan: Plan
) -> None:
    async with bench(tmp_path, plan) as b:
        await b.interrupt()

        assert (await b.execute()).state is State.DONE
        assert b.graph.writes == 1


@pytest.mark.parametrize("plan", [CREATE, SYNC])
async def test_what_may_have_its_effect_twice_is_never_sent_again(
    tmp_path: Path, plan: Plan
) -> None:
    async with bench(tmp_path, plan, loses_the_request) as b:
        ended = await b.execute()

        assert (ended.state, ended.result.code) == (State.UNKNOWN, "unseen")
        assert b.graph.writes == 1


@pytest.mark.parametrize("plan", [CREATE, UPDATE, DELETE, SYNC])
async def test_a_write_whose_answer_was_lost_is_found_done(tmp_path: Path, plan: Plan) -> None:
    async with bench(tmp_path, plan, loses_the_answer) as b:
        ended = await b.execute()

        assert (ended.state, ended.result.observation) == (State.DONE, Observation.CONFIRMED)
        assert b.graph.writes == 1


async def test_a_lost_update_is_sent_again_once_and_no_more(tmp_path: Path) -> None:
    async with bench(tmp_path, UPDATE, loses_the_request, loses_the_request) as b:
        ended = await b.execute()

        assert (ended.state, ended.result.code) == (State.FAILED, "not-applied")
        assert b.graph.writes == 2


async def test_a_refused_repetition_does_not_hide_that_the_first_request_came_late(
    tmp_path: Path,
) -> None:
    async def refuses_while_the_first_arrives(graph: FakeGraph, plan: Plan) -> Receipt:
        graph.apply(plan)
        raise GraphError(FORBIDDEN)

    async with bench(tmp_path, UPDATE, loses_the_request, refuses_while_the_first_arrives) as b:
        assert (await b.execute()).state is State.DONE


async def test_a_refused_repetition_of_what_never_happened_fails_with_graphs_words(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, UPDATE, loses_the_request, refuses) as b:
        ended = await b.execute()

        assert (ended.state, ended.result.code) == (State.FAILED, "not-applied")
        assert ended.result.fault == FORBIDDEN


async def test_several_records_that_fit_a_lost_create_are_for_a_person_to_judge(
    tmp_path: Path,
) -> None:
    async def is_lost_beside_a_twin(graph: FakeGraph, plan: Plan) -> Receipt:
        graph.apply(plan)
        graph.apply(plan)
        raise GraphAmbiguous(LOST)

    async with bench(tmp_path, CREATE, is_lost_beside_a_twin) as b:
        ended = await b.execute()

        assert (ended.state, ended.result.code) == (State.UNKNOWN, "several-found")
        assert ended.result.target_id is None


async def test_a_target_that_is_gone_fails_a_lost_update(tmp_path: Path) -> None:
    async def is_lost_as_the_target_goes(graph: FakeGraph, _plan: Plan) -> Receipt:
        graph.records.clear()
        raise GraphAmbiguous(LOST)

    async with bench(tmp_path, UPDATE, is_lost_as_the_target_goes) as b:
        ended = await b.execute()

        assert (ended.state, ended.result.code) == (State.FAILED, "target-gone")
        assert b.graph.writes == 1


async def test_a_target_that_somebody_else_changed_is_left_alone(tmp_path: Path) -> None:
    async def is_lost_as_others_write(graph: FakeGraph, _plan: Plan) -> Receipt:
        graph.change(version="99")
        raise GraphAmbiguous(LOST)

    async with bench(tmp_path, UPDATE, is_lost_as_others_write) as b:
        ended = await b.execute()

        assert (ended.state, ended.result.code) == (State.FAILED, "changed-meanwhile")
        assert [change.after for change in ended.result.differences] == ["99"]
        assert b.graph.writes == 1


async def test_an_unreadable_far_side_leaves_a_lost_update_unknown(tmp_path: Path) -> None:
    async with bench(tmp_path, UPDATE, loses_the_answer) as b:

        def fail() -> None:
            raise GraphError(LOST)

        b.graph.before_read = fail

        ended = await b.execute()

        assert (ended.state, ended.result.code) == (State.UNKNOWN, "unreadable")
        assert b.graph.reads == 3
        assert await b.told() == ["operation executing", "operation unknown"]


async def test_a_write_left_behind_is_looked_for_on_however_often_processes_die(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, UPDATE) as b:
        await b.interrupt()
        looks: list[int] = []
        while b.graph.writes == 0:
            # Each process looks once and gives the job back; the next one dies with it in hand.
            await b.execution.execute(await b.claim())
            looks.append(b.graph.reads)
            if b.graph.writes == 0:
                await b.wait_for_the_next_look()
                await b.claim()
                b.clock.move(seconds=LEASE_S)

        assert looks[:-1] == [1, 2, 3, 4]
        assert (await b.operation()).state is State.DONE


async def test_deaths_before_do_not_use_up_the_patience_of_reading_back(tmp_path: Path) -> None:
    async with bench(tmp_path, UPDATE) as b:
        await b.interrupt()
        b.graph.apply(UPDATE)
        for _ in range(4):
            await b.claim()
            b.clock.move(seconds=LEASE_S)

        def fail_once() -> None:
            b.graph.before_read = lambda: None
            raise GraphError(LOST)

        b.graph.before_read = fail_once

        assert (await b.execute()).state is State.DONE


async def test_an_accepted_update_that_changed_nothing_has_failed(tmp_path: Path) -> None:
    async with bench(tmp_path, UPDATE, accepts_only) as b:
        ended = await b.execute()

        assert (ended.state, ended.result.code) == (State.FAILED, "not-applied")
        assert ended.result.observation is Observation.DIFFERS


async def test_an_accepted_update_that_became_something_else_is_not_said_to_have_failed(
    tmp_path: Path,
) -> None:
    async def normalises(graph: FakeGraph, _plan: Plan) -> Receipt:
        graph.change(version="15.2.0.0")
        return Receipt("r1")

    async with bench(tmp_path, UPDATE, normalises) as b:
        ended = await b.execute()

        assert (ended.state, ended.result.observation) == (State.DONE, Observation.DIFFERS)


async def test_an_accepted_delete_that_is_not_seen_to_happen_is_unknown(tmp_path: Path) -> None:
    async with bench(tmp_path, DELETE, accepts_only) as b:
        assert (await b.execute()).state is State.UNKNOWN


async def test_a_lease_lost_in_the_middle_of_a_write_leaves_the_end_to_the_next(
    tmp_path: Path,
) -> None:
    reached, may_go_on = asyncio.Event(), asyncio.Event()

    async def takes_longer_than_the_lease(graph: FakeGraph, plan: Plan) -> Receipt:
        graph.apply(plan)
        reached.set()
        await may_go_on.wait()
        return Receipt("r1")

    async with bench(tmp_path, UPDATE, takes_longer_than_the_lease) as b:
        slow = asyncio.create_task(b.execution.execute(await b.claim()))
        await reached.wait()
        b.clock.move(seconds=LEASE_S)

        ended = await b.execute()
        may_go_on.set()
        await slow

        assert ended.state is State.DONE
        assert b.graph.writes == 1
        assert await b.told() == ["operation executing", "operation done"]
        assert not await b.has_jobs()


async def test_an_operation_cancelled_before_its_intent_is_not_written(tmp_path: Path) -> None:
    async with bench(tmp_path, UPDATE) as b:
        job = await b.claim()
        async with b.store.begin() as tx:
            await tx.move_operation(b.operation_id, source=State.APPROVED, target=State.CANCELLED)

        await b.execution.execute(job)

        assert b.graph.writes == 0
        assert not await b.has_jobs()


async def test_a_sync_is_watched_until_it_is_seen_to_happen(tmp_path: Path) -> None:
    async with bench(tmp_path, SYNC, accepts_only) as b:
        assert (await b.execute()).result.observation is Observation.PENDING
        await b.observing.observe(await b.claim(OBSERVE_JOB))
        b.graph.apply(SYNC)
        b.clock.move(seconds=5)

        await b.observing.observe(await b.claim(OBSERVE_JOB))

        seen = (await b.operation()).result
        assert seen.observation is Observation.CONFIRMED
        assert seen.observed_at == "2026-11-21T09:00:00Z"
        assert not await b.has_jobs()


async def test_a_watch_whose_lease_was_lost_reports_nothing(tmp_path: Path) -> None:
    async with bench(tmp_path, SYNC) as b:
        await b.execute()
        late = await b.claim(OBSERVE_JOB)
        b.clock.move(seconds=LEASE_S)
        await b.observing.observe(await b.claim(OBSERVE_JOB))

        await b.observing.observe(replace(late, token="stale"))

        assert (await b.told()).count("operation observed") == 1


async def test_a_sync_of_a_target_that_went_is_said_not_to_have_been_seen(tmp_path: Path) -> None:
    async with bench(tmp_path, SYNC, accepts_only) as b:
        await b.execute()
        b.graph.records.clear()
        b.clock.move(minutes=15)

        await b.observing.observe(await b.claim(OBSERVE_JOB))

        assert (await b.operation()).result.observation is Observation.UNMOVED
