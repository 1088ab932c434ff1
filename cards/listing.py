"""The card of a list: one page of records, worst or newest first as the caller orders them."""

from dataclasses import dataclass
from typing import Final

from microsoft_teams.cards import CardElement

from cards import signs, words
from cards.elements import grid, line, rich, run, separate
from cards.frame import Button, Head, Place, Rendered, Stamp, compose
from cards.parts import Fact, Named, caution, commands, listed, named, notes, sentence
from cards.signs import Tone
from cards.size import Block
from cards.text import fill, plain

PAGE_LIMIT: Final = 10
COLUMN_LIMIT: Final = 4
NAME: Final = 96
CELL: Final = 48


@dataclass(frozen=True, slots=True)
class Row:
    """One record: its name, its status in a word, key columns, and how fresh it is.

    `age` is relative ("2 minutes ago"), `seen` the same absolute. `id` is the short id where the
    card has others of that name.
    """

    name: str
    status: str
    tone: Tone
    columns: tuple[Fact, ...] = ()
    age: str = ""
    seen: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of records. `filter` is the active filter in words, empty for none.

    `next_steps` are commands to type: what to do about a row, or about an empty list. `caution`
    says that it may have changed since.
    """

    title: str
    rows: tuple[Row, ...]
    page: int = 1
    pages: int = 1
    total: int = 0
    filter: str = ""
    notes: tuple[str, ...] = ()
    next_steps: tuple[str, ...] = ()
    buttons: tuple[Button, ...] = ()
    caution: str = ""


def render(listing: Listing, place: Place, stamp: Stamp) -> Rendered:
    """Return the card of a list; at most ten rows stand on it."""
    rows = listing.rows[:PAGE_LIMIT]
    blocks = [
        caution(listing.caution),
        sentence(_where(listing, len(rows))),
        sentence(fill(words.FILTERED, {"filter": listing.filter}) if listing.filter else ""),
        notes(2, listing.notes),
        listed(1, "", [draw(row) for row in rows]) if rows else _empty(listing),
        commands(3, listing.next_steps, words.TYPE_THIS),
    ]
    head = Head(_tone(rows), signs.LIST, listing.title, is_wide=bool(rows))
    return compose(head, blocks, place=place, stamp=stamp, buttons=listing.buttons)


def _where(listing: Listing, shown: int) -> str:
    if not shown:
        return ""
    return words.page_of(page=listing.page, pages=listing.pages, shown=shown, total=listing.total)


def _empty(listing: Listing) -> Block:
    return sentence(words.EMPTY_FILTERED if listing.filter else words.EMPTY)


def _tone(rows: tuple[Row, ...]) -> Tone:
    tones = {row.tone for row in rows}
    return next((t for t in (Tone.CRITICAL, Tone.WARNING) if t in tones), Tone.NEUTRAL)


def draw(row: Row) -> CardElement:
    """Return a record as it stands in lists."""
    columns = [fact for fact in row.columns if fact.value][:COLUMN_LIMIT]
    details = [
        piece
        for fact in columns
        for piece in (
            separate(words.DOT),
            run(f"{fact.label}{words.COLON}", CELL, is_quiet=True),
            separate(" "),
            run(fact.value, CELL, is_quiet=True),
        )
    ][1:]
    left = [
        named(Named(row.name, row.id), NAME, is_bold=True),
        *([rich(*details, spacing="None")] if details else []),
    ]
    status = f"{signs.DOT_OF[row.tone]} {plain(row.status, CELL)}"
    right: list[CardElement] = [line(status, is_bold=signs.is_bad(row.tone))]
    if row.age or row.seen:
        when = [run(text, CELL, is_quiet=True) for text in (row.age, row.seen) if text]
        between = [when[0], separate(words.DOT), *when[1:]] if len(when) > 1 else when
        right.append(rich(*between, spacing="None"))
    return grid((5, left), (6, right), has_line=True)
