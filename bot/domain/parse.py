"""Text to command and back: `[/]<kind> <verb> [<target>] [--option value] [name=value …]`.

After the command itself the words may come in any order. Names are read in any case and given back
as they are declared. Nothing is guessed: what does not fit is a `Misread` that points at it.
"""

from collections.abc import Iterable
from re import compile as pattern
from types import MappingProxyType

from bot.domain.command import BOT, PAGE, TEXT_LIMIT, Argument, Catalogue, Command, CommandSpec
from bot.domain.outcome import Misread
from bot.domain.resource import Effect, Option, Property, ValueType
from bot.domain.select import SORT, STALE
from bot.domain.text import (
    Span,
    Word,
    Wrong,
    gap_end,
    parse_duration,
    quoted,
    similar,
    word_at,
)

ON = "on"
PAGE_MAX = 10_000
# Graph's placeholder for members to come: a status may read so, nobody can set it.
UNSETTABLE = "unknownFutureValue"
_SUGGESTED = 3
_NUMBER = pattern(r"[0-9]{1,5}")


def parse(text: str, catalogue: Catalogue) -> Command | Misread:
    """Read a plain text (see `clean`) as one command of the catalogue.

    Suggestions are titles of commands, whoever may run them; the caller leaves out the rest.
    """
    spec = None
    try:
        spec, position = _command_at_start(text, catalogue)
        return _Reading(text, catalogue, spec).read(position)
    except Wrong as wrong:
        return Misread(
            wrong.code,
            text,
            wrong.span.start,
            wrong.span.end,
            spec=spec,
            suggestions=wrong.suggestions,
            details=wrong.details,
        )


def _end_of(text: str) -> Span:
    return Span("", len(text), len(text))


def _command_at_start(text: str, catalogue: Catalogue) -> tuple[CommandSpec, int]:
    """Return the command that the first words name, and where these end."""
    if len(text) > TEXT_LIMIT:
        beyond = Span(text[TEXT_LIMIT:], TEXT_LIMIT, len(text))
        raise Wrong("too-long", beyond, limit=str(TEXT_LIMIT))
    start = gap_end(text, 0)
    if start == len(text):
        raise Wrong("empty", _end_of(text))
    first = word_at(text, start).whole
    name = first.text.removeprefix("/").casefold()
    if not name:
        raise Wrong("empty", first)
    if name in catalogue.kinds:
        return _verb_at(text, catalogue, name, first.end)
    spec = catalogue.find(BOT, name)
    if spec is None:
        suggestions = _similar_commands(text[start:].removeprefix("/"), catalogue)
        raise Wrong("unknown-command", first, suggestions=suggestions, token=first.text)
    return spec, first.end


def _verb_at(text: str, catalogue: Catalogue, kind: str, position: int) -> tuple[CommandSpec, int]:
    specs = tuple(spec for spec in catalogue.specs if spec.subject == kind)
    start = gap_end(text, position)
    if start == len(text):
        titles = tuple(spec.title for spec in specs)
        raise Wrong("verb-missing", _end_of(text), suggestions=titles, kind=kind)
    word = word_at(text, start).whole
    spec = catalogue.find(kind, word.text.casefold())
    if spec is None:
        titles_by_verb = {verb: s.title for s in specs for verb in (s.verb, *s.aliases)}
        near = dict.fromkeys(titles_by_verb[v] for v in similar(word.text, titles_by_verb))
        raise Wrong("unknown-verb", word, suggestions=tuple(near), kind=kind, token=word.text)
    return spec, word.end


def _similar_commands(text: str, catalogue: Catalogue) -> tuple[str, ...]:
    """Return titles like the first two words, or with the first word as their verb."""
    first, second = [*text.split(maxsplit=2)[:2], ""][:2]
    titles = [spec.title for spec in catalogue.specs]
    both = similar(f"{first} {second}".rstrip(), titles)
    verbs = similar(first, (spec.verb for spec in catalogue.specs))
    alone = (spec.title for verb in verbs for spec in catalogue.specs if spec.verb == verb)
    return tuple(dict.fromkeys((*both, *alone)))[:_SUGGESTED]


class _Reading:
    """The words of one command after its name, as they are read."""

    def __init__(self, text: str, catalogue: Catalogue, spec: CommandSpec) -> None:
        self.text = text
        self.spec = spec
        self.kind = catalogue.kinds.get(spec.subject)
        self.arguments: list[str] = []
        self.options: dict[str, str] = {}
        self.changes: dict[str, str] = {}

    def read(self, position: int) -> Command:
        while (position := gap_end(self.text, position)) < len(self.text):
            if self._takes_rest:
                self.arguments.append(self.text[position:].rstrip())
                break
            position = self._take(word_at(self.text, position))
        for argument in self.spec.arguments[len(self.arguments) :]:
            if argument.is_required:
                raise _missing(argument, _end_of(self.text))
        return Command(
            self.spec,
            tuple(self.arguments),
            MappingProxyType(self.options),
            MappingProxyType(self.changes),
        )

    @property
    def _takes_rest(self) -> bool:
        following = self.spec.arguments[len(self.arguments) :][:1]
        return any(argument.is_rest for argument in following)

    def _take(self, word: Word) -> int:
        if word.is_option:
            return self._take_option(word)
        if word.key is not None and word.value is not None:
            self._take_change(word.key, word.value)
        else:
            self._take_argument(word.whole)
        return word.whole.end

    def _take_argument(self, span: Span) -> None:
        if len(self.arguments) == len(self.spec.arguments):
            raise Wrong("too-many-words", span, token=span.text)
        argument = self.spec.arguments[len(self.arguments)]
        if not span.text.strip():
            raise _missing(argument, span)
        meant = span.text
        if argument.choices:
            meant = _chosen(span, argument.choices, argument.name)
        self.arguments.append(meant)

    def _take_option(self, word: Word) -> int:
        written = word.key or word.whole
        name = written.text[2:]
        option = self.spec.option(name)
        if option is None:
            near = ", ".join(f"--{o}" for o in similar(name, _names(self.spec.options)))
            raise Wrong("unknown-option", written, token=written.text, near=near)
        if option.name in self.options:
            raise Wrong("repeated", written, token=written.text)
        if option.is_flag:
            if word.value is not None:
                raise Wrong("value-unwanted", word.value, token=written.text)
            self.options[option.name] = ON
            return word.whole.end
        value = word.value or self._value_after(word)
        if value is None or not value.text.strip():
            raise Wrong("value-missing", word.whole, token=written.text)
        self.options[option.name] = self._meant(option, value)
        return value.end

    def _value_after(self, word: Word) -> Span | None:
        """Return the next word, unless it is clearly something else: an option or a change."""
        start = gap_end(self.text, word.whole.end)
        if start == len(self.text):
            return None
        following = word_at(self.text, start)
        is_change = following.key is not None and self.spec.property(following.key.text)
        return None if following.is_option or is_change else following.whole

    def _meant(self, option: Option, value: Span) -> str:
        if option.choices:
            return _chosen(value, option.choices, option.name)
        if option.name == PAGE.name:
            return _page(value)
        if self.spec.effect is not Effect.LIST or self.kind is None:
            return value.text
        if option.name == STALE:
            return _duration(value)
        if option.name == SORT:
            return _order(value, self.kind.properties)
        by = self.kind.property(option.name)
        choices = by.wire.choices if by else ()
        return _canonical(value.text, choices) or value.text

    def _take_change(self, key: Span, value: Span) -> None:
        if not self.spec.properties:
            near = ", ".join(f"--{o}" for o in similar(key.text, _names(self.spec.options)))
            raise Wrong("changes-unwanted", key, token=key.text, near=near)
        wanted = self.spec.property(key.text)
        if wanted is None:
            raise self._not_settable(key)
        if wanted.name in self.changes:
            raise Wrong("repeated", key, token=key.text)
        self.changes[wanted.name] = _settable(wanted, value) if value.text else ""

    def _not_settable(self, key: Span) -> Wrong:
        kept = self.kind.property(key.text) if self.kind else None
        if kept is not None or key.text.casefold() == "id":
            return Wrong("property-kept", key, token=key.text)
        near = ", ".join(similar(key.text, _names(self.spec.properties)))
        return Wrong("unknown-property", key, token=key.text, near=near)


def _names(declared: Iterable[Option] | Iterable[Property]) -> tuple[str, ...]:
    return tuple(one.name for one in declared)


def _missing(argument: Argument, span: Span) -> Wrong:
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
    names = _names(properties)
    sign = "-" if value.text.startswith("-") else ""
    typed = value.text.removeprefix("-")
    meant = _canonical(typed, names)
    if meant is None:
        near = ", ".join(similar(typed, names))
        raise Wrong("bad-sort", value, token=value.text, near=near, names=", ".join(names))
    return sign + meant


def _settable(wanted: Property, value: Span) -> str:
    if wanted.wire.choices:
        choices = tuple(c for c in wanted.wire.choices if c != UNSETTABLE)
        return _chosen(value, choices, wanted.name)
    if wanted.wire.type is ValueType.EMAIL and not is_email(value.text):
        raise Wrong("bad-email", value, token=value.text, name=wanted.name)
    return value.text


def is_email(text: str) -> bool:
    """Whether the text has the shape of a mail address; whether it exists is for the far side."""
    local, _, domain = text.partition("@")
    has_shape = local and "@" not in domain and "." in domain and all(domain.split("."))
    return bool(has_shape) and not any(character.isspace() for character in text)


def format_command(command: Command) -> str:
    """Return the text that `parse` reads as this command."""
    spec = command.spec
    arguments = [
        value if argument.is_rest else quoted(value)
        for argument, value in zip(spec.arguments, command.arguments, strict=False)
    ]
    changes = [f"{name}={quoted(value)}" for name, value in command.changes.items()]
    options = [_option_text(spec, name, value) for name, value in command.options.items()]
    return " ".join((f"/{spec.title}", *arguments, *changes, *options))


def _option_text(spec: CommandSpec, name: str, value: str) -> str:
    option = spec.option(name)
    if option is not None and option.is_flag:
        return f"--{name}"
    return f"--{name} {quoted(value)}"
