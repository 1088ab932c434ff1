"""The cards of an incident: the one that stands and is edited, and the short reply in its thread."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from microsoft_teams.cards import CardElement

from cards import signs, watch_words
from cards.elements import code, grid, line, rich, run
from cards.frame import Button, Head, Place, Rendered, Stamp, compose
from cards.parts import Change, Fact, Why, changes, facts, listed, notes, why
from cards.signs import Tone
from cards.size import fixed, loose

STORY_LIMIT: Final = 5


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a story: when, what, and the command that shows more of it."""

    at: str
    text: str
    twin: str = ""


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident as it stands.

    `said` is what a phone shows. `leads` say what is so now, the worst first; `remarks` what else
    to know about it, such as that it flaps. `handling` says who takes care. `differences` are what
    somebody changed outside the bot. `twin` shows more of the first sentence. `lines` are the last
    of the story, newest first, and `earlier` counts those before them.
    """

    tone: Tone
    sign: str
    title: str
    said: str
    leads: tuple[str, ...]
    target: Fact | None = None
    remarks: tuple[str, ...] = ()
    handling: tuple[str, ...] = ()
    differences: tuple[Change, ...] = ()
    lines: tuple[Line, ...] = ()
    twin: str = ""
    earlier: int = 0
    notes: tuple[str, ...] = ()
    why: Why | None = None
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True)
class Followup:
    """What happened since, oldest first, and how it stands now where that is still bad."""

    tone: Tone
    sign: str
    title: str
    said: str
    lines: tuple[Line, ...]
    differences: tuple[Change, ...] = ()
    leads: tuple[str, ...] = ()


def render(incident: Incident, place: Place, stamp: Stamp) -> Rendered:
    """Return the card of an incident in its present state."""
    lines = incident.lines[:STORY_LIMIT]
    left = incident.earlier + len(incident.lines) - len(lines)
    more = [line(watch_words.earlier(left), is_quiet=True)] if left else []
    blocks = [
        fixed(*(line(text, is_bold=True) for text in incident.leads[:1])),
        loose(2, *(line(text) for text in incident.leads[1:])),
        fixed(*_twin(incident.twin)),
        loose(1, *(line(text) for text in incident.remarks)),
        loose(3, *(line(f"{signs.PERSON} {text}") for text in incident.handling)),
        facts(6, [incident.target] if incident.target else []),
        changes(4, incident.differences, watch_words.OUTSIDE),
        listed(7, watch_words.STORY, [*_story(lines), *more]),
        notes(5, incident.notes),
        why(8, incident.why),
    ]
    head = Head(incident.tone, incident.sign, incident.title, said=incident.said)
    return compose(head, blocks, place=place, stamp=stamp, buttons=incident.buttons)


def follow(followup: Followup, place: Place, stamp: Stamp) -> Rendered:
    """Return the short card that tells an incident's thread what happened since."""
    blocks = [
        listed(1, "", _story(followup.lines)),
        changes(2, followup.differences, watch_words.OUTSIDE),
        loose(3, *(line(text, is_quiet=True) for text in followup.leads)),
    ]
    head = Head(followup.tone, followup.sign, followup.title, said=followup.said)
    return compose(head, blocks, place=place, stamp=stamp)


def _story(lines: Sequence[Line]) -> list[CardElement]:
    return [
        grid(
            (2, (rich(run(each.at, is_quiet=True)),)),
            (5, (line(each.text), *_twin(each.twin))),
            spacing="Small",
        )
        for each in lines
    ]


def _twin(text: str) -> list[CardElement]:
    return [rich(code(text, 64), spacing="None")] if text else []
