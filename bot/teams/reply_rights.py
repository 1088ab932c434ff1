"""What somebody may do and who may do something, as their cards show it."""

from bot.domain.consent import ApprovalRule
from bot.domain.policy import Allowed, Denied, NeedsApproval
from bot.domain.rights import Entitled, Explanation
from cards import rights, rights_words, words
from cards.text import fill
from cards.times import span


def answer_card(outcome: Explanation) -> rights.Answer:
    """Return the yes or no of a verdict, with the one reason."""
    command, permission = f"/{outcome.spec.title}", outcome.spec.permission
    match outcome.verdict:
        case Allowed(role=role, pattern=pattern):
            return rights.Answer(
                command,
                permission,
                is_yes=True,
                role=role,
                rule=pattern,
                depends=outcome.spec.depends,
            )
        case NeedsApproval(role=role, rule=rule):
            return rights.Answer(
                command, permission, is_yes=True, role=role, consent=_consent(rule)
            )
        case Denied() as denied:
            values = {"permission": denied.permission, "rule": denied.rule}
            return rights.Answer(
                command,
                permission,
                is_yes=False,
                why=fill(words.DENIALS[denied.reason], values),
                rule=denied.rule,
                needed=denied.roles,
                held=denied.held,
            )


def circle_card(outcome: Entitled) -> rights.Circle:
    """Return who may run a command."""
    return rights.Circle(
        command=f"/{outcome.spec.title}",
        permission=outcome.spec.permission,
        is_everybody=outcome.spec.is_open,
        is_shut_out=outcome.is_shut_out,
        holders=()
        if outcome.spec.is_open
        else tuple(rights.Holder(h.role, h.groups, h.people) for h in outcome.holders),
        consent=_consent(outcome.rule) if outcome.rule else None,
        depends=outcome.spec.depends,
    )


def terms_of(rule: ApprovalRule | None, *, lacks_reason: bool = False) -> tuple[str, ...]:
    """Return whether a write would run at once or wait, and for whom, in words."""
    said = rights.terms(_consent(rule) if rule else None)
    return (*said, rights_words.REASON_WANTED) if lacks_reason else said


def _consent(rule: ApprovalRule) -> rights.Consent:
    return rights.Consent(rule.needed, rule.approvers, span(rule.expires))
