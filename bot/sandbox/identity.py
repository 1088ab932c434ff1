"""Entra's token endpoint and the Bot Connector's OpenID metadata and signing keys."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from bot.sandbox.journal import MASK, JsonObject, LoggedRequest
from bot.sandbox.keys import SigningKey, new_private_key
from bot.sandbox.wire import Answer, Desk, NewId, Now, RefusedError

ISSUER = "https://api.botframework.com"
BOT_SCOPE = "https://api.botframework.com/.default"
METADATA_PATH = "/v1/.well-known/openidconfiguration"
KEYS_PATH = "/v1/.well-known/keys"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

Audience = Literal["bot", "graph"]


@dataclass(frozen=True, slots=True)
class Registration:
    """The app registration: the bot's app id, its tenant, and who may ask for tokens.

    `secrets` maps client ids to secrets; empty: any client with any secret gets a token.
    """

    app_id: str
    tenant: str
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class _Token:
    audience: Audience
    expires_at: datetime


class Identity:
    """Issues access tokens to the bot, and signs what Teams sends to it.

    `keys` are published newest last; the newest signs. `token_lifetime_s` and `keys` may be
    changed at any time. Counters: `metadata_fetches`, `key_fetches`, `tokens_issued` by audience.
    """

    def __init__(
        self,
        *,
        registration: Registration,
        now: Now,
        new_id: NewId,
        key: RSAPrivateKey | None = None,
    ) -> None:
        self.registration = registration
        self.desk = Desk(now=now, new_id=new_id, explain=self._explain)
        self.faults = self.desk.faults
        self.token_lifetime_s = 3599
        self.metadata_fetches = 0
        self.key_fetches = 0
        self.tokens_issued: Counter[Audience] = Counter()
        self._now = now
        self._new_id = new_id
        self._tokens: dict[str, _Token] = {}
        self.keys = [SigningKey(new_id(), key or new_private_key())]

    @property
    def log(self) -> list[LoggedRequest]:
        """The requests so far, oldest first, secrets masked."""
        return self.desk.journal.entries

    @property
    def token_requests(self) -> int:
        """How often the token endpoint was asked, refusals included."""
        return sum(entry.method == "POST" for entry in self.log)

    def rotate(self, key: RSAPrivateKey | None = None, *, keep_old: bool = False) -> SigningKey:
        """Sign with a new key from now on; the old ones are no longer published unless kept."""
        fresh = SigningKey(self._new_id(), key or new_private_key())
        self.keys = [*self.keys, fresh] if keep_old else [fresh]
        return fresh

    def revoke_tokens(self) -> None:
        """Make every access token issued so far worthless."""
        self._tokens.clear()

    def sign(
        self,
        service_url: str,
        *,
        signed_by: SigningKey | None = None,
        **claims: str | int | None,
    ) -> str:
        """Return the `Authorization` header of an activity sent from `service_url`.

        `claims` replace those of a good token; None leaves one out.
        """
        key = signed_by or self.keys[-1]
        now = int(self._now().timestamp())
        good: dict[str, str | int | None] = {
            "iss": ISSUER,
            "aud": self.registration.app_id,
            "serviceurl": service_url,
            "iat": now,
            "nbf": now,
            "exp": now + 3600,
        }
        payload = {name: value for name, value in (good | claims).items() if value is not None}
        return f"Bearer {key.sign(payload)}"

    def accepts(self, authorization: str | None, audience: Audience) -> bool:
        """Whether the header carries a token issued here for this audience and still valid."""
        scheme, _, value = (authorization or "").partition(" ")
        token = self._tokens.get(value)
        return (
            scheme.lower() == "bearer"
            and token is not None
            and token.audience == audience
            and self._now() < token.expires_at
        )

    def routes(self) -> list[web.RouteDef]:
        """Return what this part serves."""
        return [
            web.get(METADATA_PATH, self._metadata),
            web.get(KEYS_PATH, self._key_set),
            web.post("/{tenant}/oauth2/v2.0/token", self._token),
        ]

    async def _metadata(self, request: web.Request) -> web.StreamResponse:
        entry = await self.desk.receive(request, path=METADATA_PATH)
        self.metadata_fetches += 1
        body: JsonObject = {
            "issuer": ISSUER,
            "authorization_endpoint": "https://invalid.botframework.com",
            "jwks_uri": f"{request.url.origin()}{KEYS_PATH}",
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        }
        return await self.desk.answer(request, entry, lambda: Answer(200, body))

    async def _key_set(self, request: web.Request) -> web.StreamResponse:
        entry = await self.desk.receive(request, path=KEYS_PATH)
        self.key_fetches += 1
        body: JsonObject = {"keys": [key.published() for key in self.keys]}
        return await self.desk.answer(request, entry, lambda: Answer(200, body))

    async def _token(self, request: web.Request) -> web.StreamResponse:
        form = {name: str(value) for name, value in (await request.post()).items()}
        masked = {name: MASK if name in _SECRET_FIELDS else form[name] for name in form}
        entry = await self.desk.receive(request, path=request.path, body=masked)
        tenant = request.match_info["tenant"]
        return await self.desk.answer(request, entry, lambda: self._issue(tenant, form))

    def _issue(self, tenant: str, form: Mapping[str, str]) -> Answer:
        if tenant.lower() != self.registration.tenant.lower():
            message = f"AADSTS90002: Tenant '{tenant}' not found."
            raise RefusedError(400, "invalid_request", message)
        if form.get("grant_type") != "client_credentials":
            message = "AADSTS70003: The app requested an unsupported grant type."
            raise RefusedError(400, "unsupported_grant_type", message)
        self._check_client(form)
        audience = _audience(form.get("scope", ""))
        value = f"sandbox.{audience}.{self._new_id()}"
        lifetime = timedelta(seconds=self.token_lifetime_s)
        self._tokens[value] = _Token(audience, self._now() + lifetime)
        self.tokens_issued[audience] += 1
        body: JsonObject = {
            "token_type": "Bearer",
            "expires_in": self.token_lifetime_s,
            "access_token": value,
        }
        return Answer(200, body)

    def _check_client(self, form: Mapping[str, str]) -> None:
        client = form.get("client_id", "")
        secrets = self.registration.secrets
        if not client or (secrets and client not in secrets):
            message = f"AADSTS700016: Application with identifier '{client}' was not found."
            raise RefusedError(401, "invalid_client", message)
        if form.get("client_assertion_type") == ASSERTION_TYPE:
            if not _names_client(form.get("client_assertion", ""), client):
                message = "AADSTS700023: Client assertion does not name the client."
                raise RefusedError(401, "invalid_client", message)
            return
        given = form.get("client_secret", "")
        if not given or (secrets and given != secrets[client]):
            message = "AADSTS7000215: Invalid client secret provided."
            raise RefusedError(401, "invalid_client", message)

    def _explain(self, request: LoggedRequest, code: str, message: str) -> JsonObject:
        number = message.partition(":")[0].removeprefix("AADSTS")
        at = request.at.astimezone(UTC)
        correlation = request.headers.get("client-request-id", request.id)
        return {
            "error": code,
            "error_description": f"{message} Trace ID: {request.id} Correlation ID: {correlation} "
            f"Timestamp: {at:%Y-%m-%d %H:%M:%SZ}",
            "error_codes": [int(number)] if number.isdigit() else [],
            "timestamp": f"{at:%Y-%m-%d %H:%M:%SZ}",
            "trace_id": request.id,
            "correlation_id": correlation,
        }


_SECRET_FIELDS = frozenset({"client_secret", "client_assertion"})


def _audience(scope: str) -> Audience:
    if scope == BOT_SCOPE:
        return "bot"
    if scope.endswith("/graph/.default"):
        return "graph"
    message = (
        f"AADSTS70011: The provided value for the input parameter 'scope' ({scope}) is not valid."
    )
    raise RefusedError(400, "invalid_scope", message)


def _names_client(assertion: str, client: str) -> bool:
    """Whether issuer and subject are the client; the certificate is not known here."""
    try:
        claims: JsonObject = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return False
    return claims.get("iss") == client and claims.get("sub") == client
