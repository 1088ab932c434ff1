"""The demo as a command: older cards, a script that leaves, a world that is kept, no page."""

import json
import re
from pathlib import Path

import pytest

from bot.cli import demo
from bot.domain.errors import ConfigError
from tests.support.stage import Stage, text_of


async def played(folder: Path, *lines: str, keep: Path | None = None) -> int:
    script = folder / "lines.txt"
    script.write_text("\n".join(lines), "utf-8")
    return await demo.run(script=script, keep=keep, cache=None)


async def test_a_button_of_an_older_card_is_pressed_by_its_number(stage: Stage) -> None:
    first = await stage.says("ada", "/exchange get EXCH01")
    second = await stage.says("ada", "/exchange get EXCH05")
    assert [*first.numbers, *second.numbers] == [1, 2]

    pressed = await stage.presses("ada", "#1 Refresh")

    assert "INTUNE-GW01" in text_of(pressed)
    assert pressed.numbers == (1,)
    assert "INTUNE-GW01" in text_of(await stage.presses("ada", "Refresh"))


async def test_a_press_on_a_button_that_is_not_there_names_those_that_are(stage: Stage) -> None:
    nothing = await stage.presses("ada", "Refresh")
    assert nothing.trouble == "There is no card yet."
    await stage.says("ada", "/exchange get EXCH01")
    await stage.says("ada", "/whoami")

    plain = await stage.presses("ada", "Approve")
    wrong = await stage.presses("ada", "#1 Approve")
    missing = await stage.presses("ada", "#9 Refresh")

    assert plain.trouble == "There is no button Approve on card #2: it has none."
    assert re.fullmatch(
        r"There is no button Approve on card #1: it has \[1\] \w+…?(, .*)? and \[\d\] .+\.",
        wrong.trouble,
    )
    assert "Refresh" in wrong.trouble
    assert missing.trouble == "There is no card #9: the newest is #2."


async def typed(monkeypatch: pytest.MonkeyPatch, *lines: str, keep: Path | None = None) -> None:
    left = iter([*lines, "quit"])
    monkeypatch.setattr("builtins.input", lambda _prompt: next(left))
    assert await demo.run(script=None, keep=keep, cache=None) == 0


async def test_the_conversation_begins_with_the_bots_own_greeting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await typed(monkeypatch, "vic> Help")

    shown = capsys.readouterr().out
    assert shown.count("This is what you can do here") == 1
    assert shown.index("This is what you can do here") < shown.index("#1")
    assert "/exchange list" in shown.partition("#1")[2]


async def test_a_script_shows_what_its_lines_are_answered_with_and_no_greeting(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await played(tmp_path, "ada: /whoami") == 0

    assert "This is what you can do here" not in capsys.readouterr().out


async def test_a_kept_demo_does_not_greet_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await typed(monkeypatch, keep=tmp_path / "kept")
    capsys.readouterr()

    await typed(monkeypatch, "ada: /whoami", keep=tmp_path / "kept")

    assert "This is what you can do here" not in capsys.readouterr().out
    kept = json.loads((tmp_path / "kept" / "world.json").read_text("utf-8"))
    assert len(kept["messages"]) == 2


async def test_who_is_not_there_or_says_nothing_is_told_who_there_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await typed(monkeypatch, "bob: /exchange list", ": /exchange list", "ada:", "Vic>")

    shown = capsys.readouterr().out
    assert "Nobody here is called bob: there are ada, oli, vic and gus." in shown
    assert "A name goes first: ada, oli, vic and gus." in shown
    assert "ada says nothing" in shown
    assert "Vic says nothing" in shown
    assert "5 in all" not in shown


async def test_a_script_may_leave_before_its_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await played(tmp_path, "ada: /whoami", "quit", "no line at all") == 0

    assert "Ada Admin" in capsys.readouterr().out


async def test_a_kept_demo_goes_on_where_it_was_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "kept"
    made = '/exchange create serverName="EXCH 09" exchangeConnectorType=hosted'
    assert (
        await played(tmp_path, f"ada: {made}", 'oli: /exchange delete "EXCH 09"', keep=kept) == 0
    )
    capsys.readouterr()

    assert (
        await played(tmp_path, 'ada: /exchange get "EXCH 09"', "ada: /approvals", keep=kept) == 0
    )

    shown = capsys.readouterr().out
    assert "EXCH 09 \N{EN DASH} Exchange connector" in shown
    assert '/exchange delete "EXCH 09"' in shown


@pytest.mark.parametrize("left", [None, "{}", "no world", "[]"])
async def test_a_database_without_its_world_is_refused(tmp_path: Path, left: str | None) -> None:
    kept = tmp_path / "kept"
    assert await played(tmp_path, "ada: /whoami", keep=kept) == 0
    (kept / "world.json").unlink()
    if left is not None:
        (kept / "world.json").write_text(left, "utf-8")

    with pytest.raises(ConfigError, match="world"):
        await played(tmp_path, "ada: /whoami", keep=kept)


async def test_without_npm_the_demo_says_how_to_get_the_page_and_talks_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = iter(["ada: /whoami", "quit"])
    monkeypatch.setattr("builtins.input", lambda _prompt: next(typed))
    monkeypatch.setenv("PATH", "")

    assert await demo.run(script=None, keep=None, cache=tmp_path / "cache") == 0

    shown = capsys.readouterr().out
    said = next(line for line in shown.splitlines() if line.startswith("No page"))
    assert "Node.js" in said
    assert "Ada Admin" in shown
