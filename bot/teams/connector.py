"""The Bot Connector's REST API over the shared client: send, reply, update, delete, create.

A POST has no idempotency key, so it is repeated only when it certainly had no effect; the others
whenever the service says that the trouble is passing.
Source: "Send and receive messages with a bot", status codes; the paths are the Bot Connector v3 API's.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from json import dumps, loads
from math import isfinite
from urllib.parse import quote

import aiohttp
from aiohttp import hdrs
from yarl import URL

from bot.teams.connector_errors import (
    THROTTLING,
    Ambiguous,
    Answer,
    Blocked,
    ConnectorError,
    Gone,
    NotAllowed,
    Throttled,
    Unreachable,
)
from bot.teams.service_urls import ServiceUrls

__all__ = [
    "Ambiguous",
    "Blocked",
    "Connector",
    "ConnectorError",
    "Created",
    "Gone",
    "NotAllowed",
    "Patience",
    "Throttled",
    "Unreachable",
]

MAX_ANSWER_BYTES = 256 * 1024
CONNECT_TIMEOUT_S = 4.0
MAX_ATTEMPTS = 5
MAX_RETRY_AFTER_S = 8.0
RETRY_BUDGET_S = 9.0
UNAUTHORISED = 401
PASSING = THROTTLING | {502, 503, 504}


@dataclass(frozen=True, slots=True)
class Created:
    """A conversation made by `create`, and its first activity's id (empty if there was none)."""

    conversation_id: str
    activity_id: str


@dataclass(frozen=True, slots=True)
class Patience:
    """How retries wait: `random` in [0, 1) spreads them, `timeout_s` bounds a whole call."""

    random: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    timeout_s: float = 10.0


class Connector:
    """Speaks to conversations, with the bot's token, at allowed service URLs only.

    Every method raises `ConnectorError`, most usefully one of its leaves.

    Args:
        session: Shared; neither its redirects nor its timeout are relied upon.
        token: Returns a current bearer token; what it raises passes through.
        service_urls: The allow list, asked before the token is.
        patience: How retries wait.
        forget: Told of a token that was answered 401, never to be returned again.
    """

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession,
        token: Callable[[], Awaitable[str]],
        forget: Callable[[str], None],
        service_urls: ServiceUrls,
        patience: Patience,
    ) -> None:
        self._session = session
        self._token = token
        self._forget = forget
        self._service_urls = service_urls
        self._patience = patience

    async def reply(
        self,
        service_url: str,
        conversation_id: str,
        activity_id: str,
        activity: Mapping[str, object],
    ) -> str:
        """Post under an activity; return the new activity's id, empty if the service named none."""
        url = self._url(service_url, conversation_id, "activities", activity_id)
        return (await self._call(hdrs.METH_POST, url, activity)).text("id")

    async def send(
        self,
        service_url: str,
        conversation_id: str,
        activity: Mapping[str, object],
        *,
        is_targeted: bool = False,
    ) -> str:
        """Post to a conversation; return the new activity's id, empty if the service named none.

        A targeted one is seen by the activity's recipient alone.
        """
        url = _targeted(
            self._url(service_url, conversation_id, "activities"), is_targeted=is_targeted
        )
        return (await self._call(hdrs.METH_POST, url, activity)).text("id")

    async def update(
        self,
        service_url: str,
        conversation_id: str,
        activity_id: str,
        activity: Mapping[str, object],
        *,
        is_targeted: bool = False,
    ) -> None:
        """Replace an activity in place; doing it again is harmless."""
        url = _targeted(
            self._url(service_url, conversation_id, "activities", activity_id),
            is_targeted=is_targeted,
        )
        await self._call(hdrs.METH_PUT, url, activity)

    async def delete(self, service_url: str, conversation_id: str, activity_id: str) -> None:
        """Take an activity back."""
        url = self._url(service_url, conversation_id, "activities", activity_id)
        await self._call(hdrs.METH_DELETE, url, None)

    async def members(self, service_url: str, conversation_id: str, limit: int) -> list[str]:
        """Return Teams' ids of a conversation's members, the first `limit` of them."""
        url = self._url(service_url, conversation_id, "pagedmembers")
        answer = await self._call(hdrs.METH_GET, url.with_query(pageSize=str(limit)), None)
        found = answer.body.get("members")
        named = (
            [m["id"] for m in found if isinstance(m, dict) and isinstance(m.get("id"), str)]
            if isinstance(found, list)
            else []
        )
        return named[:limit]

    async def create(self, service_url: str, body: Mapping[str, object]) -> Created:
        """Open a conversation, or a new thread in a channel."""
        answer = await self._call(hdrs.METH_POST, self._url(service_url), body)
        return Created(answer.text("id"), answer.text("activityId"))

    def _url(self, service_url: str, *segments: str) -> URL:
        """Return the address of a conversation or activity; each segment arrives as it is given."""
        if not self._service_urls.allows(service_url):
            raise NotAllowed(
                0, "ServiceUrlNotAllowed", "this service URL is not on the allow list"
            )
        if not {"", ".", ".."}.isdisjoint(segments):
            raise NotAllowed(0, "IdNotAllowed", "an id that would change the path")
        path = "/".join(quote(segment, safe="") for segment in ("v3", "conversations", *segments))
        return URL(f"{service_url.removesuffix('/')}/{path}", encoded=True)

    async def _call(self, method: str, url: URL, body: Mapping[str, object] | None) -> Answer:
        """Make the request, and once more with a new token when the old one was revoked."""
        try:
            return await self._tried(method, url, body)
        except ConnectorError as error:
            if error.status != UNAUTHORISED:
                raise
            self._forget(await self._token())
        return await self._tried(method, url, body)

    async def _tried(self, method: str, url: URL, body: Mapping[str, object] | None) -> Answer:
        """Make the request, and again while that is safe and there is time."""
        content = None if body is None else dumps(body, allow_nan=False).encode()
        repeatable = THROTTLING if method == hdrs.METH_POST else PASSING
        deadline = asyncio.get_running_loop().time() + self._patience.timeout_s
        waited_s = 0.0
        attempt = 0
        failure: ConnectorError
        while True:
            attempt += 1
            retry_after_s = None
            try:
                answer = await self._exchange(method, url, content, deadline)
            except Unreachable as error:
                failure = error
            else:
                if answer.is_success:
                    return answer
                failure, retry_after_s = answer.failure(), answer.retry_after_s
                if answer.status not in repeatable:
                    raise failure
            delay_s = self._delay_s(attempt) if retry_after_s is None else retry_after_s
            waited_s += delay_s
            if attempt == MAX_ATTEMPTS or not _has_time(delay_s, waited_s, deadline):
                raise failure
            await self._patience.sleep(delay_s)

    def _delay_s(self, attempt: int) -> float:
        """Return the pause after an attempt without a hint: from 0.5 to 1 s, doubling."""
        return 2.0 ** (attempt - 1) * (0.5 + self._patience.random() / 2)

    async def _exchange(
        self, method: str, url: URL, content: bytes | None, deadline: float
    ) -> Answer:
        """Make one request; raise Unreachable or Ambiguous if no answer came."""
        headers = {
            hdrs.AUTHORIZATION: f"Bearer {await self._token()}",
            hdrs.CONTENT_TYPE: "application/json; charset=utf-8",
        }
        timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT_TIMEOUT_S)
        heard: Answer | None = None
        try:
            async with (
                asyncio.timeout_at(deadline),
                self._session.request(
                    method,
                    url,
                    data=content,
                    headers=headers,
                    timeout=timeout,
                    allow_redirects=False,
                ) as response,
            ):
                heard = _heard(response)
                return replace(heard, body=await _body(response))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Unreachable(0, type(error).__name__, "no connection to the service") from error
        except (aiohttp.ClientError, ConnectionError, TimeoutError) as error:
            if heard is not None:
                # The status says what became of the request; only what else was said is lost.
                return heard
            raise Ambiguous(0, type(error).__name__, "no answer from the service") from error


def _targeted(url: URL, *, is_targeted: bool) -> URL:
    """Return the address of a message that one person alone sees."""
    return url.with_query(isTargetedActivity="true") if is_targeted else url


def _has_time(delay_s: float, waited_s: float, deadline: float) -> bool:
    if delay_s > MAX_RETRY_AFTER_S or waited_s > RETRY_BUDGET_S:
        return False
    return asyncio.get_running_loop().time() + delay_s < deadline


def _heard(response: aiohttp.ClientResponse) -> Answer:
    """Return what the head of an answer says."""
    return Answer(response.status, _seconds(response.headers.get(hdrs.RETRY_AFTER, "")), {})


async def _body(response: aiohttp.ClientResponse) -> Mapping[str, object]:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            response.close()
            return {}
    try:
        parsed = loads(bytes(body))
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _seconds(text: str) -> float | None:
    """Return a Retry-After in seconds; the date form, which the service does not use, is no hint."""
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if isfinite(seconds) and seconds >= 0 else None
