"""The command line: its grammar, its exit codes, and errors that fit in three lines."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from bot.cli.main import main, parser

LEAST = {
    "MicrosoftAppId": "b07b07b0-0000-4000-8000-00000000b07b",
    "MicrosoftAppPassword": "canary",
    "MicrosoftAppTenantId": "c0de0000-0000-4000-8000-00000000c0de",
}


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Undo what a subcommand set up for a process of its own."""
    yield
    structlog.reset_defaults()
    logging.basicConfig(handlers=[logging.NullHandler()], force=True)


def test_help_names_every_subcommand(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--help"], {})

    shown = capsys.readouterr().out
    assert end.value.code == 0
    for name in ("serve", "demo", "doctor", "audit", "package"):
        assert f"    {name} " in shown


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["dance"],
        ["audit"],
        ["audit", "forget"],
        ["audit", "cut", "--older-than", "soon"],
        ["package"],
        ["serve", "--port"],
    ],
)
def test_what_is_no_command_is_answered_with_the_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments, {})

    assert end.value.code == 2
    assert capsys.readouterr().err.startswith("usage: python -m bot")


@pytest.mark.parametrize("arguments", [["serve"], ["audit", "verify"], ["audit", "export"]])
def test_a_bad_setting_is_named_in_two_lines(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments, LEAST | {"BOT_CLOUD": "germany"}) == 2

    error = capsys.readouterr().err.splitlines()
    assert len(error) == 2
    assert error[0].startswith("Not started. BOT_CLOUD: ")


def test_a_value_with_line_breaks_does_not_make_more_lines(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["serve"], LEAST | {"BOT_ALLOWED_TENANTS": "a\nb\nc\x1b[2Jd" * 99}) == 2

    error = capsys.readouterr().err
    assert len(error.splitlines()) == 2
    assert all(character.isprintable() or character == "\n" for character in error)


@pytest.mark.parametrize("action", ["verify", "export"])
def test_the_audit_of_no_database_fails_in_a_line(
    action: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database = tmp_path / "none.db"

    assert main(["audit", action], LEAST | {"BOT_DATABASE_URL": f"sqlite:///{database}"}) == 2

    error = capsys.readouterr().err.splitlines()
    assert len(error) <= 3
    assert error[0].startswith("Not started. BOT_DATABASE_URL: there is no file")
    assert not database.exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            [],
            "--older-than and --to: missing. --older-than is how old a line must be to be cut, as "
            "730d; --to is a new file for what is cut.",
        ),
        (["--older-than", "730d"], "--to: missing. --to is a new file for what is cut."),
        (
            ["--to", "old.jsonl"],
            "--older-than: missing. --older-than is how old a line must be to be cut, as 730d.",
        ),
    ],
)
def test_an_audit_is_not_cut_without_saying_what_is_missing(
    given: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "cut", *given], {}) == 2

    assert capsys.readouterr().err == f"Not started. {said}\n"


def test_a_demo_script_that_is_not_there_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--script", str(tmp_path / "none.txt")], {}) == 2

    assert "--script" in capsys.readouterr().err


def test_every_subcommand_says_what_it_does() -> None:
    shown = parser().format_help()

    assert "==SUPPRESS==" not in shown
    assert "Runs Intune's connectors" in shown
