"""The card of how things stand: the worst first, how many are how, and what is open."""

from dataclasses import dataclass
from typing import Final

from microsoft_teams.cards import CardElement, Column, ColumnSet

from cards import listing, signs, watch_words, words
from cards.elements import grid, line
from cards.frame import Button, Head, Place, Rendered, Stamp, compose
from cards.parts import caution, listed, sentence
from cards.signs import BAND, DOT_OF, Tone, is_bad
from cards.size import Block
from cards.text import plain

ROW_LIMIT: Final = 10
BAR_LIMIT: Final = 12
BAR_PARTS: Final = 12
LABEL: Final = 64


@dataclass(frozen=True, slots=True)
class Count:
    """How many records have one status."""

    label: str
    number: int
    tone: Tone


@dataclass(frozen=True, slots=True)
class Status:
    """The worst records, how many there are in all, and how many have which status.

    `trouble` says that Graph cannot be read, `caution` how old what is shown is for that reason.
    `summary` says how many incidents are open.
    """

    rows: tuple[listing.Row, ...]
    total: int
    counts: tuple[Count, ...]
    summary: str
    trouble: str = ""
    caution: str = ""
    buttons: tuple[Button, ...] = ()


def render(status: Status, place: Place, stamp: Stamp) -> Rendered:
    """Return the card of how things stand; at most ten records stand on it."""
    rows = status.rows[:ROW_LIMIT]
    left = max(status.total - len(rows), 0)
    blocks = [
        caution(status.trouble),
        caution(status.caution),
        sentence(status.summary),
        listed(2, watch_words.COUNTS, _bars(status.counts)),
        _more(max(len(status.counts) - BAR_LIMIT, 0)),
        listed(1, watch_words.WORST_FIRST, [listing.draw(row) for row in rows])
        if rows
        else sentence(words.EMPTY),
        _more(left),
    ]
    head = Head(_tone(status), signs.STATUS, watch_words.STATUS_TITLE, is_wide=bool(rows))
    return compose(head, blocks, place=place, stamp=stamp, buttons=status.buttons)


def _more(left: int) -> Block:
    return sentence(watch_words.left(left) if left else "")


def _tone(status: Status) -> Tone:
    tones = {row.tone for row in status.rows}
    if Tone.CRITICAL in tones:
        return Tone.CRITICAL
    if Tone.WARNING in tones or status.trouble or status.caution:
        return Tone.WARNING
    return Tone.GOOD if status.rows else Tone.NEUTRAL


def _bars(counts: tuple[Count, ...]) -> list[CardElement]:
    """Return a bar for each status, as long as its share of the most frequent one.

    The bars are columns with a colour: unlike Teams' own charts every client draws them, and the
    number stands beside each for those who see neither.
    """
    most = max((count.number for count in counts), default=0)
    return [_bar(count, most) for count in counts[:BAR_LIMIT]]


def _bar(count: Count, most: int) -> CardElement:
    length = max(1, round(BAR_PARTS * count.number / most)) if most else 1
    label = f"{DOT_OF[count.tone]} {count.number} {plain(count.label, LABEL)}"
    full = Column(width=str(length), style=BAND[count.tone], min_height="14px", items=[])
    rest = [Column(width=str(BAR_PARTS - length), items=[])] if length < BAR_PARTS else []
    return grid(
        (3, (line(label, is_bold=is_bad(count.tone)),)),
        (2, (ColumnSet(columns=[full, *rest], spacing="None"),)),
        spacing="Small",
    )
