"""What the repository's files have in common."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from tests.repository.conftest import ROOT

TOP_LEVEL = {"pyproject.toml", "bot", "cards", "manifest", "tests", "README.md"}
ALSO_ALLOWED = {"LICENSE", "CHANGELOG.md"}
BINARY = {".png"}
REGISTRIES = re.compile(
    r"pypi\.(?:org|python)|python[h]osted|npmjs\.(?:org|com)|(?<!no-emit-)(?:extra-)?index-ur[l]"
    r"|arti[f]actory|proxy\.golang"
)
MACHINE_PATHS = re.compile(
    r"(?<![\w.}])(?:/(?:home|root|work|Users|private)/[\w.-]|[A-Z]:\\(?:Users|home))"
)


def texts(tracked: list[Path]) -> Iterator[tuple[Path, str]]:
    for path in tracked:
        if path.suffix not in BINARY:
            yield path, (ROOT / path).read_text("utf-8")


def modules(tracked: list[Path]) -> Iterator[tuple[Path, ast.Module]]:
    for path, text in texts(tracked):
        if path.suffix == ".py":
            yield path, ast.parse(text)


def test_the_top_level_holds_what_it_should_and_no_more(tracked: list[Path]) -> None:
    top = {path.parts[0] for path in tracked}

    assert top >= TOP_LEVEL
    assert {name for name in top - TOP_LEVEL - ALSO_ALLOWED if not name.startswith(".")} == set()


def test_no_file_names_a_package_registry(tracked: list[Path]) -> None:
    assert [str(path) for path, text in texts(tracked) if REGISTRIES.search(text)] == []


def test_no_file_names_a_place_on_somebodys_machine(tracked: list[Path]) -> None:
    assert [str(path) for path, text in texts(tracked) if MACHINE_PATHS.search(text)] == []


def test_every_module_begins_by_saying_what_it_is(tracked: list[Path]) -> None:
    bad = [str(path) for path, module in modules(tracked) if ast.get_docstring(module) is None]

    assert bad == []


def test_every_file_that_is_called_a_test_tests_something(tracked: list[Path]) -> None:
    named = [(path, module) for path, module in modules(tracked) if path.name.startswith("test_")]

    assert named
    assert [str(path) for path, module in named if not any(found_in(module))] == []


def test_every_test_is_found(tracked: list[Path]) -> None:
    """A test in a file of another name would never run."""
    unheard = [
        f"{path}::{test}"
        for path, module in modules(tracked)
        if path.parts[0] == "tests" and not path.name.startswith("test_")
        for test in found_in(module)
    ]

    assert unheard == []


def found_in(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if node.name.startswith("test_"):
                yield node.name
        elif isinstance(node, ast.ClassDef) and "StateMachine" in ast.dump(node):
            yield node.name


def test_imports_keep_their_contracts() -> None:
    command = Path(sys.executable).parent / "lint-imports"
    ended = subprocess.run(
        [command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert ended.returncode == 0, ended.stdout


def test_every_dependency_is_pinned_with_a_hash() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    runtime = project["project"]["dependencies"]
    everything = [*runtime, *project["dependency-groups"]["dev"]]
    for name, wanted in (("requirements.txt", runtime), ("requirements-dev.txt", everything)):
        pins = (ROOT / "manifest" / name).read_text("utf-8")
        lines = re.findall(r"^([a-z0-9.-]+)==[^ ]+ \\\n    --hash=sha256:", pins, re.MULTILINE)
        assert {normal(requirement) for requirement in wanted} <= set(lines), name
        assert len(re.findall(r"^[a-z0-9]", pins, re.MULTILINE)) == len(lines), name


def normal(requirement: str) -> str:
    """Return the name of a requirement as pins spell it."""
    name = re.split(r"[\[<>=! ]", requirement)[0]
    return re.sub(r"[-_.]+", "-", name).lower()
