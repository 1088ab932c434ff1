"""Text to command and back: `[/]<kind> <verb> [<target>] [--option value] [name=value …]`.

After the command itself the words may come in any order. Names are read in any case and given back
as they are declared. Nothing is guessed: what does not fit is a `Misread` that points at it.
"""

from types import MappingProxyType

from bot.domain.command import BOT, TEXT_LIMIT, Catalogue, Command, CommandSpec
from bot.domain.outcome import Misread
from bot.domain.text import (
    Span,
    Word,
    Wrong,
    closeness,
    gap_end,
    nearest,
    quoted,
    similar,
    word_at,
)
from bot.domain.values import ON, argument_value, missing, names, option_value, property_value


def parse(text: str, catalogue: Catalogue) -> Command | Misread:
    """Read a plain text (see `clean`) as one command of the catalogue.

    Suggestions are titles of commands, whoever may run them; the caller leaves out the rest.
    """
    spec = reading = None
    try:
        spec, position = _command_at_start(text, catalogue)
        reading = _Reading(text, catalogue, spec)
        return reading.read(position)
    except Wrong as wrong:
        return Misread(
            wrong.code,
            text,
            wrong.span.start,
            wrong.span.end,
            spec=spec,
            suggestions=wrong.suggestions,
            details=wrong.details,
            so_far=reading.command if reading and wrong.code == "argument-missing" else None,
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
    both = f"{first} {second}".rstrip()
    return nearest(
        (
            spec.title,
            max(
                closeness(both, spec.title),
                *(closeness(first, verb) for verb in (spec.verb, *spec.aliases)),
            ),
        )
        for spec in catalogue.specs
    )


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
                raise missing(argument, _end_of(self.text))
        return self.command

    @property
    def command(self) -> Command:
        """What was read so far."""
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
            folded = span.text.casefold()
            for name in names(self.spec.properties):
                if name.casefold() == folded:
                    raise Wrong("value-apart", span, token=span.text, name=name)
            raise Wrong("too-many-words", span, token=span.text)
        argument = self.spec.arguments[len(self.arguments)]
        self.arguments.append(argument_value(argument, span))

    def _take_option(self, word: Word) -> int:
        written = word.key or word.whole
        name = written.text[2:]
        option = self.spec.option(name)
        if option is None:
            near = ", ".join(f"--{o}" for o in similar(name, names(self.spec.options)))
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
        self.options[option.name] = option_value(self.kind, option, value)
        return value.end

    def _value_after(self, word: Word) -> Span | None:
        """Return the next word, unless it is clearly something else: an option or a change."""
        start = gap_end(self.text, word.whole.end)
        if start == len(self.text):
            return None
        following = word_at(self.text, start)
        is_change = following.key is not None and self.spec.property(following.key.text)
        return None if following.is_option or is_change else following.whole

    def _take_change(self, key: Span, value: Span) -> None:
        if not self.spec.properties:
            near = ", ".join(f"--{o}" for o in similar(key.text, names(self.spec.options)))
            raise Wrong("changes-unwanted", key, token=key.text, near=near)
        wanted = self.spec.property(key.text)
        if wanted is None:
            raise self._not_settable(key)
        if wanted.name in self.changes:
            raise Wrong("repeated", key, token=key.text)
        self.changes[wanted.name] = property_value(wanted, value)

    def _not_settable(self, key: Span) -> Wrong:
        kept = self.kind.property(key.text) if self.kind else None
        if kept is not None or key.text.casefold() == "id":
            return Wrong("property-kept", key, token=key.text)
        near = ", ".join(f"{n}=" for n in similar(key.text, names(self.spec.properties)))
        return Wrong("unknown-property", key, token=key.text, near=near)


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
