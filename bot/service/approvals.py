"""Votes on operations that wait: counted once, judged fresh, bound to what was voted on."""

from collections.abc import Callable
from dataclasses import replace

import structlog

from bot.domain.approval import (
    Approval,
    Ballot,
    Decision,
    Vote,
    VoteDenial,
    is_decided,
    judge_vote,
)
from bot.domain.command import Catalogue
from bot.domain.operation import Actor, Operation, Result, State
from bot.domain.outcome import Noted, Operated, Outcome
from bot.domain.policy import Person, Policy, grants_of
from bot.service.evidence import audit_line
from bot.service.execution import EXECUTE_JOB, TELL_JOB
from bot.service.pending import Pending
from bot.service.ports import Job, Request, Transaction, World

NO_REVISION = -1
log = structlog.get_logger(__name__)
LONGEST = 9
"""How many digits a revision may have; Python refuses to read very long numbers."""


class Approvals:
    """Counts votes and ends what nobody decided; `wake` tells the job runner that there is work."""

    def __init__(
        self, world: World, *, pending: Pending, catalogue: Catalogue, wake: Callable[[], None]
    ) -> None:
        self._pending = pending
        self._store = world.store
        self._clock = world.clock
        self._catalogue = catalogue
        self._wake = wake

    async def vote(
        self, request: Request, vote: Vote, person: Person, policy: Policy, *, target: str
    ) -> Outcome | None:
        """Count one vote on the operation `target` (short or full id); None for a duplicate."""
        found = await self._found(request, target)
        if found is None:
            return Noted("operation-missing", (("id", target),))
        roles = tuple(grant.role for grant in grants_of(policy, person))
        async with self._store.begin() as tx:
            if not await _claimed(tx, request):
                return None
            approval = await tx.lock_approval(found.id)
            operation = await tx.operation(found.id)
            vote = replace(vote, at=self._clock.now())
            if approval is None or operation is None:
                return Noted("not-waiting", found.marks)
            ballot = Ballot(
                operation.state,
                operation.actor,
                approval,
                self._pending.terms(policy, operation, approval),
            )
            denial = judge_vote(
                ballot,
                vote.person,
                roles=roles,
                revision=_revision(request, operation),
                now=vote.at,
            )
            if denial is None:
                approval = await self._count(tx, ballot, operation, vote)
            else:
                await self._refuse(tx, operation, vote, denial)
                if denial is VoteDenial.EXPIRED:
                    await self._lapse(tx, operation)
        self._wake()
        return await self._answer(request, policy, operation, approval, denial)

    async def _found(self, request: Request, target: str) -> Operation | None:
        found = await self._store.find_operation(target)
        same = found is not None and found.actor.tenant == request.actor.tenant
        return found if same else None

    async def _count(
        self, tx: Transaction, ballot: Ballot, operation: Operation, vote: Vote
    ) -> Approval:
        approval = replace(ballot.approval, votes=(*ballot.approval.votes, vote))
        state = State.WAITING
        if vote.decision is Decision.REJECT:
            state = State.REJECTED
        elif is_decided(approval, ballot.terms):
            state = State.APPROVED
            approval = replace(approval, execute_by=vote.at + ballot.terms.execute_within)
        await tx.save_approval(approval)
        kind = self._catalogue.kinds[operation.plan.kind]
        line = audit_line(kind, f"operation {vote.decision.value} voted", operation)
        details = {**line.details, "comment": vote.comment, "revision": approval.revision}
        await tx.append_audit(replace(line, actor=vote.person, details=details))
        await tx.want_card(operation.id)
        if state is not State.WAITING:
            await tx.move_operation(operation.id, source=State.WAITING, target=state)
            ended = audit_line(kind, f"operation {state.value}", operation)
            await tx.append_audit(replace(ended, actor=vote.person))
            # What is approved is told when it has run, or turned out not to be allowed to.
            job = EXECUTE_JOB if state is State.APPROVED else TELL_JOB
            await tx.add_job(job, operation.id, vote.at)
        log.info("vote counted", operation=operation.short, decision=vote.decision, state=state)
        return approval

    async def _refuse(
        self, tx: Transaction, operation: Operation, vote: Vote, denial: VoteDenial
    ) -> None:
        kind = self._catalogue.kinds[operation.plan.kind]
        line = audit_line(kind, "vote refused", operation)
        details = {"decision": vote.decision.value, "reason": denial.value}
        await tx.append_audit(replace(line, actor=vote.person, details=details))

    async def _answer(
        self,
        request: Request,
        policy: Policy,
        operation: Operation,
        approval: Approval,
        denial: VoteDenial | None,
    ) -> Outcome:
        current = await self._store.operation(operation.id) or operation
        if denial is not None:
            return Noted(denial.value, current.marks)
        if request.is_in_card:
            # Who has voted has no further vote, whatever their roles.
            return self._pending.operated(
                policy, current, approval, viewer=request.actor, roles=()
            )
        return Noted("vote-counted", current.marks)

    async def cancel(self, request: Request, actor: Actor, *, target: str) -> Outcome | None:
        """Take back what the actor asked for, unless it is executing or over."""
        found = await self._found(request, target)
        if found is None:
            return Noted("operation-missing", (("id", target),))
        async with self._store.begin() as tx:
            if not await _claimed(tx, request):
                return None
            if (found.actor.tenant, found.actor.oid) != (actor.tenant, actor.oid):
                line = audit_line(self._catalogue.kinds[found.plan.kind], "cancel refused", found)
                await tx.append_audit(replace(line, actor=actor))
                return Noted("cancel-not-asker", (("id", found.short), ("who", found.actor.name)))
            await tx.lock_approval(found.id)
            moved = await self._end(tx, found, State.CANCELLED, actor)
        self._wake()
        current = await self._store.operation(found.id) or found
        code = "cancelled" if moved else "not-waiting"
        if moved and request.is_in_card:
            approval = await self._store.approval(found.id)
            return Operated(self._catalogue.kinds[current.plan.kind], current, approval)
        return Noted(code, current.marks)

    async def _end(
        self, tx: Transaction, operation: Operation, state: State, actor: Actor | None
    ) -> bool:
        kind = self._catalogue.kinds[operation.plan.kind]
        for source in (State.WAITING, State.APPROVED):
            if await tx.move_operation(operation.id, source=source, target=state):
                line = audit_line(kind, f"operation {state.value}", operation)
                await tx.append_audit(replace(line, actor=actor))
                await tx.want_card(operation.id)
                return True
        return False

    async def expire(self, job: Job) -> None:
        """End operation `job.subject` when nobody decided in time."""
        async with self._store.begin() as tx:
            # A vote or a new plan in progress is let through first.
            approval = await tx.lock_approval(job.subject)
            operation = await tx.operation(job.subject)
            if approval is not None and self._clock.now() < approval.expires_at:
                await tx.postpone_job(job, approval.expires_at, None)
                return
            if await tx.finish_job(job) and operation is not None:
                await self._lapse(tx, operation)

    async def _lapse(self, tx: Transaction, operation: Operation) -> None:
        moved = await tx.move_operation(
            operation.id,
            source=State.WAITING,
            target=State.EXPIRED,
            result=Result(code="undecided"),
        )
        if moved:
            kind = self._catalogue.kinds[operation.plan.kind]
            line = audit_line(kind, "operation expired", operation)
            await tx.append_audit(replace(line, actor=None))
            await tx.want_card(operation.id)
            await tx.add_job(TELL_JOB, operation.id, self._clock.now())

    async def remind(self, job: Job) -> None:
        """Bring the card of a waiting operation to date: its time left, no further message."""
        approval = await self._store.approval(job.subject)
        operation = await self._store.operation(job.subject)
        async with self._store.begin() as tx:
            is_waiting = operation is not None and operation.state is State.WAITING
            if approval is None or approval.rule.remind is None or not is_waiting:
                await tx.finish_job(job)
                return
            await tx.want_card(job.subject)
            await tx.postpone_job(job, self._clock.now() + approval.rule.remind, None)


async def _claimed(tx: Transaction, request: Request) -> bool:
    return await tx.claim_activity(
        request.actor.tenant, request.reference.conversation, request.activity
    )


def _revision(request: Request, operation: Operation) -> int | None:
    """Return the revision that a pressed card showed; a typed command means the current one.

    What was typed before the plan was changed meant another plan.
    """
    if request.submission is None:
        is_late = request.asked_at is not None and operation.updated_at > request.asked_at
        return NO_REVISION if is_late else None
    claimed = request.submission.get("revision")
    if not isinstance(claimed, str) or not claimed.isdecimal() or len(claimed) > LONGEST:
        return NO_REVISION
    return int(claimed)
