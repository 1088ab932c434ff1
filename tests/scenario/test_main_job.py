"""The main job from the first look to the clean-up, every card of it held in a golden file."""

import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bot.cli import demo
from bot.domain.audit import Verified
from bot.domain.errors import ConfigError
from bot.sandbox.chat import read_line
from tests.support.stage import Script, Stage, staged

HERE = Path(__file__).parent
SCRIPT = HERE / "main_job.txt"
GOLDEN = HERE / "golden"
LINES = [line for line in SCRIPT.read_text("utf-8").splitlines() if line and line[0] != "#"]
SECONDS = re.compile(r"(?:just now|\d+ seconds? ago)")
INSTANT = re.compile(r"(?<=T\d\d:\d\d:)\d\d\.\d+(?=Z)")
RANDOM_ID = re.compile(r"5a5a5a5a-0000-4000-8000-\d{12}")


@pytest.fixture
async def demo_stage(tmp_path: Path, database: str) -> AsyncIterator[Stage]:
    """Return a bot under the demo's policy, on each engine in turn."""
    async with staged(tmp_path, Script(policy=demo.POLICY, database_url=database)) as stage:
        yield stage


def name_of(number: int) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", LINES[number].lower())
    return f"{number + 1:02d}-{words[:50].strip('-')}"


def steady(value: object, ids: dict[str, str]) -> object:
    """Return a card with the sandbox's ids numbered in the order in which people see them."""
    if isinstance(value, dict):
        return {key: steady(inner, ids) for key, inner in value.items()}
    if isinstance(value, list):
        return [steady(inner, ids) for inner in value]
    if isinstance(value, str):
        known = RANDOM_ID.sub(lambda found: ids.setdefault(found[0], f"id-{len(ids) + 1}"), value)
        # How long a message waited for its turn depends on how busy the machine is.
        return INSTANT.sub("00.0000000", SECONDS.sub("some seconds ago", known))
    return value


async def test_the_main_job_looks_as_in_its_golden_files(
    demo_stage: Stage, golden: Callable[[Path, object], None]
) -> None:
    ids: dict[str, str] = {}
    final: list[object] = []
    for text in LINES:
        line = read_line(text, demo_stage.chat.people)
        assert line is not None
        heard = await demo_stage.chat.say(line)
        # A press is answered with the write as it stands by chance; what counts is that its card
        # is edited to the end and its asker is told.
        assert len(heard.cards) == (3 if line.is_press else 1)
        final.append(list(heard.cards[1:]) if line.is_press else heard.cards[0])

    for number, cards in enumerate(final):
        golden(GOLDEN / f"{name_of(number)}.json", steady(cards, ids))


def test_every_golden_file_belongs_to_a_line_of_the_script() -> None:
    names = {name_of(number) for number in range(len(LINES))}

    assert {path.stem for path in GOLDEN.glob("*.json")} == names


async def test_the_main_job_changes_in_graph_what_it_says_and_nothing_else(
    demo_stage: Stage,
) -> None:
    before = dict(demo_stage.world.connectors.records)
    for text in LINES:
        line = read_line(text, demo_stage.chat.people)
        assert line is not None
        await demo_stage.chat.say(line)

    root = "/deviceManagement/exchangeConnectors"
    writes = [(method, path.count("/") - 2) for method, path in demo_stage.graph_writes()]
    assert writes == [("POST", 0), ("PATCH", 1), ("POST", 2), ("DELETE", 1)]
    assert all(path.startswith(root) for _, path in demo_stage.graph_writes())
    assert demo_stage.world.connectors.records == before
    assert isinstance(await demo_stage.bot.store.verify_audit(), Verified)


async def test_the_demo_plays_the_main_job_and_every_line_is_answered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = await demo.run(script=SCRIPT, keep=tmp_path / "kept", cache=None)

    assert code == 0
    assert "Delete EXCH 09 – done" in capsys.readouterr().out  # noqa: RUF001 - as in the card
    assert (tmp_path / "kept" / "connectors.db").exists()


@pytest.mark.parametrize("line", ["nobody: /help", "ada /help", "ada: ", "ada> Next"])
async def test_the_demo_fails_at_a_line_that_the_bot_cannot_answer(
    line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "script.txt"
    script.write_text(f"{line}\nada: /whoami\n", "utf-8")

    assert await demo.run(script=script, keep=None, cache=None) == 1
    told = capsys.readouterr().err
    assert line.strip() in told
    assert ("there are ada, oli, vic and gus" in told) == line.startswith("nobody")


async def test_the_demo_talks_until_somebody_leaves(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = iter(["/exchange get EXCH01", "2", "", "vic: /whoami", "/exchange list", "quit"])
    monkeypatch.setattr("builtins.input", lambda _prompt: next(typed))
    code = await demo.run(script=None, keep=None, cache=None)

    shown = capsys.readouterr().out
    assert code == 0
    assert shown.count("INTUNE-GW01") == 2
    assert "Vic Viewer" in shown
    assert "5 in all" in shown


async def test_the_demo_ends_with_its_input(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(_prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", nothing)

    assert await demo.run(script=None, keep=None, cache=None) == 0


async def test_a_script_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"missing\.txt"):
        await demo.run(script=tmp_path / "missing.txt", keep=None, cache=None)
