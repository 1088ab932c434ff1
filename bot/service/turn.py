"""One turn: what a person asks becomes a command, is judged, carried out and answered.

A pressed button takes the same way as typed text: it becomes the same command and is judged again.
"""

from dataclasses import replace

import structlog

from bot.domain.approval import Decision, Vote
from bot.domain.command import COMMENT, VIEW, Catalogue, Command
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
    Failed,
    GraphFailed,
    Misread,
    Noted,
    Outcome,
    Paused,
    Refused,
)
from bot.domain.parse import format_command
from bot.domain.policy import (
    Denied,
    NeedsApproval,
    Person,
    Policy,
    decide,
    permitted,
)
from bot.domain.resource import Effect
from bot.domain.undo import inverse
from bot.service.approvals import Approvals
from bot.service.controls import Controls
from bot.service.intent import intent
from bot.service.ports import Answer, AuditRecord, Request, World
from bot.service.reads import Reads
from bot.service.writes import Asked, Writes, passed_over

log = structlog.get_logger(__name__)


class Turn:
    """Handles requests of authenticated people."""

    def __init__(
        self,
        world: World,
        *,
        catalogue: Catalogue,
        reads: Reads,
        writes: Writes,
        approvals: Approvals,
        controls: Controls,
    ) -> None:
        self._world = world
        self._catalogue = catalogue
        self._reads = reads
        self._writes = writes
        self._approvals = approvals
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
        if isinstance(error, UserError):
            return Noted(error.code, tuple(error.details.items()))
        error_id = self._world.ids.new()[:8]
        log.warning(
            "turn failed", error_id=error_id, reason=str(error), error=type(error).__name__
        )
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
        asked = intent(request, self._catalogue)
        if isinstance(asked, Noted):
            return asked
        if isinstance(asked, Misread):
            return await self._allowed_suggestions(request, asked)
        return await self._judge(request, asked, answer)

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
            shown = self._reads.help(
                command, policy, await self._person_or_none(request, policy), room
            )
            if isinstance(shown, Misread):
                return await self._allowed_suggestions(request, shown)
            return shown
        person = await self._person(request, policy, is_fresh=spec.acts)
        verdict = decide(policy, person, spec, conversation=room)
        if isinstance(verdict, Denied):
            if spec is VIEW:
                # A client asked by itself, so there is nobody to be told and nothing to record.
                return Noted("lapsed")
            await self._audit_refusal(request, person, command, verdict.reason.value)
            return Refused(verdict)
        rule = verdict.rule if isinstance(verdict, NeedsApproval) else None
        if spec.subject in self._catalogue.kinds:
            kind = self._catalogue.kinds[spec.subject]
            if spec.writes:
                wish = Asked(request, command, _actor(request, person), rule)
                outcome = await self._writes.start(wish, kind, answer)
                if isinstance(outcome, Paused):
                    await self._audit_refusal(request, person, command, "paused")
                return outcome
            if spec.effect is Effect.LIST:
                return await self._reads.list(kind, command)
            return await self._reads.get(kind, command)
        if spec.verb == "undo":
            return await self._judge(request, await self._inverse(request, command), answer)
        outcome = await self._bot_command(request, command, policy, person)
        return outcome or await passed_over(command, answer)

    async def _inverse(self, request: Request, command: Command) -> Command:
        """Return the command that takes an operation back, to be judged like a typed one."""
        found = await self._world.store.find_operation(command.arguments[0])
        if found is None or found.actor.tenant != request.actor.tenant:
            raise UserError("operation-missing", id=command.arguments[0])
        return inverse(found, command, self._catalogue)

    async def _person_or_none(self, request: Request, policy: Policy) -> Person | None:
        try:
            return await self._person(request, policy, is_fresh=False)
        except DirectoryUnavailable:
            return None

    async def _audit_refusal(
        self, request: Request, person: Person, command: Command, reason: str
    ) -> None:
        """Record who was refused what. A store that is away must not turn a no into silence."""
        line = AuditRecord(
            "command refused",
            _actor(request, person),
            None,
            {
                "command": format_command(command),
                "reason": reason,
                "conversation": request.reference.root,
            },
        )
        try:
            async with self._world.store.begin() as tx:
                await tx.append_audit(line)
        except StoreError:
            log.exception("refusal not audited", permission=command.spec.permission)

    async def _bot_command(
        self, request: Request, command: Command, policy: Policy, person: Person
    ) -> Outcome | None:
        actor = _actor(request, person)
        match command.spec.verb:
            case "whoami":
                return self._reads.whoami(policy, person)
            case "history":
                return await self._reads.history(command)
            case "view":
                return await self._approvals.seen_by(command.arguments[0], person, policy)
            case "approvals":
                return await self._approvals.waiting(person, policy)
            case "approve" | "reject":
                return await self._vote(request, command, policy, person)
            case "cancel":
                return await self._approvals.cancel(request, actor, target=command.arguments[0])
            case "resolve":
                return await self._controls.resolve(command, actor)
            case _:
                return await self._controls.switch(request, command, actor)

    async def _vote(
        self, request: Request, command: Command, policy: Policy, person: Person
    ) -> Outcome | None:
        vote = Vote(
            person=_actor(request, person),
            decision=Decision(command.spec.verb),
            comment=command.options.get(COMMENT.name),
            at=self._world.clock.now(),
        )
        return await self._approvals.vote(
            request, vote, person, policy, target=command.arguments[0]
        )


def _actor(request: Request, person: Person) -> Actor:
    """The asker, by the directory's name where it knows one."""
    return replace(request.actor, name=person.name or request.actor.name)
