"""Points at the part of a line that does not fit, with carets below it."""

import unicodedata
from dataclasses import dataclass
from typing import Final

from cards.text import ELLIPSIS, plain

BEFORE: Final = 14
AFTER: Final = 6
MARKED: Final = 14


@dataclass(frozen=True, slots=True)
class Pointer:
    """A window of a line, and where the carets below it stand, in monospace cells."""

    window: str
    pad: int
    count: int


def pointed(text: str, start: int, end: int) -> Pointer:
    """Return a window of the text around `text[start:end]`, short enough for a phone."""
    start = min(max(start, 0), len(text))
    end = min(max(end, start), len(text))
    before, marked, after = text[:start], text[start:end], text[end:]
    head = plain(before[-BEFORE * 4 :], BEFORE * 4)[-BEFORE:]
    if len(before) > len(head) and len(head) == BEFORE:
        head = ELLIPSIS + head
    if head and before[-1:].isspace():
        head += " "
    wrong = plain(marked, MARKED)
    tail = plain(after, AFTER)
    if tail and after[:1].isspace():
        tail = " " + tail
    return Pointer(head + wrong + tail, _cells(head), max(1, _cells(wrong)))


def _cells(text: str) -> int:
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )
