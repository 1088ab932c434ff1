r"""What people type, made plain, and the words it is made of.

A word may be quoted as a whole or, in `name="a value"`, after its first `=`; inside the quotes a
backslash stands before a quote or a backslash that is meant itself. `O'Brien` needs no quotes.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from difflib import SequenceMatcher
from html import unescape
from re import Pattern, compile as pattern
from unicodedata import category

_QUOTES = ("'", '"')
_GAP = pattern(r"\s*")
_WORD = pattern(r"\S*")
_KEY = pattern(r"[^\s=]*")
_SAFE = pattern(r"[\w.:@/+-]+")
_DURATION = pattern(r"([1-9][0-9]{0,5})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_COMPARED = 64  # similarity is quadratic, so only this many characters of a word take part
_ALIKE = 0.6
_PART = 3
_OFFERED = 3

_DASHES = tuple("\u2012\u2013\u2014\u2015\u2212")
_HYPHENS = dict.fromkeys(map(ord, _DASHES), "-")
# What stands on cards where a character would be read as markup, and the character meant: so what
# is copied from a card is read as if it had been typed.
LOOK_ALIKES = {
    **{chr(ord(meant) + 0xFEE0): meant for meant in "<>*`[]&_~\\:/-+#."},
    "\u2024": ".",
}
_PLAIN = {
    **LOOK_ALIKES,
    **dict.fromkeys("\t\n\v\f\r\x85", " "),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\uff02", '"'),
    **dict.fromkeys("\u2018\u2019\u201a\u201b\uff07", "'"),
    **dict.fromkeys("\u2010\u2011", "-"),
    "\u2215": "/",
}
# Spaces and line breaks; then controls, zero-width and bidi marks, and lone surrogates.
_CATEGORIES = {**dict.fromkeys(("Zs", "Zl", "Zp"), " "), **dict.fromkeys(("Cc", "Cf", "Cs"), "")}


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a text, and what it says once quotes and escapes are read."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Word:
    """One word. `key` and `value` are the sides of an unquoted `name=value`, else both None."""

    whole: Span
    key: Span | None = None
    value: Span | None = None
    is_quoted: bool = False

    @property
    def is_option(self) -> bool:
        """Whether it is written as an option: `--name` or `--name=value`."""
        return not self.is_quoted and self.whole.text.startswith("--")


class Wrong(Exception):
    """A part of a text cannot be read: `code` names the sentence, `details` are its values."""

    def __init__(
        self, code: str, span: Span, *, suggestions: tuple[str, ...] = (), **details: str
    ) -> None:
        super().__init__(code)
        self.code = code
        self.span = span
        self.suggestions = suggestions
        self.details = tuple(details.items())


def clean(text: str) -> str:
    """Return a Teams text without its mention as one plain line, at most twice as long.

    Entities are read once; typographic spaces, quotes and slashes, and the look-alikes of cards,
    become ASCII; what cannot be seen goes. A dash becomes `-`, before the first letter of a word `--`; inside quotes it stays.
    """
    # A character reference of thousands of digits is refused by int(): then nothing is one.
    with suppress(ValueError):
        text = unescape(text)
    return _with_hyphens("".join(map(_plain, text))).strip()


def clean_value(text: str) -> str:
    """Return one value as it was filled into a form, made plain as a quoted word of a text is."""
    return "".join(map(_plain, text)).strip()


def _plain(character: str) -> str:
    if character in _PLAIN:
        return _PLAIN[character]
    return _CATEGORIES.get(category(character), character)


def _with_hyphens(text: str) -> str:
    parts: list[str] = []
    position = 0
    while (start := gap_end(text, position)) < len(text):
        opening = _opening(text, start)
        closing = _closing(text, opening)
        end = _end(_WORD, text, closing)
        head = text[start:opening]
        if head.startswith(_DASHES) and head[1:2].isalpha():
            head = "-" + head
        parts += text[position:start], head.translate(_HYPHENS)
        parts += text[opening:closing], text[closing:end].translate(_HYPHENS)
        position = end
    return "".join(parts)


def _end(shape: Pattern[str], text: str, position: int) -> int:
    found = shape.match(text, position)
    return found.end() if found else position


def gap_end(text: str, position: int) -> int:
    """Return where the first word at or after `position` starts, the text's length if none does."""
    return _end(_GAP, text, position)


def _opening(text: str, start: int) -> int:
    """Return where the quote of the word at `start` is; the end of the word if it has none."""
    if text.startswith(_QUOTES, start):
        return start
    equals = _end(_KEY, text, start)
    if start < equals and text.startswith("=", equals) and text.startswith(_QUOTES, equals + 1):
        return equals + 1
    return _end(_WORD, text, start)


def _closing(text: str, opening: int) -> int:
    """Return where the quoted part ends; where it starts if there is none."""
    if not text.startswith(_QUOTES, opening):
        return opening
    position = opening + 1
    while position < len(text) and text[position] != text[opening]:
        position += 2 if _is_escape(text, position, text[opening]) else 1
    return position + 1 if position < len(text) else len(text) + 1


def _is_escape(text: str, position: int, quote: str) -> bool:
    return text[position] == "\\" and text.startswith((quote, "\\"), position + 1)


def word_at(text: str, start: int) -> Word:
    """Read the word that starts there.

    Raises:
        Wrong: its quotes are not closed, or something follows them without a space.
    """
    opening = _opening(text, start)
    closing = _closing(text, opening)
    if opening == closing:
        return _bare(text, start, opening)
    if closing > len(text):
        raise Wrong("open-quote", Span(text[opening], opening, opening + 1))
    end = _end(_WORD, text, closing)
    if closing < end:
        rest = Span(text[closing:end], closing, end)
        raise Wrong("glued-quote", rest, token=rest.text)
    inner = _unescaped(text[opening + 1 : closing - 1], text[opening])
    if opening == start:
        return Word(Span(inner, start, end), is_quoted=True)
    key = Span(text[start : opening - 1], start, opening - 1)
    return Word(Span(f"{key.text}={inner}", start, end), key, Span(inner, opening, end))


def _bare(text: str, start: int, end: int) -> Word:
    whole = Span(text[start:end], start, end)
    equals = _end(_KEY, text, start)
    if equals in {start, end}:
        return Word(whole)
    key = Span(text[start:equals], start, equals)
    return Word(whole, key, Span(text[equals + 1 : end], equals + 1, end))


def _unescaped(inner: str, quote: str) -> str:
    parts: list[str] = []
    position = 0
    while position < len(inner):
        position += _is_escape(inner, position, quote)
        parts.append(inner[position])
        position += 1
    return "".join(parts)


def quoted(value: str) -> str:
    """Return `value` as one word that reads back as it: bare where that is plain, else quoted."""
    if _SAFE.fullmatch(value) and not value.startswith("--"):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def similar(word: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return the names that look like the word in any case, nearest first, at most three."""
    return nearest((name, closeness(word, name)) for name in names)


def nearest(scored: Iterable[tuple[str, float]]) -> tuple[str, ...]:
    """Return the names that are close to something, nearest first, each once, at most three."""
    found = sorted((pair for pair in scored if pair[1]), key=lambda pair: -pair[1])
    return tuple(dict.fromkeys(name for name, _ in found))[:_OFFERED]


def closeness(word: str, name: str) -> float:
    """Return how near a name is to a word in any case, 0 for not at all.

    Nearest is what the word begins, then what it is a misspelling of, then what it is a part of.
    """
    word, name = word[:_COMPARED].casefold(), name.casefold()
    share = 2 * len(word) / (len(word) + len(name) or 1)
    if len(word) > 1 and name.startswith(word):
        return 1 + share
    # The order matters: the first two are cheap and never less than the last.
    alike = SequenceMatcher(None, name, word)
    if all(
        measure() >= _ALIKE for measure in (alike.real_quick_ratio, alike.quick_ratio, alike.ratio)
    ):
        return alike.ratio()
    return share / 2 if len(word) >= _PART and word in name else 0


def parse_duration(text: str) -> timedelta | None:
    """Read `90s`, `15m`, `36h` or `400d`; None for whatever is not one of these."""
    found = _DURATION.fullmatch(text.lower())
    return timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else None
