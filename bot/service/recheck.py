"""The last look before an operation runs: rights, deadline and target, all as they are now."""

from datetime import timedelta

from bot.domain.approval import Approval, Terms, deadline, standing, terms_of
from bot.domain.command import Catalogue, CommandSpec
from bot.domain.operation import Actor, Operation, Result, State
from bot.domain.plan import Change, Plan, differences, equals_of, volatile_of
from bot.domain.policy import (
    Allowed,
    Denied,
    Policy,
    Verdict,
    decide,
    grants_of,
    rule_of,
    shut_out,
)
from bot.domain.resource import Effect, ResourceKind
from bot.service.ports import World

RECHECK_AFTER = timedelta(seconds=30)


class Recheck:
    """Judges an approved operation anew. Raises what its ports raise: then nothing is decided."""

    def __init__(self, world: World, *, catalogue: Catalogue, is_read_only: bool) -> None:
        self._world = world
        self._catalogue = catalogue
        self._is_read_only = is_read_only

    async def refusal(self, operation: Operation) -> tuple[State, Result] | None:
        """Return how the operation ends without running, or None when it may run.

        Raises:
            DirectoryUnavailable: rights could not be read.
            GraphError: the target could not be read.
            StoreError: the store could not be read.
        """
        approval = await self._world.store.approval(operation.id)
        stopped = await self._stopped(approval)
        if stopped is not None:
            return stopped
        policy = self._world.policies.current()
        if approval is None:
            return await self._unapproved(policy, operation)
        if isinstance(await self._verdict(policy, operation), Denied):
            return State.STALE, Result(code="rights-lost")
        rule = rule_of(policy, self._spec(operation), len(operation.plan.items))
        terms = terms_of(approval.rule, rule)
        if any(vote.at >= deadline(approval, terms) for vote in approval.consents):
            return State.STALE, Result(code="consent-late")
        if not await self._has_consent(policy, approval, terms):
            return State.STALE, Result(code="approver-rights-lost")
        return await self._drift(operation, approval)

    async def stop(self, operation: Operation) -> Result | None:
        """Return why nothing more may be sent for an operation that has begun: pause, deadline."""
        stopped = await self._stopped(await self._world.store.approval(operation.id))
        return stopped[1] if stopped else None

    async def _stopped(self, approval: Approval | None) -> tuple[State, Result] | None:
        if self._is_read_only or await self._world.store.pause() is not None:
            return State.FAILED, Result(code="paused")
        now = self._world.clock.now()
        if approval and (approval.execute_by is None or now >= approval.execute_by):
            return State.EXPIRED, Result(code="execute-late")
        return None

    async def _unapproved(
        self, policy: Policy, operation: Operation
    ) -> tuple[State, Result] | None:
        """Judge a write that needed nobody's consent: its asker was judged a moment ago."""
        if self._world.clock.now() - operation.updated_at < RECHECK_AFTER:
            return None
        verdict = await self._verdict(policy, operation)
        lost = not isinstance(verdict, Allowed)
        return (State.FAILED, Result(code="rights-lost")) if lost else None

    async def _verdict(self, policy: Policy, operation: Operation) -> Verdict:
        actor = operation.actor
        person = await self._world.directory.person(
            actor.tenant, actor.oid, policy.groups, is_fresh=True
        )
        return decide(policy, person, self._spec(operation), conversation=operation.conversation)

    def _spec(self, operation: Operation) -> CommandSpec:
        return self._catalogue.by_permission[f"{operation.plan.kind}:{operation.plan.verb}"]

    async def _has_consent(self, policy: Policy, approval: Approval, terms: Terms) -> bool:
        roles = {
            (vote.person.tenant.casefold(), vote.person.oid.casefold()): await self._roles(
                policy, vote.person
            )
            for vote in approval.consents
        }
        return len(standing(approval, terms, roles)) >= terms.needed

    async def _roles(self, policy: Policy, actor: Actor) -> tuple[str, ...]:
        person = await self._world.directory.person(
            actor.tenant, actor.oid, policy.groups, is_fresh=True
        )
        if shut_out(policy, person) is not None:
            return ()
        return tuple(grant.role for grant in grants_of(policy, person))

    async def _drift(
        self, operation: Operation, approval: Approval
    ) -> tuple[State, Result] | None:
        """Compare the target with what was voted on; volatile properties are no drift."""
        plan = operation.plan
        kind = self._catalogue.kinds[plan.kind]
        if plan.fingerprint(volatile_of(kind)) != approval.fingerprint:
            return State.STALE, Result(code="plan-differs")
        if plan.effect is Effect.CREATE:
            return await self._appeared(kind, plan)
        singles = [plan.single(item) for item in plan.items] or [plan]
        for single in singles:
            refusal = await self._moved(kind, single)
            if refusal is not None:
                return State.STALE, refusal
        return None

    async def _appeared(self, kind: ResourceKind, plan: Plan) -> tuple[State, Result] | None:
        """Return that somebody else has created the record meanwhile, if so."""
        page = await self._world.resources.list(kind)
        equals = equals_of(kind, plan.body or {}, (record.values() for record in page.records))
        new = next((each for each in equals if each not in plan.known), None)
        return (State.STALE, Result(code="equal-exists", target_id=new)) if new else None

    async def _moved(self, kind: ResourceKind, plan: Plan) -> Result | None:
        """Return how a target is not any more what the plan was made for."""
        if plan.target_id is None or plan.before is None:
            return None
        record = await self._world.resources.get(kind, plan.target_id)
        if record is None:
            return Result(code="target-gone", target_id=plan.target_id)
        before = {k: v for k, v in plan.before.items() if k not in volatile_of(kind)}
        found: tuple[Change, ...] = differences(kind, before, record.values())
        if not found:
            return None
        return Result(code="target-changed", differences=found, target_id=plan.target_id)
