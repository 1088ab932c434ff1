"""Who may do what: deny beats allow, order never matters, no rule means no."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings, strategies as st

from bot.domain.command import Catalogue, CommandSpec
from bot.domain.consent import ApprovalRule
from bot.domain.kinds.exchange import EXCHANGE
from bot.domain.policy import (
    Allowed,
    Denial,
    Denied,
    Grant,
    Guardrail,
    NeedsApproval,
    Person,
    Policy,
    Role,
    administrators,
    decide,
    grants_of,
    matches,
    permitted,
    roles_allowing,
    rule_of,
    shut_out,
)

SPECS = Catalogue((EXCHANGE,)).by_permission
ROOM = "19:room"
SYNC = SPECS["exchange:sync"]
READERS, OPERATORS, INTERNS = "g-readers", "g-operators", "g-interns"
RULE = ApprovalRule(
    commands=("exchange:delete", "*:pause"),
    approvers=("admin",),
    needed=1,
    expires=timedelta(hours=1),
    execute_within=timedelta(minutes=10),
    needs_reason=True,
    remind=None,
    channel=None,
)
ANY_SYNC = replace(RULE, commands=("*:sync",))
ROLES = (
    Role("reader", groups=frozenset({READERS}), allow=("*:list", "*:get", "bot:history")),
    Role(
        "operator", groups=frozenset({OPERATORS}), allow=("exchange:sync",), inherits=("reader",)
    ),
    Role("admin", people=frozenset({"oid-admin"}), allow=("*:*",), inherits=("operator",)),
    Role("intern", groups=frozenset({INTERNS}), allow=("exchange:get",), deny=("exchange:sync",)),
)
POLICY = Policy({role.name: role for role in ROLES})


def person(*groups: str, oid: str = "oid", guest: bool = False, enabled: bool = True) -> Person:
    return Person(oid, "tenant", "Someone", guest, enabled, frozenset(groups))


ADMIN = person(oid="oid-admin")


@pytest.mark.parametrize(
    ("who", "permission", "expected"),
    [
        (person(READERS), "exchange:list", Allowed("reader", "*:list")),
        (person(OPERATORS), "exchange:sync", Allowed("operator", "exchange:sync")),
        # inherited
        (person(OPERATORS), "exchange:get", Allowed("reader", "*:get")),
        (ADMIN, "exchange:delete", Allowed("admin", "*:*")),
        (ADMIN, "bot:pause", Allowed("admin", "*:*")),
        # no rule means no
        (
            person(READERS),
            "exchange:sync",
            Denied(Denial.NO_RULE, "exchange:sync", roles=("operator", "admin"), held=("reader",)),
        ),
        (
            person(),
            "exchange:list",
            Denied(Denial.NO_RULE, "exchange:list", roles=("reader", "operator", "admin")),
        ),
        (
            person("g-unknown"),
            "exchange:delete",
            Denied(Denial.NO_RULE, "exchange:delete", roles=("admin",)),
        ),
        # deny beats allow
        (
            person(OPERATORS, INTERNS),
            "exchange:sync",
            Denied(
                Denial.DENY_RULE,
                "exchange:sync",
                "exchange:sync",
                held=("operator", "intern", "reader"),
            ),
        ),
        (person(OPERATORS, INTERNS), "exchange:get", Allowed("intern", "exchange:get")),
        # open commands need no role, but an account
        (person(), "bot:help", Allowed("", "bot:help")),
        (person(guest=True), "bot:help", Denied(Denial.GUEST, "bot:help")),
        (person(READERS, guest=True), "exchange:list", Denied(Denial.GUEST, "exchange:list")),
        (person(enabled=False), "bot:help", Denied(Denial.DISABLED, "bot:help")),
        (
            person(READERS, enabled=False, guest=True),
            "exchange:list",
            Denied(Denial.DISABLED, "exchange:list"),
        ),
    ],
)
def test_a_verdict_follows_from_the_roles_alone(
    who: Person, permission: str, expected: Allowed | Denied
) -> None:
    assert decide(POLICY, who, SPECS[permission], conversation=ROOM) == expected


def test_a_person_is_known_by_object_id_and_not_by_name() -> None:
    impostor = Person("oid", "tenant", "oid-admin", False, True, frozenset())  # noqa: FBT003

    assert grants_of(POLICY, impostor) == ()


def test_guests_are_judged_like_others_where_the_policy_admits_them() -> None:
    policy = replace(POLICY, admits_guests=True)
    guest = person(READERS, guest=True)

    assert decide(policy, guest, SPECS["exchange:list"], conversation=ROOM) == Allowed(
        "reader", "*:list"
    )
    assert isinstance(decide(policy, guest, SPECS["exchange:sync"], conversation=ROOM), Denied)


@pytest.mark.parametrize(
    ("changes", "denial"),
    [
        ({}, Denial.FOREIGN),
        ({"tenants": frozenset({"another"})}, Denial.FOREIGN),
        ({"tenants": frozenset({"theirs"})}, None),
        ({"admits_guests": True}, None),
    ],
)
def test_somebody_of_another_tenant_needs_the_policy_to_admit_it(
    changes: dict[str, object], denial: Denial | None
) -> None:
    policy = replace(POLICY, **changes)  # type: ignore[arg-type]  # fields of Policy
    foreigner = replace(ADMIN, tenant="theirs", is_guest=True, is_foreign=True)

    assert shut_out(policy, foreigner) is denial
    verdict = decide(policy, foreigner, SPECS["bot:help"], conversation=ROOM)
    assert isinstance(verdict, Denied) is (denial is not None)


def test_the_own_tenant_in_the_list_admits_no_guests() -> None:
    policy = replace(POLICY, tenants=frozenset({"tenant"}))

    assert shut_out(policy, person(READERS, guest=True)) is Denial.GUEST


@pytest.mark.parametrize(
    ("allow", "conversation", "permission", "is_allowed"),
    [
        (("*:list", "*:get"), ROOM, "exchange:list", True),
        (("*:list", "*:get"), ROOM, "exchange:delete", False),
        (("*:list", "*:get"), "19:other", "exchange:delete", True),
        ((), ROOM, "exchange:list", False),
        ((), ROOM, "bot:help", True),
    ],
)
def test_a_guardrail_limits_one_conversation_whatever_the_role(
    allow: tuple[str, ...],
    conversation: str,
    permission: str,
    is_allowed: bool,  # noqa: FBT001
) -> None:
    policy = replace(POLICY, guardrails=(Guardrail(ROOM, allow),))

    verdict = decide(policy, ADMIN, SPECS[permission], conversation=conversation)

    assert isinstance(verdict, Allowed) is is_allowed
    if isinstance(verdict, Denied):
        assert (verdict.reason, verdict.rule) == (Denial.GUARDRAIL, ", ".join(allow))
        assert verdict.held == ("admin", "operator", "reader")


def test_every_guardrail_of_a_conversation_has_to_agree() -> None:
    policy = replace(POLICY, guardrails=(Guardrail(ROOM, ("*:*",)), Guardrail(ROOM, ("*:get",))))

    verdict = decide(policy, ADMIN, SPECS["exchange:list"], conversation=ROOM)

    assert isinstance(verdict, Denied)
    assert verdict.rule == "*:get"


@pytest.mark.parametrize(
    ("permission", "rule"),
    [
        ("exchange:delete", RULE),
        ("exchange:sync", ANY_SYNC),
        ("exchange:update", None),
        ("exchange:list", None),
        # what changes nothing on the far side never waits, whatever the rule says
        ("bot:pause", None),
    ],
)
def test_a_write_waits_where_a_rule_asks_for_a_second_person(
    permission: str, rule: ApprovalRule | None
) -> None:
    policy = replace(POLICY, approvals=(RULE, ANY_SYNC))

    verdict = decide(policy, ADMIN, SPECS[permission], conversation=ROOM)

    expected: Allowed | NeedsApproval
    expected = Allowed("admin", "*:*") if rule is None else NeedsApproval("admin", rule)
    assert verdict == expected


def test_an_approval_rule_allows_nothing_by_itself() -> None:
    policy = replace(POLICY, approvals=(replace(RULE, commands=("*:*",)),))

    verdict = decide(policy, person(READERS), SPECS["exchange:delete"], conversation=ROOM)

    assert isinstance(verdict, Denied)
    assert verdict.reason is Denial.NO_RULE


def test_a_grant_says_where_a_role_comes_from() -> None:
    everything = person(READERS, INTERNS, oid="oid-admin")

    assert grants_of(POLICY, everything) == (
        Grant("reader", READERS),
        Grant("admin", "person"),
        Grant("intern", INTERNS),
        Grant("operator", "admin", is_inherited=True),
    )


def test_roles_that_inherit_each_other_are_followed_once() -> None:
    ring = (Role("a", inherits=("b",)), Role("b", inherits=("a",), allow=("*:get",)))
    policy = Policy({role.name: role for role in ring})

    assert [role.name for role in policy.closure("a")] == ["a", "b"]
    assert roles_allowing(policy, "exchange:get") == ("a", "b")


@pytest.mark.parametrize(
    ("permission", "expected"),
    [
        ("exchange:list", ("reader", "operator", "admin")),
        ("exchange:get", ("reader", "operator", "admin", "intern")),
        ("exchange:sync", ("operator", "admin")),
        ("bot:pause", ("admin",)),
    ],
)
def test_roles_allowing_are_those_whose_holders_may_run_it(
    permission: str, expected: tuple[str, ...]
) -> None:
    assert roles_allowing(POLICY, permission) == expected


def test_a_role_that_inherits_a_deny_allows_nothing_of_it() -> None:
    heir = Role("heir", allow=("*:*",), inherits=("intern",))
    policy = replace(POLICY, roles={**POLICY.roles, "heir": heir})

    assert "heir" not in roles_allowing(policy, "exchange:sync")
    assert "heir" in roles_allowing(policy, "exchange:delete")


@pytest.mark.parametrize(
    ("pattern", "permission", "fits"),
    [
        ("*:*", "exchange:sync", True),
        ("exchange:*", "exchange:sync", True),
        ("*:sync", "exchange:sync", True),
        ("exchange:sync", "exchange:sync", True),
        ("exchange:syn", "exchange:sync", False),
        ("exch*:sync", "exchange:sync", False),
        ("bot:*", "exchange:sync", False),
        ("*", "exchange:sync", False),
        ("", "exchange:sync", False),
    ],
)
def test_either_side_of_a_pattern_may_be_a_star(pattern: str, permission: str, fits: bool) -> None:  # noqa: FBT001
    assert matches(pattern, permission) is fits


patterns = st.builds(
    "{}:{}".format,
    st.sampled_from(["*", "exchange", "bot"]),
    st.sampled_from(["*", "list", "sync", "delete", "pause"]),
)
NAMES = ("a", "b", "c", "d")
role_sets = st.tuples(
    *(
        st.builds(
            Role,
            st.just(name),
            groups=st.frozensets(st.sampled_from(["g1", "g2"])),
            allow=st.lists(patterns, max_size=2).map(tuple),
            deny=st.lists(patterns, max_size=1).map(tuple),
            inherits=st.lists(st.sampled_from(NAMES), max_size=2).map(tuple),
        )
        for name in NAMES
    )
)


@given(
    roles=role_sets,
    order=st.permutations(range(len(NAMES))),
    groups=st.frozensets(st.sampled_from(["g1", "g2"])),
    spec=st.sampled_from(list(SPECS.values())),
)
@settings(max_examples=200, deadline=None)
def test_the_order_of_roles_and_rules_never_matters(
    roles: tuple[Role, ...], order: list[int], groups: frozenset[str], spec: CommandSpec
) -> None:
    turned = [
        replace(roles[n], allow=roles[n].allow[::-1], inherits=roles[n].inherits[::-1])
        for n in order
    ]

    one = decide(Policy({r.name: r for r in roles}), person(*groups), spec, conversation=ROOM)
    other = decide(Policy({r.name: r for r in turned}), person(*groups), spec, conversation=ROOM)

    assert type(one) is type(other)
    if isinstance(one, Denied) and isinstance(other, Denied):
        assert one.reason is other.reason
        assert set(one.held) == set(other.held)
        assert set(one.roles) == set(other.roles)


def test_the_groups_of_a_policy_are_all_that_give_a_role() -> None:
    assert POLICY.groups == {READERS, OPERATORS, INTERNS}


def test_administrators_are_those_who_may_do_everything_by_inheritance_too() -> None:
    chief = Role("chief", inherits=("admin",))
    policy = Policy({**POLICY.roles, "chief": chief})

    assert administrators(policy) == ("admin", "chief")


def test_permitted_are_the_commands_one_may_run_or_ask_for() -> None:
    policy = replace(POLICY, approvals=(ANY_SYNC,))
    who = person(OPERATORS)
    specs = tuple(SPECS[name] for name in ("exchange:delete", "exchange:sync", "exchange:list"))

    allowed = permitted(policy, who, specs, conversation=ROOM)
    railed = replace(policy, guardrails=(Guardrail(ROOM, ("*:list",)),))

    assert [spec.permission for spec in allowed] == ["exchange:sync", "exchange:list"]
    assert [s.verb for s in permitted(railed, who, specs, conversation=ROOM)] == ["list"]
    assert len(permitted(railed, who, specs, conversation="19:other")) == 2
    assert permitted(policy, person(), specs, conversation=ROOM) == ()


def test_up_to_the_limit_many_are_judged_like_one() -> None:
    assert rule_of(limited(), SYNC, 3) is None
    assert rule_of(limited(ANY_SYNC), SYNC, 3) is ANY_SYNC


def test_above_the_limit_an_administrator_votes() -> None:
    assert rule_of(limited(), SYNC, 4) == ApprovalRule(
        commands=(),
        approvers=("admin",),
        needed=1,
        expires=timedelta(hours=4),
        execute_within=timedelta(hours=1),
        needs_reason=False,
        remind=None,
        channel=None,
    )
    two = replace(ANY_SYNC, approvers=("operator", "admin"), needed=2)
    assert rule_of(limited(two), SYNC, 4) == replace(two, approvers=("admin",))
    nobody = replace(ANY_SYNC, approvers=("operator",))
    assert rule_of(limited(nobody), SYNC, 4) == replace(nobody, approvers=("admin",))


def test_above_the_limit_only_those_administrators_vote_whom_the_rule_names() -> None:
    chief = Role("chief", people=frozenset({"oid-chief"}), allow=("*:*",))
    named = replace(ANY_SYNC, approvers=("operator", "chief"))
    policy = replace(limited(named), roles={**POLICY.roles, "chief": chief})

    assert rule_of(policy, SYNC, 4) == replace(named, approvers=("chief",))


def test_of_several_rules_for_a_command_each_is_kept_in_any_order() -> None:
    broad = replace(ANY_SYNC, approvers=("operator",), expires=timedelta(hours=8))
    narrow = replace(
        ANY_SYNC,
        commands=("exchange:sync",),
        needed=2,
        needs_reason=False,
        remind=timedelta(minutes=30),
        channel=ROOM,
    )
    both = [rule_of(limited(*rules), SYNC) for rules in ((broad, narrow), (narrow, broad))]

    # Who administers is an operator too, by inheritance, and so may decide by both.
    assert (
        both[0]
        == both[1]
        == replace(narrow, commands=("*:sync", "exchange:sync"), needs_reason=True)
    )


def limited(*rules: ApprovalRule) -> Policy:
    """Return the policy with these approvals and a limit of three records."""
    return replace(POLICY, bulk_limit=3, approvals=rules)
