"""What the audit keeps of an operation: enough to say who did what to what, and how it ended."""

from collections.abc import Mapping

from pydantic import JsonValue

from bot.domain.operation import ItemResult, Operation, Result
from bot.domain.plan import volatile_of
from bot.domain.resource import ResourceKind
from bot.service.ports import AuditRecord

PLANNING = frozenset({"operation requested", "operation revised"})
"""The steps that make a plan: only they list what many targets were like."""


def audit_line(
    kind: ResourceKind, what: str, operation: Operation, result: Result | None = None
) -> AuditRecord:
    """Return the audit line of one step of an operation; the plan goes with steps before the end.

    `what` is past tense: `operation requested`.
    """
    plan = operation.plan
    details: dict[str, JsonValue] = {
        "command": operation.command,
        "target": plan.target_id,
        "name": plan.target_name,
        "plan": plan.fingerprint(volatile_of(kind)),
    }
    if result is None:
        details["before"] = dict(plan.before) if plan.before is not None else None
        details["body"] = dict(plan.body) if plan.body is not None else None
        details["reason"] = operation.reason
        if what in PLANNING:
            details["items"] = [
                {"target": i.target_id, "name": i.target_name, "before": dict(i.before)}
                for i in plan.items
            ]
    else:
        details.update(_facts_of(result))
    return AuditRecord(what, operation.actor, operation.id, details)


def _facts_of(result: Result) -> Mapping[str, JsonValue]:
    fault = result.fault
    return {
        "code": result.code,
        "observation": str(result.observation) if result.observation else None,
        "target": result.target_id,
        "request_id": result.request_id or (fault.request_id if fault else None),
        "status": fault.status if fault else None,
        "after": dict(result.after) if result.after is not None else None,
        "items": [_fate_of(item) for item in result.items],
    }


def _fate_of(item: ItemResult) -> dict[str, JsonValue]:
    return {
        "target": item.target_id,
        "state": item.fate,
        "code": item.code,
        "observation": str(item.observation) if item.observation else None,
        "request_id": item.request_id,
        "after": dict(item.after) if item.after is not None else None,
    }
