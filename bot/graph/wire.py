"""One request to Graph and what may come of it, as values: what was asked, what came, what may be repeated."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pydantic import JsonValue

from bot.domain.errors import (
    GraphAmbiguous,
    GraphError,
    GraphFault,
    GraphUnavailable,
)


class Repeat(StrEnum):
    """What sending the same request twice would do.

    SAFE changes nothing however often it arrives, WRITE has the same effect twice as once, ONCE may
    have its effect twice: Graph knows no idempotency keys.
    """

    SAFE = "safe"
    WRITE = "write"
    ONCE = "once"


class Reach(StrEnum):
    """How far a failed request got: never sent, sent without an answer, or answered."""

    NEVER = "never"
    LOST = "lost"
    ANSWERED = "answered"


# Throttling says that nothing was carried out; Graph's best practices add 503 and 504, over a new
# connection. A gateway's 502 and 504 leave open what the service behind it did, so no write repeats.
_AGAIN: Mapping[Repeat, frozenset[int]] = {
    Repeat.SAFE: frozenset({429, 502, 503, 504, 509}),
    Repeat.WRITE: frozenset({429, 503}),
    Repeat.ONCE: frozenset({429}),
}


@dataclass(frozen=True, slots=True)
class Call:
    """One request; `budget_s` are the seconds it may take with all repetitions and waits.

    `client_request_id` is a GUID; without one each request gets a new one.
    """

    method: str
    url: str
    repeat: Repeat
    budget_s: float
    body: Mapping[str, JsonValue] | None = None
    client_request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A 2xx. A write's `body` is empty when it broke off: the status alone proves the write."""

    status: int
    body: bytes
    request_id: str | None
    client_request_id: str

    def json(self) -> JsonValue:
        """Return the body's value.

        Raises:
            GraphError: `unreadable`, the body is no JSON.
        """
        try:
            value: JsonValue = json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise self.unreadable("not JSON") from error
        return value

    def unreadable(self, why: str) -> GraphError:
        """Return the error for a body that is not what was asked for."""
        return GraphError(self._fault("unreadable", why))

    def rejected(self, code: str, why: str) -> GraphError:
        """Return the error for a body that must not be acted on."""
        return GraphError(self._fault(code, why))

    def _fault(self, code: str, why: str) -> GraphFault:
        return GraphFault(self.status, code, why, self.request_id, self.client_request_id)


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that did not succeed; `retry_after_s` is Graph's own wish."""

    fault: GraphFault
    reach: Reach
    retry_after_s: float | None = None

    def may_repeat(self, repeat: Repeat) -> bool:
        """Whether sending the request again cannot do any harm."""
        if self.reach is Reach.ANSWERED:
            return self.fault.status in _AGAIN[repeat]
        return self.reach is Reach.NEVER or repeat is Repeat.SAFE

    def error(self, repeat: Repeat) -> GraphError:
        """Return what the caller is told once the request is not sent again."""
        if self.may_repeat(repeat):
            return GraphUnavailable(self.fault, self.retry_after_s)
        is_open = self.reach is Reach.LOST or self.fault.status >= 500  # noqa: PLR2004 - HTTP
        if not is_open:
            return GraphError(self.fault)
        if repeat is Repeat.SAFE:
            return GraphUnavailable(self.fault, self.retry_after_s)
        return GraphAmbiguous(self.fault)
