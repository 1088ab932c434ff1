"""The cards of subscriptions: what a conversation is told from now on, and all it is told."""

from dataclasses import dataclass

from microsoft_teams.cards import CardElement, Container

from cards import signs, watch_words, words
from cards.elements import code, line, rich
from cards.frame import Button, Head, Place, Rendered, Stamp, compose
from cards.parts import commands, listed, notes, sentence
from cards.signs import WARNED, Tone
from cards.size import Block, fixed
from cards.text import fill, joined


@dataclass(frozen=True, slots=True)
class Watching:
    """A subscription that was made or ended: the filter in words, sentence by sentence."""

    is_on: bool
    title: str
    sentences: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One subscription: filter and hours in words, remarks on how telling goes, what stops it.

    `trouble` says what keeps messages from arriving, `where` which conversation is told where
    those of several stand together.
    """

    filter: str
    hours: str
    remarks: tuple[str, ...]
    twin: str
    trouble: tuple[str, ...] = ()
    where: str = ""


@dataclass(frozen=True, slots=True)
class Watches:
    """Every subscription of a conversation, or of all; `next_steps` are commands to type."""

    rows: tuple[Row, ...]
    is_all: bool = False
    notes: tuple[str, ...] = ()
    next_steps: tuple[str, ...] = ()
    page: int = 1
    buttons: tuple[Button, ...] = ()


def confirm(watching: Watching, place: Place, stamp: Stamp) -> Rendered:
    """Return the card that repeats what a conversation is told, or is told no longer."""
    first, *others = watching.sentences
    blocks = [
        fixed(line(first, is_bold=True)),
        *(sentence(text) for text in others),
        notes(1, watching.notes),
    ]
    tone, sign = (Tone.GOOD, signs.WATCHED) if watching.is_on else (Tone.NEUTRAL, signs.UNWATCHED)
    return compose(Head(tone, sign, watching.title), blocks, place=place, stamp=stamp)


def render(watches: Watches, place: Place, stamp: Stamp) -> Rendered:
    """Return the card of a conversation's subscriptions, or of everybody's."""
    page = fill(words.PAGE, {"page": str(watches.page)}) if watches.page > 1 else ""
    blocks = [
        sentence(page),
        _rows(watches),
        notes(2, watches.notes),
        commands(3, watches.next_steps, words.TYPE_THIS),
    ]
    is_troubled = any(row.trouble for row in watches.rows)
    tone = Tone.WARNING if is_troubled else Tone.NEUTRAL
    title = watch_words.ALL_WATCHES_TITLE if watches.is_all else watch_words.WATCHES_TITLE
    head = Head(tone, signs.WATCHED, title, is_wide=bool(watches.rows))
    return compose(head, blocks, place=place, stamp=stamp, buttons=watches.buttons)


def _rows(watches: Watches) -> Block:
    if not watches.rows:
        return sentence(watch_words.NONE_WATCHES if watches.is_all else watch_words.NO_WATCHES)
    return listed(1, "", [_row(row) for row in watches.rows])


def _row(row: Row) -> CardElement:
    items: list[CardElement] = [
        *((line(row.where, is_quiet=True),) if row.where else ()),
        line(row.filter, is_bold=True, spacing="None" if row.where else "Default"),
        *(line(f"{WARNED} {text}", spacing="None") for text in row.trouble),
        line(row.hours, spacing="None"),
        line(joined(row.remarks), is_quiet=True, spacing="None"),
        *((rich(code(row.twin, 64), spacing="None"),) if row.twin else ()),
    ]
    return Container(items=items, separator=True)
