"""The card of one record: how it stands and every fact about it."""

from dataclasses import dataclass

from cards import signs, words
from cards.elements import line
from cards.frame import Button, Head, Place, Rendered, Stamp, compose
from cards.parts import Fact, caution, commands, facts, notes
from cards.signs import Tone
from cards.size import fixed


@dataclass(frozen=True, slots=True)
class Record:
    """One record: kind and name, status in a word, its facts in the order they matter.

    `caution` says that it may have changed since.
    """

    kind: str
    name: str
    status: str
    tone: Tone
    facts: tuple[Fact, ...]
    notes: tuple[str, ...] = ()
    next_steps: tuple[str, ...] = ()
    buttons: tuple[Button, ...] = ()
    caution: str = ""


def render(record: Record, place: Place, stamp: Stamp) -> Rendered:
    """Return the card of one record."""
    status = f"{signs.DOT_OF[record.tone]} {record.status}"
    blocks = [
        caution(record.caution),
        fixed(line(status, is_bold=True)),
        facts(1, record.facts),
        notes(2, record.notes),
        commands(3, record.next_steps, words.TYPE_THIS),
    ]
    head = Head(_band(record.tone), signs.RECORD, words.headline(record.name, record.kind))
    return compose(head, blocks, place=place, stamp=stamp, buttons=record.buttons)


def _band(tone: Tone) -> Tone:
    return tone if signs.is_bad(tone) else Tone.NEUTRAL
