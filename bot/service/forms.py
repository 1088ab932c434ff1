"""Forms: what a command's form shows, and what comes of sending it.

A form is sent to the same line as typed text. Whatever hinders the command comes back on the form,
beside its field, with all that was filled in.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from bot.domain.command import TEXT_LIMIT, Catalogue, Command, CommandSpec
from bot.domain.errors import BotError, UserError
from bot.domain.form import (
    ARGUMENT,
    FORM_ID,
    FORM_SEEN,
    OPTION,
    PROPERTY,
    TARGET_ID,
    Entry,
    Field,
    Problem,
    fields_of,
    read_form,
)
from bot.domain.form_id import is_form_id, is_old, new_form_id
from bot.domain.offer import Form
from bot.domain.outcome import (
    Ambiguous,
    Noted,
    NotFound,
    Outcome,
    Planned,
)
from bot.domain.parse import format_command
from bot.domain.plan import volatile_of
from bot.domain.policy import Person, Policy, permitted
from bot.domain.resource import Effect, ResourceKind, Values
from bot.domain.select import arrange, find
from bot.service.choices import Choices
from bot.service.intent import Filled, Opening
from bot.service.ports import World
from bot.service.records import last_look, records_of

log = structlog.get_logger(__name__)
LOOK_S = 1.2
TYPING = timedelta(seconds=5)
"""How long what was looked up serves whoever goes on typing."""

"""So long a form waits for the records it may be about; it opens without them all the same."""
CHOICES = 20
_FIELD_OF = {
    "reason-missing": f"{OPTION}reason",
    "target-missing": TARGET_ID,
    "operation-missing": f"{ARGUMENT}operation",
}


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at a form, and where."""

    policy: Policy
    person: Person
    conversation: str


@dataclass(frozen=True, slots=True)
class Search:
    """What somebody types into a field that looks for records: at most `top` after `skip`."""

    dataset: str
    text: str = ""
    skip: int = 0
    top: int = CHOICES


@dataclass(frozen=True, slots=True)
class Matches:
    """The records that a search found."""

    kind: ResourceKind
    rows: tuple[Values, ...]


class Forms:
    """Makes forms; what they send is carried out by others."""

    def __init__(self, world: World, *, choices: Choices, catalogue: Catalogue) -> None:
        self._world = world
        self._looked: dict[str, tuple[datetime, tuple[Values, ...]]] = {}
        self._choices = choices
        self._catalogue = catalogue

    async def opened(self, opening: Opening, viewer: Viewer) -> Form:
        """Return the form of a command, with what is known filled in."""
        return await self._form(opening.spec, opening.inputs, viewer, opening.problems)

    async def refused(self, filled: Filled, viewer: Viewer, problems: tuple[Problem, ...]) -> Form:
        """Return the form as it was filled in, with what is wrong beside it."""
        return await self._form(filled.spec, filled.inputs, viewer, problems)

    def lapsed(self, filled: Filled) -> Noted | None:
        """Return that a form is too old to be sent, with what to type for a new one."""
        form_id = filled.inputs.get(FORM_ID, "")
        if not is_form_id(form_id) or not is_old(form_id, self._world.clock.now()):
            return None
        return Noted("form-old", (("command", f"/{filled.spec.title}"),))

    def _new_id(self) -> str:
        return new_form_id(self._world.clock.now(), self._world.ids.new())

    def read(self, filled: Filled) -> Command | tuple[Problem, ...]:
        """Return the command that was filled in, or everything that is wrong with it."""
        kind = self._catalogue.kinds.get(filled.spec.subject)
        read = read_form(filled.spec, kind, filled.inputs)
        if isinstance(read, Command) and len(format_command(read)) > TEXT_LIMIT:
            return (Problem("", "too-long", (("limit", str(TEXT_LIMIT)),)),)
        return read

    async def answered(self, filled: Filled, viewer: Viewer, outcome: Outcome) -> Outcome:
        """Return what became of a form: the form again while there is something to do on it."""
        match outcome:
            case Planned(kind=kind, plan=plan, rule=rule):
                form = await self._form(filled.spec, filled.inputs, viewer, ())
                seen = plan.fingerprint(volatile_of(kind))
                # What an undo comes to is about a kind that its own form does not know.
                return replace(form, kind=kind, plan=plan, rule=rule, seen=seen)
            case NotFound(kind=kind, target=name):
                missing = Problem(
                    TARGET_ID, "record-missing", (("kind", kind.title), ("target", name))
                )
                return await self._form(filled.spec, filled.inputs, viewer, (missing,))
            case Ambiguous():
                return await self.picker(filled, viewer, outcome)
            case _:
                return outcome

    async def picker(self, given: Filled | Opening, viewer: Viewer, found: Ambiguous) -> Form:
        """Return the form with nothing but those records to choose from that fit a name."""
        several = Problem(
            TARGET_ID,
            "record-ambiguous",
            (("kind", found.kind.title), ("target", found.target)),
        )
        inputs = {k: v for k, v in given.inputs.items() if k != TARGET_ID}
        form = await self._form(given.spec, inputs, viewer, (several,), found.candidates)
        return replace(form, twins=found.commands)

    async def search(self, kind: ResourceKind, search: Search, viewer: Viewer) -> Matches | Noted:
        """Return the records whose name or id fits a text, best first."""
        if not self._may_look(kind, viewer):
            return Noted("search-denied", (("kind", kind.plural),))
        folded = search.text.strip().casefold()
        fitting = [v for v in await self._looked_up(kind) if _rank(kind, v, folded) is not None]
        fitting.sort(key=lambda values: _rank(kind, values, folded) or 0)
        return Matches(kind, tuple(fitting[search.skip : search.skip + search.top]))

    async def _looked_up(self, kind: ResourceKind) -> tuple[Values, ...]:
        """Return what is known of a kind; who types a name does not ask Graph for each letter."""
        now = self._world.clock.now()
        at, rows = self._looked.get(kind.name, (now, ()))
        if not rows or not timedelta() <= now - at < TYPING:
            rows = await self._records(kind)
            self._looked[kind.name] = (now, rows)
        return rows

    def _may_look(self, kind: ResourceKind, viewer: Viewer) -> bool:
        """Whether somebody may see which records there are."""
        looks = [
            spec
            for spec in self._catalogue.specs
            if spec.subject == kind.name and spec.effect is Effect.LIST
        ]
        return bool(
            permitted(viewer.policy, viewer.person, looks, conversation=viewer.conversation)
        )

    async def _form(
        self,
        spec: CommandSpec,
        inputs: Mapping[str, str],
        viewer: Viewer,
        problems: tuple[Problem, ...],
        among: tuple[Values, ...] = (),
    ) -> Form:
        kind = self._catalogue.kinds.get(spec.subject)
        fields = fields_of(spec, kind)
        given = inputs.get(FORM_ID, "")
        form = Form(
            spec,
            fields,
            given if is_form_id(given) else self._new_id(),
            {k: v for k, v in inputs.items() if k.startswith((ARGUMENT, PROPERTY, OPTION))},
            problems,
            kind,
        )
        form = await self._choices.offered(form, viewer.policy, viewer.person)
        if kind is None or all(field.entry is not Entry.RECORD for field in fields):
            return form
        records = among
        if not among and self._may_look(kind, viewer):
            records = await self._records(kind)
        return _about(form, kind, records)

    async def _records(self, kind: ResourceKind) -> tuple[Values, ...]:
        """Return what is known of a kind in time, what wants a look first; nobody waits for Graph."""
        try:
            async with asyncio.timeout(LOOK_S):
                rows = (await records_of(self._world, kind)).rows
        except TimeoutError:
            seen = await last_look(self._world, kind)
            rows = seen.rows if seen else ()
        except BotError as error:
            log.info("form without records", kind=kind.name, reason=str(error))
            return ()
        return arrange(kind, rows, {}, self._world.clock.now())


def activity_of(filled: Filled, command: Command, oid: str, otherwise: str) -> str:
    """Return under which name a form has its one effect, however often it is sent.

    A form in a channel is everybody's: what one person did with it, or what was filled in before,
    or with another plan on it, is not what somebody else does.
    """
    form_id = filled.inputs.get(FORM_ID, "")
    if not is_form_id(form_id):
        return otherwise
    said = "\n".join((seen_of(filled), format_command(command)))
    return f"form:{form_id}:{oid}:{hashlib.sha256(said.encode()).hexdigest()[:16]}"


def seen_of(filled: Filled) -> str:
    """Return the fingerprint of the plan that stood on the form, empty for none."""
    return filled.inputs.get(FORM_SEEN, "")


def problems_of(
    error: UserError, spec: CommandSpec, kind: ResourceKind | None
) -> tuple[Problem, ...]:
    """Return why a command that was filled in cannot be carried out, beside the field it is about."""
    details = tuple(error.details.items())
    if error.code == "identity-missing" and kind is not None:
        named = [p for p in kind.identities if spec.property(p.name)]
        return tuple(Problem(f"{PROPERTY}{p.name}", error.code, details) for p in named)
    field = _FIELD_OF.get(error.code, "")
    known = {each.id for each in fields_of(spec, kind)}
    return (Problem(field if field in known else "", error.code, details),)


def _about(form: Form, kind: ResourceKind, records: tuple[Values, ...]) -> Form:
    """Return a form with the records to choose from; free text where they cannot hold the choice."""
    target = next(field for field in form.fields if field.entry is Entry.RECORD)
    name = form.values.get(target.id, "")
    found = find(kind, records, name) if name else ()
    if not records or (name and len(found) != 1):
        return replace(form, fields=_with(form.fields, replace(target, entry=Entry.TEXT)))
    chosen = found[:1]
    others = [values for values in records if values not in chosen]
    return replace(
        form,
        values={**form.values, target.id: str(chosen[0]["id"])} if chosen else form.values,
        records=(*chosen, *others)[:CHOICES],
        record=chosen[0] if chosen else None,
    )


def _with(fields: tuple[Field, ...], changed: Field) -> tuple[Field, ...]:
    return tuple(changed if field.id == changed.id else field for field in fields)


def _rank(kind: ResourceKind, values: Values, folded: str) -> int | None:
    """Return how well a record fits a text: 0 a name begins so, 1 holds it, 2 the id begins so."""
    texts = [str(values.get(p.name) or "").casefold() for p in kind.identities]
    if any(text.startswith(folded) for text in texts):
        return 0
    if any(folded in text for text in texts):
        return 1
    return 2 if str(values.get("id")).casefold().startswith(folded) else None
