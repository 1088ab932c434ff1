"""A write's state as its card shows it: steps, differences, what to look at."""

from typing import assert_never

from bot.domain.again import TARGET_GONE, may_ask_again
from bot.domain.approval import Approval, Decision
from bot.domain.operation import ANSWER_LOST, Observation, Operation, State
from bot.domain.outcome import Operated, View
from bot.domain.plan import Change, Plan
from bot.domain.resource import Effect, Option, ResourceKind, moment
from bot.domain.undo import may_undo
from bot.teams.reply_targets import items_of, named_of, part_of
from bot.teams.reply_values import fault_of, run_button
from cards import notice, operation as card, states, waiting, words
from cards.frame import Button
from cards.operation import Mark, Step
from cards.parts import Change as CardChange, Fact
from cards.text import fill
from cards.times import exact

# How a step looks by what reading back showed.
SEEN = {
    Observation.PENDING: Mark.CURRENT,
    Observation.CONFIRMED: Mark.TAKEN,
    Observation.UNMOVED: Mark.BROKEN,
    Observation.DIFFERS: Mark.BROKEN,
    Observation.UNREAD: Mark.BROKEN,
}


def changes_of(changes: tuple[Change, ...]) -> tuple[CardChange, ...]:
    """Return changes as cards take them."""
    return tuple(CardChange(change.label, change.before, change.after) for change in changes)


def title_of(plan: Plan) -> str:
    """Return what a write does to what, in a few words: `Sync EXCH01`."""
    return f"{plan.verb.capitalize()} {plan.target_name}"


def about_of(kind: ResourceKind, plan: Plan, target_id: str | None) -> str:
    """Return what stands behind the target's name: its kind, and its id where there is one."""
    if plan.items:
        return ""
    known = target_id or plan.target_id
    if known == plan.target_name:
        return kind.title
    return f"{kind.title} {known}" if known else f"{words.NEW} {kind.title}"


def operation_card(shown: Operated) -> card.Operation:
    """Return the card's values for an operation as it stands, in the view it is meant for."""
    kind, operation, approval = shown.kind, shown.operation, shown.approval
    result = operation.result
    target_id = result.target_id or operation.plan.target_id
    is_waiting = operation.state is State.WAITING
    return card.Operation(
        id=operation.short,
        title=title_of(operation.plan),
        target=operation.plan.target_name,
        about=about_of(kind, operation.plan, result.target_id),
        command=operation.command,
        state=states.State(operation.state.value),
        caution=_caution(shown),
        steps=_steps(operation, approval),
        standing=operation.standing,
        part=part_of(operation),
        code="was-gone" if result.was_gone else result.code,
        culprit=named_of(operation).get(result.target_id or ""),
        reason=operation.reason or "",
        changes=changes_of(operation.plan.changes),
        differences=changes_of(result.differences),
        facts=_facts(kind, operation),
        fault=fault_of(result.fault, None) if result.fault and result.fault.status else None,
        request_id=result.request_id or "",
        items=items_of(operation),
        asks=_asks(operation, approval),
        twins=_twins(operation, shown.view),
        takes_comment=is_waiting and shown.view in {View.ALL, View.APPROVER},
        views=card.Views(operation.id, shown.viewers) if shown.viewers else None,
        buttons=(
            _choices(operation, approval, shown.view)
            if is_waiting and approval
            else _buttons(kind, operation, target_id)
        ),
    )


def _caution(shown: Operated) -> str:
    """Return that nobody who decides can see the card, to the one who can."""
    is_waiting = shown.operation.state is State.WAITING
    if not (is_waiting and shown.is_unseen and shown.view in {View.ALL, View.ASKER}):
        return ""
    return fill(words.UNSEEN, {"id": shown.operation.short})


def _facts(kind: ResourceKind, operation: Operation) -> tuple[Fact, ...]:
    plan = operation.plan
    sent = dict(plan.body or {}) if plan.effect is Effect.ACT else {}
    verb = kind.verb(plan.verb)
    named = {option.wire: option for option in (verb.options if verb else ()) if option.wire}
    return tuple(_said(named.get(name), name, str(value)) for name, value in sent.items())


def _said(option: Option | None, name: str, value: str) -> Fact:
    """Return what was sent in the words that people type: the option's own."""
    if option is None:
        return Fact(name, value)
    typed = next((word for word, meant in option.choices.items() if meant == value), value)
    return Fact(option.name.capitalize(), typed)


def _moment(text: str) -> str:
    """Return what was read back: a time as people read it, other text as it is."""
    when = moment(text)
    return exact(when) if when else text


def _asks(operation: Operation, approval: Approval | None) -> tuple[Fact, ...]:
    if operation.state is not State.WAITING or approval is None:
        return ()
    missing, total = _missing(approval)
    return (
        Fact(words.WHO_DECIDES, ", ".join(approval.rule.approvers)),
        Fact(words.STILL_NEEDED, words.needed(missing, total)),
        Fact(words.LAPSES, words.lapse(exact(approval.expires_at))),
    )


def _missing(approval: Approval) -> tuple[int, int]:
    """Return how many must still consent, and of how many in all."""
    rule = approval.rule
    # While it waits one is missing at least: the policy may ask for more by now.
    missing = max(1, rule.needed - len(approval.consents))
    return missing, max(rule.needed, len(approval.consents) + missing)


def _twins(operation: Operation, view: View) -> tuple[str, ...]:
    if may_ask_again(operation):
        return words.again(operation.short)
    if operation.state is not State.WAITING:
        return ()
    return (
        *(words.votes(operation.short) if view in {View.ALL, View.APPROVER} else ()),
        *(words.withdrawal(operation.short) if view in {View.ALL, View.ASKER} else ()),
    )


def _choices(operation: Operation, approval: Approval, view: View) -> tuple[Button, ...]:
    """Return what this viewer may press. What is left out is refused all the same if it comes."""
    data = {"operation": operation.id, "revision": str(approval.revision)}
    decide = (
        Button(words.APPROVE_BUTTON, "approve", data, primary=True),
        Button(words.REJECT_BUTTON, "reject", data),
    )
    cancel = (Button(words.CANCEL_BUTTON, "cancel", data),)
    match view:
        case View.ALL:
            return (*decide, *cancel)
        case View.APPROVER:
            return decide
        case View.ASKER:
            return cancel
        case View.OTHER:
            return ()
        case _:
            assert_never(view)


def _consents(operation: Operation, approval: Approval | None) -> list[Step]:
    """Return who decided how, and that somebody still has to."""
    if approval is None:
        return []
    votes = [
        Step(
            vote.decision.value,
            Mark.TAKEN if vote.decision is Decision.APPROVE else Mark.BROKEN,
            who=vote.person.name,
            at=exact(vote.at),
            detail=vote.comment or "",
        )
        for vote in approval.votes
    ]
    if operation.state is State.WAITING:
        detail = words.still_needed(*_missing(approval))
        votes.append(Step("consent", Mark.CURRENT, detail=detail))
    return votes


def _steps(operation: Operation, approval: Approval | None) -> tuple[Step, ...]:
    result = operation.result
    requested = Step(
        "requested",
        Mark.TAKEN,
        who=operation.actor.name,
        at=exact(operation.created_at),
    )
    steps = [requested, *_consents(operation, approval), *_progress(operation)]
    if result.resolved_by:
        steps.append(
            Step("resolved", Mark.TAKEN, who=result.resolved_by, at=exact(operation.updated_at))
        )
    return tuple(steps)


def _progress(operation: Operation) -> list[Step]:
    result = operation.result
    at = exact(operation.updated_at)
    match operation.state:
        case State.WAITING:
            return [Step("accepted", Mark.PENDING), Step("observed", Mark.PENDING)]
        case State.APPROVED | State.EXECUTING:
            return [Step("accepted", Mark.CURRENT), Step("observed", Mark.PENDING)]
        case State.DONE | State.FAILED | State.UNKNOWN if result.observation is not None:
            seen = SEEN[result.observation]
            detail = _moment(result.observed_at or "")
            # To the minute the two are mostly the same, and then said once.
            detail = "" if detail == at and seen is Mark.TAKEN else detail
            is_lost = result.code == ANSWER_LOST
            accepted = Mark.BROKEN if is_lost else Mark.TAKEN
            return [
                Step("accepted", accepted, at=at, detail=words.NO_ANSWER if is_lost else ""),
                Step("observed", seen, at=at if seen is Mark.TAKEN else "", detail=detail),
            ]
        case State.DONE:
            return [Step("accepted", Mark.TAKEN, at=at)]
        case State.FAILED | State.UNKNOWN:
            return [Step("accepted", Mark.BROKEN, at=at)]
        case _:
            return [Step("ended", Mark.TAKEN, at=at)]


def _buttons(
    kind: ResourceKind, operation: Operation, target_id: str | None
) -> tuple[Button, ...]:
    if operation.state is State.EXECUTING:
        return ()
    buttons = []
    if may_undo(operation):
        buttons.append(Button(words.UNDO_BUTTON, "undo", {"operation": operation.id}))
    if may_ask_again(operation):
        buttons.append(Button(words.AGAIN_BUTTON, "again", {"operation": operation.id}))
    is_deleted = operation.state is State.DONE and operation.plan.effect is Effect.DELETE
    is_gone = is_deleted or operation.result.code == TARGET_GONE
    if target_id is not None and not is_gone:
        buttons.append(run_button(words.SHOW_BUTTON, f"/{kind.name} get {target_id}"))
    return tuple(buttons)


def entry_of(shown: Operated) -> waiting.Entry:
    """Return an operation that waits as a row of a list."""
    operation, approval = shown.operation, shown.approval
    return waiting.Entry(
        id=operation.short,
        operation_id=operation.id,
        what=title_of(operation.plan),
        command=operation.command,
        who=operation.actor.name,
        lapses=exact(approval.expires_at) if approval else "",
        twins=_twins(operation, shown.view),
    )


def decision_notice(operation: Operation, approval: Approval) -> notice.Notice:
    """Return the short message that tells the asker how it was decided."""
    details = (
        ("id", operation.short),
        ("what", title_of(operation.plan)),
        ("who", ", ".join(vote.person.name for vote in approval.votes) or words.NOBODY),
        ("comment", next((v.comment for v in approval.votes if v.comment), "")),
        ("asker", operation.actor.name),
        ("part", part_of(operation)),
    )
    known = "decided-partly" if operation.is_partial else f"decided-{operation.state.value}"
    return notice.Notice(known if known in words.NOTICES else "decided-approved", details)
