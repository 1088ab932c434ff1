"""Carries operations out, and finds out what became of those that a process left behind.

The intent (`executing`) is committed before Graph is called. Whoever resumes an operation in that
state reads the far side first and never repeats what may have happened.
"""

from datetime import timedelta
from functools import partial

import structlog

from bot.domain.command import Catalogue
from bot.domain.errors import DirectoryUnavailable, GraphError
from bot.domain.operation import Observation, Operation, Result, State
from bot.service.batch import Batch
from bot.service.carrier import Carrier, Ending
from bot.service.evidence import audit_line
from bot.service.farside import ONE_LOOK_S, RECOVERY_S, FarSide
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
NOT_SEEN = "not seen yet"


class Execution:
    """Executes operations."""

    def __init__(
        self,
        world: World,
        *,
        catalogue: Catalogue,
        far_side: FarSide,
        recheck: Recheck,
    ) -> None:
        self._world = world
        self._store = world.store
        self._clock = world.clock
        self._catalogue = catalogue
        self._far_side = far_side
        self._carrier = Carrier(resources=world.resources, far_side=far_side)
        self._batch = Batch(store=world.store, carrier=self._carrier)
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
        if operation.plan.items:
            ending = await self._settled_batch(job, operation)
        elif operation.state is State.APPROVED:
            ending = await self._settled(operation)
        else:
            waits = await self._look_for(job, operation)
            if waits is None:
                return
            ending = await self._settled(operation, waits=waits)
        if ending is None:
            _lost(operation)
            return
        await self._end(job, operation, *ending)

    async def _look_for(self, job: Job, operation: Operation) -> tuple[float, ...] | None:
        """Look for what another process began; None: not seen, and the job has its next look.

        Else the seconds are returned after which it is yet to be looked for. Who waits between two
        looks holds no place, and whoever dies in between has lost none of them.
        """
        looks = job.failures(NOT_SEEN)
        if looks >= len(RECOVERY_S):
            return ONE_LOOK_S
        plan = operation.plan
        kind, _ = self._catalogue.verb(plan.kind, plan.verb)
        try:
            view = await self._far_side.look(
                kind, plan, target_id=plan.target_id, waits=ONE_LOOK_S
            )
        except GraphError:
            return RECOVERY_S
        if view.is_final:
            # Another copy of Graph's data may not show it yet: what was seen is looked for on.
            return RECOVERY_S
        later = self._clock.now() + timedelta(seconds=RECOVERY_S[looks])
        async with self._store.begin() as tx:
            await tx.postpone_job(job, later, NOT_SEEN)
        return None

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

    async def _settled(
        self, operation: Operation, *, waits: tuple[float, ...] | None = None
    ) -> Ending:
        """Carry one plan out; with `waits`, find out how far somebody else came."""
        plan = operation.plan
        kind, verb = self._catalogue.verb(plan.kind, plan.verb)
        request_id = await self._store.client_request_id(operation.id) or operation.id

        async def refusal() -> Result | None:
            return await self._refusal_to_repeat(operation)

        act = (
            self._carrier.carry if waits is None else partial(self._carrier.find_out, waits=waits)
        )
        return await act(kind, verb, plan, request_id=request_id, refusal=refusal)

    async def _settled_batch(self, job: Job, operation: Operation) -> Ending | None:
        """Carry the plans of many out, from where they stand; None when the lease was lost."""
        kind, verb = self._catalogue.verb(operation.plan.kind, operation.plan.verb)

        async def stop() -> Result | None:
            return await self._recheck.stop(operation)

        return await self._batch.run(job, operation, kind, verb, stop=stop)

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

    def _line(self, what: str, operation: Operation, result: Result | None = None) -> AuditRecord:
        return audit_line(self._catalogue.kinds[operation.plan.kind], what, operation, result)


def _lost(operation: Operation) -> None:
    log.warning("lease lost", operation=operation.short)
