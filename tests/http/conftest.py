"""One running bot for all knocks of a module: what is turned away leaves nothing behind."""

import logging
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
import structlog

from tests.http.knocking import Door
from tests.support.stage import staged


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def door(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Door]:
    """Return a way to send whatever one likes to a bot in the sandbox."""
    async with staged(tmp_path_factory.mktemp("bot")) as stage:
        yield Door(stage)


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Undo what a subcommand set up for a process of its own."""
    yield
    structlog.reset_defaults()
    logging.basicConfig(handlers=[logging.NullHandler()], force=True)
