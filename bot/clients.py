"""What speaks to Microsoft, wired from the settings; shared by the running bot and the doctor."""

import asyncio
import random
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime

import aiohttp
import httpx
from pydantic import SecretStr

from bot.checks import read_secret
from bot.graph.auth import TokenSource
from bot.graph.client import GraphClient, Timing
from bot.graph.credentials import ClientCertificate, ClientSecret, Credential, ManagedIdentity
from bot.graph.directory import GraphDirectory
from bot.graph.gateway import GraphGateway
from bot.graph.trust import trusted
from bot.settings import Settings
from bot.teams.connector import Connector, Patience
from bot.teams.keys import SigningKeys
from bot.teams.service_urls import ServiceUrls

CONNECTIONS = 64
KEEP_ALIVE_S = 60
SINCE_BOOT: int | None = getattr(time, "CLOCK_BOOTTIME", None)


def steady() -> float:
    """Return seconds that go on whatever the clock is set to, also while the machine is asleep."""
    return time.monotonic() if SINCE_BOOT is None else time.clock_gettime(SINCE_BOOT)


@dataclass(frozen=True, slots=True)
class Pace:
    """The flow of time and chance, as far as clients feel it.

    `message_s` is how long one call to Teams may take, all its retries included; `body_s` how long
    the body of a request may be on its way.
    """

    monotonic: Callable[[], float] = steady
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = random.random
    message_s: float = 10.0
    body_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Clients:
    """Everything that sends requests to Microsoft."""

    keys: SigningKeys
    bot_tokens: TokenSource
    graph_tokens: TokenSource
    gateway: GraphGateway
    directory: GraphDirectory
    connector: Connector


@dataclass(frozen=True, slots=True)
class App:
    """An app registration or managed identity; `credential` reads its proof as it is now."""

    client_id: str
    credential: Callable[[], Credential]


def service_urls(settings: Settings) -> ServiceUrls:
    """Return the allow list of service URLs."""
    return ServiceUrls(settings.cloud, frozenset(settings.service_urls))


async def connect(
    settings: Settings, stack: AsyncExitStack, *, now: Callable[[], datetime], pace: Pace
) -> Clients:
    """Make the clients; `stack` closes them. Nothing is sent yet.

    Raises:
        ConfigError: the certificate cannot be used.
    """
    cloud = settings.cloud
    session, http = _pools(stack)
    bot, graph = _bot_app(settings), _graph_app(settings)
    bot_tokens = _tokens(settings, cloud.bot_scope, bot, pace=pace)
    graph_tokens = _tokens(settings, cloud.graph_scope, graph, pace=pace)
    keys = SigningKeys(http=http, metadata_url=cloud.openid_metadata, now=now)
    client = GraphClient(
        http=http,
        root=cloud.graph,
        tokens=graph_tokens,
        timing=Timing(pace.monotonic, pace.sleep, pace.random),
        new_id=lambda: str(uuid.uuid4()),
    )
    gateway = GraphGateway(
        client=client,
        version=settings.graph_version,
        uses_ref=settings.graph_ref == "on",
        monotonic=pace.monotonic,
    )
    connector = Connector(
        session=session,
        token=bot_tokens.token,
        forget=bot_tokens.forget,
        service_urls=service_urls(settings),
        patience=Patience(pace.random, pace.sleep, pace.message_s),
    )
    directory = GraphDirectory(client=client, tenant=settings.app_tenant, monotonic=pace.monotonic)
    closing = (gateway, directory, bot_tokens, graph_tokens)
    for close in (*(part.aclose for part in closing), keys.close):
        stack.push_async_callback(close)
    return Clients(keys, bot_tokens, graph_tokens, gateway, directory, connector)


def _pools(stack: AsyncExitStack) -> tuple[aiohttp.ClientSession, httpx.AsyncClient]:
    """Return the connections to Teams and those to Microsoft's other services."""
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=KEEP_ALIVE_S),
        cookie_jar=aiohttp.DummyCookieJar(),
    )
    stack.push_async_callback(session.close)
    http = httpx.AsyncClient(
        follow_redirects=False,
        trust_env=False,
        verify=trusted(),
        limits=httpx.Limits(
            max_connections=CONNECTIONS,
            max_keepalive_connections=CONNECTIONS,
            keepalive_expiry=KEEP_ALIVE_S,
        ),
    )
    stack.push_async_callback(http.aclose)
    return session, http


def _tokens(settings: Settings, scope: str, app: App, *, pace: Pace) -> TokenSource:
    # Asked once now: what cannot serve at all is refused at start.
    app.credential()
    return TokenSource(
        cloud=settings.cloud,
        tenant=settings.app_tenant,
        client_id=app.client_id,
        credential=app.credential,
        scope=scope,
        monotonic=pace.monotonic,
    )


def _bot_app(settings: Settings) -> App:
    def credential() -> Credential:
        if settings.app_password_file is not None:
            return ClientSecret(
                read_secret("MicrosoftAppPassword_FILE", settings.app_password_file)
            )
        if settings.certificate_file is not None:
            pem = read_secret("BOT_CERTIFICATE_FILE", settings.certificate_file)
            return ClientCertificate.from_pem(pem)
        return _secret_or_identity(settings.app_password)

    return App(settings.app_id, credential)


def _graph_app(settings: Settings) -> App:
    """Return the application for Graph: one of its own, or the bot's."""
    path = settings.graph_client_secret_file

    def credential() -> Credential:
        if path is not None:
            return ClientSecret(read_secret("BOT_GRAPH_CLIENT_SECRET_FILE", path))
        return _secret_or_identity(settings.graph_client_secret)

    if not settings.graph_client_id:
        return _bot_app(settings)
    return App(settings.graph_client_id, credential)


def _secret_or_identity(secret: SecretStr) -> Credential:
    return ClientSecret(secret) if secret.get_secret_value() else ManagedIdentity()
