"""Replicas that are killed at random for as long as a test wants."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.support.kill import Victim
from tests.support.talk import Doors
from tests.support.trials import Scene

REPLICAS = 2
# How long a replica lives until it is killed.
LIFE_S = (0.5, 4.0)


@dataclass
class Chaos:
    """Replicas that are killed at random; `calm` ends that, and the last ones live on."""

    scene: Scene
    doors: Doors
    chance: random.Random
    calm: asyncio.Event
    kills: int = 0
    restarted: float = 0.0
    haunted: list[asyncio.Task[Victim]] = field(default_factory=list)

    @asynccontextmanager
    async def replicas(self) -> AsyncIterator[None]:
        self.haunted = [asyncio.create_task(self._haunt()) for _ in range(REPLICAS)]
        try:
            yield
        finally:
            for victim in await self.spare():
                await victim.kill()

    async def spare(self) -> list[Victim]:
        """Kill no more; return the replicas once all live."""
        self.calm.set()
        return await asyncio.gather(*self.haunted)

    async def _haunt(self) -> Victim:
        """Start a replica again and again; return the one that calm has spared."""
        while True:
            victim = await Victim.launch(self.scene.settings)
            self.restarted = time.monotonic()
            await self.doors.open(victim.url)
            try:
                async with asyncio.timeout(self.chance.uniform(*LIFE_S)):
                    await self.calm.wait()
            except TimeoutError:
                await victim.kill()
                self.doors.close(victim.url)
                self.kills += 1
            else:
                return victim
