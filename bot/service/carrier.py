"""Carries one plan to Graph, once, and says how it ended; or finds out what became of it."""

from dataclasses import replace
from typing import TypeAlias

from bot.domain.errors import GraphAmbiguous, GraphError, GraphFault
from bot.domain.operation import Observation, Result, State
from bot.domain.plan import Plan, differences
from bot.domain.resource import Effect, ResourceKind, Verb
from bot.service.farside import RECOVERY_S, FarSide, Sight, View
from bot.service.ports import Resources

Ending: TypeAlias = tuple[State, Result]
REPEATABLE = frozenset({Effect.UPDATE, Effect.DELETE})
INTERRUPTED = GraphFault(0, "interrupted", "")


class Unreadable(Exception):
    """The far side could not be read, so how a write ended cannot be said yet."""

    def __init__(self, error: GraphError) -> None:
        super().__init__(str(error))
        self.error = error


class Carrier:
    """Writes plans; the caller has committed the intent before it asks."""

    def __init__(self, *, resources: Resources, far_side: FarSide) -> None:
        self._resources = resources
        self._far_side = far_side

    async def carry(
        self, kind: ResourceKind, verb: Verb, plan: Plan, *, request_id: str
    ) -> Ending:
        """Write the plan and read it back. A lost answer is judged by what can be seen.

        Raises:
            Unreadable: the answer was lost and the far side cannot be read.
        """
        try:
            return await self._write(kind, verb, plan, request_id)
        except GraphAmbiguous as error:
            return await self.find_out(kind, verb, plan, request_id=request_id, fault=error.fault)

    async def find_out(
        self,
        kind: ResourceKind,
        verb: Verb,
        plan: Plan,
        *,
        request_id: str,
        fault: GraphFault = INTERRUPTED,
        may_repeat: bool = True,
    ) -> Ending:
        """Settle a write that may or may not have reached Graph.

        What can be repeated without harm and shows no effect is written once more, unless writes
        have been stopped since.

        Raises:
            Unreadable: the far side cannot be read.
        """
        view = await self._look(kind, plan)
        if may_repeat and view.sight is Sight.UNTOUCHED and plan.effect in REPEATABLE:
            try:
                return await self._write(kind, verb, plan, request_id)
            except GraphAmbiguous as error:
                fault = error.fault
            view = await self._look(kind, plan)
        return _judge(kind, plan, view, fault)

    async def _look(self, kind: ResourceKind, plan: Plan) -> View:
        try:
            return await self._far_side.look(
                kind, plan, target_id=plan.target_id, waits=RECOVERY_S
            )
        except GraphError as error:
            raise Unreadable(error) from error

    async def _write(self, kind: ResourceKind, verb: Verb, plan: Plan, request_id: str) -> Ending:
        try:
            receipt = await self._resources.write(
                kind,
                verb,
                record_id=plan.target_id,
                body=plan.body,
                client_request_id=request_id,
            )
        except GraphAmbiguous:
            raise
        except GraphError as error:
            return State.FAILED, failure("graph", error)
        result = await self._far_side.confirm(kind, verb, plan, receipt)
        return _state_of(plan, result), result


def failure(code: str, error: GraphError) -> Result:
    """Return the result of a write that Graph's error ended."""
    return Result(code=code, fault=error.fault, request_id=error.fault.request_id)


def _state_of(plan: Plan, result: Result) -> State:
    if result.observation is Observation.DIFFERS and plan.effect is Effect.UPDATE:
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
