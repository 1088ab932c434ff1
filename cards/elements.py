"""The few building blocks every card is made of; the only place where text enters a card."""

import re
from collections.abc import Sequence
from typing import Final

from microsoft_teams.cards import (
    CardElement,
    Column,
    ColumnSet,
    ExecuteAction,
    RichTextBlock,
    Spacing,
    TextBlock,
    TextRun,
)

from cards.size import weigh
from cards.text import escape, exact, plain

TITLE: Final = 160
SENTENCE: Final = 600
VALUE: Final = 256
CODE: Final = 512
COMMAND: Final = 2000
COMMAND_BYTES: Final = 4096
WORD: Final = 26
_BREAKS: Final = re.compile(r"[\s-]")


def line(
    text: str,
    *,
    is_bold: bool = False,
    is_quiet: bool = False,
    spacing: Spacing | None = None,
) -> TextBlock | RichTextBlock:
    """Return a sentence that wraps; whatever is in it is shown as text, character for character.

    What markdown would read something into stands in a text run, which knows no markdown.
    """
    shown = plain(text, SENTENCE)
    if escape(shown, SENTENCE) != shown:
        inlines: list[CardElement] = [run(shown, SENTENCE, is_bold=is_bold, is_quiet=is_quiet)]
        return RichTextBlock(inlines=inlines, spacing=spacing)
    return TextBlock(
        text=shown,
        wrap=True,
        weight="Bolder" if is_bold else None,
        is_subtle=True if is_quiet else None,
        size="Small" if is_quiet else None,
        spacing=spacing,
    )


def title(text: str) -> TextBlock:
    """Return the heading of a card, announced as one by screen readers."""
    return TextBlock(
        text=escape(text, TITLE), wrap=True, size="Medium", weight="Bolder", style="heading"
    )


def caption(text: str, *, has_line: bool = True) -> TextBlock:
    """Return the small heading of a part of a card, set off by a line from what is before it."""
    return TextBlock(
        text=escape(text, VALUE),
        wrap=True,
        weight="Bolder",
        separator=has_line or None,
        spacing="Medium",
    )


def run(
    text: str, limit: int = VALUE, *, is_bold: bool = False, is_quiet: bool = False
) -> TextRun:
    """Return a piece of text that is exact and can be copied."""
    return TextRun(
        text=plain(text, limit),
        weight="Bolder" if is_bold else None,
        is_subtle=True if is_quiet else None,
        size="Small" if is_quiet else None,
    )


def separate(text: str) -> TextRun:
    """Return our own spaces and signs between two runs; nobody else's words."""
    return TextRun(text=text, is_subtle=True)


def struck(text: str) -> TextRun:
    """Return a value that is replaced."""
    return TextRun(text=plain(text, VALUE), strikethrough=True, is_subtle=True)


def code(text: str, limit: int = CODE) -> TextRun:
    """Return a piece of text to type or to quote, in a monospace face."""
    return TextRun(text=exact(text, limit), font_type="Monospace")


def rich(*runs: TextRun, spacing: Spacing | None = None) -> TextBlock | RichTextBlock:
    """Return one flowing paragraph of runs.

    Clients break a long word in a text block, but let it run out of the card in a rich one. So runs
    with a word too long for a phone become a text block, at the price of their inner styles; but
    only if that shows every character as it is: text to copy is worth more than the card's edge.
    """
    text = "".join(run.text or "" for run in runs)
    is_long = any(len(word) > WORD for word in _BREAKS.split(text))
    if is_long and escape(text, SENTENCE) == text:
        return TextBlock(
            text=text,
            wrap=True,
            spacing=spacing,
            font_type=runs[0].font_type,
            weight=runs[0].weight,
            is_subtle=runs[0].is_subtle,
            size=runs[0].size,
        )
    inlines: list[CardElement] = list(runs)
    return RichTextBlock(inlines=inlines, spacing=spacing)


def carets(pad: int, count: int) -> RichTextBlock:
    """Return a line that points up at `count` monospace cells after `pad` others."""
    blank = "\N{NO-BREAK SPACE}" * pad
    inlines: list[CardElement] = [
        TextRun(text=blank + "^" * count, font_type="Monospace", weight="Bolder")
    ]
    return RichTextBlock(inlines=inlines, spacing="None")


def command(text: str) -> TextBlock | RichTextBlock:
    """Return a command to type, on its own line; whole unless it would fill the card."""
    limit = COMMAND if weigh(text) <= COMMAND_BYTES else CODE
    return rich(code(text, limit), spacing="Small")


def pair(label: str, *value: TextRun) -> ColumnSet:
    """Return a label with its value beside it; both wrap, so it reads on a phone too."""
    return grid((1, (_label(label),)), (2, (rich(*value),)), spacing="Small")


def grid(
    *columns: tuple[int, Sequence[CardElement]],
    spacing: Spacing | None = None,
    has_line: bool = False,
    opens: ExecuteAction | None = None,
) -> ColumnSet:
    """Return columns side by side; each is its weight and what stands in it from the top down.

    `opens` is what a press anywhere on them does.
    """
    return ColumnSet(
        columns=[Column(width=str(weight), items=list(items)) for weight, items in columns],
        spacing=spacing,
        separator=True if has_line else None,
        select_action=opens,
    )


def link(text: str) -> TextBlock:
    """Return the word that tells that a row can be pressed."""
    return TextBlock(text=escape(text, VALUE), wrap=True, color="Accent", weight="Bolder")


def _label(text: str) -> TextBlock:
    return TextBlock(text=escape(text, VALUE), wrap=True, is_subtle=True)
