"""Outcome -> toast: what the person who pressed a button reads where the card stays as it is."""

from typing import TypeAlias, assert_never

from bot.domain.outcome import (
    Failed,
    GraphFailed,
    Misread,
    Noted,
    NotFound,
    Paused,
    Refused,
)
from cards import words
from cards.notice import told
from cards.problem import nowhere
from cards.text import fill, plain
from cards.times import within

LIMIT = 600
Brief: TypeAlias = Refused | Paused | Misread | NotFound | GraphFailed | Failed | Noted
"""The outcomes that a sentence or two can tell whole."""


def toast(outcome: Brief, place: str) -> str:
    """Return what happened, the one reason, what to do next, and where this was said."""
    sentences = [*_sentences(outcome), place]
    return plain(" ".join(sentence for sentence in sentences if sentence), LIMIT)


def _sentences(outcome: Brief) -> tuple[str, ...]:
    match outcome:
        case Refused() | Paused():
            return _refusal(outcome)
        case Noted(code="slow-down"):
            return _denied("slow-down", wait=words.A_MOMENT)
        case Noted(code=code, details=details):
            title, text = words.NOTICES.get(code, (code, ""))
            given = dict(details)
            why = words.because(given.get("reason", ""))
            return f"{title}.", fill(text, told(details)), why, given.get("command", "")
        case Misread(code=code, details=details):
            why = words.MISREADINGS.get(code, words.MISREAD)
            return fill(why, dict(details)), words.SEE_HELP
        case NotFound(kind=kind, target=target, known_as=name):
            return (nowhere(kind.title, target, name),)
        case GraphFailed(fault=fault, retry_after_s=retry, error_id=error_id):
            title = words.GRAPH_TITLES.get(fault.status, words.GRAPH_TITLE)
            hints = words.GRAPH_HINTS.get(fault.status, words.GRAPH_HINTS_OTHER)
            hint = hints[0] if retry is None else fill(words.RETRY, {"when": within(retry)})
            return f"{title}.", hint, f"{words.ERROR} {error_id}"
        case Failed(code=code, error_id=error_id):
            why = words.FAILURES.get(code, words.FAILURES["internal"])
            return why, words.FAILURE_ADVICE, f"{words.ERROR} {error_id}"
        case _:
            assert_never(outcome)


def _refusal(outcome: Refused | Paused) -> tuple[str, ...]:
    match outcome:
        case Refused(denied=denied):
            return _denied(denied.reason, permission=denied.permission, rule=denied.rule)
        case Paused(who=who, reason=reason):
            why, remedy = _denied("paused" if who else "read-only")
            return why, words.because(reason or ""), remedy
        case _:
            assert_never(outcome)


def _denied(code: str, **values: str) -> tuple[str, str]:
    why = fill(words.DENIALS.get(code, words.DENIED_OTHERWISE), values)
    return why, fill(words.REMEDIES.get(code, words.SEE_HELP), values)
