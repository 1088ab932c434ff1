"""Access tokens for one audience: fetched off the event loop, shared, renewed before they end."""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import assert_never

import httpx
import msal
import structlog
from msal.exceptions import MsalServiceError

from bot.clouds import Cloud
from bot.domain.errors import ConfigError, GraphFault, GraphUnavailable
from bot.graph.credentials import ClientCertificate, ClientSecret, Credential, ManagedIdentity
from bot.graph.errors import clean
from bot.graph.flights import Flights
from bot.graph.token_http import TokenHttp

LIMIT_S = 5.0
RENEW_BEFORE_S = 300.0
# A token is not sent in its last seconds: it would end on the way.
MARGIN_S = 10.0
# How long a failure stands before the next attempt, so that an outage is not hammered.
PAUSE_S = 2.0

# What msal raises for an unknown tenant, and for documents that are not what it takes for granted.
_MSAL_TRIPPED = (AttributeError, LookupError, RuntimeError, TypeError, ValueError)
_AADSTS = re.compile(r"AADSTS\d{3,10}")
_TRACE = re.compile(r"Trace ID: ([0-9A-Fa-f-]{36})")

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


class TokenError(GraphUnavailable):
    """Entra gave no token, so no request was sent.

    The fault's code is Entra's own (`AADSTS7000215`) where it gave one, else `token-timeout`,
    `token-unreachable`, `token-refused` or `credential-unreadable`; its request id is Entra's trace id.
    """


@dataclass(frozen=True, slots=True)
class _Held:
    value: str
    renew_at: float
    ends_at: float


class TokenSource:
    """Tokens for one scope; the same shape serves Graph and the Bot Connector.

    From five minutes before its end a token is renewed in the background while it still serves. A
    renewal that fails is logged and tried again; nobody waits for it.

    Args:
        cloud: Whose authority is asked.
        tenant: The app's own tenant.
        client_id: The app registration, or the managed identity's client id.
        credential: Reads the proof, which may have changed since; it may block.
        scope: `<audience>/.default`.
        monotonic: Seconds of a clock that never goes back.
    """

    def __init__(
        self,
        *,
        cloud: Cloud,
        tenant: str,
        client_id: str,
        credential: Callable[[], Credential],
        scope: str,
        monotonic: Callable[[], float],
    ) -> None:
        self._cloud = cloud
        self._tenant = tenant
        self._client_id = client_id
        self._credential = credential
        self._proof: Credential | None = None
        self._scope = scope
        self._monotonic = monotonic
        self._held: _Held | None = None
        self._failed: TokenError | None = None
        self._quiet_until = 0.0
        self._flights: Flights[str, _Held] = Flights()

    async def token(self) -> str:
        """Return a token that is good now, after at most 5 seconds.

        Raises:
            TokenError: None could be had.
        """
        now, held = self._monotonic(), self._held
        is_quiet = self._failed is not None and now < self._quiet_until
        if held is not None and now < held.ends_at:
            if now >= held.renew_at and not is_quiet:
                self._flights.launch(self._scope, self._renew)
            return held.value
        if self._failed is not None and is_quiet:
            raise TokenError(self._failed.fault)
        try:
            async with asyncio.timeout(LIMIT_S):
                return (await self._flights.join(self._scope, self._renew)).value
        except TimeoutError as error:
            raise _error("token-timeout", "no answer in time") from error

    def forget(self, token: str) -> None:
        """Never return this token again: the audience refused it."""
        if self._held is not None and self._held.value == token:
            self._held = None

    async def aclose(self) -> None:
        """Stop a renewal that is under way."""
        await self._flights.aclose()

    async def _renew(self) -> _Held:
        asked_at = self._monotonic()
        try:
            # The one place where this package blocks a thread; its requests are limited as a whole.
            result = await asyncio.to_thread(self._ask)
            held = self._accept(result, asked_at)
        except TokenError as error:
            self._failed = error
            self._quiet_until = self._monotonic() + PAUSE_S
            log.warning("token refused", scope=self._scope, code=error.fault.code)
            raise
        self._held, self._failed = held, None
        return held

    def _accept(self, result: Mapping[object, object], asked_at: float) -> _Held:
        value = result.get("access_token")
        if not isinstance(value, str) or not value:
            raise self._refusal(result)
        try:
            lifetime = float(str(result.get("expires_in")))
        except ValueError:
            raise _error("token-refused", "the token's lifetime is missing") from None
        renew_in = max(lifetime - RENEW_BEFORE_S, lifetime / 2)
        return _Held(
            value, asked_at + renew_in, asked_at + lifetime - min(MARGIN_S, lifetime / 10)
        )

    def _refusal(self, result: Mapping[object, object]) -> TokenError:
        told = self._redact(
            f"{result.get('error') or ''}: {result.get('error_description') or ''}"
        )
        code, trace = _AADSTS.search(told), _TRACE.search(told)
        return _error(
            code.group() if code else "token-refused",
            told.partition("Trace ID:")[0],
            trace.group(1) if trace else None,
        )

    def _redact(self, text: str) -> str:
        match self._proof:
            case ClientSecret(secret) if secret.get_secret_value():
                return text.replace(secret.get_secret_value(), "***")
            case _:
                return text

    def _ask(self) -> Mapping[object, object]:
        """Ask Entra, blocking. A new msal application each time: its cache has a clock of its own."""
        try:
            credential = self._proof = self._credential()
            with TokenHttp(cloud=self._cloud, monotonic=self._monotonic, limit_s=LIMIT_S) as http:
                result = self._acquire(http, credential)
        except ConfigError as error:
            raise _error("credential-unreadable", error.setting) from error
        except httpx.TimeoutException as error:
            raise _error("token-timeout", type(error).__name__) from error
        except (httpx.HTTPError, MsalServiceError) as error:
            raise _error("token-unreachable", type(error).__name__) from error
        except _MSAL_TRIPPED as error:
            raise _error("token-refused", self._redact(str(error))) from error
        return result if isinstance(result, dict) else {}

    def _acquire(self, http: TokenHttp, credential: Credential) -> object:
        if isinstance(credential, ManagedIdentity):
            identity = msal.UserAssignedManagedIdentity(client_id=self._client_id)
            client = msal.ManagedIdentityClient(identity, http_client=http)
            return client.acquire_token_for_client(resource=self._scope.removesuffix("/.default"))
        app = msal.ConfidentialClientApplication(
            self._client_id,
            client_credential=_proof(credential),
            authority=f"{self._cloud.authority}/{self._tenant}",
            # The authorities are a table of this program's, there is nothing to discover.
            instance_discovery=False,
            http_client=http,
        )
        return app.acquire_token_for_client([self._scope])


def _proof(credential: ClientSecret | ClientCertificate) -> str | dict[str, str]:
    match credential:
        case ClientSecret(secret):
            return secret.get_secret_value()
        case ClientCertificate(key, certificate):
            return {"private_key": key.get_secret_value(), "public_certificate": certificate}
        case unreachable:
            assert_never(unreachable)


def _error(code: str, message: str, request_id: str | None = None) -> TokenError:
    return TokenError(GraphFault(0, code, clean(message), request_id))
