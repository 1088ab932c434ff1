"""One turn: what a person asks becomes a command, is judged, carried out and answered.

A pressed button takes the same way as typed text: it becomes the same command and is judged again.
"""

from dataclasses import replace

import structlog

from bot.domain.command import Catalogue, Command
from bot.domain.errors import (
    BotError,
    DirectoryUnavailable,
    GraphError,
    GraphUnavailable,
    MessengerError,
    StoreError,
    UserError,
)
from bot.domain.operation import Actor
from bot.domain.outcome import (
    Ambiguous,
    ApprovalNeeded,
    Failed,
    GraphFailed,
    Misread,
    Noted,
    NotFound,
    Outcome,
    Planned,
    Refused,
)
from bot.domain.parse import format_command, parse
from bot.domain.plan import make_plan
from bot.domain.policy import Denied, NeedsApproval, Person, Policy, decide, permitted
from bot.domain.resource import Effect, ResourceKind, Values
from bot.domain.text import clean
from bot.service.controls import Controls
from bot.service.operations import Operations
from bot.service.ports import Answer, AuditRecord, Request, World
from bot.service.reads import Reads

log = structlog.get_logger(__name__)


class Turn:
    """Handles requests of authenticated people."""

    def __init__(
        self,
        world: World,
        *,
        catalogue: Catalogue,
        reads: Reads,
        operations: Operations,
        controls: Controls,
    ) -> None:
        self._world = world
        self._catalogue = catalogue
        self._reads = reads
        self._operations = operations
        self._controls = controls

    async def handle(self, request: Request, answer: Answer) -> None:
        """Give `request` its one visible answer; only a lost connection to Teams prevents it."""
        try:
            outcome = await self._outcome(request, answer)
        except BotError as error:
            outcome = self._failure(error)
        if outcome is None:
            return
        try:
            await answer.show(outcome)
        except MessengerError as error:
            log.warning("answer not delivered", reason=str(error), outcome=type(outcome).__name__)

    def _failure(self, error: BotError) -> Outcome:
        error_id = self._world.ids.new()[:8]
        log.warning(
            "turn failed", error_id=error_id, reason=str(error), error=type(error).__name__
        )
        if isinstance(error, UserError):
            return Noted(error.code, tuple(error.details.items()))
        if isinstance(error, GraphError):
            retry = error.retry_after_s if isinstance(error, GraphUnavailable) else None
            return GraphFailed(error.fault, retry, error_id)
        if isinstance(error, DirectoryUnavailable):
            return Failed("roles-unread", error_id)
        if isinstance(error, StoreError):
            return Failed("store-unavailable", error_id)
        return Failed("internal", error_id)

    async def _outcome(self, request: Request, answer: Answer) -> Outcome | None:
        if request.is_throttled:
            return Noted("slow-down")
        text, is_pressed = _text_of(request)
        if text is None:
            return Noted("lapsed")
        parsed = parse(text or "help", self._catalogue)
        if isinstance(parsed, Misread):
            return await self._allowed_suggestions(request, parsed)
        if is_pressed and parsed.spec.acts:
            return Noted("lapsed-command", (("command", format_command(parsed)),))
        return await self._judge(request, parsed, answer)

    async def _allowed_suggestions(self, request: Request, misread: Misread) -> Misread:
        """Leave only such suggestions as the person may run; none when that cannot be known."""
        if not misread.suggestions:
            return misread
        policy = self._world.policies.current()
        try:
            person = await self._person(request, policy, is_fresh=False)
        except DirectoryUnavailable:
            return replace(misread, suggestions=())
        room = request.reference.root
        allowed = permitted(policy, person, self._catalogue.specs, conversation=room)
        titles = {spec.title for spec in allowed}
        kept = tuple(title for title in misread.suggestions if title in titles)
        return replace(misread, suggestions=kept)

    async def _person(self, request: Request, policy: Policy, *, is_fresh: bool) -> Person:
        actor = request.actor
        return await self._world.directory.person(
            actor.tenant, actor.oid, policy.groups, is_fresh=is_fresh
        )

    async def _judge(self, request: Request, command: Command, answer: Answer) -> Outcome | None:
        policy = self._world.policies.current()
        spec = command.spec
        room = request.reference.root
        if spec.verb == "help" and spec.is_open:
            return self._reads.help(
                command, policy, await self._person_or_none(request, policy), room
            )
        person = await self._person(request, policy, is_fresh=spec.acts)
        verdict = decide(policy, person, spec, conversation=room)
        if isinstance(verdict, Denied):
            await self._audit_refusal(request, person, command, verdict)
            return Refused(verdict)
        if isinstance(verdict, NeedsApproval) and not command.is_plan:
            return ApprovalNeeded(spec, verdict)
        if spec.subject in self._catalogue.kinds:
            kind = self._catalogue.kinds[spec.subject]
            if spec.writes:
                return await self._write(request, kind, command, _actor(request, person), answer)
            if spec.effect is Effect.LIST:
                return await self._reads.list(kind, command)
            return await self._reads.get(kind, command)
        outcome = await self._bot_command(request, command, policy, person)
        return outcome or await _passed_over(command, answer)

    async def _person_or_none(self, request: Request, policy: Policy) -> Person | None:
        try:
            return await self._person(request, policy, is_fresh=False)
        except DirectoryUnavailable:
            return None

    async def _audit_refusal(
        self, request: Request, person: Person, command: Command, denied: Denied
    ) -> None:
        """Record who was refused what. A store that is away must not turn a no into silence."""
        line = AuditRecord(
            "command refused",
            _actor(request, person),
            None,
            {
                "command": format_command(command),
                "reason": str(denied.reason),
                "conversation": request.reference.root,
            },
        )
        try:
            async with self._world.store.begin() as tx:
                await tx.append_audit(line)
        except StoreError:
            log.exception("refusal not audited", permission=denied.permission)

    async def _write(
        self, request: Request, kind: ResourceKind, command: Command, actor: Actor, answer: Answer
    ) -> Outcome | None:
        if not command.is_plan:
            if await self._is_repeated(request):
                return await _passed_over(command, answer)
            if paused := await self._controls.paused():
                return paused
            answer.hold()
        others: tuple[Values, ...] = ()
        target: Values | None = None
        if command.spec.effect is Effect.CREATE:
            others = tuple(r.values() for r in (await self._world.resources.list(kind)).records)
        else:
            found = await self._reads.target(kind, command)
            if isinstance(found, NotFound | Ambiguous):
                return found
            target = found
        plan = make_plan(kind, command, target=target, others=others)
        if command.is_plan:
            options = {k: v for k, v in command.options.items() if k != "plan"}
            return Planned(kind, plan, format_command(replace(command, options=options)))
        async with answer.hand_over() as shown:
            operation = await self._operations.ask(request, command, plan, actor, shown)
        self._controls.wake()
        return None if operation else await _passed_over(command, answer)

    async def _is_repeated(self, request: Request) -> bool:
        """Whether the activity was carried out before; what it changed must not judge it anew."""
        where = request.reference.conversation
        return await self._world.store.knows_activity(
            request.actor.tenant, where, request.activity
        )

    async def _bot_command(
        self, request: Request, command: Command, policy: Policy, person: Person
    ) -> Outcome | None:
        actor = _actor(request, person)
        match command.spec.verb:
            case "whoami":
                return self._reads.whoami(policy, person)
            case "history":
                return await self._reads.history(command)
            case "resolve":
                return await self._controls.resolve(command, actor)
            case _:
                return await self._controls.switch(request, command, actor)


async def _passed_over(command: Command, answer: Answer) -> Outcome | None:
    """Leave a repeated activity without an answer, unless "working" stands there already."""
    log.info("duplicate ignored", permission=command.spec.permission)
    async with answer.hand_over() as shown:
        return Noted("repeated") if shown else None


def _actor(request: Request, person: Person) -> Actor:
    """The asker, by the directory's name where it knows one."""
    return replace(request.actor, name=person.name or request.actor.name)


def _text_of(request: Request) -> tuple[str | None, bool]:
    """Return the text to parse and whether a card carried it; None when a card said nothing."""
    if request.submission is None:
        return clean(request.text), False
    command = request.submission.get("command")
    return (command, True) if isinstance(command, str) and command else (None, True)
