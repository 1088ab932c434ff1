"""Who may do what: roles, approvals and guardrails, decided the same way for every command.

Deny beats allow, order never matters, no rule means no. A person is known by object id alone.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial, reduce
from typing import TypeAlias

from bot.domain.command import CommandSpec
from bot.domain.consent import ApprovalRule, by_administrators, stricter


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
    """What the directory says of the person who asks. `groups` are those of the policy's alone.

    `is_foreign`: of another tenant than the bot's, so the directory knows nothing of them.
    """

    oid: str
    tenant: str
    name: str
    is_guest: bool
    is_enabled: bool
    groups: frozenset[str]
    is_foreign: bool = False


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
        return replace(verdict, roles=roles_allowing(policy, *spec.permissions))
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
    unwelcome = shut_out(policy, person)
    if unwelcome is not None:
        return Denied(unwelcome, permission)
    if spec.is_open:
        return Allowed("", permission)
    denying = _first(policy, held, spec.permissions, "deny")
    if denying is not None:
        return Denied(Denial.DENY_RULE, permission, denying[1], held=held)
    allowing = _first(policy, held, spec.permissions, "allow")
    if allowing is None:
        return Denied(Denial.NO_RULE, permission, held=held)
    rail = rail_of(policy, spec, conversation)
    if rail is not None:
        return Denied(Denial.GUARDRAIL, permission, ", ".join(rail.allow), held=held)
    rule = rule_of(policy, spec)
    return NeedsApproval(allowing[0], rule) if rule else Allowed(*allowing)


def shut_out(policy: Policy, person: Person) -> Denial | None:
    """Return why somebody may use nothing at all, whatever roles they have; None if they may."""
    if not person.is_enabled:
        return Denial.DISABLED
    if policy.admits_guests:
        return None
    if person.is_foreign:
        return None if person.tenant in policy.tenants else Denial.FOREIGN
    return Denial.GUEST if person.is_guest else None


def rail_of(policy: Policy, spec: CommandSpec, conversation: str) -> Guardrail | None:
    """Return the guardrail that keeps a command out of a conversation, whoever asks."""
    return next(
        (
            rail
            for rail in policy.guardrails
            if rail.channel == conversation and not _match(rail.allow, spec.permissions)
        ),
        None,
    )


def administrators(policy: Policy) -> tuple[str, ...]:
    """Return the roles that may do everything."""
    return tuple(
        name for name in policy.roles if any("*:*" in role.allow for role in policy.closure(name))
    )


def rule_of(policy: Policy, spec: CommandSpec, count: int = 1) -> ApprovalRule | None:
    """Return what a writing command on `count` records waits for, by all rules that cover it.

    Above the bulk limit an administrator votes.
    """
    covering = [
        rule
        for rule in policy.approvals
        if spec.writes and any(matches(p, spec.permission) for p in rule.commands)
    ]
    rule = reduce(partial(_stricter, policy), covering) if covering else None
    if count <= policy.bulk_limit:
        return rule
    return by_administrators(rule, administrators(policy))


def _stricter(policy: Policy, one: ApprovalRule, other: ApprovalRule) -> ApprovalRule:
    """Return a rule that keeps both: it is decided by who may decide each, also as an heir."""
    roles = {name: {role.name for role in policy.closure(name)} for name in policy.roles}
    approvers = [
        name
        for name, held in roles.items()
        if held & set(one.approvers) and held & set(other.approvers)
    ]
    return stricter(one, other, approvers)


def _match(patterns: Iterable[str], permissions: Sequence[str]) -> str | None:
    """Return the first pattern that one of the permissions fits."""
    return next((p for p in patterns if any(matches(p, each) for each in permissions)), None)


def _first(
    policy: Policy, roles: tuple[str, ...], permissions: Sequence[str], side: str
) -> tuple[str, str] | None:
    for name in roles:
        role = policy.roles[name]
        pattern = _match(role.allow if side == "allow" else role.deny, permissions)
        if pattern is not None:
            return name, pattern
    return None


def _roles_allowing(policy: Policy, permissions: Sequence[str]) -> Iterator[str]:
    for name in policy.roles:
        names = tuple(role.name for role in policy.closure(name))
        allows = _first(policy, names, permissions, "allow") is not None
        if allows and _first(policy, names, permissions, "deny") is None:
            yield name


def roles_allowing(policy: Policy, *permissions: str) -> tuple[str, ...]:
    """Return the roles whose holders have one of the permissions, in the order of the policy."""
    return tuple(_roles_allowing(policy, permissions))
