"""Reads one value of a command by its declaration, whether it was typed or filled into a form.

Names are read in any case and given back as they are declared. What does not fit is a `Wrong`.
"""

from collections.abc import Iterable
from re import compile as pattern

from bot.domain.resource import Option, Property, ResourceKind, ValueType
from bot.domain.select import SORT, STALE
from bot.domain.spec import PAGE, Argument
from bot.domain.text import Span, Wrong, parse_duration, similar

ON = "on"
PAGE_MAX = 10_000
# Graph's placeholder for members to come: a status may read so, nobody can set it.
UNSETTABLE = "unknownFutureValue"
_NUMBER = pattern(r"[0-9]{1,5}")


def argument_value(argument: Argument, value: Span) -> str:
    """Return what is meant for a word that has a place."""
    if not value.text.strip():
        raise missing(argument, value)
    if argument.choices:
        return _chosen(value, argument.choices, argument.name)
    return value.text


def option_value(kind: ResourceKind | None, option: Option, value: Span) -> str:
    """Return what is meant for an option that takes a value; `kind` is the command's, if any."""
    if option.choices:
        return _chosen(value, option.choices, option.name)
    if option.name == PAGE.name:
        return _page(value)
    if kind is None:
        return value.text
    if option.name == STALE:
        return _duration(value)
    if option.name == SORT:
        return _order(value, kind.properties)
    by = kind.property(option.name)
    choices = by.wire.choices if by else ()
    meant = _canonical(value.text, choices)
    if meant is None and similar(value.text, choices):
        raise Wrong(
            "bad-choice", value, token=value.text, name=option.name, choices=", ".join(choices)
        )
    # Graph may know more values than are declared here.
    return meant or value.text


def property_value(wanted: Property, value: Span) -> str:
    """Return what a property is to be set to; empty clears it."""
    if not value.text:
        return ""
    if wanted.wire.choices:
        return _chosen(value, settable(wanted), wanted.name)
    if wanted.wire.type is ValueType.EMAIL and not is_email(value.text):
        raise Wrong("bad-email", value, token=value.text, name=wanted.name)
    return value.text


def settable(wanted: Property) -> tuple[str, ...]:
    """Return the values of a property with choices that somebody can set."""
    return tuple(c for c in wanted.wire.choices if c != UNSETTABLE)


def names(declared: Iterable[Option] | Iterable[Property]) -> tuple[str, ...]:
    """Return the names of what is declared, in its order."""
    return tuple(one.name for one in declared)


def missing(argument: Argument, span: Span) -> Wrong:
    """Return that a word with a place is not there."""
    return Wrong("argument-missing", span, name=argument.name)


def _canonical(text: str, names: Iterable[str]) -> str | None:
    folded = text.casefold()
    return next((name for name in names if name.casefold() == folded), None)


def _chosen(value: Span, choices: Iterable[str], name: str) -> str:
    meant = _canonical(value.text, choices)
    if meant is None:
        raise Wrong("bad-choice", value, token=value.text, name=name, choices=", ".join(choices))
    return meant


def _page(value: Span) -> str:
    if not _NUMBER.fullmatch(value.text) or not 1 <= int(value.text) <= PAGE_MAX:
        raise Wrong("bad-number", value, token=value.text, name=PAGE.name, last=str(PAGE_MAX))
    return str(int(value.text))


def _duration(value: Span) -> str:
    if parse_duration(value.text) is None:
        raise Wrong("bad-duration", value, token=value.text)
    return value.text.lower()


def _order(value: Span, properties: tuple[Property, ...]) -> str:
    declared = names(properties)
    sign = "-" if value.text.startswith("-") else ""
    typed = value.text.removeprefix("-")
    meant = _canonical(typed, declared)
    if meant is None:
        near = ", ".join(similar(typed, declared))
        raise Wrong("bad-sort", value, token=value.text, near=near, names=", ".join(declared))
    return sign + meant


def is_email(text: str) -> bool:
    """Whether the text has the shape of a mail address; whether it exists is for the far side."""
    local, _, domain = text.partition("@")
    has_shape = local and "@" not in domain and "." in domain and all(domain.split("."))
    return bool(has_shape) and not any(character.isspace() for character in text)
