"""The card of a write: requested, accepted, observed; edited in place as it moves on."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from microsoft_teams.cards import CardElement, ExecuteAction, RefreshDefinition, TextInput

from cards import signs, words
from cards.elements import code, grid, line, pair, rich, run, separate
from cards.frame import Button, Head, Place, Rendered, Stamp, compose
from cards.parts import (
    Change,
    Fact,
    Fault,
    Named,
    caution,
    changes,
    commands,
    facts,
    fault_facts,
    listed,
    named,
    notes,
    sentence,
)
from cards.signs import DOT_OF, Tone
from cards.size import Block, fixed
from cards.states import LOOKS, State
from cards.text import fill

VIEW_VERB: Final = "view"


class Mark(StrEnum):
    """How far one step is."""

    TAKEN = "taken"
    CURRENT = "current"
    PENDING = "pending"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a write; `name` is a key of `words.STEPS_TAKEN`, `detail` a short remark."""

    name: str
    mark: Mark
    who: str = ""
    at: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Views:
    """Who is shown a card of their own: at most 60 of Teams' ids, whose clients ask for it."""

    operation_id: str
    user_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One of several targets: how it fares, in a word and a remark."""

    record: Named
    status: str
    tone: Tone
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """A write as it stands. `id` is the short one; `code` a key of `words.OUTCOMES` or empty.

    `target` is the record's name, `about` its kind and id. `culprit` is the one of several targets
    that `code` is about.

    `standing` is a key of `words.STATES` that says more than the state; `part` is how many of how
    many targets it is true of, where not of all. `differences` holds what was asked for before the arrow
    and what was found behind it. `asks` says whose consent is waited for; `twins` are what to type
    in place of the buttons. `takes_comment` gives the card a field whose text goes along with Reject. `views` gives people
    a card of their own. `caution` is what to keep in mind before anything else.
    """

    id: str
    title: str
    target: str
    command: str
    state: State
    steps: tuple[Step, ...]
    about: str = ""
    standing: str = ""
    part: str = ""
    code: str = ""
    culprit: Named | None = None
    caution: str = ""
    reason: str = ""
    changes: tuple[Change, ...] = ()
    differences: tuple[Change, ...] = ()
    facts: tuple[Fact, ...] = ()
    fault: Fault | None = None
    request_id: str = ""
    notes: tuple[str, ...] = ()
    items: tuple[Item, ...] = ()
    asks: tuple[Fact, ...] = ()
    twins: tuple[str, ...] = ()
    takes_comment: bool = False
    views: Views | None = None
    buttons: tuple[Button, ...] = ()


_MARKS: Final[Mapping[Mark, str]] = MappingProxyType(
    {
        Mark.TAKEN: signs.TAKEN,
        Mark.CURRENT: signs.CURRENT,
        Mark.PENDING: signs.PENDING,
        Mark.BROKEN: signs.BROKEN,
    }
)


def render(operation: Operation, place: Place, stamp: Stamp) -> Rendered:
    """Return the card of a write in its present state."""
    key = operation.standing or operation.state.value
    look = LOOKS[key]
    blocks = [
        fixed(line(words.STATES[key][1], is_bold=True)),
        sentence(_outcome(operation)),
        caution(operation.caution),
        _resolution(operation),
        facts(0, [Fact(words.TARGET, operation.target, operation.about)]),
        facts(3, [Fact(words.REASON, operation.reason)] if operation.reason else []),
        facts(0, operation.asks),
        commands(0, operation.twins, words.TO_TYPE),
        listed(1, words.STEPS, [_step(step) for step in operation.steps]),
        listed(9, words.TARGETS, [_item(item) for item in operation.items]),
        changes(2, operation.differences, _differing(operation)),
        *(fault_facts(operation.fault) if operation.fault else ()),
        changes(5, operation.changes, words.CHANGES),
        facts(6, operation.facts),
        commands(8, [operation.command], words.COMMAND),
        listed(7, "", _receipt(operation)),
        notes(4, operation.notes),
    ]
    if operation.takes_comment:
        blocks.append(fixed(_comment()))
    title = words.headline(operation.title, words.standing(key, operation.part))
    head = Head(look.tone, look.sign, title, refresh=_refresh(operation.views))
    return compose(head, blocks, place=place, stamp=stamp, buttons=operation.buttons)


def _outcome(operation: Operation) -> str:
    """Return why it ended so, and of which one of several targets that is said."""
    why, culprit = words.OUTCOMES.get(operation.code, ""), operation.culprit
    return words.about_one(culprit.name, culprit.id, why) if why and culprit else why


def _differing(operation: Operation) -> str:
    """Return what differs: what was asked for and is there, or what was there and is now."""
    return words.DRIFT if operation.state is State.STALE else words.DIFFERENCES


def _item(item: Item) -> CardElement:
    status = f"{DOT_OF[item.tone]} {item.status}"
    detail = [line(item.detail, is_quiet=True, spacing="None")] if item.detail else []
    return grid(
        (3, (named(item.record),)),
        (2, (line(status, is_bold=True), *detail)),
        spacing="Small",
    )


def _refresh(views: Views | None) -> RefreshDefinition | None:
    """Return how a client gets its person's own view: by asking for the operation as that person."""
    if views is None:
        return None
    ask = ExecuteAction(verb=VIEW_VERB, data={"operation": views.operation_id})
    return RefreshDefinition(action=ask, user_ids=list(views.user_ids))


def _comment() -> TextInput:
    return TextInput(id="comment", label=words.COMMENT_LABEL, max_length=500)


def _resolution(operation: Operation) -> Block:
    if operation.state is not State.UNKNOWN:
        return fixed()
    typed = [fill(text, {"id": operation.id}) for text in words.RESOLVE_COMMANDS]
    return commands(0, typed, words.RESOLVE)


def _receipt(operation: Operation) -> list[CardElement]:
    if operation.fault or not operation.request_id:
        return []
    return [pair(words.REQUEST_ID, code(operation.request_id, 64))]


def _step(step: Step) -> CardElement:
    name = words.STEPS_TAKEN.get(step.name, step.name)
    label = line(f"{_MARKS[step.mark]} {name}")
    pieces = [run(text) for text in (step.who, step.at, step.detail) if text]
    flow = [piece for each in pieces for piece in (separate(words.DOT), each)][1:]
    return grid((2, (label,)), (3, (rich(*(flow or [separate("…")])),)), spacing="Small")
