"""Writing commands on the way to an operation: refused early, planned, then asked for or shown."""

from dataclasses import dataclass, replace

import structlog

from bot.domain.command import ALL, PLAN, REVISE, Command
from bot.domain.errors import UserError
from bot.domain.operation import Actor
from bot.domain.outcome import Ambiguous, Noted, NotFound, Outcome, Planned
from bot.domain.parse import format_command
from bot.domain.plan import Plan, make_bulk_plan, make_plan
from bot.domain.policy import ApprovalRule, rule_for_many
from bot.domain.resource import Effect, ResourceKind, moment
from bot.domain.select import STALE, arrange, filters_of
from bot.service.controls import Controls
from bot.service.operations import Operations, Wish
from bot.service.ports import Answer, Request, World
from bot.service.reads import Reads

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """A writing command of a person who may ask for it; `rule` is the approval it waits for."""

    request: Request
    command: Command
    actor: Actor
    rule: ApprovalRule | None


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
        command, rule = asked.command, asked.rule
        if command.is_plan:
            found = await self._plan(kind, command)
            shown = _without(command, PLAN.name)
            return Planned(kind, found, shown) if isinstance(found, Plan) else found
        if rule and rule.needs_reason and not command.reason:
            raise UserError("reason-missing", command=format_command(command))
        if await self._is_repeated(asked.request):
            return await passed_over(command, answer)
        if paused := await self._controls.paused():
            return paused
        answer.hold()
        plan = await self._plan(kind, command)
        if not isinstance(plan, Plan):
            return plan
        policy = self._world.policies.current()
        rule = rule_for_many(policy, rule, len(plan.items))
        return await self._ask(asked, Wish(command, plan, rule), answer)

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
        if STALE in command.options:
            # One that was never seen may be new: nothing is done to it for its age.
            records = [r for r in records if moment(r.get(kind.last_seen)) is not None]
        chosen = arrange(kind, records, command.options, self._world.clock.now())
        return make_bulk_plan(kind, command, chosen)

    async def _ask(self, asked: Asked, wish: Wish, answer: Answer) -> Outcome | None:
        request, command = asked.request, asked.command
        if REVISE.name in command.options:
            outcome = await self._operations.revise(request, wish, asked.actor)
            self._controls.wake()
            return outcome or await passed_over(command, answer)
        if wish.rule and (alike := await self._operations.waiting_alike(wish.plan, asked.actor)):
            again = replace(command, options={**command.options, REVISE.name: alike.short})
            details = (("id", alike.short), ("command", format_command(again)))
            return Noted("revise-offer", details)
        async with answer.hand_over() as shown:
            started = await self._operations.ask(request, wish, asked.actor, shown)
        self._controls.wake()
        if started is None:
            return await passed_over(command, answer)
        operation, place = started
        if place == request.reference:
            return None
        # Its card does not stand here, so the thread has to be told.
        return Noted("asked-elsewhere", (("id", operation.short),))

    async def _is_repeated(self, request: Request) -> bool:
        """Whether the activity was carried out before; what it changed must not judge it anew."""
        where = request.reference.conversation
        return await self._world.store.knows_activity(
            request.actor.tenant, where, request.activity
        )


async def passed_over(command: Command, answer: Answer) -> Outcome | None:
    """Leave a repeated activity without an answer, unless "working" stands there already."""
    log.info("duplicate ignored", permission=command.spec.permission)
    async with answer.hand_over() as shown:
        return Noted("repeated") if shown else None


def _selects(command: Command) -> bool:
    """Whether the command names its targets by a filter, or all of them."""
    return ALL.name in command.options or bool(filters_of(command))


def _without(command: Command, option: str) -> str:
    options = {name: value for name, value in command.options.items() if name != option}
    return format_command(replace(command, options=options))
