"""Golden files: `pytest tests/rendering --update-golden` writes them anew."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite golden card files")
    parser.addoption("--card-schema", metavar="FILE", help="the Adaptive Cards 1.5 JSON schema")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, object], None]:
    """Return a check that a card is what its golden file says."""

    def check(name: str, payload: object) -> None:
        path = GOLDEN / f"{name}.json"
        text = json.dumps(payload, indent=1, ensure_ascii=False) + "\n"
        if request.config.getoption("--update-golden", default=False):
            path.write_text(text, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text

    return check
