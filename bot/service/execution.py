"""Carries operations out and finds out what became of them.

The intent (`executing`) is committed before Graph is called. Whoever resumes an operation in that
state reads the far side first and never repeats what may have happened.
"""

from dataclasses import replace
from datetime import timedelta

import structlog

from bot.domain.command import Catalogue
from bot.domain.errors import DirectoryUnavailable, GraphError
from bot.domain.operation import Observation, Operation, Result, State
from bot.domain.plan import Plan, after_of
from bot.domain.resource import ResourceKind, Values, Verb
from bot.service.batch import Batch, seen_of
from bot.service.carrier import Carrier, Ending
from bot.service.evidence import audit_line
from bot.service.farside import FarSide, Sight
from bot.service.ports import AuditRecord, Job, Transaction, World
from bot.service.recheck import Recheck

log = structlog.get_logger(__name__)
EXECUTE_JOB = "execute"
OBSERVE_JOB = "observe"
EXPIRE_JOB = "expire"
REMIND_JOB = "remind"
TELL_JOB = "tell"
HOLD_AT_MOST = timedelta(minutes=1)
READ_ATTEMPTS = 3
RETRY_READ = timedelta(seconds=5)
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
        recheck: Recheck,
    ) -> None:
        self._world = world
        self._store = world.store
        self._clock = world.clock
        self._catalogue = catalogue
        self._far_side = far_side
        self._carrier = Carrier(resources=world.resources, far_side=far_side)
        self._batch = Batch(store=world.store, carrier=self._carrier)
        self._observe_for = observe_for
        self._recheck = recheck

    async def execute(self, job: Job) -> None:
        """Carry out operation `job.subject`, or find out what became of it."""
        operation = await self._store.operation(job.subject)
        if operation is None or operation.state not in {State.APPROVED, State.EXECUTING}:
            async with self._store.begin() as tx:
                await tx.finish_job(job)
            return
        if operation.state is State.APPROVED and not await self._may_start(job, operation):
            return
        ending = await self._settled(job, operation)
        if ending is None:
            _lost(operation)
            return
        await self._end(job, operation, *ending)

    async def _may_start(self, job: Job, operation: Operation) -> bool:
        """Commit the intent, unless the last look forbids it or somebody else was faster."""
        try:
            refusal = await self._recheck.refusal(operation)
        except (DirectoryUnavailable, GraphError) as error:
            await self._hold(job, operation, str(error))
            return False
        if refusal is not None:
            await self._end(job, operation, *refusal)
            return False
        if await self._intend(operation):
            return True
        async with self._store.begin() as tx:
            # Something came in between: the next look says what.
            await tx.postpone_job(job, self._clock.now() + RETRY_READ, "not started")
        return False

    def _kind_and_verb(self, operation: Operation) -> tuple[ResourceKind, Verb]:
        kind = self._catalogue.kinds[operation.plan.kind]
        verb = kind.verb(operation.plan.verb)
        if verb is None:
            message = f"{kind.name} has no verb {operation.plan.verb}"
            raise LookupError(message)
        return kind, verb

    async def _hold(self, job: Job, operation: Operation, why: str) -> None:
        """Wait for what could not be read: until an approval lapses, a minute without one."""
        now = self._clock.now()
        is_long = now - operation.updated_at >= HOLD_AT_MOST
        if is_long and await self._store.approval(operation.id) is None:
            await self._end(job, operation, State.FAILED, Result(code="rights-unread"))
            return
        async with self._store.begin() as tx:
            await tx.postpone_job(job, now + RETRY_READ, why)

    async def _intend(self, operation: Operation) -> bool:
        """Commit the intent; False when writes were paused, time ran out or the state changed."""
        async with self._store.begin() as tx:
            approval = await tx.lock_approval(operation.id)
            now = self._clock.now()
            is_late = approval is not None and (
                approval.execute_by is None or now >= approval.execute_by
            )
            if is_late or await tx.pause() is not None:
                return False
            moved = await tx.move_operation(
                operation.id, source=State.APPROVED, target=State.EXECUTING
            )
            if moved:
                await tx.append_audit(self._line("operation executing", operation))
                await tx.want_card(operation.id)
        return moved

    async def _settled(self, job: Job, operation: Operation) -> Ending | None:
        """Carry the operation out, or find out how far it came; None when the lease was lost."""
        kind, verb = self._kind_and_verb(operation)

        async def refusal() -> Result | None:
            return await self._refusal_to_repeat(operation)

        async def stop() -> Result | None:
            return await self._recheck.stop(operation)

        if operation.plan.items:
            return await self._batch.run(job, operation, kind, verb, stop=stop)
        request_id = await self._store.client_request_id(operation.id) or operation.id
        is_lost = operation.state is State.EXECUTING
        act = self._carrier.find_out if is_lost else self._carrier.carry
        return await act(kind, verb, operation.plan, request_id=request_id, refusal=refusal)

    async def _refusal_to_repeat(self, operation: Operation) -> Result | None:
        """Return why nothing may be sent a second time, however it was judged at first."""
        try:
            refused = await self._recheck.refusal(operation)
        except (DirectoryUnavailable, GraphError):
            return Result(code="rights-unread")
        return refused[1] if refused else None

    async def _end(self, job: Job, operation: Operation, state: State, result: Result) -> None:
        async with self._store.begin() as tx:
            approval = await tx.lock_approval(operation.id)
            if not await tx.finish_job(job):
                _lost(operation)
                return
            if not await self._settle(tx, operation, state, result):
                return
            if approval is not None:
                # The asker is told once, when it is known what came of it.
                await tx.add_job(TELL_JOB, operation.id, self._clock.now())
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
        if operation.plan.items:
            result = await self._watched(kind, verb, operation, is_late=is_late)
        else:
            result = operation.result
            seen, values = await self._observed(kind, verb, operation.plan)
            if seen is Observation.CONFIRMED or is_late:
                observed = str((values or {}).get(verb.observes)) if verb.observes else None
                result = replace(
                    result,
                    observation=seen,
                    observed_at=observed if seen is Observation.CONFIRMED else None,
                    after=after_of(operation.plan, values),
                )
        if result.observation is not Observation.PENDING:
            await self._close_watch(job, operation, result)
            return
        async with self._store.begin() as tx:
            await tx.postpone_job(job, now + _pause_after(now - operation.updated_at), None)

    async def _watched(
        self, kind: ResourceKind, verb: Verb, operation: Operation, *, is_late: bool
    ) -> Result:
        """Look at every item that is still watched; the whole is pending while one is."""
        plans = {item.target_id: operation.plan.single(item) for item in operation.plan.items}
        items = []
        for item in operation.result.items:
            if item.observation is not Observation.PENDING:
                items.append(item)
                continue
            plan = plans[item.target_id]
            seen, values = await self._observed(kind, verb, plan)
            is_over = seen is Observation.CONFIRMED or is_late
            after = after_of(plan, values)
            items.append(replace(item, observation=seen, after=after) if is_over else item)
        return replace(operation.result, items=tuple(items), observation=seen_of(tuple(items)))

    async def _observed(
        self, kind: ResourceKind, verb: Verb, plan: Plan
    ) -> tuple[Observation, Values | None]:
        """Return what one look shows, and the record where it was seen."""
        try:
            view = await self._far_side.look(kind, plan, target_id=plan.target_id, waits=(0.0,))
        except GraphError:
            return Observation.UNREAD, None
        if view.sight is not Sight.APPLIED or view.values is None or verb.observes is None:
            return Observation.UNMOVED, view.values
        return Observation.CONFIRMED, view.values

    async def _close_watch(self, job: Job, operation: Operation, result: Result) -> None:
        async with self._store.begin() as tx:
            if not await tx.finish_job(job):
                return
            if await tx.set_result(operation.id, State.DONE, result):
                await tx.append_audit(self._line("operation observed", operation, result))
                await tx.want_card(operation.id)

    def _line(self, what: str, operation: Operation, result: Result | None = None) -> AuditRecord:
        return audit_line(self._catalogue.kinds[operation.plan.kind], what, operation, result)


def _lost(operation: Operation) -> None:
    log.warning("lease lost", operation=operation.short)


def _pause_after(age: timedelta) -> timedelta:
    """Look often at first and ever less: a quarter of the age, 1 to 60 seconds.

    A clock that was set back makes the age less than nothing, which is not young.
    """
    return timedelta(seconds=min(OBSERVE_CAP_S, max(1.0, abs(age.total_seconds()) / 4)))
