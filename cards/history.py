"""The card of what was done, newest first."""

from dataclasses import dataclass
from typing import Final

from microsoft_teams.cards import CardElement

from cards import signs, words
from cards.elements import code, grid, line, rich, run, separate
from cards.frame import Button, Head, Place, Rendered, Stamp, compose
from cards.parts import commands, listed, notes, sentence
from cards.signs import DOT_OF, Tone, is_bad
from cards.text import fill

PAGE_LIMIT: Final = 10


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was done; `status` is its state in a word, `at` relative or absolute."""

    id: str
    command: str
    status: str
    tone: Tone
    who: str
    at: str


@dataclass(frozen=True, slots=True)
class History:
    """One page of entries, newest first; `subject` names what they are about, empty for all."""

    entries: tuple[Entry, ...]
    subject: str = ""
    page: int = 1
    notes: tuple[str, ...] = ()
    next_steps: tuple[str, ...] = ()
    buttons: tuple[Button, ...] = ()


def render(history: History, place: Place, stamp: Stamp) -> Rendered:
    """Return the card of a history; at most ten entries stand on it."""
    entries = history.entries[:PAGE_LIMIT]
    is_unknown = bool(history.subject) and not entries and history.page == 1
    next_steps = (words.HISTORY_COMMAND,) if is_unknown else history.next_steps
    empty = words.NOTHING_DONE if is_unknown else words.NO_HISTORY
    page = fill(words.PAGE, {"page": str(history.page)}) if history.page > 1 else ""
    blocks = [
        sentence(page),
        notes(2, history.notes),
        listed(1, "", [_row(e) for e in entries])
        if entries
        else sentence(fill(empty, {"subject": history.subject})),
        commands(3, next_steps, words.TYPE_THIS),
    ]
    title = words.HISTORY_TITLE
    if history.subject:
        title = fill(words.HISTORY_OF, {"subject": history.subject})
    head = Head(Tone.NEUTRAL, signs.HISTORY, title, is_wide=bool(entries))
    return compose(head, blocks, place=place, stamp=stamp, buttons=history.buttons)


def _row(entry: Entry) -> CardElement:
    about = rich(
        run(entry.who, is_quiet=True),
        separate(words.DOT),
        run(entry.at, is_quiet=True),
        separate(words.DOT),
        code(entry.id, 64),
        spacing="None",
    )
    status = line(f"{DOT_OF[entry.tone]} {entry.status}", is_bold=is_bad(entry.tone))
    return grid((3, (rich(code(entry.command)), about)), (2, (status,)), has_line=True)
