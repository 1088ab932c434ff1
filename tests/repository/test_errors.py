"""Every error has an answer for people, and every code a sentence."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.domain import errors
from bot.domain.errors import BotError, GraphFault
from cards import words
from tests.repository.conftest import ROOT
from tests.support.stage import staged

FAULT = GraphFault(503, "ServiceUnavailable", "Try later.", "request", "client-request")
MADE: dict[str, Callable[[], BotError]] = {
    "UserError": lambda: errors.UserError("target-missing", usage="/exchange get <target>"),
    "GraphError": lambda: errors.GraphError(FAULT),
    "GraphUnavailable": lambda: errors.GraphUnavailable(FAULT, 7.0),
    "GraphAmbiguous": lambda: errors.GraphAmbiguous(FAULT),
    "DirectoryUnavailable": lambda: errors.DirectoryUnavailable(FAULT),
    "StoreError": lambda: errors.StoreError("database failed: canary"),
    "MessengerError": lambda: errors.MessengerError("canary", trouble=errors.Trouble.FINAL),
    "ConfigError": lambda: errors.ConfigError("BOT_DATABASE_URL", "canary"),
}
SENTENCES = {
    "Noted": {*words.NOTICES, "slow-down"},
    "UserError": {*words.NOTICES, *words.MISREADINGS},
    "Failed": {*words.FAILURES},
}


def leaves(kind: type[BotError] = BotError) -> Iterator[str]:
    for heir in kind.__subclasses__():
        yield heir.__name__
        yield from leaves(heir)


def test_the_tree_at_the_top_of_the_module_is_the_tree() -> None:
    drawn = [
        word
        for line in (errors.__doc__ or "").splitlines()
        for word in line.split()
        if word.endswith("Error") or word in MADE
    ]

    own = [name for name in leaves() if hasattr(errors, name)]
    assert set(drawn) == {"BotError", *own}
    assert set(MADE) == set(own)


@pytest.mark.parametrize("name", MADE)
async def test_an_error_is_answered_with_what_to_do(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise MADE[name]()

    async with staged(tmp_path) as stage:
        monkeypatch.setattr(stage.bot.clients.directory, "person", fail)
        card = await stage.sees("ada", "/exchange list")

    assert card.strip()
    assert name not in card
    assert "canary" not in card


def coded() -> Iterator[tuple[str, str, str]]:
    """Yield file, name and code of each outcome and error that is made with a literal code."""
    for path in sorted((ROOT / "bot").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                first = node.args[0]
                if node.func.id in SENTENCES and isinstance(first, ast.Constant):
                    yield path.name, node.func.id, str(first.value)


def test_every_code_has_a_sentence() -> None:
    found = list(coded())

    assert len(found) > 10
    assert [each for each in found if each[2] not in SENTENCES[each[1]]] == []
