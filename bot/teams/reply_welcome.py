"""Where the bot was installed: what it can do for whoever did so."""

from bot.domain.command import CommandSpec
from bot.domain.offer import Welcome
from bot.teams.reply_values import run_button
from cards import form_words, welcome


def welcome_card(outcome: Welcome) -> welcome.Welcome:
    """Return the three lines of a welcome."""
    lines = (
        welcome.Line(form_words.LOOK, _typed(outcome.looks)),
        welcome.Line(form_words.CHANGE, _typed(outcome.changes), form_words.NO_CHANGE),
        welcome.Line(form_words.FOLLOW, _typed(outcome.others), form_words.NO_FOLLOW),
    )
    buttons = (run_button(form_words.HELP_BUTTON, "/help"),)
    return welcome.Welcome(lines, outcome.is_complete, buttons)


def _typed(specs: tuple[CommandSpec, ...]) -> tuple[str, ...]:
    return tuple(f"/{spec.title}" for spec in specs)
