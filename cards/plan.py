"""The card of a plan: what a write would change, and that nothing was changed."""

from dataclasses import dataclass

from cards import signs, words
from cards.elements import line
from cards.frame import Button, Head, Place, Rendered, Stamp, compose
from cards.parts import Change, Fact, Named, changes, commands, facts, listed, named, notes
from cards.signs import Tone
from cards.size import fixed
from cards.text import fill


@dataclass(frozen=True, slots=True)
class Plan:
    """A write that was only worked out. `command` is the text that really runs it.

    `target` is the record's name, `about` its kind and id.
    """

    title: str
    verb: str
    target: str
    changes: tuple[Change, ...]
    command: str
    notes: tuple[str, ...] = ()
    buttons: tuple[Button, ...] = ()
    targets: tuple[Named, ...] = ()
    about: str = ""


def render(plan: Plan, place: Place, stamp: Stamp) -> Rendered:
    """Return the card of a plan."""
    blocks = [
        fixed(line(words.NOTHING_CHANGED, is_bold=True)),
        facts(
            0,
            [Fact(words.VERB, plan.verb), Fact(words.TARGET, plan.target, plan.about)],
        ),
        changes(1, plan.changes, words.CHANGES),
        listed(3, words.TARGETS, [named(target) for target in plan.targets]),
        notes(2, plan.notes),
        commands(0, [plan.command], words.RUN_IT),
    ]
    head = Head(Tone.INFO, signs.PLAN, fill(words.PLANNED, {"what": plan.title}))
    return compose(head, blocks, place=place, stamp=stamp, buttons=plan.buttons)
