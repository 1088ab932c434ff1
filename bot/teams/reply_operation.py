"""A write's state as its card shows it: steps, differences, what to look at."""

from bot.domain.operation import Observation, Operation, State
from bot.domain.plan import Change, Plan
from bot.domain.resource import Effect, ResourceKind
from bot.teams.reply_values import fault_of, run_button
from cards import operation as card, words
from cards.frame import Button
from cards.operation import Mark, Step
from cards.parts import Change as CardChange, Fact
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
    known = target_id or plan.target_id
    return f"{kind.title} {known}" if known else f"{words.NEW} {kind.title}"


def operation_card(kind: ResourceKind, operation: Operation) -> card.Operation:
    """Return the card's values for an operation as it stands."""
    result = operation.result
    target_id = result.target_id or operation.plan.target_id
    return card.Operation(
        id=operation.short,
        title=title_of(operation.plan),
        target=target_of(kind, operation.plan, result.target_id),
        command=operation.command,
        state=card.State(operation.state.value),
        steps=_steps(operation),
        observation=card.Observation(result.observation.value) if result.observation else None,
        code="was-gone" if result.was_gone else result.code,
        reason=operation.reason or "",
        changes=changes_of(operation.plan.changes),
        differences=changes_of(result.differences),
        facts=_facts(operation),
        fault=fault_of(result.fault, None) if result.fault and result.fault.status else None,
        request_id=result.request_id or "",
        buttons=_buttons(kind, operation, target_id),
    )


def _facts(operation: Operation) -> tuple[Fact, ...]:
    plan = operation.plan
    sent = dict(plan.body or {}) if plan.effect is Effect.ACT else {}
    return tuple(Fact(name, str(value)) for name, value in sent.items())


def _steps(operation: Operation) -> tuple[Step, ...]:
    result = operation.result
    requested = Step(
        "requested",
        Mark.TAKEN,
        who=operation.actor.name,
        at=exact(operation.created_at),
    )
    steps = [requested, *_progress(operation)]
    if result.resolved_by:
        steps.append(
            Step("resolved", Mark.TAKEN, who=result.resolved_by, at=exact(operation.updated_at))
        )
    return tuple(steps)


def _progress(operation: Operation) -> list[Step]:
    result = operation.result
    at = exact(operation.updated_at)
    match operation.state:
        case State.APPROVED | State.EXECUTING | State.WAITING:
            return [Step("accepted", Mark.CURRENT), Step("observed", Mark.PENDING)]
        case State.DONE | State.FAILED | State.UNKNOWN if result.observation is not None:
            seen = SEEN[result.observation]
            detail = result.observed_at or ""
            return [
                Step("accepted", Mark.TAKEN),
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
    is_gone = operation.plan.effect is Effect.DELETE and operation.state is State.DONE
    if target_id is None or is_gone or operation.state is State.EXECUTING:
        return ()
    return (run_button(words.SHOW_BUTTON, f"/{kind.name} get {target_id}"),)
