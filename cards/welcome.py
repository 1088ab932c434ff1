"""The card that says hello where the bot was installed: three lines, and how to learn more."""

from dataclasses import dataclass

from microsoft_teams.cards import CardElement

from cards import form_words, signs, words
from cards.elements import code, rich, run, separate
from cards.frame import Button, Head, Place, Rendered, Stamp, compose
from cards.parts import notes
from cards.signs import Tone
from cards.size import fixed
from cards.text import fill


@dataclass(frozen=True, slots=True)
class Line:
    """What somebody can do: in a word, and the commands for it."""

    word: str
    commands: tuple[str, ...]
    without: str = ""


@dataclass(frozen=True, slots=True)
class Welcome:
    """What the person who installed the bot can do here; incomplete while roles are unread."""

    lines: tuple[Line, ...]
    is_complete: bool = True
    buttons: tuple[Button, ...] = ()


def render(welcome: Welcome, place: Place, stamp: Stamp) -> Rendered:
    """Return the card of a welcome."""
    partial = [] if welcome.is_complete else [words.HELP_PARTIAL]
    blocks = [*(fixed(_line(each)) for each in welcome.lines), notes(1, partial)]
    head = Head(Tone.NEUTRAL, signs.HELLO, form_words.WELCOME)
    return compose(head, blocks, place=place, stamp=stamp, buttons=welcome.buttons)


def _line(each: Line) -> CardElement:
    shown = each.commands[: form_words.WELCOME_COMMANDS]
    pieces = [run(f"{each.word}{words.COLON}", is_bold=True), separate(" ")]
    for number, command in enumerate(shown):
        pieces += [*([separate(words.DOT)] if number else []), code(command, 64)]
    if not shown:
        pieces.append(run(each.without))
    if left := len(each.commands) - len(shown):
        more = fill(form_words.WELCOME_MORE, {"count": str(left)})
        pieces += [separate(words.DOT), run(more, is_quiet=True)]
    return rich(*pieces)
