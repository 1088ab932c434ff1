"""The cards of what somebody may do and who may do something, each with the rule that says so."""

from dataclasses import dataclass

from cards import rights_words, signs, words
from cards.elements import code, rich
from cards.frame import Head, Place, Rendered, Stamp, compose
from cards.parts import Fact, facts, listed, sentence
from cards.signs import Tone
from cards.text import ELLIPSIS, fill, joined

BRIEF = 16


@dataclass(frozen=True, slots=True)
class Consent:
    """Whose votes a command takes: `needed` of the roles' members within a time."""

    needed: int
    roles: tuple[str, ...]
    within: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether somebody may run a command. `why` is the one sentence for a no.

    `depends` is what it names, where that decides the rest: `operation`.
    `role` and `rule` are what allows it; `needed` are the roles that would, `held` those one has.
    """

    command: str
    permission: str
    is_yes: bool
    why: str = ""
    role: str = ""
    rule: str = ""
    consent: Consent | None = None
    needed: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    depends: str = ""


@dataclass(frozen=True, slots=True)
class Holder:
    """A role, and by what people have it."""

    role: str
    groups: tuple[str, ...]
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Circle:
    """Who may run a command. Without holders it is nobody, unless everybody may."""

    command: str
    permission: str
    is_everybody: bool
    is_shut_out: bool
    holders: tuple[Holder, ...] = ()
    consent: Consent | None = None
    depends: str = ""


def answer(card: Answer, place: Place, stamp: Stamp) -> Rendered:
    """Return the card of a yes or a no."""
    blocks = [
        *(sentence(said) for said in _verdict(card)),
        facts(
            0,
            [
                Fact(words.COMMAND, card.command),
                Fact(rights_words.PERMISSION, card.permission),
                *_reasons(card),
            ],
        ),
        *([sentence(_consent(card.consent))] if card.consent else []),
    ]
    look = _look(card)
    return compose(Head(*look), blocks, place=place, stamp=stamp, buttons=())


def _look(card: Answer) -> tuple[Tone, str, str]:
    if not card.is_yes:
        return Tone.CRITICAL, signs.REFUSED, rights_words.NO
    if card.depends:
        return Tone.INFO, signs.QUESTION, rights_words.IT_DEPENDS
    return Tone.GOOD, signs.DONE, rights_words.YES


def _verdict(card: Answer) -> tuple[str, ...]:
    if not card.is_yes:
        return (card.why,)
    if card.depends:
        return dependence(card.depends, is_open=not card.role)
    return terms(card.consent)[:1]


def dependence(row: str, *, is_open: bool) -> tuple[str, ...]:
    """Return on what it depends who may have a command done; `is_open`: anybody may type it."""
    why = rights_words.DEPENDS if is_open else rights_words.DERIVES
    return fill(rights_words.DEPENDS_ON, {"row": row}), why


def terms(consent: Consent | None) -> tuple[str, ...]:
    """Return the sentences on when a write would run, and on whose consent it takes."""
    if consent is None:
        return (rights_words.AT_ONCE,)
    return rights_words.AFTER_CONSENT, _consent(consent)


def _reasons(card: Answer) -> list[Fact]:
    rows = [
        Fact(rights_words.BY_ROLE, card.role),
        Fact(words.RULE, card.rule),
        Fact(words.NEEDED, joined(card.needed)),
        Fact(words.HELD, joined(card.held)),
    ]
    return [row for row in rows if row.value]


def _consent(consent: Consent) -> str:
    values = {
        "needed": str(consent.needed),
        "roles": joined(consent.roles),
        "within": consent.within,
    }
    return fill(rights_words.CONSENT, values)


def circle(card: Circle, place: Place, stamp: Stamp) -> Rendered:
    """Return the card of who may run a command."""
    said = []
    if card.is_shut_out:
        said.append(sentence(rights_words.SHUT_OUT))
    if card.depends:
        said.extend(map(sentence, dependence(card.depends, is_open=card.is_everybody)))
    elif card.is_everybody:
        said.append(sentence(rights_words.EVERYBODY))
    if not card.is_everybody and not card.holders:
        said.append(sentence(rights_words.NOBODY))
    blocks = [
        *said,
        facts(
            0,
            [
                Fact(words.COMMAND, card.command),
                Fact(rights_words.PERMISSION, card.permission),
            ],
        ),
        facts(1, [Fact(h.role, _ways(h)) for h in card.holders], words.ROLES),
        *([sentence(_consent(card.consent))] if card.consent else []),
        listed(5, rights_words.IN_FULL, [rich(code(each)) for each in _ids(card.holders)]),
    ]
    head = Head(Tone.NEUTRAL, signs.PERSON, rights_words.WHO_CAN)
    return compose(head, blocks, place=place, stamp=stamp, buttons=())


def _ways(holder: Holder) -> str:
    ways = [
        *(fill(rights_words.BY_GROUP, {"id": _brief(each)}) for each in holder.groups),
        *(fill(rights_words.BY_NAME, {"id": _brief(each)}) for each in holder.people),
    ]
    return joined(ways) if ways else rights_words.BY_NOBODY


def _ids(holders: tuple[Holder, ...]) -> list[str]:
    """Return every id that the card shows in brief, in full and once."""
    return list(dict.fromkeys(each for h in holders for each in (*h.groups, *h.people)))


def _brief(text: str) -> str:
    """Return the ends of an id, by which it is told from the others at a glance."""
    return text if len(text) <= BRIEF else f"{text[:8]}{ELLIPSIS}{text[-4:]}"
