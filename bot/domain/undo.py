"""The opposite of a write, as the command that somebody would have to type for it."""

from bot.domain.command import PLAN, REASON, Catalogue, Command
from bot.domain.errors import UserError
from bot.domain.operation import Operation, State
from bot.domain.resource import Effect, ResourceKind


def may_undo(operation: Operation) -> bool:
    """Whether the operation was carried out, and one other write is its opposite."""
    return operation.state is State.DONE and _has_opposite(operation)


def _has_opposite(operation: Operation) -> bool:
    """Whether there is one: not of several targets, an action, a delete that found nothing."""
    plan, result = operation.plan, operation.result
    match plan.effect:
        case Effect.UPDATE:
            return plan.target_id is not None
        case Effect.CREATE:
            return result.target_id is not None
        case Effect.DELETE:
            return bool(plan.before) and not result.was_gone
        case _:
            return False


def inverse(operation: Operation, asked: Command, catalogue: Catalogue) -> Command:
    """Return the command that takes an operation back; it is judged like any other.

    An update is set back, what was created is deleted, what was deleted is created again (under a
    new id). The reason names the operation unless the asker gave one.

    Raises:
        UserError: the operation was not carried out, or nothing can take it back.
    """
    kind = catalogue.kinds[operation.plan.kind]
    if operation.state is not State.DONE:
        raise UserError("undo-not-done", id=operation.short, state=operation.standing)
    if not may_undo(operation):
        raise UserError("undo-impossible", id=operation.short)
    options = {REASON.name: asked.reason or f"undo of {operation.short}"}
    if asked.is_plan:
        options[PLAN.name] = asked.options[PLAN.name]
    effect, target, changes = _opposite(kind, operation)
    verb = next(verb for verb in kind.verbs if verb.effect is effect)
    spec = catalogue.by_permission[f"{kind.name}:{verb.name}"]
    return Command(spec, (target,) if target else (), options, changes)


def _opposite(
    kind: ResourceKind, operation: Operation
) -> tuple[Effect, str | None, dict[str, str]]:
    plan = operation.plan
    if plan.effect is Effect.UPDATE:
        before = {change.name: change.before or "" for change in plan.changes}
        return Effect.UPDATE, plan.target_id, before
    if plan.effect is Effect.CREATE:
        return Effect.DELETE, operation.result.target_id, {}
    seen = {p.name: (plan.before or {}).get(p.name) for p in kind.writable}
    return Effect.CREATE, None, {name: str(value) for name, value in seen.items() if value}
