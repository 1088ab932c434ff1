"""Options and fixtures of all tests. Golden files: `pytest --update-golden` writes them anew."""

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

Golden = Callable[[Path, object], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite golden card files")
    parser.addoption("--card-schema", metavar="FILE", help="the Adaptive Cards 1.5 JSON schema")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Return a check that a value is what its golden file says."""

    def check(path: Path, value: object) -> None:
        text = json.dumps(value, indent=1, ensure_ascii=False) + "\n"
        if request.config.getoption("--update-golden"):
            path.write_text(text, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text

    return check


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """Undo what a command line told the process's logs."""
    root, configured = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**configured)
