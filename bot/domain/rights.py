"""The policy explained: what somebody may do and why, who may do something, what an edit changes.

Every answer comes from `decide` itself, so that an explanation cannot differ from a decision.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bot.domain.command import CommandSpec
from bot.domain.consent import ApprovalRule
from bot.domain.policy import (
    Allowed,
    Denied,
    Grant,
    NeedsApproval,
    Person,
    Policy,
    Verdict,
    decide,
    grants_of,
    rail_of,
    roles_allowing,
    rule_of,
)

ADMITTED = "let in"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether a person may run a command in a conversation, and by which rule; `typed` is its text."""

    typed: str
    spec: CommandSpec
    verdict: Verdict
    grants: tuple[Grant, ...]


@dataclass(frozen=True, slots=True)
class Holder:
    """A role that may run a command, and who has it: groups and people by object id, and heirs."""

    role: str
    groups: tuple[str, ...]
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entitled:
    """Who may run a command, and the approval it waits for.

    `is_shut_out`: a guardrail keeps it out of this conversation, whoever asks.
    """

    spec: CommandSpec
    holders: tuple[Holder, ...]
    rule: ApprovalRule | None
    is_shut_out: bool


@dataclass(frozen=True, slots=True)
class Shift:
    """What an edit of the policy gives to and takes from those who come by one group or name.

    `who` is `group <id>` or `person <id>`. The texts are `exchange:sync`, with `, n of <roles>
    consent` where an approval is needed.
    """

    who: str
    gains: tuple[str, ...]
    loses: tuple[str, ...]


def judge(
    policy: Policy, person: Person, spec: CommandSpec, *further: CommandSpec, conversation: str
) -> Verdict:
    """Return what `decide` says of a command, or the first no to what it needs beside itself."""
    verdict = decide(policy, person, spec, conversation=conversation)
    for each in further if not isinstance(verdict, Denied) else ():
        other = decide(policy, person, each, conversation=conversation)
        if isinstance(other, Denied):
            return other
    return verdict


def explain(
    policy: Policy,
    person: Person,
    spec: CommandSpec,
    *further: CommandSpec,
    typed: str,
    conversation: str,
) -> Explanation:
    """Return what `judge` says, with the roles it rests on."""
    verdict = judge(policy, person, spec, *further, conversation=conversation)
    return Explanation(typed, spec, verdict, grants_of(policy, person))


def entitled(
    policy: Policy, spec: CommandSpec, *further: CommandSpec, conversation: str
) -> Entitled:
    """Return who may run a command and what it needs, as far as the policy alone can tell.

    Rights that several roles give together are not looked for: each of those named has them all.
    """
    if spec.is_open and further:
        return entitled(policy, *further, conversation=conversation)
    holders = tuple(
        Holder(
            name,
            tuple(sorted(policy.roles[name].groups)),
            tuple(sorted(policy.roles[name].people)),
        )
        for name in roles_allowing(policy, *spec.permissions)
        if all(name in roles_allowing(policy, *each.permissions) for each in further)
    )
    return Entitled(
        spec,
        holders,
        rule_of(policy, spec),
        any(rail_of(policy, each, conversation) is not None for each in (spec, *further)),
    )


def _somebody(*, groups: Iterable[str] = (), people: str = "") -> Person:
    return Person(
        oid=people,
        tenant="",
        name="",
        is_guest=False,
        is_enabled=True,
        groups=frozenset(groups),
    )


def compare(old: Policy, new: Policy, specs: Sequence[CommandSpec]) -> tuple[Shift, ...]:
    """Return what changes for those who come by each group or name of either policy."""
    groups = sorted(old.groups | new.groups)
    people = sorted({p for policy in (old, new) for r in policy.roles.values() for p in r.people})
    subjects = [
        *((f"group {group}", _somebody(groups=(group,))) for group in groups),
        *((f"person {oid}", _somebody(people=oid)) for oid in people),
    ]
    channels = sorted({rail.channel for rail in (*old.guardrails, *new.guardrails)})
    shifts = [*_admitted(old, new)]
    for who, person in subjects:
        anywhere = _shift(who, old, new, person, specs, "")
        shifts += anywhere
        for channel in channels:
            there = _shift(f"{who} in {channel}", old, new, person, specs, channel)
            shifts += [s for s in there if (s.gains, s.loses) not in _changes(anywhere)]
    return tuple(shifts)


def changed_terms(old: Policy, new: Policy) -> tuple[str, ...]:
    """Return the parts of `policy.toml` that are not the same in both, by their names there."""
    names = {
        "roles": old.roles != new.roles,
        "approval": old.approvals != new.approvals,
        "guardrail": old.guardrails != new.guardrails,
        "people": (old.admits_guests, old.tenants) != (new.admits_guests, new.tenants),
        "limits": old.bulk_limit != new.bulk_limit,
    }
    return tuple(name for name, is_changed in names.items() if is_changed)


def _admitted(old: Policy, new: Policy) -> Iterator[Shift]:
    """Yield which people are let in, or let in no more, whatever their roles."""
    came = [f"people of tenant {tenant}" for tenant in sorted(new.tenants - old.tenants)]
    went = [f"people of tenant {tenant}" for tenant in sorted(old.tenants - new.tenants)]
    if old.admits_guests is not new.admits_guests:
        (came if new.admits_guests else went).append("guests")
    yield from (Shift(who, (ADMITTED,), ()) for who in came)
    yield from (Shift(who, (), (ADMITTED,)) for who in went)


def _shift(
    who: str,
    old: Policy,
    new: Policy,
    person: Person,
    specs: Sequence[CommandSpec],
    conversation: str,
) -> list[Shift]:
    before, after = (_rights(policy, person, specs, conversation) for policy in (old, new))
    gains = tuple(text for text in after if text not in before)
    loses = tuple(text for text in before if text not in after)
    return [Shift(who, gains, loses)] if gains or loses else []


def _changes(shifts: Sequence[Shift]) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    return [(shift.gains, shift.loses) for shift in shifts]


def _rights(
    policy: Policy, person: Person, specs: Sequence[CommandSpec], conversation: str
) -> tuple[str, ...]:
    held = {grant.role for grant in grants_of(policy, person)}
    found = [
        f"decides on {', '.join(rule.commands)}"
        for rule in policy.approvals
        if held & set(rule.approvers)
    ]
    for spec in specs:
        match decide(policy, person, spec, conversation=conversation):
            case Allowed() if not spec.is_open:
                found.append(spec.permission)
            case NeedsApproval(rule=rule):
                roles = ", ".join(rule.approvers)
                found.append(f"{spec.permission}, {rule.needed} of {roles} consent")
            case _:
                pass
    return tuple(found)
