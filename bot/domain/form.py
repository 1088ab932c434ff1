"""A command's form: its fields follow from the one declaration, and so does what they may hold.

A form carries nothing but what people put into it: the command it makes is judged like typed text.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pydantic import JsonValue

from bot.domain.resource import Effect, Option, Property, ResourceKind, ValueType
from bot.domain.select import SORT
from bot.domain.spec import OPERATION, Argument, Command, CommandSpec
from bot.domain.text import Span, Wrong, clean_value
from bot.domain.values import (
    ON,
    argument_value,
    option_value,
    property_value,
    settable,
)

ARGUMENT, PROPERTY, OPTION = "arg.", "set.", "opt."
FORM_ID, FORM_SEEN = "form.id", "form.seen"
FIELD_LIMIT = 500
FORM_BYTES = 10 * 1024
"""So much of what is filled in fits on a card together with the form itself, as JSON in ASCII."""
RECORD_ABOUT = "Begin to type its name or its id."
TARGET_ID: Final = f"{ARGUMENT}target"
EMPTY: Final = '""'
"""What empties a property, as it does where it is typed: `version=""`."""
# What the client checks is what the server does, with the quotes and dots that it reads alike.
_QUOTED: Final = '["\u201c\u201d\u201e\u201f\uff02]{2}'
_DOT: Final = ".\u2024\uff0e"
PATTERNS: Final = {
    ValueType.EMAIL: rf"^\s*(?:{_QUOTED}|[^@\s]+@[^@\s{_DOT}]+(?:[{_DOT}][^@\s{_DOT}]+)+)\s*$",
    ValueType.DURATION: r"^\s*[1-9][0-9]{0,5}[smhdSMHD]\s*$",
    ValueType.NUMBER: r"^\s*[0-9]+\s*$",
}


class Entry(StrEnum):
    """How a field is filled in; a record is looked for while one types, an operation chosen."""

    TEXT = "text"
    NUMBER = "number"
    TOGGLE = "toggle"
    CHOICE = "choice"
    OPERATION = "operation"
    RECORD = "record"


@dataclass(frozen=True, slots=True)
class Field:
    """One input. `name` is the property's or option's own; `default` is what an empty one means."""

    id: str
    name: str
    label: str
    about: str
    entry: Entry = Entry.TEXT
    choices: tuple[str, ...] = ()
    is_required: bool = False
    pattern: str = ""
    default: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a field, or with the whole where `field` is empty; `code` names it."""

    field: str
    code: str
    details: tuple[tuple[str, str], ...] = ()


def fields_of(spec: CommandSpec, kind: ResourceKind | None) -> tuple[Field, ...]:
    """Return a command's fields in the order it is typed; none for a command that takes nothing."""
    return (
        *(_argument(spec, argument, kind) for argument in spec.arguments),
        *(_property(spec, p) for p in spec.properties),
        *(_option(option, kind) for option in spec.options if not option.is_typed_only),
    )


def _argument(spec: CommandSpec, argument: Argument, kind: ResourceKind | None) -> Field:
    is_record = kind is not None and not argument.choices
    return Field(
        f"{ARGUMENT}{argument.name}",
        argument.name,
        _label(argument.name),
        RECORD_ABOUT if is_record else argument.about,
        Entry.RECORD if is_record else _argument_entry(argument),
        argument.choices,
        # Many at once are for those who type: here it is always one.
        is_required=argument.is_required or (is_record and spec.effect is not None),
        pattern=PATTERNS.get(argument.type, ""),
    )


def _argument_entry(argument: Argument) -> Entry:
    return Entry.OPERATION if argument == OPERATION else _entry(argument.type, argument.choices)


def _property(spec: CommandSpec, declared: Property) -> Field:
    wire = declared.wire
    choices = settable(declared)
    if choices and spec.effect is Effect.UPDATE:
        choices = (*choices, EMPTY)
    return Field(
        f"{PROPERTY}{declared.name}",
        declared.name,
        wire.label,
        wire.about,
        _entry(wire.type, choices),
        choices,
        pattern=PATTERNS.get(wire.type, ""),
    )


def _option(option: Option, kind: ResourceKind | None) -> Field:
    by = kind.property(option.name) if kind and option.is_filter else None
    choices = tuple(option.choices) or (by.wire.choices if by else ())
    if kind is not None and option.name == SORT:
        choices = tuple(way for p in kind.properties for way in (p.name, f"-{p.name}"))
    return Field(
        f"{OPTION}{option.name}",
        option.name,
        by.label if by else _label(option.name),
        option.about,
        Entry.TOGGLE if option.is_flag else _entry(option.type, choices),
        choices,
        pattern=PATTERNS.get(option.type, ""),
        default=option.default or "",
    )


def _entry(kind: ValueType, choices: tuple[str, ...]) -> Entry:
    if choices:
        return Entry.CHOICE
    return Entry.NUMBER if kind is ValueType.NUMBER else Entry.TEXT


def _label(name: str) -> str:
    return name.replace("-", " ").capitalize()


def inputs_of(command: Command) -> dict[str, str]:
    """Return what the form's fields hold when it makes this command."""
    placed = zip(command.spec.arguments, command.arguments, strict=False)
    return {
        **{f"{ARGUMENT}{argument.name}": value for argument, value in placed},
        **{f"{PROPERTY}{name}": value or EMPTY for name, value in command.changes.items()},
        **{
            f"{OPTION}{option.name}": "true" if option.is_flag else command.options[option.name]
            for option in command.spec.options
            if option.name in command.options and not option.is_typed_only
        },
    }


def texts_of(inputs: Mapping[str, JsonValue]) -> dict[str, str]:
    """Return what was filled in as texts; what is none, a list for instance, falls away."""
    return {
        name: _text(value)
        for name, value in inputs.items()
        if value is not None and not isinstance(value, dict | list)
    }


def is_too_much(inputs: Mapping[str, str]) -> bool:
    """Whether a form with this in its fields would have to cut some of it to become a card."""
    filled = [v for k, v in inputs.items() if k.startswith((ARGUMENT, PROPERTY, OPTION))]
    return sum(len(json.dumps(value)) for value in filled) > FORM_BYTES


def _text(value: JsonValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def read_form(
    spec: CommandSpec, kind: ResourceKind | None, inputs: Mapping[str, str]
) -> Command | tuple[Problem, ...]:
    """Read what was filled in as the command it makes, or return everything that is wrong with it."""
    reading = _Reading(spec, kind)
    for field in fields_of(spec, kind):
        reading.take(field, inputs.get(field.id, ""))
    known = {field.id for field in fields_of(spec, kind)}
    if any(name.startswith((ARGUMENT, PROPERTY, OPTION)) and name not in known for name in inputs):
        reading.problems.append(Problem("", "form-changed"))
    if reading.problems:
        return tuple(reading.problems)
    return Command(spec, tuple(reading.arguments), reading.options, reading.changes)


class _Reading:
    """The parts of one command, field by field."""

    def __init__(self, spec: CommandSpec, kind: ResourceKind | None) -> None:
        self.spec = spec
        self.kind = kind
        self.arguments: list[str] = []
        self.options: dict[str, str] = {}
        self.changes: dict[str, str] = {}
        self.problems: list[Problem] = []
        self._has_gap = False

    def take(self, field: Field, raw: str) -> None:
        text = clean_value(raw[: 2 * FIELD_LIMIT])
        try:
            self._take(field, _short(text))
        except Wrong as wrong:
            self.problems.append(Problem(field.id, wrong.code, wrong.details))

    def _take(self, field: Field, value: Span) -> None:
        if field.id.startswith(ARGUMENT):
            self._take_argument(field, value)
        elif field.id.startswith(PROPERTY):
            wanted = self.spec.property(field.name)
            if wanted is not None and value.text:
                is_emptied = value.text == EMPTY
                meant = "" if is_emptied else property_value(wanted, value)
                self.changes[wanted.name] = meant
        elif value.text and value.text != field.default:
            self._take_option(field, value)

    def _take_argument(self, field: Field, value: Span) -> None:
        if not value.text:
            self._has_gap = True
            if field.is_required:
                raise Wrong("argument-missing", value, name=field.name)
            return
        if self._has_gap:
            raise Wrong("argument-before", value)
        declared = next(a for a in self.spec.arguments if a.name == field.name)
        self.arguments.append(argument_value(declared, value))

    def _take_option(self, field: Field, value: Span) -> None:
        option = self.spec.option(field.name)
        if option is None:
            return
        if not option.is_flag:
            self.options[option.name] = option_value(self.kind, option, value)
        elif value.text.casefold() == "true":
            self.options[option.name] = ON
        elif value.text.casefold() != "false":
            raise Wrong("bad-value", value, token=value.text)


def _short(text: str) -> Span:
    whole = Span(text, 0, len(text))
    if len(text) > FIELD_LIMIT:
        raise Wrong("value-long", whole, limit=str(FIELD_LIMIT))
    return whole
