"""The card of what waits for consent: what this person may decide, and what they asked for."""

from collections.abc import Sequence
from dataclasses import dataclass

from microsoft_teams.cards import CardElement

from cards import signs, words
from cards.elements import code, grid, rich, run, separate
from cards.frame import Head, Place, Rendered, Stamp, compose
from cards.parts import listed, sentence
from cards.signs import Tone


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation that waits; `lapses` is relative or exact."""

    id: str
    command: str
    who: str
    lapses: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """The entries of one person, the most urgent first."""

    to_decide: tuple[Entry, ...]
    asked: tuple[Entry, ...]


def render(waiting: Waiting, place: Place, stamp: Stamp) -> Rendered:
    """Return the card of what waits."""
    is_empty = not (waiting.to_decide or waiting.asked)
    blocks = [
        sentence(words.NOTHING_WAITS if is_empty else ""),
        listed(1, words.TO_DECIDE, _rows(waiting.to_decide)),
        listed(2, words.ASKED_FOR, _rows(waiting.asked)),
    ]
    head = Head(Tone.NEUTRAL, signs.WAITING, words.WAITING_TITLE, is_wide=not is_empty)
    return compose(head, blocks, place=place, stamp=stamp)


def _rows(entries: Sequence[Entry]) -> list[CardElement]:
    return [
        grid(
            (3, (rich(code(entry.command)),)),
            (
                2,
                (
                    rich(
                        code(entry.id, 64),
                        separate(words.DOT),
                        run(entry.who, is_quiet=True),
                        separate(words.DOT),
                        run(entry.lapses, is_quiet=True),
                    ),
                ),
            ),
            has_line=True,
        )
        for entry in entries
    ]
