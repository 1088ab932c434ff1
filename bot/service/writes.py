"""Writing commands on the way to an operation: refused early, planned, then asked for or shown."""

from dataclasses import dataclass, replace

import structlog

from bot.domain.command import ALL, PLAN, REVISE, Command
from bot.domain.consent import ApprovalRule
from bot.domain.errors import UserError
from bot.domain.operation import Actor
from bot.domain.outcome import Ambiguous, Noted, NotFound, Outcome, Planned
from bot.domain.parse import format_command
from bot.domain.plan import Plan, make_bulk_plan, make_plan, volatile_of
from bot.domain.policy import rule_of
from bot.domain.resource import Effect, ResourceKind
from bot.domain.select import arrange, filters_of
from bot.service.controls import Controls
from bot.service.operations import Operations, Source, Wish
from bot.service.ports import Answer, Request, World
from bot.service.reads import Reads

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """A writing command of a person who may ask for it.

    `source` is the operation that it asks for again or undoes, if any.
    """

    request: Request
    command: Command
    actor: Actor
    source: Source | None


class Writes:
    """Starts writes; nothing here changes the far side."""

    def __init__(
        self, world: World, *, reads: Reads, operations: Operations, controls: Controls
    ) -> None:
        self._world = world
        self._reads = reads
        self._operations = operations
        self._controls = controls

    async def start(self, asked: Asked, kind: ResourceKind, answer: Answer) -> Outcome | None:
        """Plan the write and ask for it, or only show the plan; None: its own card answers.

        Raises:
            UserError: a reason is missing, there is nothing to change, or nothing to revise.
        """
        command = asked.command
        if command.is_plan:
            found = await self._plan(kind, command)
            if not isinstance(found, Plan):
                return found
            return self._planned(kind, found, asked)
        rule = self._rule(command)
        if rule and rule.needs_reason and not command.reason:
            raise UserError("reason-missing", command=format_command(command))
        if await self._is_repeated(asked.request):
            return await passed_over(asked.request, command, answer)
        if paused := await self._controls.paused():
            return paused
        plan = await self._plan(kind, command)
        if not isinstance(plan, Plan):
            return plan
        seen = asked.request.seen
        if seen is not None and seen != plan.fingerprint(volatile_of(kind)):
            # A form is sent twice: first to see what would happen, then for it to happen.
            return self._planned(kind, plan, asked)
        rule = self._rule(command, len(plan.items))
        return await self._ask(asked, Wish(command, plan, rule, asked.source), answer)

    def _planned(self, kind: ResourceKind, plan: Plan, asked: Asked) -> Planned:
        """Return a plan with the approval that it would wait for."""
        command = asked.command
        rule = self._rule(command, len(plan.items))
        lacks_reason = bool(rule and rule.needs_reason and not command.reason)
        typed = _without(command, PLAN.name)
        if asked.source is not None:
            # Its own command would do it beside the operation, and so perhaps twice.
            typed = f"/{asked.source.verb} {asked.source.operation.short}"
        return Planned(kind, plan, typed, rule, lacks_reason)

    def _rule(self, command: Command, count: int = 1) -> ApprovalRule | None:
        """Return what a command on `count` records waits for."""
        return rule_of(self._world.policies.current(), command.spec, count)

    async def _plan(self, kind: ResourceKind, command: Command) -> Plan | NotFound | Ambiguous:
        if command.spec.option(ALL.name) and (command.target is None or _selects(command)):
            return await self._bulk_plan(kind, command)
        if command.spec.effect is Effect.CREATE:
            page = await self._world.resources.list(kind)
            others = tuple(record.values() for record in page.records)
            return make_plan(kind, command, target=None, others=others)
        found = await self._reads.target(kind, command)
        if isinstance(found, NotFound | Ambiguous):
            return found
        return make_plan(kind, command, target=found, others=())

    async def _bulk_plan(self, kind: ResourceKind, command: Command) -> Plan:
        if command.target is not None:
            raise UserError("target-and-filter", usage=command.spec.usage)
        if not _selects(command):
            raise UserError("target-missing", usage=command.spec.usage)
        page = await self._world.resources.list(kind)
        if page.is_cut:
            raise UserError("bulk-cut")
        records = [record.values() for record in page.records]
        now = self._world.clock.now()
        chosen = arrange(kind, records, command.options, now, to_change=True)
        return make_bulk_plan(kind, command, chosen)

    async def _ask(self, asked: Asked, wish: Wish, answer: Answer) -> Outcome | None:
        request, command = asked.request, asked.command
        if REVISE.name in command.options:
            outcome = await self._operations.revise(request, wish, asked.actor)
            self._controls.wake()
            return outcome or await passed_over(request, command, answer)
        if wish.rule and (alike := await self._operations.waiting_alike(wish.plan, asked.actor)):
            again = replace(command, options={**command.options, REVISE.name: alike.short})
            details = (("id", alike.short), ("command", format_command(again)))
            return Noted("revise-offer", details)
        async with answer.hand_over() as shown:
            started = await self._operations.ask(request, wish, asked.actor, shown)
        self._controls.wake()
        if started is None:
            return await passed_over(request, command, answer)
        operation, place = started
        if place == request.reference:
            return None
        # Its card does not stand here, so the thread has to be told.
        approvers = ", ".join(wish.rule.approvers) if wish.rule else ""
        details = (("id", operation.short), ("approvers", approvers))
        if place.name is None:
            return Noted("asked-elsewhere", details)
        return Noted("asked-in-channel", (*details, ("channel", place.name)))

    async def _is_repeated(self, request: Request) -> bool:
        """Whether the activity was carried out before; what it changed must not judge it anew."""
        where = request.reference.conversation
        return await self._world.store.knows_activity(
            request.actor.tenant, where, request.activity
        )


async def passed_over(request: Request, command: Command, answer: Answer) -> Outcome | None:
    """Leave a repeated activity without an answer, unless "working" stands there already.

    A form that was sent before is told so: who pressed it again awaits an answer.
    """
    log.info("duplicate ignored", permission=command.spec.permission)
    if request.seen is not None:
        return Noted("repeated")
    async with answer.hand_over() as shown:
        return Noted("repeated") if shown else None


def _selects(command: Command) -> bool:
    """Whether the command names its targets by a filter, or all of them."""
    return ALL.name in command.options or bool(filters_of(command))


def _without(command: Command, option: str) -> str:
    options = {name: value for name, value in command.options.items() if name != option}
    return format_command(replace(command, options=options))
