"""An Adaptive Card as lines of text, for people who try the bot in a terminal."""

import html
import re
import textwrap
from collections.abc import Iterator, Mapping

from bot.sandbox.journal import JsonObject

WIDTH = 96
ESCAPED = re.compile(r"\\([\\`*_{}\[\]()#+\-.!|~<>])")


def lines_of(card: JsonObject) -> list[str]:
    """Return a card's texts, top to bottom, then its buttons with numbers to press."""
    found = [line for element in card.get("body", []) for line in _element(element)]
    wrapped = [
        part for line in found for part in (textwrap.wrap(line, WIDTH) or [""]) if part.strip()
    ]
    buttons = "   ".join(f"[{n}] {title}" for n, title in enumerate(buttons_of(card), start=1))
    return [*wrapped, *([buttons] if buttons else [])]


def buttons_of(card: JsonObject) -> list[str]:
    """Return the titles of what can be pressed on a card: rows from the top down, then buttons."""
    return [str(action.get("title", "")) for action in _actions(card)]


def press_of(card: JsonObject, title: str) -> JsonObject | None:
    """Return the action with that title, or with that number from 1; None if there is none."""
    actions = _actions(card)
    if title.isdigit() and 1 <= int(title) <= len(actions):
        return actions[int(title) - 1]
    return next(
        (a for a in actions if str(a.get("title", "")).casefold() == title.casefold()), None
    )


def _actions(card: JsonObject) -> list[JsonObject]:
    rows = [each["selectAction"] for each in card.get("body", []) if "selectAction" in each]
    return [*rows, *(card.get("actions") or [])]


def inputs_of(card: JsonObject) -> dict[str, str]:
    """Return what a card's inputs hold as it came, by their ids."""
    return {
        str(each["id"]): str(each.get("value", ""))
        for each in card.get("body", [])
        if str(each.get("type", "")).startswith("Input.")
    }


def _element(element: JsonObject) -> Iterator[str]:
    kind = element.get("type")
    if kind == "TextBlock":
        yield _plain(element.get("text", ""))
    elif kind == "RichTextBlock":
        yield "".join(_run(inline) for inline in element.get("inlines", []))
    elif kind == "FactSet":
        for fact in element.get("facts", []):
            yield f"{_plain(fact.get('title', ''))}: {_plain(fact.get('value', ''))}"
    elif kind == "ColumnSet":
        yield from _beside(element)
    elif str(kind).startswith("Input."):
        yield from _input(element)
    else:
        for item in element.get("items") or []:
            yield from _element(item)


def _beside(element: JsonObject) -> Iterator[str]:
    columns = [
        [line for item in column.get("items") or [] for line in _element(item)]
        for column in element.get("columns", [])
    ]
    for row in range(max((len(column) for column in columns), default=0)):
        cells = [column[row] if row < len(column) else "" for column in columns]
        left, *others = cells
        yield f"{left:<44} {'  '.join(others)}".rstrip() if others else left


def _input(element: JsonObject) -> Iterator[str]:
    if element.get("isVisible", True):
        must = " *" if element.get("isRequired") else ""
        titles = {c.get("value"): c.get("title") for c in element.get("choices") or []}
        value = element.get("value")
        held = titles.get(value, value) or element.get("placeholder") or element.get("title", "")
        yield f"{element.get('label', '')}{must}: [{held}]"


def _run(inline: object) -> str:
    if isinstance(inline, Mapping):
        return str(inline.get("text", ""))
    return str(inline)


def _plain(text: object) -> str:
    return html.unescape(ESCAPED.sub(r"\1", str(text)).replace("**", ""))
