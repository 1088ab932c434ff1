"""One running bot for all knocks of a module: what is turned away leaves nothing behind."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.http.knocking import Door
from tests.support.stage import staged


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def door(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Door]:
    """Return a way to send whatever one likes to a bot in the sandbox."""
    async with staged(tmp_path_factory.mktemp("bot")) as stage:
        yield Door(stage)
