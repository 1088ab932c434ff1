"""HTTP to Microsoft Graph: budgets, repetition where it is harmless, and no token to strangers."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import httpx
import structlog

from bot.domain.errors import GraphError, GraphFault, GraphUnavailable
from bot.graph.errors import read_failure
from bot.graph.waits import backoff
from bot.graph.wire import Answer, Call, Failure, Reach, Repeat

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 30.0
MOST_BODY_BYTES = 8 * 1024 * 1024
# Only a server that asks for no wait at all comes so far within a budget.
MOST_ATTEMPTS = 8

# httpx raises these before the first byte of a request leaves.
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


class Tokens(Protocol):
    """Where access tokens come from."""

    async def token(self) -> str:
        """Return a token that is good now."""
        ...

    def forget(self, token: str) -> None:
        """Never return this token again: it was answered 401."""
        ...


@dataclass(frozen=True, slots=True)
class Timing:
    """Time and chance: seconds of a clock that never goes back, a pause, a number in [0, 1)."""

    monotonic: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    random: Callable[[], float]


class GraphClient:
    """Sends requests below one root and to nobody else; never follows a redirect.

    Args:
        http: The shared client; it belongs to the caller.
        root: Graph's address without version and trailing slash.
        tokens: Asked before every attempt, and told of a token that was answered 401.
        timing: Time and chance.
        new_id: Returns a new GUID for `client-request-id`.
    """

    def __init__(
        self,
        *,
        http: httpx.AsyncClient,
        root: str,
        tokens: Tokens,
        timing: Timing,
        new_id: Callable[[], str],
    ) -> None:
        self._http = http
        self._root = root
        self._origin = _origin(httpx.URL(root))
        self._tokens = tokens
        self._timing = timing
        self._new_id = new_id

    def url(self, version: str, path: str) -> str:
        """Return the address of a path below an API version."""
        return f"{self._root}/{version}/{path}"

    async def request(self, call: Call) -> Answer:
        """Send a request until it is answered or its budget is spent.

        Raises:
            GraphUnavailable: Nothing was changed, and later may be better.
            GraphAmbiguous: A write that may have happened.
            GraphError: Graph refused it, or its answer is too large.
        """
        sent_id = call.client_request_id or self._new_id()
        self._refuse_foreign(call.url, sent_id)
        deadline = self._timing.monotonic() + call.budget_s
        is_renewed, attempt = False, 0
        while True:
            token = await self._token(deadline, sent_id)
            came = await self._attempt(call, token, sent_id, self._left(deadline))
            if isinstance(came, Answer):
                return came
            if came.fault.status == httpx.codes.UNAUTHORIZED and not is_renewed:
                is_renewed = True
                self._tokens.forget(token)
                continue
            wait_s = self._wait(came, attempt)
            is_last = attempt >= MOST_ATTEMPTS - 1 or wait_s >= self._left(deadline)
            is_over = is_last or not came.may_repeat(call.repeat)
            _report(call, came.fault, attempt, None if is_over else wait_s)
            if is_over:
                raise came.error(call.repeat)
            await self._timing.sleep(wait_s)
            attempt += 1

    def _wait(self, failure: Failure, attempt: int) -> float:
        if failure.retry_after_s is not None:
            return failure.retry_after_s
        return backoff(attempt, self._timing.random)

    def _left(self, deadline: float) -> float:
        return deadline - self._timing.monotonic()

    def _refuse_foreign(self, url: str, sent_id: str) -> None:
        """Hold the token back from any other host, whoever names it."""
        try:
            target = httpx.URL(url)
            is_ours = _origin(target) == self._origin and not target.userinfo
        except httpx.InvalidURL:
            is_ours = False
        if not is_ours:
            fault = GraphFault(0, "foreign-next-link", "", client_request_id=sent_id)
            raise GraphError(fault)

    async def _token(self, deadline: float, sent_id: str) -> str:
        fault = GraphFault(0, "timeout", "no time left", client_request_id=sent_id)
        try:
            async with asyncio.timeout(max(0.0, self._left(deadline))):
                token = await self._tokens.token()
        except TimeoutError as error:
            raise GraphUnavailable(fault) from error
        if self._left(deadline) <= 0:
            raise GraphUnavailable(fault)
        return token

    async def _attempt(
        self, call: Call, token: str, sent_id: str, left_s: float
    ) -> Answer | Failure:
        request = self._request(call, token, sent_id, left_s)
        try:
            async with asyncio.timeout(left_s):
                return await self._exchange(call, request, sent_id)
        except _NEVER_SENT as error:
            return _silence(Reach.NEVER, "unreachable", error, sent_id)
        except (httpx.TimeoutException, TimeoutError) as error:
            return _silence(Reach.LOST, "timeout", error, sent_id)
        except httpx.RequestError as error:
            return _silence(Reach.LOST, "connection-lost", error, sent_id)

    def _request(self, call: Call, token: str, sent_id: str, left_s: float) -> httpx.Request:
        headers = {
            "Accept": "application/json",
            "Authorization": f"Bearer {token}",
            # Without it Graph hides enum members newer than this header behind a sentinel.
            "Prefer": "include-unknown-enum-members",
            "client-request-id": sent_id,
        }
        content = None
        if call.body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(dict(call.body), ensure_ascii=False).encode()
        timeout = httpx.Timeout(
            min(READ_TIMEOUT_S, left_s), connect=min(CONNECT_TIMEOUT_S, left_s)
        )
        return self._http.build_request(
            call.method, call.url, headers=headers, content=content, timeout=timeout
        )

    async def _exchange(
        self, call: Call, request: httpx.Request, sent_id: str
    ) -> Answer | Failure:
        response = await self._http.send(request, stream=True, follow_redirects=False)
        try:
            body, is_whole = await _read(response, is_proof=call.repeat is not Repeat.SAFE)
        finally:
            await response.aclose()
        status, request_id = response.status_code, response.headers.get("request-id")
        if not response.is_success:
            return read_failure(status, response.headers, body, sent_id)
        if not is_whole and call.repeat is Repeat.SAFE:
            fault = GraphFault(status, "too-large", "", request_id, sent_id)
            return Failure(fault, Reach.ANSWERED)
        return Answer(status, body if is_whole else b"", request_id, sent_id)


async def _read(response: httpx.Response, *, is_proof: bool) -> tuple[bytes, bool]:
    """Return at most 8 MiB of body and whether that is all.

    A body that breaks off is an error, unless the status `is_proof` enough by itself.
    """
    body = bytearray()
    try:
        async for chunk in response.aiter_bytes():
            if len(body) + len(chunk) > MOST_BODY_BYTES:
                return bytes(body), False
            body += chunk
    except httpx.RequestError:
        if not is_proof:
            raise
        return bytes(body), False
    return bytes(body), True


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    """Return scheme, host and port; httpx leaves out a port that is the scheme's own."""
    return url.scheme, url.host, url.port


def _silence(reach: Reach, code: str, error: Exception, sent_id: str) -> Failure:
    fault = GraphFault(0, code, type(error).__name__, client_request_id=sent_id)
    return Failure(fault, reach)


def _report(call: Call, fault: GraphFault, attempt: int, again_in_s: float | None) -> None:
    log.warning(
        "graph request failed",
        method=call.method,
        path=httpx.URL(call.url).path,
        status=fault.status,
        code=fault.code,
        request_id=fault.request_id,
        client_request_id=fault.client_request_id,
        attempt=attempt + 1,
        again_in_s=again_in_s,
    )
