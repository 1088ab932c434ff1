"""Options and fixtures of all tests. Golden files: `pytest --update-golden` writes them anew."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

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
