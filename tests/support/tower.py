"""A watch over the sandbox's connectors: things happen, looks are taken, and what is told is read."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bot.domain.incident import Incident
from bot.sandbox.connector import Message
from bot.sandbox.faults import Fault
from bot.sandbox.people import Channel
from bot.sandbox.terminal import lines_of, press_of
from tests.support.room import Room, room_of, text_of
from tests.support.stage import FakeClock, Script, Stage, joined, sandboxed, staged

INTERVAL_S = 60
OTHER = Channel("19:c0de0000000000000000000000000002@thread.tacv2")


@dataclass
class Tower:
    """A bot that looks every minute. What people saw before `begin` does not count."""

    stage: Stage
    room: Room
    seen: frozenset[str] = frozenset()

    def begin(self) -> None:
        """Forget what stands in the channels by now."""
        self.seen = frozenset(message.id for message in self.stage.messages())

    async def watches(self, text: str = "/watch exchange", *, who: str = "ada") -> str:
        """Ask to be told; the answer is not counted as news."""
        answer = await self.room.types(who, text)
        self.begin()
        return answer

    def change(self, name: str, **properties: str | None) -> None:
        """Change a connector behind the bot's back."""
        connectors = self.stage.world.connectors
        connectors.change(self.stage.world.id_of(name), dict(properties))

    async def looks(self, times: int = 1) -> None:
        """Let so many looks be taken, one interval after the other."""
        for _ in range(times):
            await self.room.passes(seconds=INTERVAL_S)

    async def breaks(self, name: str = "EXCH05") -> None:
        self.change(name, status="disconnected")
        await self.looks()

    async def recovers(self, name: str = "EXCH05") -> None:
        self.change(name, status="connected")
        await self.looks()

    def news(self) -> list[Message]:
        return [m for m in self.stage.messages() if m.id not in self.seen]

    def roots(self) -> list[Message]:
        """Return the new messages that stand by themselves: no replies."""
        return [m for m in self.news() if ";messageid=" not in m.conversation]

    def replies(self, root: Message) -> list[str]:
        """Return what was told under a message, oldest first."""
        wanted = f";messageid={root.id}"
        return [text_of(m.card) for m in self.news() if m.conversation.endswith(wanted)]

    def titles(self) -> list[str]:
        """Return the first line of every new message that stands by itself, as it reads now."""
        return [lines_of(m.card or {})[0] for m in self.roots()]

    async def incident(self) -> Incident:
        """Return the one open incident that is younger than the bot."""
        found = await self.stage.bot.store.open_incidents()
        (incident,) = [i for i in found if i.record_id == self.stage.world.id_of("EXCH05")]
        return incident

    async def presses(self, who: str, title: str, message: Message) -> str:
        """Press a button on a message and return what the presser sees."""
        action = press_of(message.card or {}, title)
        assert action is not None
        return await self.room.sends(
            self.room.forged(self.now(message), who, action["verb"], action["data"])
        )

    def now(self, message: Message) -> Message:
        """Return a message as it stands now."""
        return next(m for m in self.stage.messages() if m.id == message.id)

    def text(self, message: Message) -> str:
        """Return what a message says now."""
        return text_of(self.now(message).card)


@asynccontextmanager
async def towered(
    folder: Path, url: str, *, script: Script | None = None, **settings: str
) -> AsyncIterator[Tower]:
    """Run a bot that looks at the connectors every minute."""
    told = {"BOT_WATCH_INTERVAL": str(INTERVAL_S), **settings}
    script = replace(script or Script(), settings=told, database_url=url)
    async with staged(folder, script) as stage:
        yield Tower(stage, room_of(stage))


@asynccontextmanager
async def blind(folder: Path, url: str, fault: Fault) -> AsyncIterator[Tower]:
    """Run such a bot in a world that is at fault before it takes its first look."""
    clock = FakeClock()
    script = Script(settings={"BOT_WATCH_INTERVAL": str(INTERVAL_S)}, database_url=url)
    async with sandboxed(clock) as (sandbox, world):
        sandbox.graph.faults.add(fault)
        async with joined(folder, script, clock, sandbox, world) as stage:
            yield Tower(stage, room_of(stage))
