"""The HTTP client that msal is given: limited in time and size, and aware of the sandbox."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpx

from bot.clouds import Cloud
from bot.graph.trust import trusted

MOST_BYTES = 1 << 20
DISCOVERY = "/v2.0/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """What msal reads of a response."""

    status_code: int
    text: str
    headers: Mapping[str, str]


class TokenHttp:
    """A blocking client of the shape msal expects, for use in one thread and for one token.

    In the sandbox cloud it answers the discovery document itself and sends requests for the
    authority's made-up host to `cloud.token_base`: msal refuses plain http.

    Args:
        cloud: Where tokens come from.
        monotonic: Seconds of a clock that never goes back.
        limit_s: Seconds that all requests together may take.
    """

    def __init__(self, *, cloud: Cloud, monotonic: Callable[[], float], limit_s: float) -> None:
        self._cloud = cloud
        self._monotonic = monotonic
        self._deadline = monotonic() + limit_s
        self._client = httpx.Client(trust_env=False, verify=trusted())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def get(
        self,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> TokenAnswer:
        """Send a GET: discovery, and managed identities."""
        if self._cloud.is_sandbox and url.endswith(DISCOVERY):
            return _discovery(url.removesuffix(DISCOVERY))
        return self._send("GET", url, params=params, headers=headers)

    def post(
        self,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        data: Mapping[str, str | bytes] | None = None,
    ) -> TokenAnswer:
        """Send a form."""
        # msal signs assertions as bytes, which httpx would write down with their quotes.
        form = {
            name: value.decode() if isinstance(value, bytes) else value
            for name, value in (data or {}).items()
        }
        return self._send("POST", url, params=params, headers=headers, data=form)

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def _send(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
        data: Mapping[str, str] | None = None,
    ) -> TokenAnswer:
        if self._cloud.token_base is not None and url.startswith(f"{self._cloud.authority}/"):
            url = self._cloud.token_base + url.removeprefix(self._cloud.authority)
        left_s = max(0.1, self._deadline - self._monotonic())
        body = bytearray()
        with self._client.stream(
            method, url, params=params or None, headers=headers, data=data, timeout=left_s
        ) as response:
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > MOST_BYTES or self._monotonic() > self._deadline:
                    raise httpx.ReadTimeout("the answer is too long", request=response.request)
        text = bytes(body).decode("utf-8", errors="replace")
        return TokenAnswer(response.status_code, text, dict(response.headers))


def _discovery(authority: str) -> TokenAnswer:
    document = {
        "issuer": f"{authority}/v2.0",
        "authorization_endpoint": f"{authority}/oauth2/v2.0/authorize",
        "token_endpoint": f"{authority}/oauth2/v2.0/token",
    }
    return TokenAnswer(200, json.dumps(document), {"content-type": "application/json"})
