"""Asking anew for what came to nothing: the same command, about the target as it is now."""

from dataclasses import replace

from bot.domain.command import PLAN, REASON, Catalogue, Command
from bot.domain.errors import UserError
from bot.domain.operation import Operation, State
from bot.domain.parse import parse

TARGET_GONE = "target-gone"
UNSENT = frozenset({"paused", "rights-lost", "rights-unread"})
"""The codes of what failed before anything was sent."""
HOPELESS = frozenset({"equal-exists", TARGET_GONE})
"""The codes of what would come to the same end again; several targets are chosen anew, though."""


def may_ask_again(operation: Operation) -> bool:
    """Whether the operation ended without being sent, and another attempt makes sense."""
    code = operation.result.code
    match operation.state:
        case State.EXPIRED:
            return True
        case State.STALE:
            return code not in HOPELESS or bool(operation.plan.items)
        case State.FAILED:
            return code in UNSENT
        case _:
            return False


def repeated(operation: Operation, asked: Command, catalogue: Catalogue) -> Command:
    """Return the command that asks anew for an operation; it is judged like a typed one.

    One target is named by its id, so that a name which moved on does not lead to another record.

    Raises:
        UserError: the operation is not one to be asked for anew.
    """
    command = parse(operation.command, catalogue)
    if not may_ask_again(operation) or not isinstance(command, Command):
        raise UserError(
            "again-over",
            id=operation.short,
            state=operation.standing,
            command=operation.command,
            **operation.extent,
        )
    given = {n: v for n, v in asked.options.items() if n in {REASON.name, PLAN.name}}
    target = operation.plan.target_id
    return replace(
        command,
        arguments=(target,) if target else command.arguments,
        options={**command.options, **given},
    )
