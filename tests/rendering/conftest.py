"""Golden files of every card, by name."""

from collections.abc import Callable
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def golden(golden: Callable[[Path, object], None]) -> Callable[[str, object], None]:
    """Return a check that a card is what its golden file says."""

    def check(name: str, payload: object) -> None:
        golden(GOLDEN / f"{name}.json", payload)

    return check
