"""The policy explained: never another word than the decision's, and an edit's whole effect."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, strategies as st

from bot.cli.policy import lines_of
from bot.domain.command import Catalogue, CommandSpec
from bot.domain.consent import ApprovalRule
from bot.domain.kinds import KINDS
from bot.domain.policy import (
    Allowed,
    Denied,
    Guardrail,
    NeedsApproval,
    Person,
    Policy,
    Role,
    decide,
    grants_of,
    rule_of,
)
from bot.domain.rights import ADMITTED, Shift, changed_terms, compare, entitled, explain

CATALOGUE = Catalogue(KINDS)
SPECS = CATALOGUE.specs
BY_NAME = CATALOGUE.by_permission
ROOM = "19:room@thread.tacv2"
PATTERNS = st.sampled_from(
    ["*:*", "*:list", "exchange:*", "exchange:sync", "bot:watch", "bot:acknowledge", "bot:dead"]
)
NAMES = ("viewer", "operator", "admin")


def role(name: str, **changes: object) -> Role:
    return replace(Role(name, groups=frozenset({f"g-{name}"})), **changes)  # type: ignore[arg-type]  # fields of Role


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    roles = {}
    for number, name in enumerate(NAMES):
        roles[name] = role(
            name,
            allow=tuple(draw(st.lists(PATTERNS, max_size=3))),
            deny=tuple(draw(st.lists(PATTERNS, max_size=1))),
            inherits=NAMES[:number] if draw(st.booleans()) else (),
            people=frozenset({f"p-{name}"}),
        )
    rule = ApprovalRule(
        commands=tuple(draw(st.lists(PATTERNS, min_size=1, max_size=2))),
        approvers=("admin",),
        needed=draw(st.integers(1, 3)),
        expires=timedelta(hours=4),
        execute_within=timedelta(hours=1),
        needs_reason=False,
        remind=None,
        channel=None,
    )
    rail = Guardrail(ROOM, tuple(draw(st.lists(PATTERNS, max_size=2))))
    return Policy(
        roles,
        approvals=(rule,) if draw(st.booleans()) else (),
        guardrails=(rail,) if draw(st.booleans()) else (),
        admits_guests=draw(st.booleans()),
    )


PEOPLE = st.builds(
    Person,
    oid=st.sampled_from(["p-viewer", "p-admin", "stranger"]),
    tenant=st.just("t"),
    name=st.just("Somebody"),
    is_guest=st.booleans(),
    is_enabled=st.booleans(),
    groups=st.frozensets(st.sampled_from([f"g-{name}" for name in NAMES]), max_size=2),
)


@given(policies(), PEOPLE, st.sampled_from(SPECS), st.sampled_from(["", ROOM]))
def test_an_explanation_says_what_the_decision_says(
    policy: Policy, person: Person, spec: CommandSpec, room: str
) -> None:

    found = BY_NAME[spec.permission]
    told = explain(policy, person, found, typed="x", conversation=room)
    verdict = decide(policy, person, found, conversation=room)
    first = lines_of(told)[0]

    assert told.verdict == verdict
    assert (told.typed, told.spec) == ("x", found)
    assert told.grants == grants_of(policy, person)
    word = {Allowed: "yes", NeedsApproval: "waits", Denied: "no"}[type(verdict)]
    if found.depends and word == "yes":
        word = "depends"
    assert first.startswith(f"{word} ")
    assert found.permission in first


@given(policies(), st.sampled_from(SPECS), st.sampled_from(["", ROOM]))
def test_who_can_names_exactly_the_roles_whose_members_may(
    policy: Policy, spec: CommandSpec, room: str
) -> None:
    found = BY_NAME[spec.permission]
    circle = entitled(policy, found, conversation=room)
    assert circle.spec is found
    assert circle.rule == rule_of(policy, found)
    for holder in circle.holders:
        assert set(holder.groups) == policy.roles[holder.role].groups
        assert set(holder.people) == policy.roles[holder.role].people
    if found.is_open:
        return
    for name in NAMES:
        member = Person(
            "x", "t", "", is_guest=False, is_enabled=True, groups=frozenset({f"g-{name}"})
        )
        may = not isinstance(decide(policy, member, found, conversation=room), Denied)
        is_named = name in {holder.role for holder in circle.holders}
        assert may is (is_named and not circle.is_shut_out)


@given(policies(), policies())
def test_an_edit_gives_what_its_reversal_takes(old: Policy, new: Policy) -> None:
    there = {shift.who: shift for shift in compare(old, new, SPECS)}
    back = {shift.who: shift for shift in compare(new, old, SPECS)}

    assert there.keys() == back.keys()
    for who, shift in there.items():
        assert (shift.gains, shift.loses) == (back[who].loses, back[who].gains)
    assert compare(old, old, SPECS) == ()


def test_a_group_that_gains_and_loses_is_named_with_both() -> None:
    old = Policy({"operator": role("operator", allow=("exchange:sync",))})
    new = Policy({"operator": role("operator", allow=("exchange:update",))})

    assert compare(old, new, SPECS) == (
        Shift("group g-operator", ("exchange:update",), ("exchange:sync",)),
    )


@pytest.mark.parametrize("needed", [1, 2])
def test_a_command_that_comes_to_need_consent_is_a_change(needed: int) -> None:
    rule = ApprovalRule(
        ("exchange:sync",), ("admin",), needed, timedelta(hours=4), timedelta(hours=1),
        needs_reason=False, remind=None, channel=None,
    )  # fmt: skip
    old = Policy({"operator": role("operator", allow=("exchange:sync",))})

    (shift,) = compare(old, replace(old, approvals=(rule,)), SPECS)

    assert shift.loses == ("exchange:sync",)
    assert shift.gains == (f"exchange:sync, {needed} of admin consent",)


def test_an_edit_that_opens_the_bot_is_never_called_none() -> None:
    allow = ("exchange:list", "exchange:sync")
    rail = Guardrail(ROOM, ("exchange:list",))
    rule = ApprovalRule(
        ("exchange:delete",), ("admin",), 1, timedelta(hours=4), timedelta(hours=1),
        needs_reason=False, remind=None, channel=None,
    )  # fmt: skip
    viewer, admin = role("viewer", allow=allow), role("admin")
    railed = Policy({"viewer": viewer}, guardrails=(rail,))
    voting = Policy({"viewer": viewer, "admin": admin}, approvals=(rule,))
    more = replace(admin, groups=frozenset({"g-admin", "g-new"}))
    plain = Policy({"viewer": viewer})

    assert compare(railed, plain, SPECS) == (
        Shift(f"group g-viewer in {ROOM}", ("exchange:sync",), ()),
    )
    assert compare(plain, replace(plain, admits_guests=True), SPECS) == (
        Shift("guests", (ADMITTED,), ()),
    )
    assert compare(plain, replace(plain, tenants=frozenset({"t2"})), SPECS) == (
        Shift("people of tenant t2", (ADMITTED,), ()),
    )
    assert compare(voting, replace(voting, roles={"viewer": viewer, "admin": more}), SPECS) == (
        Shift("group g-new", ("decides on exchange:delete",), ()),
    )


@given(policies(), policies())
def test_what_is_not_the_same_is_named(old: Policy, new: Policy) -> None:
    assert bool(changed_terms(old, new)) is (old != new)


def test_an_explanation_knows_the_guardrail_of_its_room() -> None:
    policy = Policy(
        {"viewer": role("viewer", allow=("*:*",))}, guardrails=(Guardrail(ROOM, ("*:list",)),)
    )
    person = Person("x", "t", "", is_guest=False, is_enabled=True, groups=frozenset({"g-viewer"}))
    spec = BY_NAME["exchange:sync"]

    here = explain(policy, person, spec, typed="x", conversation=ROOM)
    there = explain(policy, person, spec, typed="x", conversation="19:other")

    assert isinstance(here.verdict, Denied)
    assert isinstance(there.verdict, Allowed)


def test_a_group_or_person_that_only_one_policy_names_is_told() -> None:
    old = Policy({"viewer": role("viewer", allow=("exchange:list",))})
    named = role("viewer", groups=frozenset({"g-new"}), people=frozenset({"p"}), allow=("*:list",))

    assert compare(old, Policy({"viewer": named}), SPECS) == (
        Shift("group g-new", ("exchange:list",), ()),
        Shift("group g-viewer", (), ("exchange:list",)),
        Shift("person p", ("exchange:list",), ()),
    )
