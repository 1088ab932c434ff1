"""What a policy says in vain: roles that nobody has, rules that can never come to bear. Pure."""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.command import CommandSpec
from bot.domain.consent import ApprovalRule
from bot.domain.policy import Policy, Role, matches, roles_allowing, rule_of


class Vain(StrEnum):
    """How a part of a policy comes to nothing."""

    ROLE_OF_NOBODY = "role-of-nobody"
    ROLE_WITHOUT_RIGHTS = "role-without-rights"
    RULE_NEVER_MATCHES = "rule-never-matches"
    RULE_FOR_NOBODY = "rule-for-nobody"
    APPROVERS_MISSING = "approvers-missing"
    TOO_FEW_APPROVERS = "too-few-approvers"
    RAIL_SHUTS_ALL = "rail-shuts-all"


@dataclass(frozen=True, slots=True)
class Finding:
    """One part that comes to nothing; `where` names it: a role, a rule's commands, a channel."""

    what: Vain
    where: str


def lint(policy: Policy, specs: Sequence[CommandSpec]) -> tuple[Finding, ...]:
    """Return what is said in vain, in the order of the policy."""
    rules = (*_rules(policy, specs), *_several(policy, specs))
    return (*_roles(policy, specs), *rules, *_rails(policy))


def _roles(policy: Policy, specs: Sequence[CommandSpec]) -> Iterator[Finding]:
    heard = {role.name for name in policy.roles if _has_members(policy, name)
             for role in policy.closure(name)}  # fmt: skip
    for name in policy.roles:
        if name not in heard:
            yield Finding(Vain.ROLE_OF_NOBODY, name)
        if not any(name in roles_allowing(policy, *spec.permissions) for spec in specs):
            yield Finding(Vain.ROLE_WITHOUT_RIGHTS, name)


def _has_members(policy: Policy, name: str) -> bool:
    return bool(policy.roles[name].groups or policy.roles[name].people)


def _rules(policy: Policy, specs: Sequence[CommandSpec]) -> Iterator[Finding]:
    for rule in policy.approvals:
        where = ", ".join(rule.commands)
        covered = [
            spec
            for spec in specs
            if spec.writes and any(matches(p, spec.permission) for p in rule.commands)
        ]
        if not covered:
            yield Finding(Vain.RULE_NEVER_MATCHES, where)
        elif not any(roles_allowing(policy, *spec.permissions) for spec in covered):
            yield Finding(Vain.RULE_FOR_NOBODY, where)
        yield from _approvers(policy, rule, where, covered)


def _several(policy: Policy, specs: Sequence[CommandSpec]) -> Iterator[Finding]:
    """Yield whom nobody can satisfy of the commands that several rules cover together."""
    for spec in specs:
        rule = rule_of(policy, spec)
        if rule is not None and rule not in policy.approvals:
            yield from _approvers(policy, rule, spec.permission, [spec])


def _approvers(
    policy: Policy, rule: ApprovalRule, where: str, covered: Sequence[CommandSpec]
) -> Iterator[Finding]:
    """Yield whether too few can vote, as far as names tell: a group may hold anybody."""
    heirs = _heirs(policy, rule.approvers)
    if any(role.groups for role in heirs):
        return
    named = {oid for role in heirs for oid in role.people}
    if not named:
        yield Finding(Vain.APPROVERS_MISSING, where)
    elif len(named) < rule.needed or any(
        _is_out_of_reach(policy, rule, named, spec) for spec in covered
    ):
        yield Finding(Vain.TOO_FEW_APPROVERS, where)


def _is_out_of_reach(
    policy: Policy, rule: ApprovalRule, named: Set[str], spec: CommandSpec
) -> bool:
    """Whether everybody who may ask for a command is short of others to consent."""
    askers = [policy.roles[name] for name in roles_allowing(policy, *spec.permissions)]
    people = {oid for role in askers for oid in role.people}
    if not people or any(role.groups for role in askers):
        return False
    return all(len(named - {asker}) < rule.needed for asker in people)


def _heirs(policy: Policy, names: Sequence[str]) -> list[Role]:
    """Return the roles whose members have one of the named ones."""
    return [
        role
        for name, role in policy.roles.items()
        if any(each.name in names for each in policy.closure(name))
    ]


def _rails(policy: Policy) -> Iterator[Finding]:
    for rail in policy.guardrails:
        if not rail.allow:
            yield Finding(Vain.RAIL_SHUTS_ALL, rail.channel)
