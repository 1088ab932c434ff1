"""Live updates: each browser is told what changed since it was last told, as server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress

from bot.sandbox.journal import LoggedRequest
from bot.sandbox.page.room import Item

BEAT_S = 10.0
GATHER_S = 0.02
READY = b"event: ready\ndata: {}\n\n"
"""Says that everything there was has been told: what follows is news."""


class Feed:
    """Tells everybody who listens. `items` is everything there is to see now."""

    def __init__(self, items: Callable[[], Iterable[Item]]) -> None:
        self._items = items
        self._waiting: set[asyncio.Event] = set()
        self._is_closed = False

    def wake(self) -> None:
        """Say that something may have changed."""
        for event in self._waiting:
            event.set()

    def witness(self, _entry: LoggedRequest, _answer: object) -> None:
        """Take a journal's word for it that something may have changed."""
        self.wake()

    def close(self) -> None:
        """End everybody's stream."""
        self._is_closed = True
        self.wake()

    async def events(self) -> AsyncIterator[bytes]:
        """Yield events: first all that is there, then what changes; a beat when nothing does."""
        told: dict[tuple[str, str], object] = {}
        changed = asyncio.Event()
        self._waiting.add(changed)
        try:
            while not self._is_closed:
                changed.clear()
                is_first = not told
                news = b"".join(self._news(told))
                yield (news + READY if is_first else news) or b": beat\n\n"
                with suppress(TimeoutError):
                    async with asyncio.timeout(BEAT_S):
                        await changed.wait()
                # What belongs together comes in one go.
                await asyncio.sleep(GATHER_S)
        finally:
            self._waiting.discard(changed)

    def _news(self, told: dict[tuple[str, str], object]) -> Iterable[bytes]:
        for item in self._items():
            key = (item.kind, item.key)
            if told.get(key) != item.version:
                told[key] = item.version
                yield f"event: {item.kind}\ndata: {json.dumps(item.make())}\n\n".encode()
