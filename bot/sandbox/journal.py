"""What a part of the sandbox has seen: one entry per request, and a way to wait for the next.

Entries are written when a request arrives, before anything is done about it, so that a request
whose answer never came is on record too.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

# JSON as Microsoft shapes it. `Any` on purpose and here only: tests read into it freely.
JsonObject = dict[str, Any]

MASK = "***"
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRequest:
    """One request as it arrived; `status` and `has_effect` follow when it is dealt with.

    `path` lacks the part's prefix and the Graph version. `headers` have lower-case names and no
    credentials. `body` is empty when there was none or it was no JSON object. `status` is None
    until an answer is sent. `has_effect` is True once the request was carried out, even if the
    answer got lost.
    """

    id: str
    at: datetime
    method: str
    path: str
    version: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: JsonObject = field(default_factory=dict)
    peer: int = 0
    status: int | None = None
    has_effect: bool = False


Witness = Callable[[LoggedRequest, object], None]


class Journal:
    """The requests of one part in order of arrival, and its TCP connections.

    `connections` counts the requests per peer port: its length is the number of connections.
    `witnesses` are told of every request when it arrives, when it was carried out, and when it is
    answered, then with the answer's body.
    """

    def __init__(self) -> None:
        self.connections: Counter[int] = Counter()
        self.witnesses: list[Witness] = []
        self._entries: dict[str, LoggedRequest] = {}
        self._changed = asyncio.Condition()

    @property
    def entries(self) -> list[LoggedRequest]:
        """The requests so far, oldest first."""
        return list(self._entries.values())

    def clear(self) -> None:
        """Forget the requests so far; connections stay counted."""
        self._entries.clear()

    async def open(self, entry: LoggedRequest) -> None:
        """Put a request on record."""
        self.connections[entry.peer] += 1
        self._entries[entry.id] = entry
        await self._tell(entry)

    async def mark_effect(self, entry: LoggedRequest) -> None:
        """Note that a request was carried out."""
        await self._change(replace(self._entries.get(entry.id, entry), has_effect=True))

    async def mark_answer(self, entry: LoggedRequest, status: int, body: object = None) -> None:
        """Note which status a request is about to be answered with; `body` is for witnesses."""
        await self._change(replace(self._entries.get(entry.id, entry), status=status), body)

    async def _change(self, entry: LoggedRequest, body: object = None) -> None:
        if entry.id in self._entries:
            self._entries[entry.id] = entry
        await self._tell(entry, body)

    async def _tell(self, entry: LoggedRequest, body: object = None) -> None:
        for witness in self.witnesses:
            witness(entry, body)
        await self.announce()

    async def announce(self) -> None:
        """Wake everybody who waits for a change."""
        async with self._changed:
            self._changed.notify_all()

    async def wait_for(
        self, find: Callable[[], _Found | None], *, within_s: float, wanted: Callable[[], str]
    ) -> _Found:
        """Return the first thing that `find` finds, looking again after every change.

        Raises:
            TimeoutError: Nothing was found within `within_s` seconds; says `wanted()`.
        """
        try:
            async with asyncio.timeout(within_s), self._changed:
                while (found := find()) is None:
                    await self._changed.wait()
                return found
        except TimeoutError as error:
            raise TimeoutError(f"Nothing within {within_s} s. {wanted()}") from error
