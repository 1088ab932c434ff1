"""`policy.toml`: what is let in, what is refused with the place and the fix, how it is reloaded."""

from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.domain.consent import ApprovalRule
from bot.domain.errors import ConfigError
from bot.domain.policy import Guardrail, Policy, Role
from bot.store.policy_file import PolicyFile, parse_policy

KNOWN = frozenset({"exchange:list", "exchange:sync", "bot:status"})
GOOD = """
[roles.viewer]
groups = ["0AA0C1DE-0000-4000-8000-000000000001"]
allow  = ["*:list", "bot:status"]

[roles.Admin]
inherits = ["viewer"]
people   = ["0aa0c1de-0000-4000-8000-00000000000A"]
allow    = ["*:*"]
deny     = ["exchange:wipe"]

[[approval]]
commands  = ["exchange:sync", "exchange:delete"]
approvers = ["Admin"]
needed    = 2
expires   = "90s"
execute_within = "15m"
reason    = true
remind    = "2d"
channel   = "19:a@thread.tacv2"

[[approval]]
commands  = ["exchange:create"]
approvers = ["Admin"]

[[guardrail]]
channel = "19:b@thread.tacv2"
allow   = ["*:get"]

[people]
guests  = "allow"
tenants = ["0AA0C1DE-0000-4000-8000-0000000000FF"]

[limits]
bulk = 3
"""
ROLE = "[roles.a]\n"
RULE = '[roles.a]\n[[approval]]\ncommands = ["a:b"]\napprovers = ["a"]\n'


def test_every_word_of_a_good_file_reaches_the_policy() -> None:
    policy = parse_policy(GOOD.encode())

    assert policy == Policy(
        roles={
            "viewer": Role(
                "viewer",
                groups=frozenset({"0aa0c1de-0000-4000-8000-000000000001"}),
                allow=("*:list", "bot:status"),
            ),
            "Admin": Role(
                "Admin",
                people=frozenset({"0aa0c1de-0000-4000-8000-00000000000a"}),
                allow=("*:*",),
                deny=("exchange:wipe",),
                inherits=("viewer",),
            ),
        },
        approvals=(
            ApprovalRule(
                commands=("exchange:sync", "exchange:delete"),
                approvers=("Admin",),
                needed=2,
                expires=timedelta(seconds=90),
                execute_within=timedelta(minutes=15),
                needs_reason=True,
                remind=timedelta(days=2),
                channel="19:a@thread.tacv2",
            ),
            ApprovalRule(
                commands=("exchange:create",),
                approvers=("Admin",),
                needed=1,
                expires=timedelta(hours=4),
                execute_within=timedelta(hours=1),
                needs_reason=False,
                remind=None,
                channel=None,
            ),
        ),
        guardrails=(Guardrail("19:b@thread.tacv2", ("*:get",)),),
        admits_guests=True,
        tenants=frozenset({"0aa0c1de-0000-4000-8000-0000000000ff"}),
        bulk_limit=3,
    )


def test_what_is_left_out_is_the_safe_choice() -> None:
    policy = parse_policy(b"\xef\xbb\xbf[roles.a]\r\n")

    assert policy == Policy(roles={"a": Role("a")})
    assert not policy.admits_guests


def test_a_role_may_be_inherited_by_two_ways() -> None:
    policy = parse_policy(
        b'[roles.a]\n[roles.b]\ninherits=["a"]\n[roles.c]\ninherits=["a"]\n'
        b'[roles.d]\ninherits=["b", "c"]'
    )

    assert [role.name for role in policy.closure("d")] == ["d", "c", "a", "b"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", ["roles", "missing"]),
        ("[roles]", ["roles", "empty"]),
        ("roles = 1", ["roles", "table"]),
        ("roles.a = 1", ["roles.a", "table"]),
        ("[roles.a]\nallow = [", ["TOML"]),
        (ROLE + "alow = []", ["roles.a.alow", "no key", "allow"]),
        (ROLE + "[role.b]", ["role is no key", "roles, approval"]),
        (ROLE + "[people]\nguest = 'deny'", ["people.guest ", "guests, tenants"]),
        (ROLE + "[limits]\nsize = 1", ["limits.size", "bulk"]),
        (ROLE + "[[guardrail]]\nchannel = 'c'\nalow = []", ["guardrail[0]", "allow"]),
        (RULE + "need = 1", ["approval[0].need", "needed"]),
        (ROLE + 'allow = ["list"]', ["roles.a.allow[0]", "colon"]),
        (ROLE + 'deny = ["a:b", ":"]', ["roles.a.deny[1]", "colon"]),
        (ROLE + 'allow = ["Exchange:Sync"]', ["roles.a.allow[0]", "lower case"]),
        (ROLE + 'allow = "*:list"', ["roles.a.allow", "list"]),
        (ROLE + "allow = [1]", ["roles.a.allow[0]", "text"]),
        (ROLE + 'groups = ["Admins"]', ["roles.a.groups[0]", "GUID"]),
        (ROLE + 'people = ["alice@example.com"]', ["roles.a.people[0]", "GUID"]),
        (ROLE + '[people]\ntenants = ["contoso"]', ["people.tenants[0]", "GUID"]),
        (ROLE + '[people]\nguests = "maybe"', ["people.guests", "'deny' or 'allow'"]),
        (ROLE + "[limits]\nbulk = 0", ["limits.bulk", "1 or more"]),
        (ROLE + 'inherits = ["b"]', ["roles.a.inherits", '"b"', "there are a"]),
        (ROLE + 'inherits = ["A"]', ["roles.a.inherits", '"A"']),
        (ROLE + 'inherits = ["a"]', ["circle", "a -> a"]),
        (
            '[roles.z]\ninherits=["a"]\n[roles.a]\ninherits=["b"]\n[roles.b]\ninherits=["a"]',
            ["circle", "a -> b -> a"],
        ),
        (ROLE + '[[approval]]\napprovers = ["a"]', ["approval[0].commands", "missing"]),
        (ROLE + '[[approval]]\ncommands = ["a:b"]', ["approval[0].approvers", "missing"]),
        (ROLE + '[[approval]]\ncommands = []\napprovers = ["a"]', ["commands", "empty"]),
        (ROLE + '[[approval]]\ncommands = ["ab"]\napprovers = ["a"]', ["commands[0]", "colon"]),
        (RULE.replace('= ["a"]', '= ["c"]'), ["approval[0].approvers", '"c"']),
        (RULE.replace('= ["a"]', "= []"), ["approval[0].approvers", "empty"]),
        (RULE + "needed = 0", ["approval[0].needed", "1 or more"]),
        (RULE + "needed = true", ["approval[0].needed", "whole number"]),
        (RULE + "reason = 1", ["approval[0].reason", "true or false"]),
        (RULE + 'channel = ""', ["approval[0].channel", "empty"]),
        (RULE + 'expires = "4 h"', ["approval[0].expires", '"4h"']),
        (RULE + 'expires = "0s"', ["approval[0].expires", '"4h"']),
        (RULE + "expires = 4", ["approval[0].expires", '"4h"']),
        (RULE + 'remind = "999999d"', ["approval[0].remind", '"4h"']),
        (ROLE + "[[guardrail]]\nallow = []", ["guardrail[0].channel", "missing"]),
        (ROLE + "[guardrail]\nallow = []", ["guardrail", "list"]),
    ],
)
def test_a_bad_policy_is_refused_in_one_line_with_the_place(
    content: str, words: list[str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_policy(content.encode())

    assert caught.value.setting == "BOT_POLICY_FILE"
    assert "\n" not in caught.value.message
    for word in words:
        assert word in caught.value.message


def test_a_file_in_another_encoding_is_refused() -> None:
    with pytest.raises(ConfigError, match="UTF-8"):
        parse_policy("[roles.ä]".encode("utf-16"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(GOOD)
    return path


def test_before_it_is_loaded_nobody_may_do_anything(path: Path) -> None:
    assert PolicyFile(path, KNOWN).current() == Policy(roles={})


def test_a_file_that_is_not_there_refuses_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        PolicyFile(tmp_path / "none.toml", KNOWN).load()


def test_a_broken_file_refuses_the_start(path: Path) -> None:
    path.write_text("[roles]")

    with pytest.raises(ConfigError):
        PolicyFile(path, KNOWN).load()


def test_a_changed_file_is_taken_over_once(path: Path) -> None:
    file = PolicyFile(path, KNOWN)
    file.load()
    assert not file.reload_if_changed()

    path.write_text(GOOD.replace("bulk = 3", "bulk = 4"))

    assert file.reload_if_changed()
    assert file.current().bulk_limit == 4
    assert not file.reload_if_changed()


def test_a_new_comment_is_no_new_policy(path: Path) -> None:
    file = PolicyFile(path, KNOWN)
    file.load()

    path.write_text(GOOD + "# seen by Alice")

    assert not file.reload_if_changed()
    assert file.problem is None


def test_a_broken_edit_keeps_the_last_good_policy_and_says_so(path: Path) -> None:
    file = PolicyFile(path, KNOWN)
    file.load()
    good = file.current()
    path.write_text(GOOD.replace("needed    = 2", "needed = 0"))

    with capture_logs() as lines:
        results = [file.reload_if_changed(), file.reload_if_changed()]

    assert results == [False, False]
    assert file.current() is good
    assert file.problem == "approval[0].needed must be 1 or more"
    assert [line["event"] for line in lines] == ["policy refused"]


def test_a_mended_edit_is_taken_over_and_clears_the_problem(path: Path) -> None:
    file = PolicyFile(path, KNOWN)
    file.load()
    path.write_text("[roles")
    file.reload_if_changed()

    path.write_text(GOOD)

    assert not file.reload_if_changed()
    assert file.problem is None


def test_a_file_that_vanished_keeps_the_last_good_policy_and_comes_back(path: Path) -> None:
    file = PolicyFile(path, KNOWN)
    file.load()
    path.unlink()

    with capture_logs() as lines:
        results = [file.reload_if_changed(), file.reload_if_changed()]
    assert results == [False, False]
    assert file.problem is not None
    assert "cannot be read" in file.problem
    assert len(lines) == 1

    path.write_text(ROLE)
    assert file.reload_if_changed()
    assert file.current() == Policy(roles={"a": Role("a")})
    assert file.problem is None


def test_patterns_that_fit_no_command_are_noted(path: Path) -> None:
    file = PolicyFile(path, KNOWN)
    file.load()

    assert file.notes == ("exchange:wipe", "exchange:delete", "exchange:create", "*:get")


@pytest.mark.parametrize("content", [b"x = " + b"9" * 5000, b"x = " + b"[" * 100_000])
def test_a_policy_that_breaks_the_reader_is_refused_like_any_other(content: bytes) -> None:
    with pytest.raises(ConfigError, match="not TOML"):
        parse_policy(content)
