"""The one visual language: a coloured head, the body, what to quote, and few buttons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final

from microsoft_teams.cards import (
    Action,
    ActionStyle,
    AdaptiveCard,
    CardElement,
    Container,
    ExecuteAction,
    RefreshDefinition,
    SubmitAction,
    TeamsCardProperties,
    TextRun,
)

from cards import words
from cards.elements import code, line, rich, run, separate, title
from cards.signs import BAND, Tone
from cards.size import LIMIT_BYTES, Block, fit, weigh
from cards.text import plain

PRIMARY_LIMIT: Final = 1
SECONDARY_LIMIT: Final = 3
BUTTON_BYTES: Final = 2048
_SLACK_BYTES: Final = 64


@dataclass(frozen=True, slots=True)
class Place:
    """Where an answer comes from: the cloud's and the tenant's names."""

    cloud: str
    tenant: str


@dataclass(frozen=True, slots=True)
class Stamp:
    """What stands at a card's foot: an id to quote, the command to type with it, and the time.

    `label` says what the id is of: `words.OPERATION`, `words.ERROR` or `words.REFERENCE`.
    """

    at: str = ""
    id: str = ""
    twin: str = ""
    label: str = words.OPERATION


class Way(StrEnum):
    """How a press reaches the bot: from a card, from a dialog, or to open a dialog."""

    EXECUTE = "execute"
    SUBMIT = "submit"
    FETCH = "fetch"


@dataclass(frozen=True, slots=True)
class Button:
    """Something to press. `verb` and `data` travel back and are judged again; never a right."""

    title: str
    verb: str
    data: Mapping[str, str]
    primary: bool = False
    way: Way = Way.EXECUTE


@dataclass(frozen=True, slots=True)
class Head:
    """What a card is: tone, sign and title, and whether it is wide or has views of its own.

    `refresh` is what clients send to get their person's own view. `said` is what a phone shows of
    it, where the title is not enough.
    """

    tone: Tone
    sign: str
    title: str
    is_wide: bool = False
    refresh: RefreshDefinition | None = None
    said: str = ""


@dataclass(frozen=True)
class Rendered:
    """A finished card and the words of its notification."""

    card: AdaptiveCard
    summary: str

    def payload(self) -> dict[str, object]:
        """Return the attachment's content: computed once and shared, so not to be changed."""
        return self._payload

    @cached_property
    def _payload(self) -> dict[str, object]:
        return self.card.model_dump(by_alias=True, exclude_none=True)


def compose(
    head: Head,
    blocks: Sequence[Block],
    *,
    place: Place,
    stamp: Stamp,
    buttons: Sequence[Button] = (),
) -> Rendered:
    """Return the card: head, blocks, foot and buttons, shortened to fit the size Teams takes.

    Of the buttons the first primary and the first three others are kept.
    """
    summary = words.summary(head.said or head.title, place.tenant)
    top, foot = _top(head, place), _foot(stamp)
    actions = [_action(button) for button in kept(buttons)]
    whole = [element for block in blocks for element in block.draw(block.count)]
    card = _card([top, *whole, *foot], actions, head=head, summary=summary)
    rendered = Rendered(card, summary)
    is_all = not any(block.unseen for block in blocks)
    if is_all and weigh(rendered.payload()) <= LIMIT_BYTES:
        return rendered
    bare = Rendered(_card([top, *foot], actions, head=head, summary=summary), summary)
    room = LIMIT_BYTES - weigh(bare.payload()) - _SLACK_BYTES
    body = fit(blocks, room, lambda count: line(words.more(count), is_quiet=True))
    return Rendered(_card([top, *body, *foot], actions, head=head, summary=summary), summary)


def kept(buttons: Sequence[Button]) -> list[Button]:
    """Return the buttons a card shows: the primary first, then at most three others.

    One whose data is too large to travel is left out; its text twin still stands on the card.
    """
    fitting = [b for b in buttons if weigh({"verb": b.verb, **b.data}) <= BUTTON_BYTES // 2]
    primary = [b for b in fitting if b.primary][:PRIMARY_LIMIT]
    return primary + [b for b in fitting if not b.primary][:SECONDARY_LIMIT]


def _action(button: Button) -> Action:
    text = plain(button.title, 40)
    style: ActionStyle | None = "positive" if button.primary else None
    # A client that knows no Action.Execute sends the same words as a message's value.
    data: dict[str, object] = {**button.data, "verb": button.verb}
    if button.way is Way.FETCH:
        # Where there are no dialogs, the same words arrive as a message's value.
        data["msteams"] = {"type": "task/fetch"}
    submit = SubmitAction(title=text, style=style, data=data)
    if button.way is not Way.EXECUTE:
        return submit
    return ExecuteAction(
        title=text, style=style, verb=button.verb, data=dict(button.data), fallback=submit
    )


def _card(
    body: list[CardElement], actions: list[Action], *, head: Head, summary: str
) -> AdaptiveCard:
    return AdaptiveCard(
        version="1.5",
        fallback_text=summary,
        speak=summary,
        refresh=head.refresh,
        body=body,
        actions=actions or None,
        msteams=TeamsCardProperties(width="full") if head.is_wide else None,
    )


def _top(head: Head, place: Place) -> Container:
    return Container(
        style=BAND[head.tone],
        bleed=True,
        items=[
            title(f"{head.sign} {head.title}"),
            line(words.place(place.cloud, place.tenant), is_quiet=True, spacing="None"),
        ],
    )


def _foot(stamp: Stamp) -> list[CardElement]:
    runs: list[TextRun] = []
    if stamp.id:
        runs += [run(stamp.label, is_quiet=True), separate(" "), code(stamp.id, 64)]
    if stamp.twin:
        runs += [*([separate(words.DOT)] if runs else []), code(stamp.twin, 128)]
    if stamp.at:
        runs += [
            *([separate(words.DOT)] if runs else []),
            run(plain(stamp.at, 64), is_quiet=True),
        ]
    return [rich(*runs, spacing="Medium")] if runs else []
