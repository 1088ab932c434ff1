"""Carries out an operation on several targets, one after another, each with a result of its own.

Before a target is written its turn is committed, so that whoever resumes the operation knows which
one was under way, finds out what became of it, and goes on behind it.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from uuid import UUID

from bot.domain.operation import ItemResult, Observation, Operation, Result, State
from bot.domain.plan import Plan
from bot.domain.resource import ResourceKind, Verb
from bot.service.carrier import Carrier, Ending
from bot.service.ports import Store


class Batch:
    """Runs the items of an operation."""

    def __init__(self, *, store: Store, carrier: Carrier) -> None:
        self._store = store
        self._carrier = carrier

    async def run(
        self,
        operation: Operation,
        kind: ResourceKind,
        verb: Verb,
        *,
        stop: Callable[[], Awaitable[Result | None]],
    ) -> Ending:
        """Bring every item to its end; done when at least one is, failed when none succeeded.

        `stop` is asked before each item; what it forbids is not begun.
        """
        results = {item.target_id: item for item in operation.result.items}
        for item in operation.plan.items:
            before = results.get(item.target_id)
            if before is not None and before.state is not State.EXECUTING:
                continue
            plan = operation.plan.single(item)
            if before is None and (stopped := await stop()) is not None:
                results[item.target_id] = _item(plan, State.FAILED, stopped)
                continue
            if before is None:
                results[item.target_id] = ItemResult(item.target_id, item.target_name)
                await self._keep(operation, results)
            act = self._carrier.find_out if before is not None else self._carrier.carry
            ended = await act(
                kind, verb, plan, request_id=_guid_of(operation, item.target_id), refusal=stop
            )
            results[item.target_id] = _item(plan, *ended)
            await self._keep(operation, results)
        return _whole(tuple(results.values()))

    async def _keep(self, operation: Operation, results: Mapping[str, ItemResult]) -> None:
        async with self._store.begin() as tx:
            so_far = replace(operation.result, items=tuple(results.values()))
            await tx.set_result(operation.id, State.EXECUTING, so_far)
            await tx.want_card(operation.id)


def _guid_of(operation: Operation, target_id: str) -> str:
    name = f"{operation.id}/{target_id}"
    return str(UUID(bytes=hashlib.sha256(name.encode()).digest()[:16], version=4))


def _item(plan: Plan, state: State, result: Result) -> ItemResult:
    return ItemResult(
        target_id=plan.target_id or "",
        name=plan.target_name,
        state=state,
        code="was-gone" if result.was_gone else result.code,
        observation=result.observation,
        request_id=result.request_id,
    )


def _whole(items: tuple[ItemResult, ...]) -> Ending:
    """Return how the operation ended: a watch is pending while one of its items is."""
    states = {item.state for item in items}
    seen = {item.observation for item in items}
    pending = Observation.PENDING if Observation.PENDING in seen else None
    if states == {State.FAILED}:
        return State.FAILED, Result(code="all-failed", items=items)
    if State.DONE not in states:
        return State.UNKNOWN, Result(code="unseen", items=items)
    code = "" if states == {State.DONE} else "some-failed"
    return State.DONE, Result(code=code, observation=pending, items=items)
