"""What people and Graph write stays text, and stays readable."""

import re
import unicodedata

import pytest
from hypothesis import given, settings, strategies as st
from markdown_it import MarkdownIt
from microsoft_teams.cards import RichTextBlock

from cards.elements import code, command, line, rich, run
from cards.pointer import pointed
from cards.text import ELLIPSIS, escape, exact, fill, plain
from tests.rendering.hostile import STRINGS
from tests.rendering.walk import texts

MARKDOWN = MarkdownIt("commonmark").enable(["strikethrough", "table"])
LINKS = re.compile(
    r"(?i)[a-z][a-z0-9+.-]*://|//|\bwww\.|\b(?:mailto|tel|sips?|javascript|data|msteams):\S"
    r"|[^\W_]\.[^\W\d_]{2}|</?[a-z]|&#?\w+;"
)
ANYTHING = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("*_[]()~`#>+-.!|\\<&;:/@=1a b\n\u202e\u200b"),
    ),
    max_size=80,
)


def assert_harmless(text: str) -> None:
    assert not LINKS.search(text), text
    tokens = MARKDOWN.parse(text)
    shown = [child for token in tokens for child in token.children or []]

    assert {token.type for token in tokens} <= {"paragraph_open", "inline", "paragraph_close"}
    assert {token.type for token in shown} <= {"text"}
    assert "".join(token.content for token in shown) == text


def assert_visible(text: str) -> None:
    assert not [c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]


@pytest.mark.parametrize("hostile", STRINGS)
def test_hostile_text_has_no_effect(hostile: str) -> None:
    assert_harmless(escape(hostile))
    assert_visible(escape(hostile))
    assert_visible(plain(hostile))


@given(ANYTHING)
@settings(max_examples=400)
def test_any_text_has_no_effect_and_escaping_twice_changes_nothing(text: str) -> None:
    once = escape(text)

    assert_harmless(once)
    assert_visible(once)
    assert escape(once) == once
    assert len(once) == len(plain(text)) <= 256


@pytest.mark.parametrize(
    "name",
    [
        "EXCH-01",
        "mail_01",
        "EXCH 04",
        "CONTOSO\\alice",
        "R&D (old)",
        "15.2.1",
        "O'Brien",
        "Zürich / 東京",
        "2026-11-21 03:40 UTC",
        "#1",
        "a - b",
    ],
)
def test_ordinary_names_stay_as_they_are(name: str) -> None:
    assert escape(name) == plain(name) == name


@pytest.mark.parametrize("text", ["user@contoso.com", "<b> & **x** [y] ~~z~~ _q_ https://a.bc/d"])
def test_look_alikes_fold_back_to_what_was_written(text: str) -> None:
    assert unicodedata.normalize("NFKC", escape(text)) == text


def test_long_text_is_cut_with_an_ellipsis() -> None:
    assert plain("x" * 300, 10) == "x" * 9 + ELLIPSIS
    assert plain("x" * 10, 10) == "x" * 10
    assert plain("\u200b" * 90 + "x", 10) == ELLIPSIS


def test_a_missing_value_shows_as_a_question_mark() -> None:
    assert fill("No {kind} called {target}.", {"kind": "{x}"}) == "No {x} called ?."


def test_a_word_too_long_for_a_phone_is_drawn_so_that_it_breaks() -> None:
    assert rich(run("EXCH01")).type == "RichTextBlock"
    assert rich(run("W" * 40)).type == "TextBlock"


@pytest.mark.parametrize(
    "text",
    [
        f'/exchange update x primarySmtpAddress="{"o" * 30}@contoso.com"',
        "/exchange sync <target> [--type full|delta] [--reason …] [--plan]",
        "--reason <text-that-is-much-too-long-for-a-phone-of-today>",
        "/exchange create serverName=" + "_" * 700,
    ],
)
def test_what_is_to_be_typed_is_shown_character_for_character(text: str) -> None:
    for drawn in (command(text), rich(code(text, 800)), line(text[:600])):
        assert isinstance(drawn, RichTextBlock)
        shown = drawn.model_dump()["inlines"][0]["text"]
        assert shown == text[: len(shown)]
        assert len(shown) >= min(len(text), 600)


def test_spaces_inside_a_command_are_kept_as_clients_would_not() -> None:
    gap = "\N{NO-BREAK SPACE} "

    assert exact('  /exchange get "a  b c"  ') == f'/exchange get "a{gap}b c"'
    assert exact("a  b" * 9, 6) == f"a{gap}ba" + ELLIPSIS
    assert plain("a  b") == "a b"


def test_a_command_that_would_fill_a_card_is_cut_where_it_shows() -> None:
    whole, cut = (
        "".join(text for _, text in texts(command(f"/help {letter * 1990}").model_dump()))
        for letter in ("_", "😀")
    )

    assert len(whole) == 1996
    assert cut.endswith(ELLIPSIS)


@pytest.mark.parametrize(
    ("text", "start", "end", "window", "pad", "count"),
    [
        ("/exchange snyc EXCH01", 10, 14, "/exchange snyc EXCH01", 10, 4),
        ("/exchange get", 13, 13, "/exchange get", 13, 1),
        ("abc", 90, 2, "abc", 3, 1),
        ("", 0, 0, "", 0, 1),
        ("/exchange update EXCH01 bad", 24, 27, "… update EXCH01 bad", 16, 3),
        ("東京 x", 3, 4, "東京 x", 5, 1),
    ],
)
def test_carets_stand_below_the_part_that_does_not_fit(
    text: str, start: int, end: int, window: str, pad: int, count: int
) -> None:
    shown = pointed(text, start, end)

    assert (shown.window, shown.pad, shown.count) == (window, pad, count)
