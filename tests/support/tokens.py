"""A clock to move by hand, real RSA keys, and an issuer that publishes them over a fake transport."""

import asyncio
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm

APP_ID = "11111111-2222-4333-8444-555555555555"
ISSUER = "https://api.botframework.com"
SERVICE_URL = "https://smba.trafficmanager.net/amer/"
METADATA_URL = "https://login.botframework.com/v1/.well-known/openidconfiguration"
KEYS_URL = "https://login.botframework.com/v1/.well-known/keys"


@dataclass
class Clock:
    """Tells the time it was set to."""

    moment: datetime = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, **parts: float) -> None:
        self.moment += timedelta(**parts)

    @property
    def seconds(self) -> int:
        return int(self.moment.timestamp())


def rsa_key(name: str, bits: int = 2048) -> RSAPrivateKey:
    """Return the private key called `name`, made on first use."""
    return _made(name, bits)


@cache
def _made(name: str, bits: int) -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=bits)


def jwk(name: str, /, *, bits: int = 2048, **changes: object) -> dict[str, object]:
    """Return the public key `name` as an issuer lists it; a change to None removes the member."""
    public = RSAAlgorithm.to_jwk(rsa_key(name, bits).public_key(), as_dict=True)
    listed: dict[str, object] = {
        "kty": "RSA",
        "use": "sig",
        "kid": name,
        "n": public["n"],
        "e": public["e"],
        "endorsements": ["msteams"],
        **changes,
    }
    return {member: value for member, value in listed.items() if value is not None}


def signed(
    claims: dict[str, object],
    *,
    kid: str = "first",
    algorithm: str = "RS256",
    headers: dict[str, object] | None = None,
) -> str:
    """Return an Authorization header with `claims`, signed by the key `kid`."""
    extra = {"kid": kid, **(headers or {})}
    return f"Bearer {jwt.encode(claims, rsa_key(kid), algorithm, extra)}"


def claims(clock: Clock, **changes: object) -> dict[str, object]:
    """Return good claims for an hour; a change to None removes the claim."""
    good: dict[str, object] = {
        "iss": ISSUER,
        "aud": APP_ID,
        "nbf": clock.seconds,
        "exp": clock.seconds + 3600,
        "serviceurl": SERVICE_URL,
        **changes,
    }
    return {name: value for name, value in good.items() if value is not None}


@dataclass
class Issuer:
    """Publishes keys, counts how often it is asked, fails or hangs on demand."""

    keys: list[object] = field(default_factory=lambda: [jwk("first")])
    metadata: object = field(default_factory=lambda: {"issuer": ISSUER, "jwks_uri": KEYS_URL})
    status: int = 200
    asked: int = 0
    hanging: asyncio.Event | None = None

    def client(self) -> httpx.AsyncClient:
        """Return a client whose every request ends here."""
        return httpx.AsyncClient(transport=httpx.MockTransport(self._answer))

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        is_metadata = "openidconfiguration" in request.url.path
        self.asked += is_metadata
        if self.hanging is not None:
            await self.hanging.wait()
        document = self.metadata if is_metadata else {"keys": self.keys}
        content = document if isinstance(document, bytes) else json.dumps(document).encode()
        return httpx.Response(self.status, content=content)
