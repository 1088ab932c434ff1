"""The card of something small that was done or is the case."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from cards import signs, words
from cards.frame import Button, Head, Place, Rendered, Stamp, compose
from cards.parts import Fact, commands, facts, notes, sentence
from cards.signs import Tone
from cards.states import LOOKS
from cards.text import fill
from cards.watch_words import HISTORY_TWIN, INCIDENT, WATCH_NOTICES


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
        "decided-partly": LOOKS["done:partly"],
        "decided-failed": LOOKS["failed"],
        "decided-unknown": LOOKS["unknown"],
        "working": (Tone.INFO, signs.RUNNING),
        "lapsed": (Tone.NEUTRAL, signs.EXPIRED),
        "operation-missing": (Tone.WARNING, signs.QUESTION),
        "exchange-on-premises": (Tone.WARNING, signs.WARNED),
    }
)

# Their id is what somebody typed: it may name nothing, or a record.
_UNSURE: Final = frozenset({"revise-other", "incident-ambiguous"})


def render(notice: Notice, place: Place, stamp: Stamp) -> Rendered:
    """Return the card of a notice; a code without words is shown as it is, never dropped."""
    title, text = words.NOTICES.get(notice.code, (notice.code, ""))
    tone, sign = _LOOKS.get(notice.code, (Tone.NEUTRAL, signs.NOTICE))
    blocks = [
        sentence(fill(text, told(notice.details))),
        facts(1, notice.facts),
        notes(2, notice.notes),
        commands(0, [notice.twin] if notice.twin else [], words.TYPE_THIS),
    ]
    head = Head(tone, sign, title)
    foot = stamp if stamp.id else _quoting(stamp, notice)
    return compose(head, blocks, place=place, stamp=foot, buttons=notice.buttons)


def told(details: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the values of a notice's sentence, a state by the word that its card has for it."""
    values = dict(details)
    state = values.get("state", "")
    if state not in words.STATES:
        return values
    part = words.part(values["count"], values["total"]) if "total" in values else ""
    return {**values, "state": words.standing(state, part)}


def _quoting(stamp: Stamp, notice: Notice) -> Stamp:
    """Return the foot with the id of what the notice is about, where that is known to exist."""
    named = dict(notice.details).get("id", "")
    if not named or notice.code.endswith("-missing") or notice.code in _UNSURE:
        return stamp
    if notice.code in WATCH_NOTICES:
        return replace(stamp, id=named, label=INCIDENT)
    return replace(stamp, id=named, twin=fill(HISTORY_TWIN, {"id": named}))
