"""Reads the far side back after a write and says what really happened.

Nothing here writes: a write whose answer was lost is judged by what can be seen, never repeated
blindly.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from bot.domain.errors import GraphError
from bot.domain.operation import Observation, Result
from bot.domain.plan import Plan, after_of, differences
from bot.domain.resource import Effect, ResourceKind, Values, Verb
from bot.service.ports import Receipt, Resources

# Graph may show the old state for seconds after it accepted a change.
READ_BACK_S = (0.0, 0.5, 1.5, 3.0, 5.0)
# A write that nobody saw end is looked for again after each of these; then it has not happened.
RECOVERY_S = (0.0, 1.0, 2.0, 4.0, 8.0)
ONE_LOOK_S = (0.0,)
READ_ATTEMPTS = 3
RETRY_READ_S = 5.0


class Sight(StrEnum):
    """What reading the target shows of a plan.

    `applied`: it is as planned. `untouched`: it is as before. `other`: it is neither.
    `several`: more than one record fits a create. `gone`: the target does not exist.
    """

    APPLIED = "applied"
    UNTOUCHED = "untouched"
    OTHER = "other"
    SEVERAL = "several"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class View:
    """One look at the far side; `values` is the record that was seen, where one was."""

    sight: Sight
    values: Values | None = None

    @property
    def is_final(self) -> bool:
        """Whether waiting could show nothing else."""
        return self.sight in {Sight.APPLIED, Sight.SEVERAL}


class FarSide:
    """Looks at the target of a plan until it is as planned or patience ends."""

    def __init__(self, *, resources: Resources, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._resources = resources
        self._sleep = sleep

    async def look(
        self,
        kind: ResourceKind,
        plan: Plan,
        *,
        target_id: str | None,
        waits: tuple[float, ...],
    ) -> View:
        """Read after each wait (seconds) until the plan is seen applied; return the last view.

        Raises:
            GraphError: a read failed.
        """
        view = View(Sight.UNTOUCHED)
        for wait in waits:
            if wait:
                await self._sleep(wait)
            view = await self._glance(kind, plan, target_id)
            if view.is_final:
                break
        return view

    async def recover(
        self, kind: ResourceKind, plan: Plan, *, waits: tuple[float, ...] = RECOVERY_S
    ) -> View:
        """Return what is to be seen of a write whose answer was lost, looking after each wait.

        Raises:
            GraphError: the far side could not be read, `READ_ATTEMPTS` times.
        """
        for _ in range(READ_ATTEMPTS - 1):
            try:
                return await self.look(kind, plan, target_id=plan.target_id, waits=waits)
            except GraphError:
                await self._sleep(RETRY_READ_S)
        return await self.look(kind, plan, target_id=plan.target_id, waits=waits)

    async def _glance(self, kind: ResourceKind, plan: Plan, target_id: str | None) -> View:
        if target_id is None:
            return await self._search(kind, plan)
        record = await self._resources.get(kind, target_id)
        if record is None:
            return View(Sight.APPLIED if plan.effect is Effect.DELETE else Sight.GONE)
        values = record.values()
        if plan.effect is Effect.DELETE:
            return View(Sight.UNTOUCHED, values)
        if plan.effect is Effect.ACT:
            return View(_moved(kind, plan, values), values)
        wanted = plan.body or {}
        if not differences(kind, wanted, values):
            return View(Sight.APPLIED, values)
        planned = {name: (plan.before or {}).get(name) for name in wanted}
        untouched = plan.before is not None and not differences(kind, planned, values)
        return View(Sight.UNTOUCHED if untouched else Sight.OTHER, values)

    async def _search(self, kind: ResourceKind, plan: Plan) -> View:
        page = await self._resources.list(kind)
        fitting = [
            record.values()
            for record in page.records
            if record.id not in plan.known
            and not differences(kind, plan.body or {}, record.values())
        ]
        if not fitting:
            return View(Sight.UNTOUCHED)
        return View(Sight.APPLIED if len(fitting) == 1 else Sight.SEVERAL, fitting[0])

    async def confirm(
        self, kind: ResourceKind, verb: Verb, plan: Plan, receipt: Receipt
    ) -> Result:
        """Return the result of an accepted write, as far as reading back can show it."""
        accepted = Result(
            request_id=receipt.request_id,
            target_id=plan.target_id or (receipt.record.id if receipt.record else None),
            was_gone=receipt.was_gone,
        )
        if plan.effect is Effect.ACT:
            pending = Observation.PENDING if verb.observes else None
            return replace(accepted, observation=pending)
        try:
            view = await self.look(kind, plan, target_id=accepted.target_id, waits=READ_BACK_S)
        except GraphError:
            return replace(accepted, observation=Observation.UNREAD)
        return _confirmed(kind, plan, accepted, view)


def _confirmed(kind: ResourceKind, plan: Plan, accepted: Result, view: View) -> Result:
    accepted = replace(accepted, after=after_of(plan, view.values))
    if view.sight is Sight.APPLIED:
        seen = accepted.target_id or str((view.values or {}).get("id") or "") or None
        return replace(accepted, observation=Observation.CONFIRMED, target_id=seen)
    if view.sight is Sight.SEVERAL:
        # One of them is it, but which one cannot be told.
        return replace(accepted, observation=Observation.UNREAD, after=None)
    if view.values is None or plan.effect is Effect.DELETE:
        return replace(accepted, observation=Observation.UNMOVED)
    found = differences(kind, plan.body or {}, view.values)
    code = "not-applied" if view.sight is Sight.UNTOUCHED else ""
    return replace(accepted, observation=Observation.DIFFERS, code=code, differences=found)


def _moved(kind: ResourceKind, plan: Plan, values: Values) -> Sight:
    verb = kind.verb(plan.verb)
    observed = verb.observes if verb else None
    if observed is None:
        return Sight.OTHER
    before = (plan.before or {}).get(observed)
    return Sight.UNTOUCHED if values.get(observed) == before else Sight.APPLIED
