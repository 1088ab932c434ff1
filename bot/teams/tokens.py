"""Who signed this request: the one check of a Bot Connector token, stricter than the SDK's.

Only the connector's own tokens pass. There is no emulator, skill or government side door: the
audience is this bot, the key endorses Teams, and the token names the service URL it speaks for.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from string import ascii_letters, digits

import jwt

from bot.teams.keys import KeysUnavailable, SigningKey, SigningKeys

MAX_HEADER_CHARACTERS = 16 * 1024
LEEWAY_S = 5 * 60
MAX_LIFETIME_S = 24 * 60 * 60
REMEMBER_FOR = timedelta(minutes=5)
REMEMBER_AT_MOST = 1_000
# 2001 to 5138: everything else is a typing error, milliseconds, or an attempt at an overflow
SANE_TIMES = range(10**9, 10**11)
TOKEN_CHARACTERS = frozenset(ascii_letters + digits + "-_.")
DECODING: jwt.types.Options = {
    "verify_signature": True,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


class Reason(StrEnum):
    """Why a token was refused; for the log, never for the sender."""

    MISSING = "no token"
    MALFORMED = "malformed token"
    ALGORITHM = "algorithm refused"
    CRITICAL = "critical header refused"
    UNKNOWN_KEY = "unknown key"
    NO_KEYS = "signing keys unavailable"
    ENDORSEMENT = "key does not endorse msteams"
    SIGNATURE = "bad signature"
    ISSUER = "wrong issuer"
    AUDIENCE = "wrong audience"
    TIMES = "times missing or out of range"
    LIFETIME = "lifetime too long"
    NOT_YET = "not yet valid"
    EXPIRED = "expired"
    SERVICE_URL = "service url differs"


class Unauthorised(Exception):
    """The token does not prove that Teams sent the request."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Identity:
    """What a verified token proves: the connector speaks to `app_id` for `service_url`."""

    app_id: str
    service_url: str
    expires_at: datetime

    def speaks_for(self, service_url: str) -> bool:
        """Return whether `service_url` is the token's own, give or take one trailing slash."""
        return bool(service_url) and service_url.removesuffix(
            "/"
        ) == self.service_url.removesuffix("/")


class TokenCheck:
    """Verifies tokens, and remembers those it verified for 5 minutes, never past their expiry.

    Args:
        keys: Where the signing keys are found.
        app_id: The bot's own id, the only audience.
        issuer: The only issuer of the bot's cloud.
        now: Aware UTC time.
    """

    def __init__(
        self, *, keys: SigningKeys, app_id: str, issuer: str, now: Callable[[], datetime]
    ) -> None:
        self._keys = keys
        self._app_id = app_id
        self._issuer = issuer
        self._now = now
        self._verified: OrderedDict[bytes, tuple[datetime, Identity]] = OrderedDict()

    async def verify(self, authorization: str | None, *, service_url: str) -> Identity:
        """Return the proven identity of a request whose activity names `service_url`.

        Raises:
            Unauthorised: Always this, whatever is wrong with the header.
        """
        identity = await self.check(authorization)
        if not identity.speaks_for(service_url):
            raise Unauthorised(Reason.SERVICE_URL)
        return identity

    async def check(self, authorization: str | None) -> Identity:
        """Return the identity of a header before its body is read; `speaks_for` must still be asked.

        Raises:
            Unauthorised: Always this, whatever is wrong with the header.
        """
        token = _bearer(authorization)
        digest = sha256(token.encode("ascii")).digest()
        if (known := self._recall(digest)) is not None:
            return known
        key = await self._signing_key(token)
        identity = self._identity(_claims(token, key))
        self._remember(digest, identity)
        return identity

    def _recall(self, digest: bytes) -> Identity | None:
        until, identity = self._verified.get(digest, (None, None))
        if until is None:
            return None
        if self._now() >= until:
            del self._verified[digest]
            return None
        self._verified.move_to_end(digest)
        return identity

    def _remember(self, digest: bytes, identity: Identity) -> None:
        now = self._now()
        until = min(identity.expires_at, now + REMEMBER_FOR)
        if until <= now:
            return
        self._verified[digest] = (until, identity)
        if len(self._verified) > REMEMBER_AT_MOST:
            self._verified.popitem(last=False)

    async def _signing_key(self, token: str) -> SigningKey:
        kid = _key_id(token)
        try:
            key = await self._keys.find(kid)
        except KeysUnavailable as error:
            raise Unauthorised(Reason.NO_KEYS) from error
        if key is None:
            raise Unauthorised(Reason.UNKNOWN_KEY)
        if "msteams" not in key.endorsements:
            raise Unauthorised(Reason.ENDORSEMENT)
        return key

    def _identity(self, claims: Mapping[str, object]) -> Identity:
        if claims.get("iss") != self._issuer:
            raise Unauthorised(Reason.ISSUER)
        if claims.get("aud") != self._app_id:
            raise Unauthorised(Reason.AUDIENCE)
        expires = _check_times(claims, self._now().timestamp())
        service_url = claims.get("serviceurl")
        if not isinstance(service_url, str) or not service_url:
            raise Unauthorised(Reason.SERVICE_URL)
        return Identity(self._app_id, service_url, datetime.fromtimestamp(expires, UTC))


def _bearer(authorization: str | None) -> str:
    """Return the token of a header that has the shape of one: three parts of base64url."""
    if not authorization:
        raise Unauthorised(Reason.MISSING)
    scheme, _, token = authorization.partition(" ")
    is_shaped = scheme.lower() == "bearer" and token.count(".") == 2  # noqa: PLR2004 - header.claims.signature
    if len(authorization) > MAX_HEADER_CHARACTERS or not is_shaped:
        raise Unauthorised(Reason.MALFORMED)
    if not TOKEN_CHARACTERS.issuperset(token):
        raise Unauthorised(Reason.MALFORMED)
    return token


def _key_id(token: str) -> str:
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise Unauthorised(Reason.MALFORMED) from error
    if header.get("alg") != "RS256":
        raise Unauthorised(Reason.ALGORITHM)
    if "crit" in header or "b64" in header:
        raise Unauthorised(Reason.CRITICAL)
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid:
        raise Unauthorised(Reason.UNKNOWN_KEY)
    return kid


def _claims(token: str, key: SigningKey) -> Mapping[str, object]:
    try:
        claims: dict[str, object] = jwt.decode(token, key.key, ["RS256"], DECODING)
    except jwt.InvalidSignatureError as error:
        raise Unauthorised(Reason.SIGNATURE) from error
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise Unauthorised(Reason.MALFORMED) from error
    return claims


def _check_times(claims: Mapping[str, object], now: float) -> int:
    """Return `exp` in seconds since 1970, having checked it and whichever of `nbf` and `iat` there is."""
    expires = _seconds(claims["exp"]) if "exp" in claims else None
    starts = [_seconds(claims[name]) for name in ("nbf", "iat") if name in claims]
    if expires is None or not starts:
        raise Unauthorised(Reason.TIMES)
    if not 0 < expires - min(starts) <= MAX_LIFETIME_S:
        raise Unauthorised(Reason.LIFETIME)
    if max(starts) > now + LEEWAY_S:
        raise Unauthorised(Reason.NOT_YET)
    if expires <= now - LEEWAY_S:
        raise Unauthorised(Reason.EXPIRED)
    return expires


def _seconds(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value not in SANE_TIMES:
        raise Unauthorised(Reason.TIMES)
    return value
