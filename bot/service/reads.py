"""Commands that change nothing: help, whoami, history, list, get."""

from bot.domain.command import Catalogue, Command
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
)
from bot.domain.resource import Effect, ResourceKind, Values
from bot.domain.select import arrange, filters_of, find, near
from bot.service.ports import World

ROWS = 10
CANDIDATES = 6


class Reads:
    """Answers everything that only looks."""

    def __init__(self, world: World, *, catalogue: Catalogue) -> None:
        self._resources = world.resources
        self._store = world.store
        self._clock = world.clock
        self._catalogue = catalogue

    def help(
        self, command: Command, policy: Policy, person: Person | None, conversation: str
    ) -> Outcome:
        """Return what the person may run, or how one command is used; None: roles not readable."""
        if command.target is not None:
            return self._manual(command.target, policy, person, conversation)
        specs = (
            tuple(spec for spec in self._catalogue.specs if spec.is_open)
            if person is None
            else permitted(policy, person, self._catalogue.specs, conversation=conversation)
        )
        roles = () if person is None else tuple(g.role for g in grants_of(policy, person))
        return Overview(specs, roles, is_complete=person is not None)

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
        return Manual(spec, roles_allowing(policy, spec.permission))

    @staticmethod
    def whoami(policy: Policy, person: Person) -> WhoAmI:
        """Return who the person is to the bot."""
        grants = grants_of(policy, person)
        return WhoAmI(person.name, person.oid, person.tenant, grants, person.is_guest)

    async def history(self, command: Command) -> Outcome:
        """Return one operation where its id was given, else the operations of a target or all."""
        target = command.target
        if target is not None and (operation := await self._store.find_operation(target)):
            approval = await self._store.approval(operation.id)
            return Operated(self._catalogue.kinds[operation.plan.kind], operation, approval)
        page = int(command.options.get("page", "1"))
        found = await self._store.operations(
            kind=None, target=target, offset=(page - 1) * ROWS, limit=ROWS + 1
        )
        rows: tuple[Operation, ...] = tuple(found[:ROWS])
        text = format_command(Command(command.spec, command.arguments))
        return History(rows, page, len(found) > ROWS, target, text, self._clock.now())

    async def list(self, kind: ResourceKind, command: Command) -> Listing:
        """Return one page of the records that fit the command's filters, in its order."""
        page = await self._resources.list(kind)
        now = self._clock.now()
        records = [record.values() for record in page.records]
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
        )

    async def get(self, kind: ResourceKind, command: Command) -> Outcome:
        """Return the record the command names."""
        found = await self.target(kind, command)
        return found if isinstance(found, NotFound | Ambiguous) else self.shown(kind, found)

    def shown(self, kind: ResourceKind, values: Values) -> Shown:
        """Return a record as an outcome, as of now."""
        return Shown(kind, values, self._clock.now())

    async def target(self, kind: ResourceKind, command: Command) -> Values | NotFound | Ambiguous:
        """Find the record that the command's target names, and read it as it is now."""
        name = command.target or ""
        page = await self._resources.list(kind)
        records = [record.values() for record in page.records]
        found = find(kind, records, name)
        if len(found) > 1:
            return Ambiguous(
                kind,
                name,
                found[:CANDIDATES],
                tuple(_pointed_at(command, values) for values in found[:CANDIDATES]),
                reads_only=command.spec.effect is Effect.GET,
            )
        # A list that was cut may lack the record, so its id is asked for directly.
        record_id = str(found[0]["id"]) if found else name if page.is_cut else None
        record = await self._resources.get(kind, record_id) if record_id else None
        if record is None:
            return NotFound(kind, name, near(kind, records, name))
        return record.values()


def _pointed_at(command: Command, values: Values) -> str:
    pointed = Command(command.spec, (str(values["id"]),), command.options, command.changes)
    return format_command(pointed)
