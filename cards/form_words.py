"""Every sentence people read on forms."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from cards.text import fill, plain
from cards.words import NOTHING_CHANGED, PLANNED

SHOW_PLAN, NEW_BUTTON, CHANGE_BUTTON, FILL_BUTTON = "Show plan", "New…", "Change…", "Fill in…"
STAYS: Final = 'What is not filled in stays as it is; two quotation marks, "", empty it.'
EMPTY_IT: Final = "(empty it)"
OR_TYPE: Final = "Or type"
CHOOSE: Final = "Choose …"
WELCOME: Final = "Hello. This is what you can do here"
WELCOME_COMMANDS: Final = 4
LOOK, CHANGE, FOLLOW = "Look", "Change", "Follow"
NO_CHANGE: Final = "nothing yet; your roles let you look."
NO_FOLLOW: Final = "ask an operator to watch connectors for this conversation."
HELP_BUTTON: Final = "Help"
WELCOME_MORE: Final = "{count} more: /help"
PROBLEMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "argument-missing": "This is needed.",
        "argument-before": "This has no place while what stands above it is empty.",
        "value-long": "This is longer than {limit} characters.",
        "too-long": "All of this together is longer than {limit} characters.",
        "form-changed": "This form is of another version. Open it again.",
        "identity-missing": "A new one needs a name: fill in at least one of these.",
        "changes-missing": "Fill in what is to change.",
        "target-missing": "Say which one.",
        "reason-missing": "The policy wants a reason.",
        "record-missing": "No {kind} is called {target}, by name or by id.",
        "record-ambiguous": "More than one {kind} fits {target}. Choose one.",
    }
)


def opening(verb: str) -> str:
    """Return the title of a button that opens a verb's form."""
    return f"{verb.capitalize()}…"


def now(value: str) -> str:
    """Return what stands in an empty field of a record that has a value there."""
    return f"now: {plain(value)}"


def wrong_input(label: str, *, may_lack: bool, may_misfit: bool) -> str:
    """Return what a client says of an input that it does not let through; empty: it lets all."""
    if may_lack and may_misfit:
        return f"{label} is missing or does not fit."
    if may_misfit:
        return f"{label} does not fit; it may be left empty."
    return f"{label} is missing." if may_lack else ""


def plan_shown(send: str) -> str:
    """Return the sentence above a plan that waits to be sent."""
    return f"{NOTHING_CHANGED} This is what would happen; press {send} for it to happen."


def planned(what: str) -> str:
    """Return the title of a plan."""
    return fill(PLANNED, {"what": what})


def done(short: str, command: str, state: str) -> str:
    """Return one operation among several to choose from."""
    return plain(f"{plain(short, 16)}  {plain(command, 64)} ({plain(state, 32)})", 120)


def choice(name: str, status: str, short: str) -> str:
    """Return one record among several to choose from."""
    return plain(f"{plain(name, 64)} ({plain(status, 32)}) {plain(short, 8)}", 120)
