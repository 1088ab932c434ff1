"""A write's state as its card shows it: steps, differences, what to look at."""

from typing import assert_never

from bot.domain.approval import Approval, Decision
from bot.domain.operation import Observation, Operation, State
from bot.domain.outcome import Operated, View
from bot.domain.plan import Change, Plan
from bot.domain.resource import Effect, ResourceKind
from bot.teams.reply_values import fault_of, run_button
from cards import notice, operation as card, words
from cards.frame import Button
from cards.operation import Mark, Step
from cards.parts import Change as CardChange, Fact
from cards.signs import Tone
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


def target_of(kind: ResourceKind, plan: Plan, target_id: str | None) -> str:
    """Return what a write is about: the kind, and the id where there is one."""
    if plan.items:
        return plan.target_name
    known = target_id or plan.target_id
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
        target=target_of(kind, operation.plan, result.target_id),
        command=operation.command,
        state=card.State(operation.state.value),
        steps=_steps(operation, approval),
        observation=card.Observation(result.observation.value) if result.observation else None,
        code="was-gone" if result.was_gone else result.code,
        reason=operation.reason or "",
        changes=changes_of(operation.plan.changes),
        differences=changes_of(result.differences),
        facts=_facts(operation),
        fault=fault_of(result.fault, None) if result.fault and result.fault.status else None,
        request_id=result.request_id or "",
        items=_items(operation),
        asks=_asks(operation, approval) if is_waiting and approval else (),
        takes_comment=is_waiting and shown.view in {View.ALL, View.APPROVER},
        views=card.Views(operation.id, shown.viewers) if shown.viewers else None,
        buttons=(
            _choices(operation, approval, shown.view)
            if is_waiting and approval
            else _buttons(kind, operation, target_id)
        ),
    )


ITEM_TONES = {
    State.DONE: Tone.GOOD,
    State.FAILED: Tone.CRITICAL,
    State.UNKNOWN: Tone.WARNING,
    State.EXECUTING: Tone.INFO,
}


def _items(operation: Operation) -> tuple[card.Item, ...]:
    """Return every target of a bulk operation, those not begun yet as waiting."""
    results = {item.target_id: item for item in operation.result.items}
    shown = []
    for item in operation.plan.items:
        found = results.get(item.target_id)
        if found is None:
            shown.append(card.Item(item.target_name, words.ITEM_WAITS, Tone.NEUTRAL))
            continue
        key = found.state.value
        if found.state is State.DONE and found.observation is not None:
            key = f"{key}:{found.observation.value}"
        tone = ITEM_TONES.get(found.state, Tone.NEUTRAL)
        word = words.STATES[key][0]
        shown.append(card.Item(item.target_name, word, tone, words.OUTCOMES.get(found.code, "")))
    return tuple(shown)


def _facts(operation: Operation) -> tuple[Fact, ...]:
    plan = operation.plan
    sent = dict(plan.body or {}) if plan.effect is Effect.ACT else {}
    return tuple(Fact(name, str(value)) for name, value in sent.items())


def _asks(operation: Operation, approval: Approval) -> tuple[Fact, ...]:
    rule = approval.rule
    # While it waits one is missing at least: the policy may ask for more by now.
    missing = max(1, rule.needed - len(approval.consents))
    total = max(rule.needed, len(approval.consents) + missing)
    return (
        Fact(words.WHO_DECIDES, ", ".join(rule.approvers)),
        Fact(words.STILL_NEEDED, words.needed(missing, total)),
        Fact(words.LAPSES, words.lapse(exact(approval.expires_at))),
        Fact(words.TO_TYPE, words.twins(operation.short)),
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


def _votes(approval: Approval | None) -> list[Step]:
    return [
        Step(
            vote.decision.value,
            Mark.TAKEN if vote.decision is Decision.APPROVE else Mark.BROKEN,
            who=vote.person.name,
            at=exact(vote.at),
            detail=vote.comment or "",
        )
        for vote in (approval.votes if approval else ())
    ]


def _steps(operation: Operation, approval: Approval | None) -> tuple[Step, ...]:
    result = operation.result
    requested = Step(
        "requested",
        Mark.TAKEN,
        who=operation.actor.name,
        at=exact(operation.created_at),
    )
    steps = [requested, *_votes(approval), *_progress(operation)]
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
            detail = result.observed_at or ""
            is_lost = result.code == card.ANSWER_LOST
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
    is_done = operation.state is State.DONE
    if is_done and operation.plan.effect is not Effect.ACT and not operation.result.was_gone:
        buttons.append(Button(words.UNDO_BUTTON, "undo", {"operation": operation.id}))
    is_gone = is_done and operation.plan.effect is Effect.DELETE
    if target_id is not None and not is_gone:
        buttons.append(run_button(words.SHOW_BUTTON, f"/{kind.name} get {target_id}"))
    return tuple(buttons)


def decision_notice(operation: Operation, approval: Approval) -> notice.Notice:
    """Return the short message that tells the asker how it was decided."""
    details = (
        ("id", operation.short),
        ("what", title_of(operation.plan)),
        ("who", ", ".join(vote.person.name for vote in approval.votes) or words.NOBODY),
        ("comment", next((v.comment for v in approval.votes if v.comment), "")),
        ("asker", operation.actor.name),
    )
    known = f"decided-{operation.state.value}"
    return notice.Notice(known if known in words.NOTICES else "decided-approved", details)
