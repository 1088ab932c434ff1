"""A stage for each conversation, on every engine where its state is at stake."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.stage import Script, Stage, staged


@pytest.fixture
def database(laid_url: str) -> str:
    """Return the URL of a database without rows, of each engine in turn."""
    return laid_url


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """Return a bot on a SQLite file, for conversations that leave nothing behind."""
    async with staged(tmp_path) as stage:
        yield stage


@pytest.fixture
async def any_stage(tmp_path: Path, database: str) -> AsyncIterator[Stage]:
    """Return a bot on each engine in turn."""
    async with staged(tmp_path, Script(database_url=database)) as stage:
        yield stage
