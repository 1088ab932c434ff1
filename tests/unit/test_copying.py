"""What is copied from a card and sent back is the command that was meant."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings, strategies as st

from bot.domain.command import TEXT_LIMIT, Command
from bot.domain.parse import format_command, parse
from bot.domain.text import LOOK_ALIKES, clean
from cards import operation, plan, problem
from cards.elements import COMMAND_BYTES
from cards.frame import Place, Rendered, Stamp
from cards.operation import Operation
from cards.signs import Tone
from cards.size import weigh
from cards.states import State
from cards.text import TWINS, escape, plain
from tests.rendering.walk import objects
from tests.unit.test_parse_properties import CATALOGUE, commands

PLACE = Place("Global", "Contoso Ltd")
STAMP = Stamp(at="2026-11-21 03:40 UTC", id="7F3K")
MARKUP = [*sorted(set(TWINS.values())), "//", "~~", "www.", "mailto:", "&lt;", "a.bc", "1. ", "- "]
texts = st.one_of(
    st.text(max_size=40),
    st.lists(st.sampled_from([*MARKUP, "a", "1", " "]), max_size=20).map("".join),
)


def cards_of(text: str) -> tuple[Rendered, ...]:
    """Return one card of every shape that shows a command to type, with this one on it."""
    running = Operation("7F3K", "Sync", "EXCH01", text, State.EXECUTING, ())
    candidate = problem.Candidate("EXCH01", "0aa0c1de", "connected", Tone.GOOD, text)
    return (
        plan.render(plan.Plan("Sync", "sync", "EXCH01", (), text), PLACE, STAMP),
        operation.render(running, PLACE, STAMP),
        problem.not_found(problem.Missing("kind", "x", (text,)), PLACE, STAMP),
        problem.not_found(problem.Missing("kind", "x", (), (text,)), PLACE, STAMP),
        problem.ambiguous(problem.Ambiguity("kind", "x", (candidate,)), PLACE, STAMP),
    )


def typed_on(card: Rendered) -> list[str]:
    """Return the commands on a card: every paragraph in a monospace face that starts with `/`."""
    return [text for text in _monospaced(card) if text.startswith("/")]


def _monospaced(card: Rendered) -> Iterator[str]:
    for each in objects(card.payload()):
        inlines = each.get("inlines")
        if isinstance(inlines, list) and all(i.get("fontType") == "Monospace" for i in inlines):
            yield "".join(inline["text"] for inline in inlines)
        elif each.get("type") == "TextBlock" and each.get("fontType") == "Monospace":
            yield str(each["text"])


def is_sayable(command: Command) -> bool:
    """Whether somebody can have typed it: what cannot be seen never arrives, nor does too much."""
    text = format_command(command)
    is_short = len(text) <= TEXT_LIMIT and weigh(text) <= COMMAND_BYTES
    is_assigned = plain(text.replace(" ", "_"), TEXT_LIMIT) == text.replace(" ", "_")
    return is_short and is_assigned and parse(clean(text), CATALOGUE) == command


@given(commands().filter(is_sayable))
@settings(max_examples=200)
def test_every_command_on_a_card_reads_back_as_what_was_meant(command: Command) -> None:
    for card in cards_of(format_command(command)):
        assert [parse(clean(text), CATALOGUE) for text in typed_on(card)] == [command]


@pytest.mark.parametrize(
    "text",
    [
        "/exchange update EXCH01 primarySmtpAddress=connector.operations@mail.contoso.com",
        '/exchange update EXCH01 serverName="<b>[x](https://contoso.com/__a__)</b>" --plan',
        '/exchange delete 0aa0c1de-0000-4000-8000-000000000007 --reason "*old*  ~~one~~ www.x.yz"',
        r'/exchange update "CONTOSO\\server_with_a_very_long_name_01" version="1. # 2"',
    ],
)
def test_a_command_with_a_long_word_is_shown_character_for_character(text: str) -> None:
    for card in cards_of(text):
        assert [shown.replace("\u00a0", " ") for shown in typed_on(card)] == [text]


@pytest.mark.parametrize("code", ["unknown-option", "value-missing", "repeated"])
def test_the_wrong_part_is_shown_as_it_was_typed(code: str) -> None:
    usage = "/exchange sync <target> [--type full|delta] [--reason …] [--plan]"
    token = "--<reason>_[x].contoso.com"
    wrong = problem.Misreading(code, f"/exchange sync {token}", 15, 40, (("token", token),), usage)

    card = problem.misread(wrong, PLACE, STAMP)

    shown = [str(each.get("text", "")) for each in objects(card.payload())]
    assert usage in shown
    assert any(token in text for text in shown)
    assert not any(set(text) & set(TWINS) for text in shown)


def test_the_bot_folds_back_exactly_what_cards_put_in() -> None:
    assert dict(TWINS) == LOOK_ALIKES


def test_every_look_alike_is_one_that_cards_put_in() -> None:
    examples = "<>*`[] &lt; _a_ ~~ \\* https:// www.a.bc", "- a", "+ a", "# a", "1. a"

    assert {char for text in examples for char in escape(text)} & set(TWINS) == set(TWINS)


@given(texts)
@settings(max_examples=500)
def test_escaped_text_folds_back_to_what_was_written(text: str) -> None:
    written = plain(text)
    shown = escape(text)

    assert {a for a, b in zip(shown, written, strict=True) if a != b} <= set(TWINS)
    if not set(written) & set(TWINS):
        assert "".join(LOOK_ALIKES.get(char, char) for char in shown) == written


@given(texts)
@settings(max_examples=300)
def test_a_look_alike_is_read_as_the_character_it_stands_for(text: str) -> None:
    twins = {meant: twin for twin, meant in TWINS.items()}
    visible = plain(text).replace("&", "")

    assert clean("".join(twins.get(char, char) for char in visible)) == clean(visible)


def test_a_summary_of_several_waiting_targets_keeps_the_command() -> None:
    text = "/exchange sync --stale 36h --all --reason host.contoso.com/a_very_long_path_of_it"
    waiting = Operation("7F3K", "Sync", "2 connectors", text, State.WAITING, ())

    for state in State:
        assert text in typed_on(operation.render(replace(waiting, state=state), PLACE, STAMP))
