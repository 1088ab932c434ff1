"""The card of messages that could not be delivered, newest first."""

from dataclasses import dataclass
from typing import Final

from microsoft_teams.cards import CardElement

from cards import letter_words, signs, words
from cards.elements import code, grid, line, rich, run
from cards.frame import Head, Place, Rendered, Stamp, compose
from cards.parts import commands, listed, notes, sentence
from cards.signs import Tone

PAGE_LIMIT: Final = 10


@dataclass(frozen=True, slots=True)
class Letter:
    """One message: what it would have shown, where, why not, and remarks on since when.

    `doubt` says that it may have arrived all the same; `twin` is what to type to try it again.
    """

    about: str
    where: str
    reason: str
    remark: str
    doubt: str = ""
    twin: str = ""


@dataclass(frozen=True, slots=True)
class Dead:
    """Messages that could not be delivered, newest first; `total` counts all of them."""

    letters: tuple[Letter, ...]
    total: int
    notes: tuple[str, ...] = ()
    next_steps: tuple[str, ...] = ()


def render(dead: Dead, place: Place, stamp: Stamp) -> Rendered:
    """Return the card of what could not be delivered; at most ten messages stand on it."""
    letters = dead.letters[:PAGE_LIMIT]
    where = letter_words.undelivered(len(letters), dead.total) if letters else letter_words.NONE
    blocks = [
        sentence(where),
        notes(1, dead.notes),
        listed(2, "", [_row(letter) for letter in letters]),
        commands(3, dead.next_steps, words.TYPE_THIS),
    ]
    tone = Tone.WARNING if letters else Tone.GOOD
    head = Head(tone, signs.DEAD, letter_words.TITLE, is_wide=bool(letters))
    return compose(head, blocks, place=place, stamp=stamp)


def _row(letter: Letter) -> CardElement:
    about = (
        rich(run(letter.about, is_bold=True)),
        line(letter.where, is_quiet=True, spacing="None"),
        *((rich(code(letter.twin, 64), spacing="None"),) if letter.twin else ()),
    )
    reason = (
        line(letter.reason),
        *((line(letter.doubt, spacing="None"),) if letter.doubt else ()),
        line(letter.remark, is_quiet=True, spacing="None"),
    )
    return grid((3, about), (2, reason), has_line=True)
