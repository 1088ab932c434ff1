"""Carries out an operation on several targets, one after another, each with a result of its own.

Before a target is written its turn is committed, so that whoever resumes the operation knows which
one was under way, finds out what became of it, and goes on behind it.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from uuid import UUID

from bot.domain.operation import (
    SOME_FAILED,
    ItemResult,
    Observation,
    Operation,
    Result,
    State,
)
from bot.domain.plan import Plan
from bot.domain.resource import ResourceKind, Verb
from bot.service.carrier import Carrier, Ending
from bot.service.ports import Job, Store

LEAST_FIRST = (
    Observation.PENDING,
    Observation.UNMOVED,
    Observation.DIFFERS,
    Observation.UNREAD,
    None,
    Observation.CONFIRMED,
)


class Batch:
    """Runs the items of an operation."""

    def __init__(self, *, store: Store, carrier: Carrier) -> None:
        self._store = store
        self._carrier = carrier

    async def run(
        self,
        job: Job,
        operation: Operation,
        kind: ResourceKind,
        verb: Verb,
        *,
        stop: Callable[[], Awaitable[Result | None]],
    ) -> Ending | None:
        """Bring every item to its end; done when at least one is, failed when none succeeded.

        `stop` is asked before each item; what it forbids is not begun. None when the lease of `job`
        was lost: whoever has it now goes on with the items, and nothing more is sent from here.
        """
        results = {item.target_id: item for item in operation.result.items}
        for item in operation.plan.items:
            before = results.get(item.target_id)
            if before is not None and before.state is not State.EXECUTING:
                continue
            plan = operation.plan.single(item)
            if before is None and (stopped := await stop()) is not None:
                unsent = _item(plan, State.FAILED, stopped)
                results[item.target_id] = replace(unsent, was_sent=False)
                continue
            if before is None:
                results[item.target_id] = ItemResult(item.target_id, item.target_name)
                if not await self._keep(job, operation, results):
                    return None
            act = self._carrier.find_out if before is not None else self._carrier.carry
            ended = await act(
                kind, verb, plan, request_id=guid_of(operation, item.target_id), refusal=stop
            )
            results[item.target_id] = _item(plan, *ended)
            if not await self._keep(job, operation, results):
                return None
        return _whole(tuple(results.values()))

    async def _keep(
        self, job: Job, operation: Operation, results: Mapping[str, ItemResult]
    ) -> bool:
        """Commit the results so far; False when the lease was lost."""
        async with self._store.begin() as tx:
            if not await tx.renew_job(job):
                return False
            so_far = replace(operation.result, items=tuple(results.values()))
            await tx.set_result(operation.id, State.EXECUTING, so_far)
            await tx.want_card(operation.id)
        return True


def guid_of(operation: Operation, target_id: str) -> str:
    """Return the GUID under which Graph knows the request for one of several targets."""
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
        after=result.after,
    )


def _whole(items: tuple[ItemResult, ...]) -> Ending:
    """Return how the operation ended."""
    states = {item.state for item in items}
    if states == {State.FAILED}:
        return State.FAILED, Result(code="all-failed", items=items)
    if State.DONE not in states:
        return State.UNKNOWN, Result(code="unseen", items=items)
    code = "" if states == {State.DONE} else SOME_FAILED
    return State.DONE, Result(code=code, observation=seen_of(items), items=items)


def seen_of(items: tuple[ItemResult, ...]) -> Observation | None:
    """Return what was seen of the whole: the least of its items, None unless each was seen.

    It is pending while one item is.
    """
    seen = {item.observation for item in items}
    return next((each for each in LEAST_FIRST if each in seen), None)
