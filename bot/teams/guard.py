"""What may come in: the checks between an HTTP request and the first line of the bot's own logic.

The cheap and the anonymous come first: nobody's body is read before their token was verified, and
nothing of an activity is believed before its token speaks for its service URL. A refusal is a 4xx
(503 when full), one log line, and no reply to the conversation.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from aiohttp import hdrs, web
from pydantic import ValidationError

from bot.teams.activity import Inbound, guid
from bot.teams.body import MAX_BODY_BYTES, TurnedAway, json_object, read_body
from bot.teams.rates import Rates
from bot.teams.service_urls import ServiceUrls
from bot.teams.tokens import Identity, TokenCheck, Unauthorised

CHARSETS = frozenset({(), ("charset=utf-8",), ('charset="utf-8"',)})
MAX_AGE = timedelta(minutes=15)
MAX_LEAD = timedelta(minutes=5)

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Admission:
    """Who is let in: activities to this bot, from these tenants, through these service URLs.

    `tenants` is asked for each activity, because the policy's may change; ids in lower case.
    """

    app_id: str
    tenants: Callable[[], frozenset[str]]
    service_urls: ServiceUrls


@dataclass(frozen=True, slots=True)
class Capacity:
    """How much is let in at once.

    A turn holds one of the `turns` places from the moment its body is complete. Bodies still
    arriving are counted apart, so that slow senders cannot take the places of whole requests.
    """

    turns: int = 64
    bodies: int = 1_024
    body_timeout_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Admitted:
    """An activity that Teams vouches for.

    Attributes:
        payload: The activity itself.
        tenant: The tenant id it comes from, lower case; one of those let in.
        person: The sender's directory object id, lower case; None only for events nobody caused.
        stale: Too old or from the future: to be answered 200 without any effect.
        throttled: Beyond a rate limit: to be answered visibly, and not carried out.
    """

    payload: Inbound
    tenant: str
    person: str | None
    stale: bool
    throttled: bool


class Guard:
    """Turns requests into admitted activities, or away.

    Args:
        admission: Who is let in.
        capacity: How much is let in at once.
        rates: How often.
        tokens: The token check; None lets unsigned activities in and is for the sandbox alone.
        now: Aware UTC time.
    """

    def __init__(
        self,
        *,
        admission: Admission,
        capacity: Capacity,
        rates: Rates,
        tokens: TokenCheck | None,
        now: Callable[[], datetime],
    ) -> None:
        self._admission = admission
        self._capacity = capacity
        self._rates = rates
        self._tokens = tokens
        self._now = now
        self._turns = 0
        self._bodies = 0

    @asynccontextmanager
    async def admit(self, request: web.Request) -> AsyncIterator[Admitted]:
        """Hold a place for the turn of `request` while the context is open.

        Raises:
            TurnedAway: The request is not let in; already logged.
        """
        try:
            identity = await self._identify(request)
            with self._reading():
                body = await read_body(request, timeout_s=self._capacity.body_timeout_s)
        except TurnedAway as refusal:
            _log_refusal(refusal)
            raise
        with self._place():
            try:
                admitted = await self._admitted(body, identity)
            except TurnedAway as refusal:
                _log_refusal(refusal)
                raise
            yield admitted

    async def _identify(self, request: web.Request) -> Identity | None:
        """Check all that the request line and the headers can tell."""
        if request.method != hdrs.METH_POST:
            raise TurnedAway(405, "method")
        media_types = request.headers.getall(hdrs.CONTENT_TYPE, [])
        if len(media_types) != 1 or not _is_json(media_types[0]):
            raise TurnedAway(415, "content type")
        if hdrs.CONTENT_ENCODING in request.headers:
            raise TurnedAway(415, "content encoding")
        if (request.content_length or 0) > MAX_BODY_BYTES:
            raise TurnedAway(413, "body too long")
        if self._tokens is None:
            return None
        tokens = request.headers.getall(hdrs.AUTHORIZATION, [])
        if len(tokens) > 1:
            raise TurnedAway(401, "several tokens")
        try:
            return await self._tokens.check(tokens[0] if tokens else None)
        except Unauthorised as refusal:
            raise TurnedAway(401, refusal.reason.value) from refusal

    async def _admitted(self, body: bytes, identity: Identity | None) -> Admitted:
        payload = json_object(body)
        if identity is not None and not _speaks_for(identity, payload.get("serviceUrl")):
            raise TurnedAway(401, "service url differs")
        try:
            inbound = Inbound.model_validate(payload)
        except ValidationError as error:
            raise TurnedAway(400, "activity malformed") from error
        tenant = self._tenant(inbound)
        person = _person(inbound)
        stale = self._is_stale(inbound.timestamp)
        throttled = not stale and not await self._rates.admits(
            tenant, person, is_automatic=inbound.is_automatic
        )
        return Admitted(inbound, tenant, person, stale, throttled)

    def _tenant(self, inbound: Inbound) -> str:
        """Return the tenant of an activity that came the right way to the right bot."""
        if not self._admission.service_urls.allows(inbound.service_url):
            raise TurnedAway(403, "service url not allowed")
        if inbound.channel_id != "msteams":
            raise TurnedAway(403, "channel")
        if inbound.recipient.id != f"28:{self._admission.app_id}":
            raise TurnedAway(403, "recipient")
        named = inbound.channel_data.tenant if inbound.channel_data else None
        tenant = named.id.lower() if named else None
        if tenant is None or tenant not in self._admission.tenants():
            raise TurnedAway(403, "tenant")
        said_in = inbound.conversation.tenant_id
        if said_in is not None and said_in.lower() != tenant:
            raise TurnedAway(403, "tenant of the conversation")
        return tenant

    def _is_stale(self, timestamp: datetime | None) -> bool:
        return timestamp is not None and not -MAX_LEAD <= self._now() - timestamp <= MAX_AGE

    @contextmanager
    def _reading(self) -> Iterator[None]:
        if self._bodies >= self._capacity.bodies:
            raise TurnedAway(503, "too many bodies")
        self._bodies += 1
        try:
            yield
        finally:
            self._bodies -= 1

    @contextmanager
    def _place(self) -> Iterator[None]:
        if self._turns >= self._capacity.turns:
            refusal = TurnedAway(503, "too many turns")
            _log_refusal(refusal)
            raise refusal
        self._turns += 1
        try:
            yield
        finally:
            self._turns -= 1


def _person(inbound: Inbound) -> str | None:
    person = guid(inbound.sender.aad_object_id) if inbound.sender else None
    if inbound.is_personal and person is None:
        raise TurnedAway(403, "sender has no directory id")
    if inbound.is_personal and inbound.id is None:
        raise TurnedAway(400, "activity without id")
    return person


def _speaks_for(identity: Identity, service_url: object) -> bool:
    return isinstance(service_url, str) and identity.speaks_for(service_url)


def _is_json(media_type: str) -> bool:
    name, *parameters = (part.strip().lower() for part in media_type.split(";"))
    return name == "application/json" and tuple(parameters) in CHARSETS


def _log_refusal(refusal: TurnedAway) -> None:
    log.warning("request refused", status=refusal.status, reason=refusal.reason)
