"""Why something could not be had, as its cards show it: refusals, misreadings, several matches."""

from datetime import datetime

from bot.domain.outcome import Ambiguous, Misread
from bot.domain.policy import Denial, Denied
from bot.teams.reply_values import caution_of, run_button, short_of, shown, status_of
from cards import problem, refusal, words


def denial_card(denied: Denied) -> refusal.Refusal:
    """Return what the policy said, and who can change it."""
    grantors = (words.GRANTORS,) if denied.reason is Denial.NO_RULE else ()
    return refusal.Refusal(
        code=denied.reason.value,
        command="",
        permission=denied.permission,
        rule=denied.rule,
        needed=denied.roles,
        held=denied.held,
        grantors=grantors,
    )


def misreading_card(outcome: Misread) -> problem.Misreading:
    """Return the text, the wrong part of it, and what may have been meant."""
    return problem.Misreading(
        code=outcome.code,
        text=outcome.text,
        start=outcome.start,
        end=outcome.end,
        details=outcome.details,
        usage=outcome.spec.usage if outcome.spec else "",
        suggestions=tuple(f"/{title}" for title in outcome.suggestions),
    )


def ambiguity_card(outcome: Ambiguous, now: datetime) -> problem.Ambiguity:
    """Return the records that fit; as buttons only where the command just reads."""
    kind = outcome.kind
    candidates = []
    for values, command in zip(outcome.candidates, outcome.commands, strict=True):
        status, tone = status_of(kind, values, None)
        name, record_id = kind.name_of(values), shown(values.get("id"))
        candidates.append(problem.Candidate(name, record_id, status, tone, command))
    buttons = (
        tuple(
            run_button(f"{kind.name_of(values)} {short_of(shown(values.get('id')))}", command)
            for values, command in zip(outcome.candidates, outcome.commands, strict=True)
        )
        if outcome.reads_only
        else ()
    )
    caution = caution_of(outcome.as_of, now)
    return problem.Ambiguity(kind.title, outcome.target, tuple(candidates), buttons, caution)
