"""`doctor`: checks what a bot needs to run, and names the fix for each finding."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

from bot.app import SystemClock
from bot.clients import Clients, Pace, connect
from bot.domain.command import Catalogue
from bot.domain.errors import BotError, ConfigError, DirectoryUnavailable, GraphError, GraphFault
from bot.domain.kinds import KINDS
from bot.settings import Settings
from bot.store.database import Database
from bot.store.policy_file import PolicyFile

# Somebody who does not exist: asking for them shows whether the directory may be asked at all.
NOBODY = "00000000-0000-4000-8000-000000000000"
FORBIDDEN = 403
UNREACHED = frozenset({"token-timeout", "token-unreachable"})


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked; `fix` is empty when it is in order.

    `note` tells what works as it is, and may not be meant so.
    """

    what: str
    fix: str = ""
    note: str = ""


async def run(environment: Mapping[str, str]) -> int:
    """Check everything and print a line for each; 0 when all is in order."""
    bad = 0
    async for finding in examine(environment):
        if finding.fix:
            bad += 1
            print(f"FIX  {finding.what}\n     -> {finding.fix}")
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
    yield _policy(settings)
    yield await _database(settings)
    async with AsyncExitStack() as stack:
        try:
            clients = await connect(settings, stack, now=SystemClock().now, pace=Pace())
        except ConfigError as error:
            yield Finding(f"setting {error.setting}", error.message)
            return
        async for finding in _microsoft(settings, clients):
            yield finding


def _policy(settings: Settings) -> Finding:
    what = f"policy {settings.policy_file}"
    try:
        policies = PolicyFile(settings.policy_file, frozenset(Catalogue(KINDS).by_permission))
        policies.load()
    except ConfigError as error:
        return Finding(what, error.message)
    if not policies.notes:
        return Finding(what)
    return Finding(what, note=f"no command fits {', '.join(policies.notes)}; is it misspelt?")


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


async def _microsoft(settings: Settings, clients: Clients) -> AsyncIterator[Finding]:
    await clients.keys.warm()
    fix = f"let the bot reach {settings.cloud.openid_metadata}"
    yield Finding("signing keys of the Bot Connector", "" if clients.keys.ready else fix)
    credentials = _credentials(settings)
    graph_credentials = "BOT_GRAPH_CLIENT_ID and BOT_GRAPH_CLIENT_SECRET"
    for name, source, rests_on in (
        ("Bot Connector", clients.bot_tokens, credentials),
        (
            "Graph",
            clients.graph_tokens,
            graph_credentials if settings.graph_client_id else credentials,
        ),
    ):
        try:
            await source.token()
        except GraphError as error:
            yield Finding(f"token for {name}", _token_fix(error.fault, rests_on))
        else:
            yield Finding(f"token for {name}")
    for kind in KINDS:
        try:
            page = await clients.gateway.list(kind)
        except GraphError as error:
            yield Finding(f"Graph: list {kind.plural}", _graph_fix(error.fault))
        else:
            yield Finding(f"Graph: list {kind.plural} ({len(page.records)} found)")
    yield await _directory(settings, clients)


async def _directory(settings: Settings, clients: Clients) -> Finding:
    what = "Graph: roles of people (users and their groups)"
    try:
        await clients.directory.person(settings.app_tenant, NOBODY, frozenset(), is_fresh=True)
    except DirectoryUnavailable as error:
        if error.fault.status == FORBIDDEN:
            return Finding(
                what, "consent to User.Read.All and GroupMember.Read.All (application)."
            )
        return Finding(what, _graph_fix(error.fault))
    return Finding(what)


def _credentials(settings: Settings) -> str:
    if settings.app_password.get_secret_value():
        return "MicrosoftAppId and MicrosoftAppPassword"
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
        return (
            "consent to DeviceManagementServiceConfig.ReadWrite.All (application); the tenant also "
            "needs an Intune licence."
        )
    return f"Graph answered {fault.status or 'nothing'} {fault.code}: {fault.message}"
