"""The card of a refusal: that nothing ran, the one reason, who can help, what to do instead."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from cards import signs, words
from cards.elements import line
from cards.frame import Button, Head, Place, Rendered, Stamp, compose
from cards.parts import Fact, facts, notes, sentence
from cards.signs import Tone
from cards.size import fixed
from cards.text import fill, joined


@dataclass(frozen=True, slots=True)
class Refusal:
    """A command that may not run. `code` is a key of `words.DENIALS`.

    `needed` are the roles that would allow it, `held` those the person has, `grantors` who can
    give a role, `wait` how long to wait, `since` and `who` by whom writes were paused.
    """

    code: str
    command: str
    permission: str
    rule: str = ""
    needed: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    grantors: tuple[str, ...] = ()
    wait: str = ""
    who: str = ""
    since: str = ""
    reason: str = ""
    notes: tuple[str, ...] = ()
    buttons: tuple[Button, ...] = ()


_LOOKS: Final[Mapping[str, tuple[Tone, str]]] = MappingProxyType(
    {
        "paused": (Tone.WARNING, signs.PAUSED),
        "read-only": (Tone.WARNING, signs.PAUSED),
        "slow-down": (Tone.WARNING, signs.SLOW),
        "approval": (Tone.WARNING, signs.WAITING),
        "directory": (Tone.WARNING, signs.WARNED),
    }
)


def render(refusal: Refusal, place: Place, stamp: Stamp) -> Rendered:
    """Return the card of a refusal."""
    values = {
        "permission": refusal.permission,
        "rule": refusal.rule,
        "wait": refusal.wait or words.A_MOMENT,
    }
    why = fill(words.DENIALS.get(refusal.code, words.DENIED_OTHERWISE), values)
    remedy = fill(words.REMEDIES.get(refusal.code, words.SEE_HELP), values)
    tone, sign = _LOOKS.get(refusal.code, (Tone.CRITICAL, signs.REFUSED))
    blocks = [
        fixed(line(why, is_bold=True)),
        facts(1, _facts(refusal)),
        sentence(remedy),
        notes(2, refusal.notes),
    ]
    head = Head(tone, sign, words.REFUSAL_TITLES.get(refusal.code, words.REFUSED))
    return compose(head, blocks, place=place, stamp=stamp, buttons=refusal.buttons)


def _facts(refusal: Refusal) -> list[Fact]:
    rule = refusal.rule if refusal.code == "deny-rule" else ""
    entries = (
        (words.COMMAND, refusal.command),
        (words.RULE, rule),
        (words.NEEDED, joined(refusal.needed)),
        (words.HELD, joined(refusal.held) or _none_held(refusal)),
        (words.GRANTED_BY, joined(refusal.grantors)),
        (words.PAUSED_BY, refusal.who),
        (words.SINCE, refusal.since),
        (words.REASON, refusal.reason),
    )
    return [Fact(label, value) for label, value in entries if value]


def _none_held(refusal: Refusal) -> str:
    return words.NONE_HELD if refusal.code == "no-rule" else ""
