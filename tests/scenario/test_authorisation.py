"""Every command, role, kind of person and channel, decided as authorisation.txt says."""

import itertools
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.cli.policy import lines_of
from bot.domain.command import Catalogue, CommandSpec
from bot.domain.kinds import KINDS
from bot.domain.policy import Allowed, Denied, NeedsApproval, Person, Verdict, decide
from bot.domain.rights import explain
from bot.sandbox import people
from bot.sandbox.directory import Account, Group
from bot.sandbox.people import Channel
from bot.sandbox.world import ADMINS, OPERATORS, TENANT, VIEWERS, person
from bot.store.audit import exported
from tests.support.stage import Script, Stage, staged

TABLE = Path(__file__).with_name("authorisation.txt")
OTHER_TENANT = "0ddba11e-0000-4000-8000-00000000f0e1"
FROZEN = "0aa0c1de-0000-4000-8000-000000000004"
ROLES = {"nobody": "", "viewer": VIEWERS, "operator": OPERATORS, "frozen": FROZEN, "admin": ADMINS}
KINDS_OF_PEOPLE = ("member", "guest", "external", "federated", "disabled")
PLAIN = Channel("19:c0de0000000000000000000000000001@thread.tacv2")
GUARDED = Channel("19:c0de0000000000000000000000000002@thread.tacv2")
REFUSALS = {"-": "no-rule", "deny": "deny-rule", "rail": "guardrail"}
SPECS = Catalogue(KINDS).specs
ADMITTING = f'[people]\nguests = "deny"\ntenants = ["{OTHER_TENANT}"]\n'


def somebody(role: str, kind: str) -> people.Person:
    number = 1000 + 10 * list(ROLES).index(role) + KINDS_OF_PEOPLE.index(kind)
    tenant = OTHER_TENANT if kind == "external" else TENANT
    return person(f"{role} {kind}", number, tenant=tenant)


def policy() -> str:
    """Return roles that members, guests and the like have by group, and externals by name."""
    allow = {
        "viewer": 'allow = ["*:list", "*:get", "bot:history", "bot:status"]',
        "operator": 'inherits = ["viewer"]\nallow = ["exchange:sync", "exchange:create",'
        ' "exchange:add", "exchange:update", "bot:watch", "bot:unwatch", "bot:undo"]',
        "frozen": 'inherits = ["operator"]\nallow = ["bot:history"]\ndeny = ["exchange:*"]',
        "admin": 'inherits = ["operator"]\nallow = ["*:*"]',
    }
    roles = [
        f'[roles.{role}]\ngroups = ["{ROLES[role]}"]\n'
        f'people = ["{somebody(role, "external").oid}"]\n{text}\n'
        for role, text in allow.items()
    ]
    return "\n".join(
        [
            *roles,
            '[[approval]]\ncommands = ["exchange:update", "exchange:delete"]',
            'approvers = ["admin"]\nneeded = 1\nexpires = "4h"',
            f'[[guardrail]]\nchannel = "{GUARDED.id}"',
            'allow = ["*:list", "*:get", "bot:status"]\n',
        ]
    )


@dataclass(frozen=True)
class Cell:
    """One case of the table's upper part; `word` is what it says."""

    permission: str
    role: str
    channel: Channel
    word: str


def cells() -> Iterator[Cell]:
    """Read the upper part of the table."""
    for line in TABLE.read_text("utf-8").splitlines():
        name, *halves = (part.strip() for part in line.split("|"))
        if not halves or ":" not in name:
            continue
        for channel, half in zip((PLAIN, GUARDED), halves, strict=True):
            for role, word in zip(ROLES, half.split(), strict=True):
                yield Cell(name, role, channel, word)


def kinds(column: int) -> Mapping[str, str]:
    """Read the lower part: the refusal of each kind of people, or `as above`."""
    rows = (line.split("|") for line in TABLE.read_text("utf-8").splitlines())
    return {
        row[0].strip(): row[column].strip() for row in rows if row[0].strip() in KINDS_OF_PEOPLE
    }


def word_of(verdict: Verdict) -> str:
    match verdict:
        case Allowed():
            return "yes"
        case NeedsApproval():
            return "waits"
        case Denied(reason=reason):
            return {code: word for word, code in REFUSALS.items()}.get(reason.value, reason.value)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    settings = {
        "BOT_ALLOWED_TENANTS": f"{TENANT},{OTHER_TENANT}",
        # Nothing but what people ask for is to be seen at Graph.
        "BOT_WATCH_INTERVAL": "1000000",
    }
    async with staged(tmp_path, Script(policy=policy(), settings=settings)) as stage:
        directory = stage.sandbox.directory
        directory.put(Group(FROZEN, "Frozen operators"))
        for role, kind in itertools.product(ROLES, ("member", "guest", "disabled")):
            who = somebody(role, kind)
            directory.put(
                Account(
                    who.oid,
                    who.name,
                    "Guest" if kind == "guest" else "Member",
                    is_enabled=kind != "disabled",
                    groups=frozenset({ROLES[role]} - {""}),
                )
            )
        yield stage


async def judged(stage: Stage, role: str, kind: str) -> Person:
    """Return what the bot's own directory makes of somebody."""
    who = somebody(role, kind)
    groups = stage.bot.policies.current().groups
    return await stage.bot.clients.directory.person(who.tenant, who.oid, groups, is_fresh=False)


def test_the_table_has_every_command_once() -> None:
    listed = [cell.permission for cell in cells() if (cell.role, cell.channel) == ("admin", PLAIN)]

    assert listed == [spec.permission for spec in SPECS]


@pytest.mark.parametrize("column", [1, 2], ids=["by default", "admitting"])
async def test_everything_is_decided_as_the_table_says(stage: Stage, column: int) -> None:
    if column == 2:
        text = stage.policy.read_text("utf-8") + ADMITTING.replace('"deny"', '"allow"')
        stage.policy.write_text(text, "utf-8")
        assert stage.bot.policies.reload_if_changed()
    in_force, by_name = stage.bot.policies.current(), stage.bot.catalogue.by_permission
    refused, seen = kinds(column), 0
    wrong: list[tuple[Cell, str, object]] = []
    assert set(refused) == set(KINDS_OF_PEOPLE)
    for role, kind in itertools.product(ROLES, KINDS_OF_PEOPLE):
        who = await judged(stage, role, kind)
        for cell in (each for each in cells() if each.role == role):
            spec, room = by_name[cell.permission], cell.channel.id
            found = decide(in_force, who, spec, conversation=room)
            told = explain(in_force, who, spec, typed="x", conversation=room)
            wanted = cell.word if refused[kind] == "as above" else refused[kind]
            first = {"yes": "yes", "waits": "waits"}.get(wanted, "no")
            if first == "yes" and spec.depends:
                first = "depends"
            seen += 1
            if word_of(found) != wanted or told.verdict != found:
                wrong.append((cell, kind, found))
            if lines_of(told)[0].split()[:1] != [first]:
                wrong.append((cell, kind, told))

    assert wrong == []
    assert seen == len(SPECS) * len(ROLES) * len(KINDS_OF_PEOPLE) * 2


async def test_the_other_tenant_by_name_lets_in_its_people_and_no_guests(stage: Stage) -> None:
    stage.policy.write_text(stage.policy.read_text("utf-8") + ADMITTING, "utf-8")
    assert stage.bot.policies.reload_if_changed()
    in_force, spec = stage.bot.policies.current(), stage.bot.catalogue.by_permission["bot:pause"]
    for kind, word in (("member", "yes"), ("external", "yes"), ("guest", "guest")):
        who = await judged(stage, "admin", kind)

        assert word_of(decide(in_force, who, spec, conversation=PLAIN.id)) == word


def example(spec: CommandSpec) -> str:
    return spec.examples[0] if spec.examples else f"/{spec.title}"


async def test_what_the_table_refuses_the_running_bot_refuses_and_records(stage: Stage) -> None:
    by_name, refused = stage.bot.catalogue.by_permission, kinds(1)
    looked = len(stage.sandbox.graph.log)
    cases = [(c, "member", REFUSALS[c.word]) for c in cells() if c.word in REFUSALS]
    cases += [
        (cell, kind, refused[kind])
        for cell, kind in itertools.product(
            cells(), ("guest", "external", "federated", "disabled")
        )
        # Help is given to everybody: to these people it lists nothing.
        if (cell.role, cell.channel) == ("admin", PLAIN) and cell.permission != "bot:help"
    ]
    for cell, kind, _ in cases:
        text = example(by_name[cell.permission])
        who = somebody(cell.role, kind)
        response = await stage.post(stage.sandbox.teams().message(who, cell.channel, text))
        assert response.status_code == 202
    await stage.settle()

    lines = [exported(row) async for row in stage.bot.store.audit_rows()]
    assert {line["what"] for line in lines} == {"command refused"}
    assert sorted(_reasons(line) for line in lines) == sorted(reason for _, _, reason in cases)
    assert len(stage.messages()) == len(cases) > 200
    assert stage.graph_writes() == []
    assert not any("/deviceManagement" in r.path for r in stage.sandbox.graph.log[looked:])


def _reasons(line: Mapping[str, object]) -> str:
    details = line["details"]
    assert isinstance(details, dict)
    return str(details["reason"])
