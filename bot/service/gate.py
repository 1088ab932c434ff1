"""Who asks, and whether they may: judged anew for every message, press and form."""

from dataclasses import replace

from bot.domain.command import Catalogue, Command, CommandSpec
from bot.domain.errors import DirectoryUnavailable
from bot.domain.operation import Actor
from bot.domain.outcome import Misread, Outcome, Refused
from bot.domain.policy import Denied, Person, Policy, decide, permitted
from bot.service.forms import Viewer
from bot.service.ports import Request, World
from bot.service.refusals import audit_refusal


class Gate:
    """Asks the directory and the policy."""

    def __init__(self, world: World, *, catalogue: Catalogue) -> None:
        self._world = world
        self._catalogue = catalogue

    async def allowed_suggestions(self, request: Request, misread: Misread) -> Misread:
        """Leave only such suggestions as the person may run; none when that cannot be known."""
        if not misread.suggestions:
            return misread
        policy = self._world.policies.current()
        try:
            person = await self.person(request, policy, is_fresh=False)
        except DirectoryUnavailable:
            return replace(misread, suggestions=())
        room = request.reference.root
        allowed = permitted(policy, person, self._catalogue.specs, conversation=room)
        titles = {spec.title for spec in allowed}
        kept = tuple(title for title in misread.suggestions if title in titles)
        return replace(misread, suggestions=kept)

    async def person(self, request: Request, policy: Policy, *, is_fresh: bool) -> Person:
        """Return the asker, with such roles as the policy knows."""
        actor = request.actor
        return await self._world.directory.person(
            actor.tenant, actor.oid, policy.groups, is_fresh=is_fresh
        )

    async def viewer(self, request: Request) -> Viewer:
        """Return the asker as one who only looks."""
        policy = self._world.policies.current()
        person = await self.person(request, policy, is_fresh=False)
        return Viewer(policy, person, request.reference.root)

    @staticmethod
    def denied(spec: CommandSpec, viewer: Viewer) -> Denied | None:
        """Return why somebody may not run a command here, whatever they would say with it."""
        verdict = decide(viewer.policy, viewer.person, spec, conversation=viewer.conversation)
        return verdict if isinstance(verdict, Denied) else None

    async def refuse(
        self, request: Request, command: Command, person: Person, denied: Denied
    ) -> Outcome:
        """Return a refusal, once it is recorded."""
        actor = actor_of(request, person)
        await audit_refusal(self._world.store, request, actor, command, denied.reason.value)
        return Refused(denied)

    def offers(
        self, request: Request, about: CommandSpec, person: Person
    ) -> tuple[CommandSpec, ...]:
        """Return the writes of a kind that somebody may ask for, as they are declared."""
        subject, room = about.subject, request.reference.root
        writes = [s for s in self._catalogue.specs if s.subject == subject and s.writes]
        policy = self._world.policies.current()
        return permitted(policy, person, writes, conversation=room)

    async def person_or_none(self, request: Request, policy: Policy) -> Person | None:
        """Return the asker, None while the directory cannot be asked."""
        try:
            return await self.person(request, policy, is_fresh=False)
        except DirectoryUnavailable:
            return None


def actor_of(request: Request, person: Person) -> Actor:
    """The asker, by the directory's name where it knows one."""
    return replace(request.actor, name=person.name or request.actor.name)
