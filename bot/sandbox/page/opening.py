"""Puts the page together for a running demo."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bot.sandbox.client import Client
from bot.sandbox.clock import MovableClock
from bot.sandbox.page.feed import Feed
from bot.sandbox.page.packages import ADAPTIVE_CARDS, MARKDOWN, archive_of, file_in
from bot.sandbox.page.room import Room, Traffic
from bot.sandbox.page.server import Page
from bot.sandbox.page.weather import Sky
from bot.sandbox.server import Sandbox
from bot.sandbox.world import World


async def libraries(cache: Path) -> Mapping[str, bytes]:
    """Return the scripts of others that the page needs, by the names it loads them under.

    Raises:
        PackageError: npm is missing or fails, or what it brings is not what was pinned.
    """
    cards = await archive_of(ADAPTIVE_CARDS, cache)
    markdown = await archive_of(MARKDOWN, cache)
    return {
        "adaptivecards.js": file_in(cards, "dist/adaptivecards.min.js"),
        "markdown-it.js": file_in(markdown, "dist/browser/markdown-it.umd.min.js"),
    }


@asynccontextmanager
async def opened(
    *,
    sandbox: Sandbox,
    world: World,
    client: Client,
    clock: MovableClock,
    scripts: Mapping[str, bytes],
    commands: Sequence[Mapping[str, object]],
) -> AsyncIterator[Page]:
    """Serve the page while the block runs.

    `scripts` are `libraries`, `commands` the command lists of the app package.
    """
    traffic = Traffic()
    sky = Sky(sandbox.graph.faults)
    room = Room(sandbox, world, client, clock, sky, traffic)
    feed = Feed(room.items)
    journals = {
        "bot": client.journal,
        "graph": sandbox.graph.desk.journal,
        "connector": sandbox.connector.desk.journal,
        "identity": sandbox.identity.desk.journal,
    }
    before = [(entry, part) for part, journal in journals.items() for entry in journal.entries]
    for entry, part in sorted(before, key=lambda each: each[0].at):
        traffic.witness(part)(entry, None)
    for part, journal in journals.items():
        journal.witnesses += [traffic.witness(part), feed.witness]
    async with Page(room, feed, libraries=scripts, commands=commands) as page:
        yield page
