"""Commands that change nothing: help, whoami, history, list, get."""

from collections.abc import Sequence
from dataclasses import replace

from bot.domain.command import BOT_COMMANDS, Catalogue, Command
from bot.domain.errors import GraphUnavailable
from bot.domain.offer import Welcome
from bot.domain.operation import Operation
from bot.domain.outcome import (
    Ambiguous,
    History,
    Listing,
    Manual,
    Misread,
    NotFound,
    Operated,
    Outcome,
    Overview,
    Refused,
    Shown,
    WhoAmI,
)
from bot.domain.parse import format_command, parse
from bot.domain.policy import (
    Denied,
    Person,
    Policy,
    decide,
    grants_of,
    permitted,
    roles_allowing,
    shut_out,
)
from bot.domain.resource import Effect, ResourceKind, Values
from bot.domain.rights import entitled, explain
from bot.domain.select import arrange, filters_of, find, near
from bot.service.ports import World
from bot.service.records import PATIENCE_S, Records, records_of

ROWS = 10
CANDIDATES = 6
HELP = Command(next(spec for spec in BOT_COMMANDS if spec.verb == "help"))


class Reads:
    """Answers everything that only looks."""

    def __init__(self, world: World, *, catalogue: Catalogue) -> None:
        self._world = world
        self._resources = world.resources
        self._store = world.store
        self._clock = world.clock
        self._catalogue = catalogue

    def help(
        self, command: Command, policy: Policy, person: Person | None, conversation: str
    ) -> Outcome:
        """Return what the person may run, or how one command is used; None: roles not readable."""
        if person is not None and (unwelcome := shut_out(policy, person)):
            return Refused(Denied(unwelcome, command.spec.permission))
        if command.target is not None:
            return self._manual(command.target, policy, person, conversation)
        specs = (
            tuple(spec for spec in self._catalogue.specs if spec.is_open)
            if person is None
            else permitted(policy, person, self._catalogue.specs, conversation=conversation)
        )
        roles = () if person is None else tuple(g.role for g in grants_of(policy, person))
        return Overview(specs, roles, is_complete=person is not None)

    def welcome(self, policy: Policy, person: Person | None, conversation: str) -> Welcome:
        """Return what somebody who installed the bot may do; None: roles not readable."""
        shown = self.help(HELP, policy, person, conversation)
        specs = shown.specs if isinstance(shown, Overview) else ()
        return Welcome(
            looks=tuple(s for s in specs if s.in_menu and not s.acts),
            changes=tuple(s for s in specs if s.writes),
            others=tuple(s for s in specs if s.acts and not s.writes and not s.is_open),
            is_complete=person is not None,
        )

    def _manual(
        self, words: str, policy: Policy, person: Person | None, conversation: str
    ) -> Outcome:
        parsed = parse(words, self._catalogue)
        spec = parsed.spec
        if spec is None:
            return parsed if isinstance(parsed, Misread) else Manual(parsed.spec, ())
        if person is not None:
            verdict = decide(policy, person, spec, conversation=conversation)
            if isinstance(verdict, Denied):
                return Refused(verdict)
        return Manual(spec, roles_allowing(policy, *spec.permissions))

    @staticmethod
    def whoami(policy: Policy, person: Person) -> WhoAmI:
        """Return who the person is to the bot."""
        grants = grants_of(policy, person)
        return WhoAmI(person.name, person.oid, person.tenant, grants, person.is_guest)

    def rights(
        self, command: Command, policy: Policy, person: Person, conversation: str
    ) -> Outcome:
        """Return whether the person may run a command here, or who may: never more than a look."""
        words = command.target or ""
        parsed = parse(words, self._catalogue)
        if parsed.spec is None:
            # Names of commands are for those who may run them.
            return replace(parsed, suggestions=())
        asked = parsed if isinstance(parsed, Command) else Command(parsed.spec)
        needed = self._catalogue.needed(asked)
        if command.spec.verb == "who-can":
            return entitled(policy, *needed, conversation=conversation)
        return explain(policy, person, *needed, typed=words, conversation=conversation)

    async def history(self, command: Command, tenant: str) -> Outcome:
        """Return one operation where its id was given, else the operations of a target or all.

        They are those that people of the tenant asked for.
        """
        target = command.target
        operation = await self._store.find_operation(target) if target is not None else None
        if operation is not None and operation.actor.tenant == tenant:
            approval = await self._store.approval(operation.id)
            return Operated(self._catalogue.kinds[operation.plan.kind], operation, approval)
        page = int(command.options.get("page", "1"))
        found = await self._store.operations(
            tenant=tenant, target=target, offset=(page - 1) * ROWS, limit=ROWS + 1
        )
        rows: tuple[Operation, ...] = tuple(found[:ROWS])
        text = format_command(Command(command.spec, command.arguments))
        return History(rows, page, len(found) > ROWS, target, text, self._clock.now())

    async def list(self, kind: ResourceKind, command: Command) -> Listing:
        """Return one page of the records that fit the command's filters, in its order."""
        page = await self.records(kind)
        now = self._clock.now()
        records = page.rows
        rows = arrange(kind, records, command.options, now)
        pages = max(1, -(-len(rows) // ROWS))
        number = min(int(command.options.get("page", "1")), pages)
        options = {k: v for k, v in command.options.items() if k != "page"}
        return Listing(
            kind=kind,
            rows=rows[(number - 1) * ROWS : number * ROWS],
            page=number,
            pages=pages,
            total=len(rows),
            seen=len(records),
            is_cut=page.is_cut,
            filters=filters_of(command),
            command=format_command(Command(command.spec, command.arguments, options)),
            now=now,
            as_of=page.as_of,
        )

    async def records(self, kind: ResourceKind) -> Records:
        """Return all records of a kind, as last seen where Graph cannot be asked now."""
        return await records_of(self._world, kind)

    async def get(self, kind: ResourceKind, command: Command) -> Outcome:
        """Return the record the command names, as last seen where Graph cannot be asked now."""
        seen = await self.records(kind)
        found = self._chosen(kind, command, seen.rows)
        if seen.as_of is None:
            try:
                found = await self._read(kind, command, seen, found, patience_s=PATIENCE_S)
            except GraphUnavailable:
                # The list was read a moment ago: what it shows holds, what it lacks is not known.
                if isinstance(found, NotFound):
                    raise
        if isinstance(found, NotFound | Ambiguous):
            return replace(found, as_of=seen.as_of)
        return Shown(kind, found, self._clock.now(), seen.as_of)

    @staticmethod
    def _chosen(
        kind: ResourceKind, command: Command, records: Sequence[Values]
    ) -> Values | NotFound | Ambiguous:
        name = command.target or ""
        found = find(kind, records, name)
        if len(found) > 1:
            return Ambiguous(
                kind,
                name,
                found[:CANDIDATES],
                tuple(pointed_at(command, values) for values in found[:CANDIDATES]),
                reads_only=command.spec.effect is Effect.GET,
            )
        return found[0] if found else NotFound(kind, name, near(kind, records, name))

    async def target(self, kind: ResourceKind, command: Command) -> Values | NotFound | Ambiguous:
        """Find the record that the command's target names, and read it as it is now."""
        page = await self._resources.list(kind)
        seen = Records(tuple(record.values() for record in page.records), page.is_cut)
        return await self._read(kind, command, seen, self._chosen(kind, command, seen.rows))

    async def _read(
        self,
        kind: ResourceKind,
        command: Command,
        seen: Records,
        found: Values | NotFound | Ambiguous,
        *,
        patience_s: float | None = None,
    ) -> Values | NotFound | Ambiguous:
        """Return the record that was found in a list as it is now."""
        # A list that was cut may lack the record, so its id is asked for directly.
        if isinstance(found, Ambiguous) or (isinstance(found, NotFound) and not seen.is_cut):
            return found
        name = command.target or ""
        record_id = name if isinstance(found, NotFound) else str(found["id"])
        record = await self._resources.get(kind, record_id, patience_s=patience_s)
        if record is None:
            return NotFound(kind, name, near(kind, seen.rows, name))
        return record.values()


def pointed_at(command: Command, values: Values, place: int = 0) -> str:
    """Return the text of the command that names exactly this record as its argument at `place`."""
    arguments = (*command.arguments[:place], str(values["id"]), *command.arguments[place + 1 :])
    return format_command(Command(command.spec, arguments, command.options, command.changes))
