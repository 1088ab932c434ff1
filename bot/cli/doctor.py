"""`doctor`: checks what a bot needs to run, and names the fix for each finding."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

from bot.chance import SystemClock
from bot.checks import is_writable_by_all
from bot.cli.permissions import CONNECTORS, GROUPS, USERS
from bot.clients import Clients, Pace, connect
from bot.domain.command import Catalogue
from bot.domain.errors import BotError, ConfigError, DirectoryUnavailable, GraphError, GraphFault
from bot.domain.kinds import KINDS
from bot.domain.lint import Vain, lint
from bot.domain.policy import Policy
from bot.domain.resource import ResourceKind
from bot.graph.auth import TokenSource
from bot.settings import Settings
from bot.store.database import Database
from bot.store.policy_file import PolicyFile

# Somebody who does not exist: asking for them shows whether the directory may be asked at all.
NOBODY = "00000000-0000-4000-8000-000000000000"
FORBIDDEN = 403
PEOPLE = "Graph: roles of people (users and their groups)"
GROUPS_NAMED = "Graph: groups that the policy names ({count})"
UNREACHED = frozenset({"token-timeout", "token-unreachable"})


VAIN: Mapping[Vain, str] = MappingProxyType(
    {
        Vain.ROLE_OF_NOBODY: "nobody has role {where}: it names no group and no person",
        Vain.ROLE_WITHOUT_RIGHTS: "role {where} allows nothing",
        Vain.RULE_NEVER_MATCHES: "the approval of {where} covers no writing command",
        Vain.RULE_FOR_NOBODY: "the approval of {where} covers what no role may do",
        Vain.APPROVERS_MISSING: "nobody can decide the approval of {where}",
        Vain.TOO_FEW_APPROVERS: "fewer people than needed can decide the approval of {where}",
        Vain.RAIL_SHUTS_ALL: "the guardrail of {where} lets nothing through",
    }
)
BARRED = frozenset({Vain.APPROVERS_MISSING, Vain.TOO_FEW_APPROVERS})
"""What keeps a command from ever being run, by anybody."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked; `fix` is empty when it is in order.

    `note` tells what works as it is, and may not be meant so. `rests_on` names the finding without
    which this one was not checked, or can only repeat it.
    """

    what: str
    fix: str = ""
    note: str = ""
    rests_on: str = ""


Check: TypeAlias = Callable[[Clients, str], Awaitable[Finding]]
"""Looks at what is named by the second argument, and says how it is."""


async def run(environment: Mapping[str, str]) -> int:
    """Check everything and print a line for each; 0 when all is in order."""
    bad = 0
    async for finding in examine(environment):
        if finding.fix:
            bad += 1
            print(f"FIX  {finding.what}\n     -> {finding.fix}")
        elif finding.rests_on:
            print(f"--   {finding.what}: not checked, it rests on the {finding.rests_on}")
        else:
            print(f"ok   {finding.what}")
        if finding.note:
            print(f"     note: {finding.note}")
    print("All in order." if not bad else f"{bad} to fix.")
    return 1 if bad else 0


async def examine(environment: Mapping[str, str]) -> AsyncIterator[Finding]:
    """Yield the findings, one check after another; a check that others rest on ends the row."""
    try:
        settings = Settings.read(environment)
    except ConfigError as error:
        yield Finding(f"setting {error.setting}", error.message)
        return
    yield Finding(f"settings for cloud {settings.cloud_name}")
    policies = PolicyFile(settings.policy_file, frozenset(Catalogue(KINDS).by_permission))
    policy = _policy(settings, policies)
    yield policy
    if not policy.fix:
        yield _approvals(policies.current())
    yield await _database(settings)
    async with AsyncExitStack() as stack:
        try:
            clients = await connect(settings, stack, now=SystemClock().now, pace=Pace())
        except ConfigError as error:
            yield Finding(f"setting {error.setting}", error.message)
            return
        async for finding in _microsoft(
            settings, clients, None if policy.fix else policies.current()
        ):
            yield finding


def _policy(settings: Settings, policies: PolicyFile) -> Finding:
    what = f"policy {settings.policy_file}"
    try:
        policies.load()
    except ConfigError as error:
        return Finding(what, error.message)
    notes = [
        VAIN[each.what].format(where=each.where)
        for each in lint(policies.current(), Catalogue(KINDS).specs)
        if each.what not in BARRED
    ]
    if is_writable_by_all(Path(settings.policy_file)):
        notes.append("everybody on this machine can change it, and with it who may do what")
    if policies.notes:
        notes.insert(0, f"no command fits {', '.join(policies.notes)}; is it misspelt?")
    return Finding(what, note="; ".join(notes))


def _approvals(policy: Policy) -> Finding:
    what = f"approvals that the policy asks for ({len(policy.approvals)})"
    barred = [
        VAIN[each.what].format(where=each.where)
        for each in lint(policy, Catalogue(KINDS).specs)
        if each.what in BARRED
    ]
    if not barred:
        return Finding(what)
    return Finding(what, f"{'; '.join(barred)}: give their approvers a group, or more people.")


async def _database(settings: Settings) -> Finding:
    scheme = settings.database_url.partition(":")[0]
    try:
        database = Database.open(settings.database_url, clock=SystemClock())
        try:
            await database.migrate()
        finally:
            await database.close()
    except BotError as error:
        return Finding(f"database ({scheme})", f"check BOT_DATABASE_URL: {error}")
    return Finding(f"database ({scheme})")


async def _microsoft(
    settings: Settings, clients: Clients, policy: Policy | None
) -> AsyncIterator[Finding]:
    await clients.keys.warm()
    fix = f"let the bot reach {settings.cloud.openid_metadata}"
    yield Finding("signing keys of the Bot Connector", "" if clients.keys.ready else fix)
    credentials = _credentials(settings)
    of_graph = "BOT_GRAPH_CLIENT_ID and BOT_GRAPH_CLIENT_SECRET"
    bot = await _token("Bot Connector", clients.bot_tokens, credentials)
    yield bot
    graph = await _token(
        "Graph", clients.graph_tokens, of_graph if settings.graph_client_id else credentials
    )
    # The same credentials, refused alike: one thing to mend.
    yield Finding(graph.what, rests_on=bot.what) if graph.fix and graph.fix == bot.fix else graph
    checks: list[tuple[str, Check]] = [
        (f"Graph: list {kind.plural}", partial(_list, kind)) for kind in KINDS
    ]
    checks.append((PEOPLE, partial(_directory, settings)))
    if policy is not None:
        checks.append((GROUPS_NAMED.format(count=len(policy.groups)), partial(_groups, policy)))
    for what, check in checks:
        yield Finding(what, rests_on=graph.what) if graph.fix else await check(clients, what)


async def _token(name: str, source: TokenSource, rests_on: str) -> Finding:
    try:
        await source.token()
    except GraphError as error:
        return Finding(f"token for {name}", _token_fix(error.fault, rests_on))
    return Finding(f"token for {name}")


async def _list(kind: ResourceKind, clients: Clients, what: str) -> Finding:
    try:
        page = await clients.gateway.list(kind)
    except GraphError as error:
        return Finding(what, _graph_fix(error.fault))
    return Finding(f"{what} ({len(page.records)} found)")


async def _directory(settings: Settings, clients: Clients, what: str) -> Finding:
    try:
        await clients.directory.person(settings.app_tenant, NOBODY, frozenset(), is_fresh=True)
    except DirectoryUnavailable as error:
        if error.fault.status == FORBIDDEN:
            return Finding(what, f"consent to {USERS} and {GROUPS} (application).")
        return Finding(what, _graph_fix(error.fault))
    return Finding(what)


async def _groups(policy: Policy, clients: Clients, what: str) -> Finding:
    """Look for each group of the policy: a role by a group that is gone is a role of nobody."""
    try:
        absent = await clients.directory.absent(sorted(policy.groups))
    except DirectoryUnavailable as error:
        if error.fault.status == FORBIDDEN:
            return Finding(what, f"consent to {GROUPS} (application).")
        return Finding(what, _graph_fix(error.fault))
    notes = [
        f"role {role.name} names group {group}, which the directory does not have"
        for role in policy.roles.values()
        for group in sorted(role.groups & absent)
    ]
    return Finding(what, note="; ".join(notes))


def _credentials(settings: Settings) -> str:
    if settings.app_password.get_secret_value():
        return "MicrosoftAppId and MicrosoftAppPassword"
    if settings.app_password_file is not None:
        return "MicrosoftAppId and MicrosoftAppPassword_FILE"
    if settings.certificate_file is not None:
        return "MicrosoftAppId and BOT_CERTIFICATE_FILE"
    return "MicrosoftAppId and the managed identity of this machine"


def _token_fix(fault: GraphFault, rests_on: str) -> str:
    if fault.code in UNREACHED:
        return f"Entra was not reached ({fault.code}): check BOT_CLOUD and the way to it."
    return (
        f"Entra answered {fault.code}: check {rests_on} (is it current?), MicrosoftAppTenantId "
        "and BOT_CLOUD."
    )


def _graph_fix(fault: GraphFault) -> str:
    if fault.status == FORBIDDEN:
        return f"consent to {CONNECTORS} (application); the tenant also needs an Intune licence."
    return f"Graph answered {fault.status or 'nothing'} {fault.code}: {fault.message}"
