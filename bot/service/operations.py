"""Every write is an operation: asked for in one transaction with its audit, card and job."""

import hashlib
from dataclasses import dataclass, replace
from uuid import UUID

import structlog

from bot.domain.approval import Approval
from bot.domain.command import REVISE, Catalogue, Command
from bot.domain.consent import ApprovalRule
from bot.domain.errors import UserError
from bot.domain.operation import Actor, Operation, State
from bot.domain.outcome import Noted, Outcome
from bot.domain.parse import format_command
from bot.domain.plan import Plan, volatile_of
from bot.service.evidence import audit_line
from bot.service.execution import EXECUTE_JOB, EXPIRE_JOB, REMIND_JOB
from bot.service.ports import AuditRecord, Card, Reference, Request, Transaction, World

log = structlog.get_logger(__name__)


def _guid_of(operation_id: str) -> str:
    """Return the GUID under which Graph knows an operation's request; the same each time."""
    return str(UUID(bytes=hashlib.sha256(operation_id.encode()).digest()[:16], version=4))


def _aim(plan: Plan) -> tuple[str, str, str | None]:
    """Return what a plan is about: two plans with the same aim can replace each other."""
    return plan.kind, plan.verb, plan.target_id


def _unrevised(command: Command) -> str:
    options = {name: v for name, v in command.options.items() if name != REVISE.name}
    return format_command(replace(command, options=options))


@dataclass(frozen=True, slots=True)
class Source:
    """The operation that a write comes from, and how: `again` or `undo`. Each happens once."""

    verb: str
    operation: Operation


@dataclass(frozen=True, slots=True)
class Wish:
    """A write somebody asks for; `rule` is the approval it has to wait for, if any.

    `source` is the operation that it asks for again or undoes, if any.
    """

    command: Command
    plan: Plan
    rule: ApprovalRule | None
    source: Source | None


class Operations:
    """Asks for writes, and closes those whose outcome only a person can know."""

    def __init__(self, world: World, *, catalogue: Catalogue) -> None:
        self._store = world.store
        self._clock = world.clock
        self._ids = world.ids
        self._catalogue = catalogue

    async def ask(
        self, request: Request, wish: Wish, actor: Actor, shown: str | None
    ) -> tuple[Operation, Reference] | None:
        """Write the operation, its audit line, its card and its jobs, all or nothing.

        `shown` is the id of the acknowledgement that already stands in the thread and becomes the
        card. Returns the operation and where its card goes; None when this activity was carried
        out before.

        Raises:
            UserError: the same operation was asked for again, or undone, before.
        """
        command, plan, rule = wish.command, wish.plan, wish.rule
        now = self._clock.now()
        place = request.reference
        operation = Operation(
            id=(new_id := self._ids.new()),
            short=await self._short(new_id),
            state=State.WAITING if rule else State.APPROVED,
            command=format_command(command),
            plan=plan,
            actor=actor,
            conversation=request.reference.root,
            created_at=now,
            updated_at=now,
            reason=command.reason,
        )
        async with self._store.begin() as tx:
            if not await tx.claim_activity(
                request.actor.tenant, request.reference.conversation, request.activity
            ):
                return None
            await self._claim_source(tx, wish)
            await tx.add_operation(operation, _guid_of(operation.id))
            await tx.append_audit(self._requested(operation, wish.source))
            if rule is None:
                await tx.add_card(Card(operation.id, place, shown, 1, 0))
                await tx.add_job(EXECUTE_JOB, operation.id, now)
            else:
                place = await self._wait(tx, request, operation, rule, shown)
        log.info("operation requested", operation=operation.short, command=command.spec.permission)
        return operation, place

    async def _claim_source(self, tx: Transaction, wish: Wish) -> None:
        """Let an operation be asked for again or undone once, however many press its button."""
        if wish.source is None:
            return
        verb, found = wish.source.verb, wish.source.operation
        # The inbox keeps it under the verb, beside the activities of real conversations.
        if not await tx.claim_activity(found.actor.tenant, verb, found.id):
            typed = found.command if verb == "again" else format_command(wish.command)
            raise UserError(f"{verb}-asked", id=found.short, command=typed)

    def _requested(self, operation: Operation, source: Source | None) -> AuditRecord:
        kind = self._catalogue.kinds[operation.plan.kind]
        line = audit_line(kind, "operation requested", operation)
        if source is None:
            return line
        return replace(line, details={**line.details, source.verb: source.operation.id})

    async def waiting_alike(self, plan: Plan, actor: Actor) -> Operation | None:
        """Return the actor's own request that waits to do the same kind of thing to the target."""
        if plan.target_id is None:
            return None
        return await self._store.waiting_alike((actor.tenant, actor.oid), plan)

    async def revise(self, request: Request, wish: Wish, actor: Actor) -> Outcome | None:
        """Replace the actor's waiting request by a new plan; votes start over. None: duplicate.

        Raises:
            UserError: what `--revise` names is not the actor's, or is about something else.
        """
        name = wish.command.options[REVISE.name]
        found = await self._store.find_operation(name)
        mine = found is not None and (found.actor.tenant, found.actor.oid) == (
            actor.tenant,
            actor.oid,
        )
        if found is None or wish.rule is None or not mine or _aim(found.plan) != _aim(wish.plan):
            raise UserError("revise-other", id=name)
        now = self._clock.now()
        revised = replace(
            found, command=_unrevised(wish.command), plan=wish.plan, reason=wish.command.reason
        )
        kind = self._catalogue.kinds[wish.plan.kind]
        async with self._store.begin() as tx:
            if not await tx.claim_activity(
                request.actor.tenant, request.reference.conversation, request.activity
            ):
                return None
            approval = await tx.lock_approval(found.id)
            if approval is None or not await tx.replan(revised):
                return Noted("not-waiting", found.marks)
            await tx.save_approval(
                replace(
                    approval,
                    rule=wish.rule,
                    fingerprint=wish.plan.fingerprint(volatile_of(kind)),
                    revision=approval.revision + 1,
                    expires_at=now + wish.rule.expires,
                    votes=(),
                )
            )
            await tx.append_audit(audit_line(kind, "operation revised", revised))
            await tx.add_job(EXPIRE_JOB, found.id, now + wish.rule.expires)
            await tx.want_card(found.id)
        return Noted("revised", (("id", found.short),))

    async def _wait(
        self,
        tx: Transaction,
        request: Request,
        operation: Operation,
        rule: ApprovalRule,
        shown: str | None,
    ) -> Reference:
        """Write what the operation waits for, and the jobs that end or recall the waiting.

        Returns where the card goes.
        """
        now = operation.created_at
        asked_in = request.reference
        place = await self._place(request, rule)
        kind = self._catalogue.kinds[operation.plan.kind]
        await tx.add_card(Card(operation.id, place, shown if place == asked_in else None, 1, 0))
        await tx.add_approval(
            Approval(
                operation_id=operation.id,
                rule=rule,
                fingerprint=operation.plan.fingerprint(volatile_of(kind)),
                revision=1,
                expires_at=now + rule.expires,
                thread=asked_in.conversation,
                reply_to=asked_in.reply_to,
            )
        )
        await tx.add_job(EXPIRE_JOB, operation.id, now + rule.expires)
        if rule.remind is not None:
            await tx.add_job(REMIND_JOB, operation.id, now + rule.remind)
        return place

    async def _place(self, request: Request, rule: ApprovalRule) -> Reference:
        """Return where the card goes: the rule's channel once it was heard of, else the thread."""
        if rule.channel is None or rule.channel == request.reference.root:
            return request.reference
        heard = await self._store.reference(request.actor.tenant, rule.channel)
        if heard is None:
            log.warning("approval channel unknown", channel=rule.channel)
            return request.reference
        return replace(heard, conversation=rule.channel, reply_to=None)

    async def _short(self, new_id: str) -> str:
        for length in range(4, len(new_id)):
            if await self._store.is_short_free(new_id[:length]):
                return new_id[:length]
        return new_id

    async def resolve(
        self, operation: Operation, state: State, *, by: Actor, reason: str | None
    ) -> Operation | None:
        """Close an unknown operation by what a person found; None when it is not unknown."""
        result = replace(operation.result, resolved_by=by.name)
        async with self._store.begin() as tx:
            moved = await tx.move_operation(
                operation.id, source=State.UNKNOWN, target=state, result=result
            )
            if not moved:
                return None
            kind = self._catalogue.kinds[operation.plan.kind]
            line = audit_line(kind, "operation resolved", operation, result)
            details = {**line.details, "state": str(state), "reason": reason}
            await tx.append_audit(replace(line, actor=by, details=details))
            await tx.want_card(operation.id)
            return await tx.operation(operation.id)
