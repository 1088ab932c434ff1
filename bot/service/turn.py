"""One turn: what a person asks becomes a command, is judged, carried out and answered.

A pressed button takes the same way as typed text: it becomes the same command and is judged again.
"""

from dataclasses import dataclass, replace

import structlog

from bot.domain.again import repeated
from bot.domain.approval import Decision, Vote
from bot.domain.command import COMMENT, VIEW, Catalogue, Command
from bot.domain.errors import (
    BotError,
    MessengerError,
    UserError,
)
from bot.domain.offer import Welcome
from bot.domain.operation import Operation
from bot.domain.outcome import (
    Ambiguous,
    Failed,
    GraphFailed,
    Listing,
    Misread,
    Noted,
    NotFound,
    Outcome,
    Paused,
    Refused,
    Shown,
)
from bot.domain.policy import (
    Denied,
    Person,
    Policy,
)
from bot.domain.resource import Effect
from bot.domain.rights import judge
from bot.domain.undo import inverse
from bot.service.approvals import Approvals
from bot.service.controls import Controls
from bot.service.failure import failure_of
from bot.service.forms import (
    Forms,
    Matches,
    Search,
    activity_of,
    problems_of,
    seen_of,
)
from bot.service.gate import Gate, actor_of
from bot.service.intent import Filled, Opening, intent, opening_of
from bot.service.operations import Source
from bot.service.pending import Pending
from bot.service.ports import Answer, Request, World
from bot.service.reads import Reads
from bot.service.refusals import audit_refusal
from bot.service.watch_desk import VERBS, WatchDesk
from bot.service.writes import Asked, Writes, passed_over

log = structlog.get_logger(__name__)
UNFINISHED = frozenset({"changes-missing", "identity-missing"})


@dataclass(frozen=True, slots=True)
class Desks:
    """Who handles what, once it is allowed."""

    reads: Reads
    writes: Writes
    approvals: Approvals
    pending: Pending
    controls: Controls
    watch: WatchDesk
    forms: Forms


class Turn:
    """Handles requests of authenticated people."""

    def __init__(self, world: World, *, catalogue: Catalogue, desks: Desks) -> None:
        self._world = world
        self._catalogue = catalogue
        self._desks = desks
        self._gate = Gate(world, catalogue=catalogue)

    async def handle(self, request: Request, answer: Answer) -> None:
        """Give `request` its one visible answer; only a lost connection to Teams prevents it."""
        try:
            outcome = await self._outcome(request, answer)
        except BotError as error:
            outcome = failure_of(error, self._world.ids)
        if outcome is None:
            return
        try:
            await answer.show(outcome)
        except MessengerError as error:
            log.warning("answer not delivered", reason=str(error), outcome=type(outcome).__name__)

    async def _outcome(self, request: Request, answer: Answer) -> Outcome | None:
        if request.is_throttled:
            return Noted("slow-down")
        asked = intent(request, self._catalogue)
        if isinstance(asked, Noted):
            return asked
        if isinstance(asked, Opening):
            return await self._open(request, asked)
        if isinstance(asked, Filled):
            return await self._fill(request, asked, answer)
        if isinstance(asked, Misread):
            return await self._gate.allowed_suggestions(request, asked)
        if asked.spec.acts:
            # Before the first wait: until it is durable, only Teams can bring it back.
            answer.hold()
        if request.submission is not None:
            return await self._judge(request, asked, answer)
        return await self._typed(request, asked, answer)

    async def _typed(self, request: Request, asked: Command, answer: Answer) -> Outcome | None:
        """Carry out what was typed; what only lacks something becomes a form to complete it."""
        try:
            outcome = await self._judge(request, asked, answer)
        except UserError as error:
            kind = self._catalogue.kinds.get(asked.spec.subject)
            opening = opening_of(asked, problems_of(error, asked.spec, kind))
            if opening is None or error.code not in UNFINISHED:
                raise
            return await self._open(request, opening)
        if isinstance(outcome, Ambiguous) and asked.spec.acts and (form := opening_of(asked, ())):
            viewer = await self._gate.viewer(request)
            return await self._desks.forms.picker(form, viewer, outcome)
        return outcome

    async def _open(self, request: Request, opening: Opening) -> Outcome:
        """Show a command's form to somebody who may run it."""
        viewer = await self._gate.viewer(request)
        if denied := self._gate.denied(opening.spec, viewer):
            return await self._gate.refuse(request, Command(opening.spec), viewer.person, denied)
        return await self._desks.forms.opened(opening, viewer)

    async def _fill(self, request: Request, filled: Filled, answer: Answer) -> Outcome | None:
        """Carry out what was filled in; what hinders it comes back on the form."""
        forms = self._desks.forms
        viewer = await self._gate.viewer(request)
        if denied := self._gate.denied(filled.spec, viewer):
            return await self._gate.refuse(request, Command(filled.spec), viewer.person, denied)
        if lapsed := forms.lapsed(filled):
            return lapsed
        command = forms.read(filled)
        if not isinstance(command, Command):
            return await forms.refused(filled, viewer, command)
        if command.spec.acts:
            answer.hold()
        same = activity_of(filled, command, request.actor.oid, request.activity)
        # What was filled in counts as if it had been typed: nothing else of the card does.
        sent = replace(request, activity=same, seen=seen_of(filled), submission=None)
        try:
            outcome = await self._judge(sent, command, answer)
        except UserError as error:
            kind = self._catalogue.kinds.get(filled.spec.subject)
            return await forms.refused(filled, viewer, problems_of(error, filled.spec, kind))
        return outcome and await forms.answered(filled, viewer, outcome)

    async def welcome(self, request: Request) -> Welcome:
        """Return what whoever installed the bot can do there."""
        policy = self._world.policies.current()
        person = await self._gate.person_or_none(request, policy)
        return self._desks.reads.welcome(policy, person, request.reference.root)

    async def search(
        self, request: Request, search: Search
    ) -> Matches | Noted | GraphFailed | Failed:
        """Return the records that fit what somebody types into a form, or why none are shown."""
        if request.is_throttled:
            return Noted("slow-down")
        kind = self._catalogue.kinds.get(search.dataset)
        if kind is None:
            return Noted("lapsed")
        try:
            return await self._desks.forms.search(kind, search, await self._gate.viewer(request))
        except BotError as error:
            return failure_of(error, self._world.ids)

    async def _judge(
        self, request: Request, command: Command, answer: Answer, *, source: Source | None = None
    ) -> Outcome | None:
        """Decide and carry out; `source` is the operation that the command comes from."""
        policy = self._world.policies.current()
        spec = command.spec
        room = request.reference.root
        if spec.verb == "help" and spec.is_open:
            known = await self._gate.person_or_none(request, policy)
            shown = self._desks.reads.help(command, policy, known, room)
            if isinstance(shown, Refused) and known is not None:
                return await self._gate.refuse(request, command, known, shown.denied)
            if isinstance(shown, Misread):
                return await self._gate.allowed_suggestions(request, shown)
            return shown
        if spec is VIEW:
            viewer = await self._gate.person_or_none(request, policy)
            shown_id = command.arguments[0]
            return await self._desks.pending.seen_by(request, shown_id, viewer, policy)
        person = await self._gate.person(request, policy, is_fresh=spec.acts)
        verdict = judge(policy, person, *self._catalogue.needed(command), conversation=room)
        if isinstance(verdict, Denied):
            return await self._gate.refuse(request, command, person, verdict)
        if spec.subject in self._catalogue.kinds:
            wish = Asked(request, command, actor_of(request, person), source)
            return await self._kind_command(wish, person, answer)
        if spec.derives:
            return await self._derived(request, command, answer)
        outcome = await self._bot_command(request, command, policy, person)
        return outcome or await passed_over(request, command, answer)

    async def _kind_command(self, asked: Asked, person: Person, answer: Answer) -> Outcome | None:
        """Write, list or get, as the command says."""
        command = asked.command
        kind = self._catalogue.kinds[command.spec.subject]
        if command.spec.writes:
            outcome = await self._desks.writes.start(asked, kind, answer)
            if isinstance(outcome, Paused):
                await audit_refusal(
                    self._world.store, asked.request, asked.actor, command, "paused"
                )
            return outcome
        if command.spec.effect is Effect.LIST:
            found: Outcome = await self._desks.reads.list(kind, command)
        else:
            found = await self._desks.reads.get(kind, command)
        if isinstance(found, Listing | Shown):
            return replace(found, offers=self._gate.offers(asked.request, command.spec, person))
        return found

    async def _derived(self, request: Request, command: Command, answer: Answer) -> Outcome | None:
        """Judge what a command on an operation or an incident comes to, as if it had been typed."""
        if command.spec.verb == "sync":
            sync = await self._desks.watch.incidents.sync_command(command)
            return await self._judge(request, sync, answer)
        found = await self._named(request, command)
        derive = inverse if command.spec.verb == "undo" else repeated
        derived = derive(found, command, self._catalogue)
        source = Source(command.spec.verb, found)
        outcome = await self._judge(request, derived, answer, source=source)
        # It is looked for by its id; people know it by the name it had.
        named = found.plan.target_name
        return replace(outcome, known_as=named) if isinstance(outcome, NotFound) else outcome

    async def _named(self, request: Request, command: Command) -> Operation:
        """Return the operation that a command is about."""
        found = await self._world.store.find_operation(command.arguments[0])
        if found is None or found.actor.tenant != request.actor.tenant:
            raise UserError("operation-missing", id=command.arguments[0])
        return found

    async def _bot_command(
        self, request: Request, command: Command, policy: Policy, person: Person
    ) -> Outcome | None:
        actor = actor_of(request, person)
        match command.spec.verb:
            case "whoami":
                return self._desks.reads.whoami(policy, person)
            case "can-i" | "who-can":
                return self._desks.reads.rights(command, policy, person, request.reference.root)
            case "history":
                return await self._desks.reads.history(command, person.tenant)
            case "approvals":
                return await self._desks.pending.waiting(person, policy)
            case "approve" | "reject":
                return await self._vote(request, command, policy, person)
            case "cancel":
                return await self._desks.approvals.cancel(
                    request, actor, target=command.arguments[0]
                )
            case "resolve":
                return await self._desks.controls.resolve(
                    await self._named(request, command), command, actor
                )
            case verb if verb in VERBS:
                return await self._desks.watch.handle(request, command, actor)
            case _:
                return await self._desks.controls.switch(request, command, actor)

    async def _vote(
        self, request: Request, command: Command, policy: Policy, person: Person
    ) -> Outcome | None:
        is_consent = Decision(command.spec.verb) is Decision.APPROVE
        if is_consent and (paused := await self._desks.controls.paused()):
            # It would be spent for nothing: what is approved now would end as not run.
            return paused
        vote = Vote(
            person=actor_of(request, person),
            decision=Decision(command.spec.verb),
            comment=command.options.get(COMMENT.name),
            at=self._world.clock.now(),
        )
        return await self._desks.approvals.vote(
            request, vote, person, policy, target=command.arguments[0]
        )
