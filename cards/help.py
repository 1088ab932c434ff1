"""Cards of help: what this person may run, and how one command is used."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from microsoft_teams.cards import CardElement

from cards import form_words, signs, words
from cards.elements import code, command, grid, line, rich, run, separate
from cards.form import open_button
from cards.frame import Head, Place, Rendered, Stamp, compose
from cards.parts import Fact, commands, facts, listed, notes, sentence
from cards.signs import Tone
from cards.size import loose
from cards.text import fill, joined

CACHED: Final = 128


@dataclass(frozen=True, slots=True)
class Entry:
    """One command in one line: its title to type (`/exchange list`) and what it does."""

    command: str
    summary: str


@dataclass(frozen=True, slots=True)
class Section:
    """The commands of one subject."""

    title: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """What a person may run, by subject. `is_complete` is False when roles could not be read."""

    sections: tuple[Section, ...]
    roles: tuple[str, ...] = ()
    example: str = "help"
    is_complete: bool = True


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument, option or property: how it is written, what it is, what it may be."""

    name: str
    about: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Manual:
    """How one command is used, and who may run it; `roles` empty means everybody may.

    `form` names the command's form, empty where there is nothing to fill in.
    """

    command: str
    summary: str
    usage: str
    permission: str
    arguments: tuple[Argument, ...] = ()
    examples: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    form: str = ""


@lru_cache(maxsize=CACHED)
def overview(shown: Overview, place: Place, stamp: Stamp) -> Rendered:
    """Return the card of all commands a person may run; equal requests share one card."""
    partial = [] if shown.is_complete else [words.HELP_PARTIAL]
    more = fill(words.HELP_MORE_COMMAND, {"example": shown.example})
    blocks = [
        notes(0, partial),
        *(
            listed(rank, section.title, [_entry(entry) for entry in section.entries])
            for rank, section in enumerate(shown.sections, start=2)
        ),
        listed(1, words.HELP_MORE, [command(more)]),
        facts(40, [Fact(words.HELD, joined(shown.roles))] if shown.roles else []),
    ]
    return compose(
        Head(Tone.NEUTRAL, signs.HELP, words.HELP_TITLE), blocks, place=place, stamp=stamp
    )


@lru_cache(maxsize=CACHED)
def manual(shown: Manual, place: Place, stamp: Stamp) -> Rendered:
    """Return the card of one command; equal requests share one card."""
    holders = joined(shown.roles) or words.OPEN_TO_ALL
    blocks = [
        sentence(shown.summary),
        commands(1, [shown.usage], words.USAGE),
        listed(3, words.ARGUMENTS, [_argument(each) for each in shown.arguments]),
        commands(2, shown.examples, words.EXAMPLES),
        loose(5, *(line(f"{words.NOTE_MARK} {note}", is_quiet=True) for note in shown.notes)),
        facts(
            4,
            [Fact(words.PERMISSION, shown.permission), Fact(words.HOLDERS, holders)],
            words.WHO_MAY,
        ),
    ]
    head = Head(Tone.NEUTRAL, signs.HELP, shown.command)
    buttons = [open_button(form_words.FILL_BUTTON, shown.form, {})] if shown.form else []
    return compose(head, blocks, place=place, stamp=stamp, buttons=buttons)


def _entry(entry: Entry) -> CardElement:
    return grid(
        (2, (rich(code(entry.command, 64)),)), (3, (line(entry.summary),)), spacing="Small"
    )


def _argument(argument: Argument) -> CardElement:
    about = [run(argument.about)]
    if argument.choices:
        about += [separate(" "), code(joined(argument.choices))]
    return grid((2, (rich(code(argument.name, 64)),)), (3, (rich(*about),)), spacing="Small")
