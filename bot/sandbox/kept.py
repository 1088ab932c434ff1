"""A sandbox's world in a file, so that it can be gone on with where it was left.

A bot's database is of one world: it names records, messages and the address of the connector. So
they are kept together, or not at all.
"""

import asyncio
import json
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

from bot.sandbox.client import Client
from bot.sandbox.clock import MovableClock
from bot.sandbox.connector import Message
from bot.sandbox.journal import JsonObject
from bot.sandbox.server import Sandbox
from bot.sandbox.world import World

EVERY_S = 1.0


class Keeper:
    """Keeps a world in a file: read once, written whenever something has changed.

    Raises:
        ValueError: from the constructor, when the file holds no world.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written = path.read_text("utf-8") if path.exists() else ""
        self._kept: JsonObject = json.loads(self._written) if self._written else {}
        if self._written and not {"port", "ahead_s", "table", "messages"} <= self._kept.keys():
            raise ValueError("it lacks what a world has")

    @property
    def is_new(self) -> bool:
        """Whether there is no world yet to go on with."""
        return not self._kept

    @property
    def port(self) -> int:
        """The port that the bot's conversations name; 0 for a new world."""
        return int(self._kept.get("port", 0))

    def restore_clock(self, clock: MovableClock) -> None:
        """Move the clock on to where it was."""
        if ahead_s := self._kept.get("ahead_s"):
            clock.move(timedelta(seconds=ahead_s))

    def restore_world(self, sandbox: Sandbox, world: World) -> None:
        """Put back what was in Graph and in Teams; the bot is to find it at its start."""
        if self.is_new:
            return
        world.connectors.restore(self._kept["table"])
        messages = [
            Message(**{**each, "edits": tuple(each["edits"])}) for each in self._kept["messages"]
        ]
        sandbox.connector.restore(messages, self._kept["chats"])

    def restore_written(self, client: Client) -> None:
        """Put back what people wrote."""
        client.written.extend(self._kept.get("written", ()))

    async def keep(
        self, sandbox: Sandbox, world: World, client: Client, clock: MovableClock
    ) -> None:
        """Write what there is, again and again until cancelled, and then once more."""
        try:
            while True:
                self._save(sandbox, world, client, clock)
                await asyncio.sleep(EVERY_S)
        finally:
            self._save(sandbox, world, client, clock)

    def _save(self, sandbox: Sandbox, world: World, client: Client, clock: MovableClock) -> None:
        kept = {
            "port": sandbox.port,
            "ahead_s": clock.ahead.total_seconds(),
            "table": world.connectors.state(),
            "messages": [asdict(message) for message in sandbox.connector.messages()],
            "chats": sandbox.connector.chats,
            "written": client.written,
        }
        text = json.dumps(kept)
        if text == self._written:
            return
        new = self._path.with_suffix(".new")
        new.write_text(text, "utf-8")
        new.replace(self._path)
        self._written = text
