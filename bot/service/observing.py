"""Watches accepted actions until they are seen to have happened, or their time is up."""

from dataclasses import replace
from datetime import timedelta

from bot.domain.command import Catalogue
from bot.domain.errors import GraphError
from bot.domain.operation import Observation, Operation, Result, State
from bot.domain.plan import Plan, after_of
from bot.domain.resource import ResourceKind, Values, Verb
from bot.service.batch import seen_of
from bot.service.evidence import audit_line
from bot.service.farside import ONE_LOOK_S, FarSide, Sight
from bot.service.ports import Job, World

OBSERVE_CAP_S = 60.0


class Observing:
    """Observes what Graph accepted to do later.

    `observe_for` is how long an accepted action may take until nothing moving is said so.
    """

    def __init__(
        self, world: World, *, catalogue: Catalogue, far_side: FarSide, observe_for: timedelta
    ) -> None:
        self._store = world.store
        self._clock = world.clock
        self._catalogue = catalogue
        self._far_side = far_side
        self._observe_for = observe_for

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
        kind, verb = self._catalogue.verb(operation.plan.kind, operation.plan.verb)
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
            view = await self._far_side.look(
                kind, plan, target_id=plan.target_id, waits=ONE_LOOK_S
            )
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
                kind = self._catalogue.kinds[operation.plan.kind]
                await tx.append_audit(audit_line(kind, "operation observed", operation, result))
                await tx.want_card(operation.id)


def _pause_after(age: timedelta) -> timedelta:
    """Look often at first and ever less: a quarter of the age, 1 to 60 seconds.

    A clock that was set back makes the age less than nothing, which is not young.
    """
    return timedelta(seconds=min(OBSERVE_CAP_S, max(1.0, abs(age.total_seconds()) / 4)))
