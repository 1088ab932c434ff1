"""The keys that sign inbound tokens: fetched off the request's path, kept over an outage, never hammered.

Source: Bot Framework authentication, "Connector to bot"; `endorsements` says for which channels a key may speak.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from json import JSONDecodeError, loads

import httpx
import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from yarl import URL

FETCH_TIMEOUT_S = 5.0
REFETCH_AFTER = timedelta(minutes=5)
FIRST_LOAD_AGAIN_AFTER = timedelta(seconds=10)
FRESH_FOR = timedelta(hours=24)
USABLE_FOR = timedelta(hours=48)
MIN_KEY_BITS = 2048
MAX_DOCUMENT_BYTES = 1 << 20
# Requests with unknown keys may wait for a fetch, but not so many that known ones find no room.
MAX_WAITING = 16

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


class KeysUnavailable(Exception):
    """No signing key is known: none was ever loaded, or the last ones are over 48 hours old."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A verified-to-be-strong RSA key and the channels it may speak for."""

    key: jwt.PyJWK
    endorsements: frozenset[str]


class SigningKeys:
    """The current key set behind one OpenID metadata document.

    A known key is answered from memory, whatever the network does. An unknown one triggers one
    shared fetch, at most every 5 minutes (10 seconds until the first success). Keys older than
    24 hours are refreshed in the background and used for 24 hours more if that fails.

    Args:
        http: Shared client; redirects are not followed.
        metadata_url: The OpenID document; its `jwks_uri` is followed if it is https or of the same origin.
        now: Aware UTC time.
        timeout_s: Seconds that both documents together may take.
    """

    def __init__(
        self,
        *,
        http: httpx.AsyncClient,
        metadata_url: str,
        now: Callable[[], datetime],
        timeout_s: float = FETCH_TIMEOUT_S,
    ) -> None:
        self._http = http
        self._metadata_url = URL(metadata_url)
        self._now = now
        self._timeout_s = timeout_s
        self._keys: Mapping[str, SigningKey] = {}
        self._loaded_at: datetime | None = None
        self._tried_at: datetime | None = None
        self._fetch: asyncio.Task[None] | None = None
        self._waiting = 0

    @property
    def ready(self) -> bool:
        """Whether usable keys are at hand."""
        return self._loaded_at is not None and self._now() - self._loaded_at < USABLE_FOR

    async def warm(self) -> None:
        """Load the keys before the first request needs them; a failure is logged, not raised."""
        if not self.ready:
            await self._fetched()

    async def close(self) -> None:
        """Abandon a fetch under way."""
        if self._fetch is not None:
            self._fetch.cancel()
            await asyncio.wait({self._fetch})

    async def find(self, kid: str) -> SigningKey | None:
        """Return the key called `kid`, None if the issuer has no such key.

        Raises:
            KeysUnavailable: Nothing is known, so nothing can be said about `kid`.
        """
        if self.ready:
            if (key := self._keys.get(kid)) is not None:
                if self._is_older_than(FRESH_FOR):
                    self._start()
                return key
            if self._waiting >= MAX_WAITING:
                return None
        await self._fetched()
        if not self.ready:
            raise KeysUnavailable
        return self._keys.get(kid)

    async def _fetched(self) -> None:
        """Wait for the shared fetch, if one is under way or may be started."""
        fetch = self._start()
        if fetch is None:
            return
        self._waiting += 1
        try:
            # wait, not await: a caller who leaves must not cancel the fetch of the others
            await asyncio.wait({fetch})
        finally:
            self._waiting -= 1

    def _start(self) -> asyncio.Task[None] | None:
        if self._fetch is not None:
            return self._fetch
        if not self._may_try():
            return None
        self._tried_at = self._now()
        self._fetch = asyncio.create_task(self._load())
        self._fetch.add_done_callback(self._finished)
        return self._fetch

    def _finished(self, fetch: asyncio.Task[None]) -> None:
        self._fetch = None
        if not fetch.cancelled() and (error := fetch.exception()) is not None:
            log.error("signing keys not loaded", exc_info=error)

    def _may_try(self) -> bool:
        if self._tried_at is None:
            return True
        pause = FIRST_LOAD_AGAIN_AFTER if self._loaded_at is None else REFETCH_AFTER
        # a clock that was set back must not stop the refresh until it has caught up
        return not timedelta(0) <= self._now() - self._tried_at < pause

    def _is_older_than(self, age: timedelta) -> bool:
        return self._loaded_at is not None and self._now() - self._loaded_at >= age

    async def _load(self) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                metadata = await self._document(self._metadata_url)
                keys = _signing_keys(await self._document(self._key_set_url(metadata)))
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError) as error:
            log.warning(
                "signing keys not loaded", cause=type(error).__name__, known=len(self._keys)
            )
            return
        self._keys = keys
        self._loaded_at = self._now()
        log.info("signing keys loaded", count=len(keys))

    def _key_set_url(self, metadata: Mapping[str, object]) -> URL:
        uri = metadata.get("jwks_uri")
        url = URL(uri) if isinstance(uri, str) else URL()
        if url.scheme != "https" and url.origin() != self._metadata_url.origin():
            raise ValueError("jwks_uri leads elsewhere")
        return url

    async def _document(self, url: URL) -> Mapping[str, object]:
        body = bytearray()
        async with self._http.stream("GET", str(url), follow_redirects=False) as response:
            if response.status_code != httpx.codes.OK:
                raise ValueError("not 200")
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_DOCUMENT_BYTES:
                    raise ValueError("too long")
        return _json_object(bytes(body))


def _json_object(body: bytes) -> Mapping[str, object]:
    try:
        document = loads(body)
    except (JSONDecodeError, RecursionError) as error:
        raise ValueError("not JSON") from error
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - the document is bad, not the call
    return document


def _signing_keys(document: Mapping[str, object]) -> Mapping[str, SigningKey]:
    """Return the usable keys by id; keys of other types, weak or malformed ones are passed over."""
    listed = document.get("keys")
    keys: dict[str, SigningKey] = {}
    for jwk in listed if isinstance(listed, list) else ():
        kid = jwk.get("kid") if isinstance(jwk, dict) else None
        if isinstance(kid, str) and (key := _signing_key(jwk)) is not None:
            keys.setdefault(kid, key)
    if not keys:
        raise ValueError("no usable key")
    return keys


def _signing_key(jwk: dict[str, object]) -> SigningKey | None:
    if jwk.get("kty") != "RSA" or jwk.get("use", "sig") != "sig":
        return None
    try:
        prepared = jwt.PyJWK.from_dict(jwk, algorithm="RS256")
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    if not isinstance(prepared.key, RSAPublicKey) or prepared.key.key_size < MIN_KEY_BITS:
        return None
    endorsements = jwk.get("endorsements")
    names = endorsements if isinstance(endorsements, list) else []
    return SigningKey(prepared, frozenset(name for name in names if isinstance(name, str)))
