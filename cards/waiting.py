"""The card of what waits for consent: what this person may decide, and what they asked for."""

from collections.abc import Sequence
from dataclasses import dataclass

from microsoft_teams.cards import CardElement, ExecuteAction

from cards import signs, words
from cards.elements import code, grid, link, rich, run
from cards.frame import Head, Place, Rendered, Stamp, compose
from cards.operation import VIEW_VERB
from cards.parts import listed, notes, sentence
from cards.signs import Tone


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation that waits: what it does to what, the command, who asked, until when.

    `operation_id` is the full id, under which its card is shown; `twins` are what this person may
    type about it.
    """

    id: str
    operation_id: str
    what: str
    command: str
    who: str
    lapses: str
    twins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """The entries of one person, the most urgent first, and how many more there are of each."""

    to_decide: tuple[Entry, ...]
    asked: tuple[Entry, ...]
    more_to_decide: int = 0
    more_asked: int = 0


def render(waiting: Waiting, place: Place, stamp: Stamp) -> Rendered:
    """Return the card of what waits."""
    to_decide, asked = _rows(waiting.to_decide), _rows(waiting.asked)
    is_empty = not (to_decide or asked)
    blocks = [
        sentence(words.NOTHING_WAITS if is_empty else ""),
        listed(1, words.TO_DECIDE, to_decide, unseen=waiting.more_to_decide, is_first=True),
        listed(2, words.ASKED_FOR, asked, unseen=waiting.more_asked, is_first=not to_decide),
        notes(3, [words.HOW_TO_DECIDE] if to_decide else []),
    ]
    head = Head(Tone.NEUTRAL, signs.WAITING, words.WAITING_TITLE, is_wide=not is_empty)
    return compose(head, blocks, place=place, stamp=stamp)


def _rows(entries: Sequence[Entry]) -> list[CardElement]:
    return [_row(entry, is_first=place == 0) for place, entry in enumerate(entries)]


def _row(entry: Entry, *, is_first: bool) -> CardElement:
    left = [
        rich(run(entry.what, is_bold=True)),
        rich(code(entry.command), spacing="None"),
        *(rich(code(twin, 64), spacing="None") for twin in entry.twins),
    ]
    about = (entry.who, words.lapses(entry.lapses) if entry.lapses else "")
    right = [
        *(rich(run(text, is_quiet=True), spacing="None") for text in about if text),
        link(words.SHOW_BUTTON),
    ]
    # Where a row cannot be pressed, the commands on it can still be typed.
    show = ExecuteAction(
        title=words.show(entry.id), verb=VIEW_VERB, data={"operation": entry.operation_id}
    )
    return grid((3, left), (2, right), has_line=not is_first, opens=show)
