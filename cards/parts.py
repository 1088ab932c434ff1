"""Pieces that several cards share: facts, changes, steps back to Graph, notes, commands to type."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from microsoft_teams.cards import CardElement

from cards import words
from cards.elements import (
    SENTENCE,
    VALUE,
    caption,
    code,
    command,
    line,
    pair,
    rich,
    run,
    separate,
    struck,
)
from cards.signs import WARNED
from cards.size import Block, fixed, loose
from cards.text import fill


@dataclass(frozen=True, slots=True)
class Fact:
    """A label and its value; an empty value shows as not set. `detail` stands small behind it."""

    label: str
    value: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Named:
    """A record by its name; `id` is its short id where the card has others of that name."""

    name: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One field before and after; None stands for not set."""

    label: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Why:
    """Why a card was sent: the filter in words and who asked for it; `twin` stops it."""

    text: str
    twin: str


@dataclass(frozen=True, slots=True)
class Fault:
    """What Graph said of a failed request; `status` is 0 when no answer arrived.

    `retry` says when trying again makes sense ("in 30 seconds"), empty when unknown.
    """

    status: int
    code: str
    message: str
    request_id: str = ""
    client_request_id: str = ""
    retry: str = ""


def listed(
    rank: int,
    heading: str,
    rows: Sequence[CardElement],
    *,
    unseen: int = 0,
    is_first: bool = False,
) -> Block:
    """Return rows under a small heading, which is there as long as one row is.

    `unseen` counts rows that exist beyond these. `is_first`: nothing is before it to be set off from.
    """
    top = [caption(heading, has_line=not is_first)] if heading else []
    return Block(
        lambda n: [*(top if n else []), *rows[:n]],
        len(rows),
        rank,
        unseen,
    )


def facts(rank: int, entries: Iterable[Fact], heading: str = "") -> Block:
    """Return labels with their values, exact and ready to be copied."""
    return listed(rank, heading, [_fact(fact) for fact in entries])


def _fact(fact: Fact) -> CardElement:
    detail = [separate(words.DOT), run(fact.detail, is_quiet=True)] if fact.detail else []
    return pair(fact.label, run(fact.value or words.NOT_SET), *detail)


def named(record: Named, limit: int = VALUE, *, is_bold: bool = False) -> CardElement:
    """Return a record's name, and its short id small behind it."""
    known = [separate(words.DOT), run(record.id, is_quiet=True)] if record.id else []
    return rich(run(record.name, limit, is_bold=is_bold), *known)


def changes(rank: int, entries: Iterable[Change], heading: str) -> Block:
    """Return each field as before → after."""
    rows = [
        pair(
            change.label,
            run(words.NOT_SET, is_quiet=True) if change.before is None else struck(change.before),
            separate(words.ARROW),
            run(words.NOT_SET if change.after is None else change.after, is_bold=True),
        )
        for change in entries
    ]
    return listed(rank, heading, rows)


def notes(rank: int, texts: Iterable[str]) -> Block:
    """Return each note as a paragraph of its own."""
    return loose(rank, *(line(f"{words.NOTE_MARK} {text}", is_quiet=True) for text in texts))


def commands(rank: int, texts: Iterable[str], heading: str) -> Block:
    """Return commands to type, one a line."""
    return listed(rank, heading, [command(text) for text in texts])


def sentence(text: str) -> Block:
    """Return a sentence that always stays, or nothing for an empty text."""
    return fixed(*([line(text)] if text else []))


def why(rank: int, reason: Why | None) -> Block:
    """Return the quiet line that says why a card was sent and how to stop it, or nothing."""
    if reason is None:
        return fixed()
    flow = rich(run(reason.text, SENTENCE, is_quiet=True), separate(" "), code(reason.twin, 64))
    return loose(rank, flow)


def caution(text: str) -> Block:
    """Return what to keep in mind before anything else on the card, or nothing."""
    return fixed(*([line(f"{WARNED} {text}", is_bold=True)] if text else []))


def fault_facts(fault: Fault) -> list[Block]:
    """Return what Graph said: its message, its code, and the ids its support asks for."""
    status = f"{fault.status} {fault.code}" if fault.status else fault.code
    ids = [
        pair(label, code(text, 64))
        for label, text in (
            (words.REQUEST_ID, fault.request_id),
            (words.CLIENT_REQUEST_ID, fault.client_request_id),
        )
        if text
    ]
    advice = [fill(words.RETRY, {"when": fault.retry})] if fault.retry else []
    hints = [*advice, *words.GRAPH_HINTS.get(fault.status, words.GRAPH_HINTS_OTHER)]
    return [
        facts(5, [Fact(words.SAID, fault.message)] if fault.message else []),
        facts(4, [Fact(words.STATUS, status)] if status else []),
        loose(3, *ids),
        listed(6, words.HINTS, [line(hint) for hint in hints]),
    ]
