"""One running bot for all knocks of a module: what is turned away leaves nothing behind."""

import logging
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
import structlog

from tests.http.knocking import Door
from tests.support.calls import calls
from tests.support.stage import Script, staged


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def door(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Door]:
    """Return a way to send whatever one likes to a bot in the sandbox."""
    # Nothing but what comes in by the door is to be seen at Graph.
    script = Script(settings={"BOT_WATCH_INTERVAL": "1000000"})
    async with staged(tmp_path_factory.mktemp("bot"), script) as stage:
        door = Door(stage)
        began = len(calls())
        yield door
        # Whatever the module's tests sent: no error, no change, no word to a stranger.
        assert await door.broken_answers() == []
        assert stage.graph_writes() == []
        assert set(calls()[began:]) <= door.friends


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Undo what a subcommand set up for a process of its own."""
    yield
    structlog.reset_defaults()
    logging.basicConfig(handlers=[logging.NullHandler()], force=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--body-seconds",
        default=1,
        metavar="S",
        help="how long a body may take in test_half_sent.py; in production it is 10",
    )
