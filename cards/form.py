"""The card of a form: inputs with their own rules, what is wrong beside each, and one button.

The card carries its command's name; everything else is what people put into it. Two hidden inputs
hold the form's own id and the fingerprint of the plan it shows.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from microsoft_teams.cards import (
    CardElement,
    Choice,
    ChoiceSetInput,
    NumberInput,
    QueryData,
    TextInput,
    ToggleInput,
)

from cards import form_words, signs, words
from cards.elements import line
from cards.frame import Button, Head, Place, Rendered, Stamp, Way, compose
from cards.parts import Change, Fact, changes, commands, facts, notes
from cards.signs import Tone
from cards.size import LIMIT_BYTES, Block, fixed, loose, weigh
from cards.text import exact, plain

FILL_VERB: Final = "fill"
OPEN_VERB: Final = "open"
FORM_KEY: Final = "form"
LIMIT: Final = 500
HINT: Final = 120
# What a client's number can hold exactly; anything else stays the text that it is.
_NUMBER: Final = re.compile(r"[0-9]{1,15}")


@dataclass(frozen=True, slots=True)
class _Degree:
    """How much stands on the card: choices of a search, characters of a sentence."""

    choices: int
    sentence: int


# What somebody filled in is never cut: a form that holds too much of it is not drawn at all.
_DEGREES: Final = (_Degree(20, 256), _Degree(6, 120), _Degree(1, 48), _Degree(1, 16))


class Entry(StrEnum):
    """How an input is filled in."""

    TEXT = "text"
    NUMBER = "number"
    TOGGLE = "toggle"
    CHOICE = "choice"
    SEARCH = "search"


@dataclass(frozen=True, slots=True)
class Option:
    """One of several to choose from."""

    title: str
    value: str


@dataclass(frozen=True, slots=True)
class Input:
    """One field. `problem` is what is wrong with what was sent; `wrong` what a client says itself.

    `dataset` names what is searched while one types. `now` is what the record has there.
    """

    id: str
    label: str
    about: str
    entry: Entry
    value: str = ""
    choices: tuple[Option, ...] = ()
    is_required: bool = False
    pattern: str = ""
    wrong: str = ""
    problem: str = ""
    now: str = ""
    dataset: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """What would happen: the words of the plan; `terms` say when, and by whose consent.

    `target` is the record's name, `about` its kind and id.
    """

    title: str
    target: str
    changes: tuple[Change, ...]
    terms: tuple[str, ...] = ()
    about: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """A form. `name` is the command's; `hidden` are the inputs that nobody fills in.

    `note` says how it is filled in.
    """

    name: str
    title: str
    send: str
    inputs: tuple[Input, ...]
    hidden: tuple[tuple[str, str], ...]
    note: str = ""
    twins: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    preview: Preview | None = None


def render(form: Form, place: Place, stamp: Stamp, *, is_dialog: bool = False) -> Rendered:
    """Return the form's card; in a dialog it is sent the way dialogs are."""
    way = Way.SUBMIT if is_dialog else Way.EXECUTE
    button = Button(form.send, FILL_VERB, {FORM_KEY: form.name}, primary=True, way=way)
    head = _head(form)

    def drawn(degree: _Degree) -> Rendered:
        blocks = _blocks(form, degree)
        return compose(head, blocks, place=place, stamp=stamp, buttons=[button])

    rendered = drawn(_DEGREES[0])
    for degree in _DEGREES[1:]:
        if weigh(rendered.payload()) <= LIMIT_BYTES:
            break
        rendered = drawn(degree)
    return rendered


def open_button(
    title: str, name: str, inputs: Mapping[str, str], *, primary: bool = False
) -> Button:
    """Return a button that opens a command's form in a dialog, or in the thread without dialogs."""
    data = {FORM_KEY: name, **inputs}
    return Button(title, OPEN_VERB, data, primary=primary, way=Way.FETCH)


def _head(form: Form) -> Head:
    if form.problems or any(each.problem for each in form.inputs):
        return Head(Tone.WARNING, signs.FORM, form.title)
    if form.preview:
        return Head(Tone.INFO, signs.PLAN, form_words.planned(form.preview.title))
    return Head(Tone.NEUTRAL, signs.FORM, form.title)


def _blocks(form: Form, degree: _Degree) -> list[Block]:
    return [
        *(fixed(_complaint(text, degree)) for text in form.problems),
        *(_preview(form.preview, form.send, degree) if form.preview else ()),
        loose(1, *([line(form.note, is_quiet=True)] if form.note else [])),
        *(fixed(*_input(each, degree)) for each in form.inputs),
        fixed(*(TextInput(id=name, value=value, is_visible=False) for name, value in form.hidden)),
        commands(9, form.twins, form_words.OR_TYPE),
    ]


def _preview(preview: Preview, send: str, degree: _Degree) -> list[Block]:
    return [
        fixed(line(form_words.plan_shown(send), is_bold=True)),
        facts(0, [Fact(words.TARGET, plain(preview.target, 2 * degree.sentence), preview.about)]),
        changes(5, preview.changes, words.CHANGES),
        notes(1, preview.terms),
    ]


def _complaint(text: str, degree: _Degree) -> CardElement:
    return line(f"{signs.WARNED} {plain(text, degree.sentence)}", is_bold=True)


def _input(field: Input, degree: _Degree) -> Sequence[CardElement]:
    whole = exact(field.value, len(field.value))
    shown = replace(field, value=whole, about=plain(_hint(field), degree.sentence))
    drawn = _drawn(shown, degree)
    return [drawn, *([_complaint(field.problem, degree)] if field.problem else [])]


def _drawn(field: Input, degree: _Degree) -> CardElement:
    label, hint, value = plain(field.label, HINT), field.about, field.value
    must = True if field.is_required else None
    wrong = plain(field.wrong, HINT) or None
    match field.entry:
        case Entry.TOGGLE:
            return ToggleInput(
                id=field.id, label=label, title=hint, value=value or "false", wrap=True
            )
        case Entry.NUMBER if not value or _NUMBER.fullmatch(value):
            return NumberInput(
                id=field.id,
                label=label,
                placeholder=hint,
                min=0,
                value=float(value) if value else None,
                is_required=must,
                error_message=wrong,
            )
        case Entry.TEXT | Entry.NUMBER:
            return TextInput(
                id=field.id,
                label=label,
                placeholder=hint,
                value=value or None,
                max_length=LIMIT,
                regex=field.pattern or None,
                is_required=must,
                error_message=wrong,
            )
        case _:
            return _choices(field, degree.choices, must=must)


def _choices(field: Input, most: int, *, must: bool | None) -> CardElement:
    is_search = field.entry is Entry.SEARCH
    shown = field.choices[:most] if is_search else field.choices
    return ChoiceSetInput(
        id=field.id,
        label=plain(field.label, HINT),
        # Where nothing is chosen a menu shows this as if it were.
        placeholder=field.about if is_search or field.now else form_words.CHOOSE,
        value=field.value or None,
        choices=[Choice(title=plain(c.title, HINT), value=c.value) for c in shown],
        choices_data=QueryData(dataset=field.dataset) if field.dataset else None,
        style="filtered" if is_search else "compact",
        is_required=must,
        error_message=plain(field.wrong, HINT) or None,
        wrap=True,
    )


def _hint(field: Input) -> str:
    return form_words.now(field.now) if field.now else field.about
