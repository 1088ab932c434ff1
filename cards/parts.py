"""Pieces that several cards share: facts, changes, steps back to Graph, notes, commands to type."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from microsoft_teams.cards import CardElement

from cards import words
from cards.elements import caption, code, command, line, pair, run, separate, struck
from cards.size import Block, fixed, loose
from cards.text import fill


@dataclass(frozen=True, slots=True)
class Fact:
    """A label and its value; an empty value shows as not set."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Change:
    """One field before and after; None stands for not set."""

    label: str
    before: str | None
    after: str | None


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


def listed(rank: int, heading: str, rows: Sequence[CardElement]) -> Block:
    """Return rows under a small heading, which is there as long as one row is."""
    return Block(
        lambda n: [*([caption(heading)] if n and heading else []), *rows[:n]], len(rows), rank
    )


def facts(rank: int, entries: Iterable[Fact], heading: str = "") -> Block:
    """Return labels with their values, exact and ready to be copied."""
    rows = [pair(fact.label, run(fact.value or words.NOT_SET)) for fact in entries]
    return listed(rank, heading, rows)


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
