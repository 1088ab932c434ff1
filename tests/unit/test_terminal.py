"""Cards as lines in a terminal, and the lines of a conversation."""

import pytest

from bot.sandbox.chat import Line, read_line
from bot.sandbox.journal import JsonObject
from bot.sandbox.terminal import WIDTH, buttons_of, lines_of, press_of
from bot.sandbox.world import person

PEOPLE = {"ada": person("Ada Admin", 1), "vic": person("Vic Viewer", 2)}
ACTIONS: list[JsonObject] = [
    {"type": "Action.Execute", "title": "Approve", "verb": "v1"},
    {"type": "Action.Execute", "title": "Next", "verb": "v2"},
    {"type": "Action.Execute", "title": "2", "verb": "v3"},
]


def text(value: str) -> JsonObject:
    return {"type": "TextBlock", "text": value}


@pytest.mark.parametrize(
    ("element", "lines"),
    [
        (text("plain"), ["plain"]),
        (text("**bold** and \\*starred\\* &lt;tag&gt;"), ["bold and *starred* <tag>"]),
        (text(""), []),
        (text("   "), []),
        ({"type": "TextBlock"}, []),
        (
            {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": "a"}, "b"]},
            ["ab"],
        ),
        (
            {"type": "FactSet", "facts": [{"title": "Status", "value": "connected"}]},
            ["Status: connected"],
        ),
        ({"type": "Container", "items": [text("one"), text("two")]}, ["one", "two"]),
        ({"type": "Container"}, []),
        ({"type": "Image", "url": "https://example.com/a.png"}, []),
        ({"type": "ColumnSet", "columns": []}, []),
        ({"type": "ColumnSet", "columns": [{"items": [text("left")]}]}, ["left"]),
        (
            {
                "type": "ColumnSet",
                "columns": [{"items": [text("a"), text("b")]}, {"items": [text("c")]}],
            },
            ["a".ljust(44) + " c", "b"],
        ),
        ({"type": "ColumnSet", "columns": [{}, {"items": [text("c")]}]}, [" " * 45 + "c"]),
    ],
)
def test_an_element_is_shown_as_lines(element: JsonObject, lines: list[str]) -> None:
    assert lines_of({"body": [element]}) == lines


def test_a_long_text_is_wrapped() -> None:
    lines = lines_of({"body": [text("word " * 60)]})

    assert len(lines) == 4
    assert all(len(line) <= WIDTH for line in lines)


def test_an_empty_card_has_no_lines() -> None:
    assert lines_of({}) == []


def test_buttons_stand_below_with_their_numbers() -> None:
    card: JsonObject = {"body": [text("hello")], "actions": ACTIONS}

    assert lines_of(card) == ["hello", "[1] Approve   [2] Next   [3] 2"]
    assert buttons_of(card) == ["Approve", "Next", "2"]


@pytest.mark.parametrize(
    ("title", "verb"),
    [
        ("Approve", "v1"),
        ("approve", "v1"),
        ("1", "v1"),
        ("2", "v2"),
        ("0", None),
        ("4", None),
        ("Reject", None),
        ("", None),
    ],
)
def test_a_button_is_meant_by_title_or_number(title: str, verb: str | None) -> None:
    action = press_of({"actions": ACTIONS}, title)

    assert (action["verb"] if action else None) == verb


def test_a_card_without_buttons_has_none_to_press() -> None:
    assert press_of({}, "1") is None
    assert buttons_of({"actions": None}) == []


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("ada: /exchange list", Line("ada", "/exchange list", is_press=False)),
        (" ADA :  /help ", Line("ada", "/help", is_press=False)),
        ("vic> Next", Line("vic", "Next", is_press=True)),
        ("vic> 2", Line("vic", "2", is_press=True)),
        ("vic> a: b", Line("vic", "a: b", is_press=True)),
        ("ada: a > b", Line("ada", "a > b", is_press=False)),
        ("bob: /help", None),
        ("ada /help", None),
        ("ada:", None),
        ("ada>  ", None),
        ("", None),
        (": /help", None),
        ("/exchange get x:y", None),
    ],
)
def test_a_line_says_who_types_or_presses_what(typed: str, line: Line | None) -> None:
    assert read_line(typed, PEOPLE) == line
