"""The card of something small that was done or is the case."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from cards import signs, words
from cards.frame import Button, Head, Place, Rendered, Stamp, compose
from cards.parts import Fact, commands, facts, notes, sentence
from cards.signs import Tone
from cards.text import fill


@dataclass(frozen=True, slots=True)
class Notice:
    """A short message. `code` is a key of `words.NOTICES`, `details` the values of its sentence.

    `twin` is the command to type instead of a button that has lapsed.
    """

    code: str
    details: tuple[tuple[str, str], ...] = ()
    facts: tuple[Fact, ...] = ()
    notes: tuple[str, ...] = ()
    twin: str = ""
    buttons: tuple[Button, ...] = ()


_LOOKS: Final[Mapping[str, tuple[Tone, str]]] = MappingProxyType(
    {
        "paused": (Tone.WARNING, signs.PAUSED),
        "already-paused": (Tone.WARNING, signs.PAUSED),
        "resumed": (Tone.GOOD, signs.RESUMED),
        "resolved": (Tone.GOOD, signs.DONE),
        "working": (Tone.INFO, signs.RUNNING),
        "lapsed": (Tone.NEUTRAL, signs.EXPIRED),
        "operation-missing": (Tone.WARNING, signs.QUESTION),
        "exchange-on-premises": (Tone.WARNING, signs.WARNED),
    }
)


def render(notice: Notice, place: Place, stamp: Stamp) -> Rendered:
    """Return the card of a notice; a code without words is shown as it is, never dropped."""
    title, text = words.NOTICES.get(notice.code, (notice.code, ""))
    tone, sign = _LOOKS.get(notice.code, (Tone.NEUTRAL, signs.NOTICE))
    blocks = [
        sentence(fill(text, dict(notice.details))),
        facts(1, notice.facts),
        notes(2, notice.notes),
        commands(0, [notice.twin] if notice.twin else [], words.TYPE_THIS),
    ]
    head = Head(tone, sign, title)
    return compose(head, blocks, place=place, stamp=stamp, buttons=notice.buttons)
