"""Single flight: many callers who want the same thing at once share one piece of work."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Flights(Generic[K, T]):
    """The work under way, by key. A caller who goes away does not stop it for the others."""

    def __init__(self) -> None:
        self._tasks: dict[K, asyncio.Task[T]] = {}

    def launch(self, key: K, work: Callable[[], Coroutine[object, object, T]]) -> None:
        """Start the work unless it is under way; nobody need wait for it or its error."""
        _ = self._start(key, work)

    async def join(self, key: K, work: Callable[[], Coroutine[object, object, T]]) -> T:
        """Return the result of the work under way for the key, started now if there is none."""
        return await asyncio.shield(self._start(key, work))

    async def aclose(self) -> None:
        """Stop all work."""
        tasks = tuple(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, key: K, work: Callable[[], Coroutine[object, object, T]]) -> asyncio.Task[T]:
        task = self._tasks.get(key)
        if task is None:
            task = self._tasks[key] = asyncio.get_running_loop().create_task(work())
            task.add_done_callback(lambda done: self._landed(key, done))
        return task

    def _landed(self, key: K, task: asyncio.Task[T]) -> None:
        del self._tasks[key]
        if not task.cancelled():
            task.exception()  # Read here, so that asyncio does not report it as never retrieved.
