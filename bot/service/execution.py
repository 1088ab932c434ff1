"""Carries operations out and finds out what became of them.

The intent (`executing`) is committed before Graph is called. Whoever resumes an operation in that
state reads the far side first and never repeats what may have happened.
"""

from dataclasses import replace
from datetime import timedelta

import structlog

from bot.domain.command import Catalogue
from bot.domain.errors import DirectoryUnavailable, GraphAmbiguous, GraphError, GraphFault
from bot.domain.operation import Observation, Operation, Result, State
from bot.domain.plan import Plan, differences
from bot.domain.policy import Allowed, decide
from bot.domain.resource import Effect, ResourceKind, Verb
from bot.service.evidence import audit_line
from bot.service.farside import FarSide, Sight, View
from bot.service.ports import AuditRecord, Job, Transaction, World

log = structlog.get_logger(__name__)
EXECUTE_JOB = "execute"
OBSERVE_JOB = "observe"
RECHECK_AFTER = timedelta(seconds=30)
OBSERVE_CAP_S = 60.0


class Execution:
    """Executes and observes operations.

    `observe_for` is how long an accepted action may take until nothing moving is said so.
    """

    def __init__(
        self,
        world: World,
        *,
        catalogue: Catalogue,
        far_side: FarSide,
        observe_for: timedelta,
        is_read_only: bool,
    ) -> None:
        self._world = world
        self._store = world.store
        self._clock = world.clock
        self._catalogue = catalogue
        self._far_side = far_side
        self._observe_for = observe_for
        self._is_read_only = is_read_only

    async def execute(self, job: Job) -> None:
        """Carry out operation `job.subject`, or find out what became of it."""
        operation = await self._store.operation(job.subject)
        if operation is None or operation.state not in {State.APPROVED, State.EXECUTING}:
            async with self._store.begin() as tx:
                await tx.finish_job(job)
            return
        kind, verb = self._kind_and_verb(operation)
        if operation.state is State.EXECUTING:
            await self._resume(job, operation, kind, verb)
            return
        refusal = await self._refusal(operation)
        if refusal is not None:
            await self._end(job, operation, State.FAILED, refusal)
        elif await self._intend(operation):
            await self._write(job, operation, kind, verb, may_repeat=True)

    def _kind_and_verb(self, operation: Operation) -> tuple[ResourceKind, Verb]:
        kind = self._catalogue.kinds[operation.plan.kind]
        verb = kind.verb(operation.plan.verb)
        if verb is None:
            message = f"{kind.name} has no verb {operation.plan.verb}"
            raise LookupError(message)
        return kind, verb

    async def _refusal(self, operation: Operation) -> Result | None:
        """Return why the operation may not run any more, judged anew when time has passed."""
        if self._is_read_only or await self._store.pause() is not None:
            return Result(code="paused")
        if self._clock.now() - operation.updated_at < RECHECK_AFTER:
            return None
        policy = self._world.policies.current()
        try:
            person = await self._world.directory.person(
                operation.actor.tenant, operation.actor.oid, policy.groups, is_fresh=True
            )
        except DirectoryUnavailable:
            return Result(code="rights-unread")
        spec = self._catalogue.by_permission[f"{operation.plan.kind}:{operation.plan.verb}"]
        verdict = decide(policy, person, spec, conversation=operation.conversation)
        return None if isinstance(verdict, Allowed) else Result(code="rights-lost")

    async def _intend(self, operation: Operation) -> bool:
        async with self._store.begin() as tx:
            moved = await tx.move_operation(
                operation.id, source=State.APPROVED, target=State.EXECUTING
            )
            if moved:
                await tx.append_audit(self._line("operation executing", operation))
                await tx.want_card(operation.id)
        return moved

    async def _write(
        self, job: Job, operation: Operation, kind: ResourceKind, verb: Verb, *, may_repeat: bool
    ) -> None:
        plan = operation.plan
        request_id = await self._store.client_request_id(operation.id)
        try:
            receipt = await self._world.resources.write(
                kind,
                verb,
                record_id=plan.target_id,
                body=plan.body,
                client_request_id=request_id or operation.id,
            )
        except GraphAmbiguous as error:
            await self._find_out(job, operation, kind, verb, error.fault, may_repeat=may_repeat)
            return
        except GraphError as error:
            if not may_repeat:
                # This refusal says nothing of the request before, which may have come late.
                await self._find_out(job, operation, kind, verb, error.fault, may_repeat=False)
                return
            await self._end(job, operation, State.FAILED, _failure("graph", error))
            return
        result = await self._far_side.confirm(kind, verb, plan, receipt)
        await self._end(job, operation, _state_of(result), result)

    async def _resume(
        self, job: Job, operation: Operation, kind: ResourceKind, verb: Verb
    ) -> None:
        lost = GraphFault(0, "interrupted", "")
        await self._find_out(job, operation, kind, verb, lost, may_repeat=True)

    async def _find_out(
        self,
        job: Job,
        operation: Operation,
        kind: ResourceKind,
        verb: Verb,
        fault: GraphFault,
        *,
        may_repeat: bool,
    ) -> None:
        """Settle an operation whose request may or may not have reached Graph."""
        plan = operation.plan
        try:
            view = await self._far_side.recover(kind, plan)
        except GraphError as error:
            await self._end(job, operation, State.UNKNOWN, _failure("unreadable", error))
            return
        if view.sight is Sight.UNTOUCHED and may_repeat and _is_repeatable(plan):
            refusal = await self._refusal(operation)
            if refusal is not None:
                await self._end(job, operation, State.FAILED, refusal)
                return
            await self._write(job, operation, kind, verb, may_repeat=False)
            return
        state, result = _judge(kind, plan, view, fault)
        await self._end(job, operation, state, result)

    async def _end(self, job: Job, operation: Operation, state: State, result: Result) -> None:
        async with self._store.begin() as tx:
            if not await tx.finish_job(job):
                log.warning("lease lost", operation=operation.short)
                return
            if not await self._settle(tx, operation, state, result):
                return
            if result.observation is Observation.PENDING:
                await tx.add_job(OBSERVE_JOB, operation.id, self._clock.now())
        log.info("operation ended", operation=operation.short, state=state, code=result.code)

    async def _settle(
        self, tx: Transaction, operation: Operation, state: State, result: Result
    ) -> bool:
        """Move from wherever execution stands to its end; both sources are tried, one can fit."""
        for source in (State.EXECUTING, State.APPROVED):
            if await tx.move_operation(operation.id, source=source, target=state, result=result):
                await tx.append_audit(self._line(f"operation {state}", operation, result))
                await tx.want_card(operation.id)
                return True
        return False

    async def observe(self, job: Job) -> None:
        """Look whether an accepted action has happened; edit the card when it has or time is up."""
        operation = await self._store.operation(job.subject)
        if (
            operation is None
            or operation.state is not State.DONE
            or operation.result.observation is not Observation.PENDING
        ):
            async with self._store.begin() as tx:
                await tx.finish_job(job)
            return
        kind, verb = self._kind_and_verb(operation)
        now = self._clock.now()
        is_late = now - operation.updated_at >= self._observe_for
        observed = await self._observed(kind, verb, operation)
        if observed is not None or is_late:
            seen = Observation.CONFIRMED if observed is not None else Observation.UNMOVED
            result = replace(operation.result, observation=seen, observed_at=observed)
            await self._close_watch(job, operation, result)
            return
        async with self._store.begin() as tx:
            await tx.postpone_job(job, now + _pause_after(now - operation.updated_at), None)

    async def _observed(self, kind: ResourceKind, verb: Verb, operation: Operation) -> str | None:
        try:
            view = await self._far_side.look(
                kind, operation.plan, target_id=operation.plan.target_id, waits=(0.0,)
            )
        except GraphError:
            return None
        if view.sight is not Sight.APPLIED or view.values is None or verb.observes is None:
            return None
        return str(view.values.get(verb.observes))

    async def _close_watch(self, job: Job, operation: Operation, result: Result) -> None:
        async with self._store.begin() as tx:
            if not await tx.finish_job(job):
                return
            if await tx.set_result(operation.id, State.DONE, result):
                await tx.append_audit(self._line("operation observed", operation, result))
                await tx.want_card(operation.id)

    def _line(self, what: str, operation: Operation, result: Result | None = None) -> AuditRecord:
        return audit_line(self._catalogue.kinds[operation.plan.kind], what, operation, result)


def _failure(code: str, error: GraphError) -> Result:
    return Result(code=code, fault=error.fault, request_id=error.fault.request_id)


def _is_repeatable(plan: Plan) -> bool:
    return plan.effect in {Effect.UPDATE, Effect.DELETE}


def _state_of(result: Result) -> State:
    if result.code == "not-applied":
        return State.FAILED
    if result.observation is Observation.UNMOVED:
        return State.UNKNOWN
    return State.DONE


def _judge(kind: ResourceKind, plan: Plan, view: View, fault: GraphFault) -> tuple[State, Result]:
    """Say how a write ended whose answer was lost, from what the far side shows."""
    seen = str((view.values or {}).get("id") or "") or plan.target_id
    result = Result(fault=fault, target_id=seen, request_id=fault.request_id)
    if view.sight is Sight.APPLIED:
        return State.DONE, replace(result, observation=Observation.CONFIRMED, fault=None)
    if view.sight is Sight.GONE:
        return State.FAILED, replace(result, code="target-gone")
    if plan.effect in {Effect.UPDATE, Effect.DELETE}:
        found = differences(kind, plan.body or {}, view.values or {})
        code = "changed-meanwhile" if view.sight is Sight.OTHER else "not-applied"
        return State.FAILED, replace(result, code=code, differences=found)
    code = {Sight.SEVERAL: "several-found"}.get(view.sight, "unseen")
    return State.UNKNOWN, replace(result, code=code, target_id=plan.target_id)


def _pause_after(age: timedelta) -> timedelta:
    """Look often at first and ever less: a quarter of the age, 1 to 60 seconds."""
    return timedelta(seconds=min(OBSERVE_CAP_S, max(1.0, age.total_seconds() / 4)))
