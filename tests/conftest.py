"""Options and fixtures of all tests. Golden files: `pytest --update-golden` writes them anew."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

from bot.chance import SystemClock
from bot.store.database import Database
from tests.support.databases import ENGINES, fresh_url, tables

# How long an example takes says more about the machine than about the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

Golden = Callable[[Path, object], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite golden card files")
    parser.addoption(
        "--need-browser",
        action="store_true",
        help="fail, not skip, where Chromium, Playwright or npm is missing",
    )
    parser.addoption("--screenshots", metavar="DIR", help="write a picture of every card there")
    parser.addoption("--card-schema", metavar="FILE", help="the Adaptive Cards 1.5 JSON schema")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Measure coverage where it is earned: tracing doubles the time of a test.

    A conversation on PostgreSQL runs the lines it runs on SQLite, but for the store's own contract;
    and no line is to be reached by faults and races alone.
    """
    for item in items:
        folder = item.path.parent.name
        if folder == "faults" or ("postgresql" in item.name and folder != "contract"):
            item.add_marker("no_cover")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Return a check that a value is what its golden file says."""

    def check(path: Path, value: object) -> None:
        text = json.dumps(value, indent=1, ensure_ascii=False) + "\n"
        if request.config.getoption("--update-golden"):
            path.write_text(text, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text

    return check


@pytest.fixture(scope="session")
def with_tables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the name of a PostgreSQL database that has its tables: copies spare the migrations."""
    folder = tmp_path_factory.mktemp("tables")
    with asyncio.Runner() as runner:
        made = fresh_url("postgresql", folder)
        url = runner.run(made.__aenter__())
        runner.run(_migrate(url))
        yield url.rpartition("/")[2]
        runner.run(made.__aexit__(None, None, None))


async def _migrate(url: str) -> None:
    database = Database.open(url, clock=SystemClock())
    try:
        await database.migrate()
    finally:
        await database.close()


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Return each engine in turn, and what its databases are copied from."""
    if request.param != "postgresql":
        return request.param, ""
    return request.param, request.getfixturevalue("with_tables")


@pytest.fixture
async def laid_url(engine: tuple[str, str], tmp_path: Path) -> AsyncIterator[str]:
    """Return the URL of a database with its tables and no rows, of each engine in turn."""
    name, template = engine
    if name == "sqlite":
        (tmp_path / "store.db").write_bytes(tables())
    async with fresh_url(name, tmp_path, template=template) as url:
        yield url


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """Undo what a command line told the process's logs."""
    root, configured = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**configured)
