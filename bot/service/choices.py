"""What a form offers to choose from beyond what its declaration says: commands, kinds, operations."""

from collections.abc import Sequence
from dataclasses import replace

import structlog

from bot.domain.again import may_ask_again
from bot.domain.command import Argument, Catalogue, CommandSpec
from bot.domain.errors import BotError
from bot.domain.form import ARGUMENT, Entry, Field
from bot.domain.offer import Form
from bot.domain.operation import Operation, State
from bot.domain.policy import Person, Policy
from bot.domain.undo import may_undo
from bot.service.pending import Pending
from bot.service.ports import World

log = structlog.get_logger(__name__)
OFFERED = 20
LOOKED_AT = 100
"""So many of the newest operations are looked through for those that somebody may mean."""


class Choices:
    """Offers what somebody is likely to mean; whatever they choose is judged like typed text."""

    def __init__(self, world: World, *, pending: Pending, catalogue: Catalogue) -> None:
        self._world = world
        self._pending = pending
        self._catalogue = catalogue

    async def offered(self, form: Form, policy: Policy, person: Person) -> Form:
        """Return a form with choices where there are any; a field that holds another stays text."""
        arguments = {f"{ARGUMENT}{a.name}": a for a in form.spec.arguments}
        fields = tuple(self._closed(form, f, arguments.get(f.id)) for f in form.fields)
        form = replace(form, fields=fields)
        asked = next((f for f in fields if f.entry is Entry.OPERATION), None)
        if asked is None:
            return form
        operations = await self._operations(form.spec, policy, person)
        value = form.values.get(asked.id, "").upper()
        if not operations or (value and value not in {o.short for o in operations}):
            text = replace(asked, entry=Entry.TEXT)
            return replace(form, fields=tuple(text if f is asked else f for f in fields))
        values = {**form.values, asked.id: value} if value else form.values
        return replace(form, values=values, operations=operations)

    def _closed(self, form: Form, field: Field, argument: Argument | None) -> Field:
        """Return a field of a command or a kind as the choice among those there are."""
        names: tuple[str, ...] = ()
        if argument is not None and argument.names_kind:
            names = tuple(self._catalogue.kinds)
        elif argument is not None and argument.names_command:
            names = tuple(spec.title for spec in self._catalogue.specs)
        value = form.values.get(field.id, "")
        if not names or (value and value not in names):
            return field
        return replace(field, entry=Entry.CHOICE, choices=names)

    async def _operations(
        self, spec: CommandSpec, policy: Policy, person: Person
    ) -> tuple[Operation, ...]:
        """Return what a person may mean; none where the records cannot be read."""
        who = (person.tenant, person.oid)
        try:
            match spec.verb:
                case "approve" | "reject":
                    waiting = await self._pending.waiting(person, policy)
                    return tuple(shown.operation for shown in waiting.to_decide)[:OFFERED]
                case "cancel":
                    waits = await self._world.store.asked_by(who, OFFERED)
                    return tuple(operation for operation, _ in waits.rows)
                case _:
                    newest = await self._world.store.operations(
                        tenant=person.tenant, target=None, offset=0, limit=LOOKED_AT
                    )
                    return _meant(spec, newest, who)
        except BotError as error:
            log.info("form without operations", permission=spec.permission, reason=str(error))
            return ()


def _meant(
    spec: CommandSpec, newest: Sequence[Operation], who: tuple[str, str]
) -> tuple[Operation, ...]:
    """Return the operations that a command can be about: one's own, or any that wants an answer."""
    if spec.verb == "resolve":
        fitting = [o for o in newest if o.state is State.UNKNOWN]
    else:
        fitting = [o for o in newest if (o.actor.tenant, o.actor.oid) == who and _fits(spec, o)]
    return tuple(fitting[:OFFERED])


def _fits(spec: CommandSpec, operation: Operation) -> bool:
    if spec.verb == "again":
        return may_ask_again(operation)
    return may_undo(operation)
