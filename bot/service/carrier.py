"""Carries one plan to Graph, once, and says how it ended; or finds out what became of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from bot.domain.errors import GraphAmbiguous, GraphError, GraphFault
from bot.domain.operation import ANSWER_LOST, Observation, Result, State
from bot.domain.plan import Plan, after_of, differences
from bot.domain.resource import Effect, ResourceKind, Verb
from bot.service.farside import RECOVERY_S, FarSide, Sight, View
from bot.service.ports import Resources

Ending: TypeAlias = tuple[State, Result]
REPEATABLE = frozenset({Effect.UPDATE, Effect.DELETE})
INTERRUPTED = GraphFault(0, "interrupted", "")


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why it is not known how a write ended, and who says whether it may be sent again.

    `waits` are the seconds before each look for it.
    """

    fault: GraphFault
    refusal: Callable[[], Awaitable[Result | None]]
    waits: tuple[float, ...] = RECOVERY_S


class Carrier:
    """Writes plans; the caller has committed the intent before it asks."""

    def __init__(self, *, resources: Resources, far_side: FarSide) -> None:
        self._resources = resources
        self._far_side = far_side

    async def carry(
        self,
        kind: ResourceKind,
        verb: Verb,
        plan: Plan,
        *,
        request_id: str,
        refusal: Callable[[], Awaitable[Result | None]],
    ) -> Ending:
        """Write the plan and read it back. A lost answer is judged by what can be seen.

        `refusal` is asked before anything is sent a second time.
        """
        try:
            return await self._write(kind, verb, plan, request_id)
        except GraphAmbiguous as error:
            fault = error.fault
        except GraphError as error:
            return State.FAILED, failure("graph", error)
        return await self._find_out(kind, verb, plan, request_id, Doubt(fault, refusal))

    async def find_out(
        self,
        kind: ResourceKind,
        verb: Verb,
        plan: Plan,
        *,
        request_id: str,
        refusal: Callable[[], Awaitable[Result | None]],
        waits: tuple[float, ...] = RECOVERY_S,
    ) -> Ending:
        """Settle a write that somebody began and did not end; it is looked for after each wait."""
        doubt = Doubt(INTERRUPTED, refusal, waits)
        return await self._find_out(kind, verb, plan, request_id, doubt)

    async def _find_out(
        self, kind: ResourceKind, verb: Verb, plan: Plan, request_id: str, doubt: Doubt
    ) -> Ending:
        """Look; what shows no effect and can be repeated without harm is written once more."""
        fault = doubt.fault
        try:
            view = await self._far_side.recover(kind, plan, waits=doubt.waits)
            if view.sight is not Sight.UNTOUCHED or plan.effect not in REPEATABLE:
                return _judge(kind, plan, view, fault)
            refused = await doubt.refusal()
            if refused is not None:
                return State.FAILED, refused
            try:
                return await self._write(kind, verb, plan, request_id)
            except GraphError as error:
                # Even a clear refusal says nothing of the request before, which may come late.
                fault = error.fault
            return _judge(kind, plan, await self._far_side.recover(kind, plan), fault)
        except GraphError as error:
            return State.UNKNOWN, failure("unreadable", error)

    async def _write(self, kind: ResourceKind, verb: Verb, plan: Plan, request_id: str) -> Ending:
        receipt = await self._resources.write(
            kind,
            verb,
            record_id=plan.target_id,
            body=plan.body,
            client_request_id=request_id,
        )
        result = await self._far_side.confirm(kind, verb, plan, receipt)
        return _state_of(result), result


def failure(code: str, error: GraphError) -> Result:
    """Return the result of a write that Graph's error ended."""
    return Result(code=code, fault=error.fault, request_id=error.fault.request_id)


def _state_of(result: Result) -> State:
    if result.code == "not-applied":
        return State.FAILED
    if result.observation is Observation.UNMOVED:
        return State.UNKNOWN
    return State.DONE


def _judge(kind: ResourceKind, plan: Plan, view: View, fault: GraphFault) -> tuple[State, Result]:
    """Say how a write ended whose answer was lost, from what the far side shows."""
    seen = str((view.values or {}).get("id") or "") or plan.target_id
    result = Result(
        fault=fault,
        target_id=seen,
        request_id=fault.request_id,
        after=after_of(plan, view.values),
    )
    if view.sight is Sight.APPLIED:
        seen_so = replace(result, observation=Observation.CONFIRMED, fault=None)
        return State.DONE, replace(seen_so, code=ANSWER_LOST)
    if view.sight is Sight.GONE:
        return State.FAILED, replace(result, code="target-gone")
    if plan.effect in {Effect.UPDATE, Effect.DELETE}:
        found = differences(kind, plan.body or {}, view.values or {})
        code = "changed-meanwhile" if view.sight is Sight.OTHER else "not-applied"
        return State.FAILED, replace(result, code=code, differences=found)
    code = {Sight.SEVERAL: "several-found"}.get(view.sight, "unseen")
    return State.UNKNOWN, replace(result, code=code, target_id=plan.target_id, after=None)
