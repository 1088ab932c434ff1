"""Work that goes on after its HTTP request was answered."""

import asyncio
from collections.abc import Coroutine

LAST_WORDS_S = 2.0


class Background:
    """Work that outlives its HTTP request; owned and awaited by the application."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def is_busy(self) -> bool:
        """Whether anything runs."""
        return bool(self._tasks)

    def spawn(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        """Start work that reports its own errors."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def stop(self, grace_s: float) -> None:
        """Give running work `grace_s` seconds, then end it."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(tuple(self._tasks), timeout=grace_s)
        for task in late:
            task.cancel()
        if late:
            # What is ended still tells people so.
            await asyncio.wait(late, timeout=LAST_WORDS_S)
