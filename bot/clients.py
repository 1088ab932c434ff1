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

from bot.domain.errors import ConfigError
from bot.graph.auth import TokenSource
from bot.graph.client import GraphClient, Timing
from bot.graph.credentials import ClientCertificate, ClientSecret, Credential, ManagedIdentity
from bot.graph.directory import GraphDirectory
from bot.graph.gateway import GraphGateway
from bot.settings import Settings
from bot.teams.connector import Connector, Patience
from bot.teams.keys import SigningKeys
from bot.teams.service_urls import ServiceUrls

CONNECTIONS = 64
KEEP_ALIVE_S = 60


@dataclass(frozen=True, slots=True)
class Pace:
    """The flow of time and chance, as far as clients feel it."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = random.random


@dataclass(frozen=True, slots=True)
class Clients:
    """Everything that sends requests to Microsoft."""

    keys: SigningKeys
    bot_tokens: TokenSource
    graph_tokens: TokenSource
    gateway: GraphGateway
    directory: GraphDirectory
    connector: Connector


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
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=KEEP_ALIVE_S),
        cookie_jar=aiohttp.DummyCookieJar(),
    )
    stack.push_async_callback(session.close)
    http = httpx.AsyncClient(
        follow_redirects=False,
        trust_env=False,
        limits=httpx.Limits(
            max_connections=CONNECTIONS,
            max_keepalive_connections=CONNECTIONS,
            keepalive_expiry=KEEP_ALIVE_S,
        ),
    )
    stack.push_async_callback(http.aclose)
    has_own = bool(settings.graph_client_id)
    graph_id = settings.graph_client_id or settings.app_id
    graph_secret = settings.graph_client_secret if has_own else settings.app_password
    bot_tokens = _tokens(
        settings, cloud.bot_scope, settings.app_id, settings.app_password, pace=pace
    )
    graph_tokens = _tokens(settings, cloud.graph_scope, graph_id, graph_secret, pace=pace)
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
        patience=Patience(pace.random, pace.sleep),
    )
    directory = GraphDirectory(client=client, tenant=settings.app_tenant, monotonic=pace.monotonic)
    closing = (gateway, directory, bot_tokens, graph_tokens)
    for close in (*(part.aclose for part in closing), keys.close):
        stack.push_async_callback(close)
    return Clients(keys, bot_tokens, graph_tokens, gateway, directory, connector)


def _tokens(
    settings: Settings, scope: str, client_id: str, secret: SecretStr, *, pace: Pace
) -> TokenSource:
    return TokenSource(
        cloud=settings.cloud,
        tenant=settings.app_tenant,
        client_id=client_id,
        credential=_credential(settings, secret),
        scope=scope,
        monotonic=pace.monotonic,
    )


def _credential(settings: Settings, secret: SecretStr) -> Credential:
    if secret.get_secret_value():
        return ClientSecret(secret)
    if settings.certificate_file is None:
        return ManagedIdentity()
    try:
        pem = SecretStr(settings.certificate_file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("BOT_CERTIFICATE_FILE", "cannot be read.") from error
    return ClientCertificate.from_pem(pem)
