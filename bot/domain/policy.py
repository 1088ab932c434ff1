"""Who may do what: roles, approvals and guardrails, decided the same way for every command.

Deny beats allow, order never matters, no rule means no. A person is known by object id alone.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import TypeAlias

from bot.domain.command import CommandSpec


@dataclass(frozen=True, slots=True)
class Role:
    """A named set of permissions, held through Entra groups or by object id."""

    name: str
    groups: frozenset[str] = frozenset()
    people: frozenset[str] = frozenset()
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    inherits: tuple[str, ...] = ()


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


@dataclass(frozen=True, slots=True)
class Guardrail:
    """At most these permissions in one conversation, whatever the role."""

    channel: str
    allow: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """The whole of `policy.toml`, validated. Group and object ids are lower-case GUIDs."""

    roles: Mapping[str, Role]
    approvals: tuple[ApprovalRule, ...] = ()
    guardrails: tuple[Guardrail, ...] = ()
    admits_guests: bool = False
    tenants: frozenset[str] = frozenset()
    bulk_limit: int = 10

    @property
    def groups(self) -> frozenset[str]:
        """Every group that gives a role."""
        return frozenset(g for role in self.roles.values() for g in role.groups)

    def closure(self, name: str) -> tuple[Role, ...]:
        """Return the role and all it inherits from, itself first."""
        found: dict[str, Role] = {}
        waiting = [name]
        while waiting:
            role = self.roles[waiting.pop()]
            if role.name not in found:
                found[role.name] = role
                waiting.extend(role.inherits)
        return tuple(found.values())


@dataclass(frozen=True, slots=True)
class Person:
    """What the directory says of the person who asks. `groups` are those of the policy's alone."""

    oid: str
    tenant: str
    name: str
    is_guest: bool
    is_enabled: bool
    groups: frozenset[str]


@dataclass(frozen=True, slots=True)
class Grant:
    """A role somebody has and where it comes from: a group id, `person`, or the heir's name."""

    role: str
    via: str
    is_inherited: bool = False


def grants_of(policy: Policy, person: Person) -> tuple[Grant, ...]:
    """Return every role the person has, directly held ones first, each once."""
    found: dict[str, Grant] = {}
    for role in policy.roles.values():
        group = min(role.groups & person.groups, default=None)
        if person.oid in role.people:
            found[role.name] = Grant(role.name, "person")
        elif group is not None:
            found[role.name] = Grant(role.name, group)
    for heir in tuple(found):
        for role in policy.closure(heir)[1:]:
            found.setdefault(role.name, Grant(role.name, heir, is_inherited=True))
    return tuple(found.values())


class Denial(StrEnum):
    """Why a command is refused; each has one sentence in `cards.words`."""

    NO_RULE = "no-rule"
    DENY_RULE = "deny-rule"
    GUARDRAIL = "guardrail"
    GUEST = "guest"
    FOREIGN = "foreign"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Allowed:
    """The command may run now; `role` and `pattern` say by which rule."""

    role: str
    pattern: str


@dataclass(frozen=True, slots=True)
class NeedsApproval:
    """The command may be asked for, and waits for the rule's approvers."""

    role: str
    rule: ApprovalRule


@dataclass(frozen=True, slots=True)
class Denied:
    """The command may not run. `roles` would allow it; `rule` is the pattern that decided."""

    reason: Denial
    permission: str
    rule: str = ""
    roles: tuple[str, ...] = ()
    held: tuple[str, ...] = ()


Verdict: TypeAlias = Allowed | NeedsApproval | Denied


def matches(pattern: str, permission: str) -> bool:
    """Whether `kind:verb` fits the pattern, in which either side may be `*`."""
    subject, _, verb = pattern.partition(":")
    kind, _, name = permission.partition(":")
    return subject in {"*", kind} and verb in {"*", name}


def decide(policy: Policy, person: Person, spec: CommandSpec, *, conversation: str) -> Verdict:
    """Judge one command of one person in one conversation (its id without the thread's root)."""
    held = tuple(grant.role for grant in grants_of(policy, person))
    verdict = _judge(policy, person, held, spec, conversation)
    if isinstance(verdict, Denied) and verdict.reason is Denial.NO_RULE:
        return replace(verdict, roles=roles_allowing(policy, spec.permission))
    return verdict


def permitted(
    policy: Policy, person: Person, specs: Iterable[CommandSpec], *, conversation: str
) -> tuple[CommandSpec, ...]:
    """Return the commands that the person may run or at least ask for, in the given order."""
    held = tuple(grant.role for grant in grants_of(policy, person))
    return tuple(
        spec
        for spec in specs
        if not isinstance(_judge(policy, person, held, spec, conversation), Denied)
    )


def _judge(
    policy: Policy, person: Person, held: tuple[str, ...], spec: CommandSpec, conversation: str
) -> Verdict:
    permission = spec.permission
    if not person.is_enabled:
        return Denied(Denial.DISABLED, permission)
    if person.is_guest and not policy.admits_guests:
        return Denied(Denial.GUEST, permission)
    if spec.is_open:
        return Allowed("", permission)
    denying = _first(policy, held, permission, "deny")
    if denying is not None:
        return Denied(Denial.DENY_RULE, permission, denying[1], held=held)
    allowing = _first(policy, held, permission, "allow")
    if allowing is None:
        return Denied(Denial.NO_RULE, permission, held=held)
    for rail in policy.guardrails:
        if rail.channel == conversation and not any(matches(p, permission) for p in rail.allow):
            return Denied(Denial.GUARDRAIL, permission, ", ".join(rail.allow), held=held)
    rule = rule_of(policy, spec)
    return NeedsApproval(allowing[0], rule) if rule else Allowed(*allowing)


def administrators(policy: Policy) -> tuple[str, ...]:
    """Return the roles that may do everything."""
    return tuple(
        name for name in policy.roles if any("*:*" in role.allow for role in policy.closure(name))
    )


def rule_for_many(policy: Policy, rule: ApprovalRule | None, count: int) -> ApprovalRule | None:
    """Return the rule for a command on `count` records: above the limit an administrator votes."""
    if count <= policy.bulk_limit:
        return rule
    admins = administrators(policy)
    if rule is None:
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
    both = tuple(name for name in rule.approvers if name in admins)
    return replace(rule, approvers=both or admins)


def rule_of(policy: Policy, spec: CommandSpec) -> ApprovalRule | None:
    """Return the first approval rule that covers a writing command."""
    covering = (
        rule
        for rule in policy.approvals
        if spec.writes and any(matches(p, spec.permission) for p in rule.commands)
    )
    return next(covering, None)


def _first(
    policy: Policy, roles: tuple[str, ...], permission: str, side: str
) -> tuple[str, str] | None:
    for name in roles:
        role = policy.roles[name]
        for pattern in role.allow if side == "allow" else role.deny:
            if matches(pattern, permission):
                return name, pattern
    return None


def _roles_allowing(policy: Policy, permission: str) -> Iterator[str]:
    for name in policy.roles:
        names = tuple(role.name for role in policy.closure(name))
        allows = _first(policy, names, permission, "allow") is not None
        if allows and _first(policy, names, permission, "deny") is None:
            yield name


def roles_allowing(policy: Policy, permission: str) -> tuple[str, ...]:
    """Return the roles whose holders may run the command, in the order of the policy."""
    return tuple(_roles_allowing(policy, permission))
