"""Cards of what went wrong: not understood, not found, several found, Graph's errors, our own."""

import re
from dataclasses import dataclass
from typing import Final

from cards import signs, words
from cards.elements import carets, code, command, line, pair, rich, run, separate
from cards.frame import Button, Head, Place, Rendered, Stamp, compose
from cards.parts import Fact, Fault, caution, commands, facts, fault_facts, listed, notes, sentence
from cards.pointer import pointed
from cards.signs import DOT_OF, Tone
from cards.size import fixed, loose
from cards.text import fill

_WHOLE_ID: Final = re.compile(r"(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Misreading:
    """Text that is no command. `start` and `end` mark the wrong part inside `text`.

    `code` is a key of `words.MISREADINGS`, `details` its values.
    """

    code: str
    text: str
    start: int
    end: int
    details: tuple[tuple[str, str], ...] = ()
    usage: str = ""
    suggestions: tuple[str, ...] = ()
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True)
class Missing:
    """A record that is not there. `suggestions` are commands for records with similar names.

    `name` is what it was called, where more than `target` is known of it.
    """

    kind: str
    target: str
    suggestions: tuple[str, ...] = ()
    next_steps: tuple[str, ...] = ()
    buttons: tuple[Button, ...] = ()
    caution: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One record that fits an ambiguous name, and the command that means exactly it."""

    name: str
    id: str
    status: str
    tone: Tone
    command: str


@dataclass(frozen=True, slots=True)
class Ambiguity:
    """A name that fits several records; `caution` says that they may have changed since."""

    kind: str
    target: str
    candidates: tuple[Candidate, ...]
    buttons: tuple[Button, ...] = ()
    caution: str = ""


@dataclass(frozen=True, slots=True)
class GraphProblem:
    """A read, or a write before it was sent, that Graph refused: nothing was changed."""

    fault: Fault
    command: str = ""
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """Anything else; `code` is a key of `words.FAILURES`."""

    code: str
    notes: tuple[str, ...] = ()
    buttons: tuple[Button, ...] = ()


def misread(misreading: Misreading, place: Place, stamp: Stamp) -> Rendered:
    """Return the card of text that is no command, pointing at the part that does not fit."""
    why = words.MISREADINGS.get(misreading.code, words.MISREAD)
    near = dict(misreading.details).get("near", "")
    shown = pointed(misreading.text, misreading.start, misreading.end)
    blocks = [
        fixed(line(fill(why, dict(misreading.details)), is_bold=True)),
        fixed(rich(code(shown.window)), carets(shown.pad, shown.count)),
        facts(1, [Fact(words.DID_YOU_MEAN, f"{near}?")] if near else []),
        listed(2, words.USAGE, [command(misreading.usage)] if misreading.usage else []),
        commands(1, misreading.suggestions, words.DID_YOU_MEAN),
        loose(3, line(words.SEE_HELP, is_quiet=True)),
    ]
    head = Head(Tone.WARNING, signs.QUESTION, words.MISREAD_TITLE)
    return compose(head, blocks, place=place, stamp=stamp, buttons=misreading.buttons)


def nowhere(kind: str, target: str, name: str) -> str:
    """Return that no record was found; a whole id, as an operation knows it, belonged to one."""
    text = words.GONE if _WHOLE_ID.fullmatch(target) else words.NOT_FOUND
    values = {"kind": kind, "target": target, "name": name}
    return fill(words.GONE_BY_NAME if name else text, values)


def not_found(missing: Missing, place: Place, stamp: Stamp) -> Rendered:
    """Return the card of a record that is not there."""
    blocks = [
        sentence(nowhere(missing.kind, missing.target, missing.name)),
        caution(missing.caution),
        commands(1, missing.suggestions, words.DID_YOU_MEAN),
        commands(2, missing.next_steps, words.TYPE_THIS),
    ]
    head = Head(Tone.WARNING, signs.QUESTION, words.NOT_FOUND_TITLE)
    return compose(head, blocks, place=place, stamp=stamp, buttons=missing.buttons)


def ambiguous(ambiguity: Ambiguity, place: Place, stamp: Stamp) -> Rendered:
    """Return the card that asks which record is meant, with the command for each."""
    values = {"kind": ambiguity.kind, "target": ambiguity.target}
    rows = [
        element
        for candidate in ambiguity.candidates
        for element in (
            pair(
                f"{DOT_OF[candidate.tone]} {candidate.status}",
                run(candidate.name, is_bold=True),
                separate(" "),
                code(candidate.id, 64),
            ),
            command(candidate.command),
        )
    ]
    blocks = [
        sentence(fill(words.AMBIGUOUS, values)),
        caution(ambiguity.caution),
        sentence(words.NOTHING_CHANGED),
        listed(1, words.TYPE_THIS, rows),
    ]
    head = Head(Tone.WARNING, signs.QUESTION, words.CANDIDATES)
    return compose(head, blocks, place=place, stamp=stamp, buttons=ambiguity.buttons)


def graph(problem: GraphProblem, place: Place, stamp: Stamp) -> Rendered:
    """Return the card of an error Graph gave."""
    fault = problem.fault
    blocks = [
        fixed(line(words.NOTHING_CHANGED, is_bold=True)),
        facts(7, [Fact(words.COMMAND, problem.command)] if problem.command else []),
        *fault_facts(fault),
    ]
    title = words.GRAPH_TITLES.get(fault.status, words.GRAPH_TITLE)
    head = Head(Tone.CRITICAL, signs.FAILED, title)
    return compose(head, blocks, place=place, stamp=stamp, buttons=problem.buttons)


def failure(problem: Failure, place: Place, stamp: Stamp) -> Rendered:
    """Return the card of a failure of our own, with the id it is logged under."""
    blocks = [
        sentence(words.FAILURES.get(problem.code, words.FAILURES["internal"])),
        sentence(words.FAILURE_ADVICE),
        notes(1, problem.notes),
    ]
    head = Head(Tone.CRITICAL, signs.FAILED, words.FAILURE_TITLE)
    return compose(head, blocks, place=place, stamp=stamp, buttons=problem.buttons)
