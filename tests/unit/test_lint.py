"""What a policy says in vain is named; what bears on anybody is not."""

from dataclasses import replace
from datetime import timedelta

from bot.cli.demo import POLICY
from bot.cli.doctor import VAIN
from bot.domain.command import Catalogue
from bot.domain.consent import ApprovalRule
from bot.domain.kinds import KINDS
from bot.domain.lint import Finding, Vain, lint
from bot.domain.policy import Guardrail, Policy, Role
from bot.store.policy_file import parse_policy

SPECS = Catalogue(KINDS).specs
ADMIN = Role("admin", groups=frozenset({"g"}), allow=("*:*",))
RULE = ApprovalRule(
    ("exchange:sync",), ("admin",), 1, timedelta(hours=4), timedelta(hours=1),
    needs_reason=False, remind=None, channel=None,
)  # fmt: skip


def policy(*roles: Role, **more: object) -> Policy:
    return Policy({role.name: role for role in (ADMIN, *roles)}, **more)  # type: ignore[arg-type]  # fields of Policy


def found(said: Policy) -> tuple[Finding, ...]:
    return lint(said, SPECS)


def test_a_sound_policy_has_nothing_in_vain() -> None:
    assert found(parse_policy(POLICY.encode())) == ()


def test_a_role_that_nobody_has_is_named_unless_others_inherit_it() -> None:
    lonely = Role("lonely", allow=("*:list",))
    heir = Role("heir", people=frozenset({"p"}), inherits=("lonely",))

    assert found(policy(lonely)) == (Finding(Vain.ROLE_OF_NOBODY, "lonely"),)
    assert found(policy(lonely, heir)) == ()


def test_a_role_that_allows_nothing_is_named() -> None:
    bare = Role("bare", groups=frozenset({"g"}))
    denied = replace(bare, name="denied", allow=("*:*",), deny=("*:*",))

    assert found(policy(bare, denied)) == (
        Finding(Vain.ROLE_WITHOUT_RIGHTS, "bare"),
        Finding(Vain.ROLE_WITHOUT_RIGHTS, "denied"),
    )


def test_a_rule_that_can_never_match_is_named() -> None:
    reading = replace(RULE, commands=("*:list",))

    assert found(policy(approvals=(reading,))) == (Finding(Vain.RULE_NEVER_MATCHES, "*:list"),)


def test_a_rule_over_what_nobody_may_is_named() -> None:
    reader = Role("admin", groups=frozenset({"g"}), allow=("*:list",))
    said = Policy({"admin": reader}, approvals=(RULE,))

    assert found(said) == (Finding(Vain.RULE_FOR_NOBODY, "exchange:sync"),)


def test_an_approval_that_too_few_can_give_is_named() -> None:
    deputy = Role("deputy", people=frozenset({"p"}), allow=("*:list",))
    nobody = Role("nobody", allow=("*:list",))
    two = replace(RULE, approvers=("deputy",), needed=2)
    none = replace(RULE, approvers=("nobody",))

    assert found(policy(deputy, approvals=(two,))) == (
        Finding(Vain.TOO_FEW_APPROVERS, "exchange:sync"),
    )
    assert Finding(Vain.APPROVERS_MISSING, "exchange:sync") in found(
        policy(nobody, approvals=(none,))
    )
    assert found(policy(deputy, approvals=(replace(two, needed=1),))) == ()


def test_rules_that_nobody_can_satisfy_together_are_named() -> None:
    deputy = Role("deputy", people=frozenset({"p", "q"}), allow=("*:list",))
    other = replace(RULE, commands=("*:sync",), approvers=("deputy",))

    assert Finding(Vain.APPROVERS_MISSING, "exchange:sync") in found(
        policy(deputy, approvals=(RULE, other))
    )


def test_an_approval_whose_only_asker_is_its_only_approver_is_named() -> None:
    one = Role("admin", people=frozenset({"p"}), allow=("*:*",))
    two = replace(one, people=frozenset({"p", "q"}))

    assert found(Policy({"admin": one}, approvals=(RULE,))) == (
        Finding(Vain.TOO_FEW_APPROVERS, "exchange:sync"),
    )
    assert found(Policy({"admin": two}, approvals=(RULE,))) == ()


def test_a_guardrail_that_lets_nothing_through_is_named() -> None:
    assert found(policy(guardrails=(Guardrail("19:x", ()),))) == (
        Finding(Vain.RAIL_SHUTS_ALL, "19:x"),
    )


def test_every_finding_has_a_sentence() -> None:
    assert set(VAIN) == set(Vain)
