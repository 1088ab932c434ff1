"""What a write waits for: one rule about another person's consent, and what two of them come to."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class ApprovalRule:
    """Which commands wait for another person, and for whom."""

    commands: tuple[str, ...]
    approvers: tuple[str, ...]
    needed: int
    expires: timedelta
    execute_within: timedelta
    needs_reason: bool
    remind: timedelta | None
    channel: str | None


def stricter(one: ApprovalRule, other: ApprovalRule, approvers: Collection[str]) -> ApprovalRule:
    """Return a rule that keeps both; `approvers` are the roles whose members may vote by both."""
    return ApprovalRule(
        commands=tuple(sorted({*one.commands, *other.commands})),
        approvers=tuple(approvers),
        needed=max(one.needed, other.needed),
        expires=min(one.expires, other.expires),
        execute_within=min(one.execute_within, other.execute_within),
        needs_reason=one.needs_reason or other.needs_reason,
        remind=min(filter(None, (one.remind, other.remind)), default=None),
        channel=min(filter(None, (one.channel, other.channel)), default=None),
    )


def by_administrators(rule: ApprovalRule | None, admins: tuple[str, ...]) -> ApprovalRule:
    """Return the rule with an administrator's vote, one where there is no rule."""
    if rule is not None:
        both = tuple(name for name in rule.approvers if name in admins)
        return replace(rule, approvers=both or admins)
    return ApprovalRule(
        commands=(),
        approvers=admins,
        needed=1,
        expires=timedelta(hours=4),
        execute_within=timedelta(hours=1),
        needs_reason=False,
        remind=None,
        channel=None,
    )
