"""What a request means: typed text, pressed buttons and forms become the same commands.

What a card carries is a claim. A button that changes something names a row of the store; a button
that carries a command may only read; a form carries its command's name and what people filled in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from pydantic import JsonValue

from bot.domain.command import BOT, COMMENT, Catalogue, Command, CommandSpec
from bot.domain.form import (
    ARGUMENT,
    EMPTY,
    OPTION,
    PROPERTY,
    Problem,
    inputs_of,
    is_too_much,
    texts_of,
)
from bot.domain.outcome import Misread, Noted
from bot.domain.parse import format_command, parse
from bot.domain.resource import Effect
from bot.domain.text import clean
from bot.service.ports import Request

ROW_VERBS = frozenset({"approve", "reject", "cancel", "undo", "again", "view"})
INCIDENT_VERBS = frozenset({"acknowledge", "snooze", "sync"})
FILL_VERB, OPEN_VERB = "fill", "open"
FORM_VERBS = frozenset({FILL_VERB, OPEN_VERB})
COMMENT_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Opening:
    """A command's form is asked for, with `inputs` filled in already."""

    spec: CommandSpec
    inputs: Mapping[str, str]
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Filled:
    """A command's form was sent."""

    spec: CommandSpec
    inputs: Mapping[str, str]


Intent: TypeAlias = Command | Opening | Filled | Misread | Noted


def intent(request: Request, catalogue: Catalogue) -> Intent:
    """Return what a request asks for, or why it asks for nothing."""
    if request.submission is None:
        return _opened(parse(clean(request.text) or "help", catalogue))
    verb = request.submission.get("verb")
    if isinstance(verb, str) and verb in FORM_VERBS:
        return _form(verb, request.submission, catalogue)
    if isinstance(verb, str) and verb in ROW_VERBS | INCIDENT_VERBS:
        return _on_row(verb, request.submission, catalogue)
    text = request.submission.get("command")
    if not isinstance(text, str) or not text:
        return Noted("lapsed")
    parsed = parse(text, catalogue)
    if isinstance(parsed, Command) and parsed.spec.acts:
        return Noted("lapsed-command", (("command", format_command(parsed)),))
    return parsed


def _opened(parsed: Command | Misread) -> Command | Opening | Misread:
    """Return the form of a command that was typed without what it needs, else what was typed."""
    given = parsed.so_far if isinstance(parsed, Misread) else parsed
    if given is None:
        return parsed
    spec = given.spec
    is_bare = not (given.arguments or given.options or given.changes)
    if isinstance(parsed, Command):
        needs_more = is_bare and spec.effect is not None and spec.effect is not Effect.LIST
        return Opening(spec, {}) if needs_more else parsed
    lacking = Problem(f"{ARGUMENT}{dict(parsed.details)['name']}", parsed.code, parsed.details)
    return opening_of(given, () if is_bare else (lacking,)) or parsed


def opening_of(given: Command, problems: tuple[Problem, ...]) -> Opening | None:
    """Return the form of a command that was typed in part; None where it has no place for a part.

    What somebody typed is not to be lost on the way.
    """
    spec = given.spec
    if any((option := spec.option(name)) and option.is_typed_only for name in given.options):
        return None
    if EMPTY in given.changes.values():
        # In a form these two quotes empty a property.
        return None
    inputs = inputs_of(given)
    return None if is_too_much(inputs) else Opening(spec, inputs, problems)


def _form(
    verb: str, submission: Mapping[str, JsonValue], catalogue: Catalogue
) -> Opening | Filled | Noted:
    name = submission.get("form")
    spec = catalogue.by_permission.get(name) if isinstance(name, str) else None
    if spec is None or spec not in catalogue.specs:
        return Noted("lapsed")
    inputs = texts_of(submission)
    if is_too_much(inputs):
        # Words leave the form on the screen as it was filled in; a card would have to cut it.
        return Noted("form-too-long")
    if verb == FILL_VERB:
        return Filled(spec, inputs)
    prefixes = (ARGUMENT, PROPERTY, OPTION)
    return Opening(spec, {k: v for k, v in inputs.items() if k.startswith(prefixes)})


def _on_row(
    verb: str, submission: Mapping[str, JsonValue], catalogue: Catalogue
) -> Command | Noted:
    row = submission.get("incident" if verb in INCIDENT_VERBS else "operation")
    if not isinstance(row, str) or not row:
        return Noted("lapsed")
    spec = catalogue.by_permission[f"{BOT}:{verb}"]
    comment = submission.get(COMMENT.name)
    typed = clean(comment)[:COMMENT_LIMIT] if isinstance(comment, str) else ""
    takes_comment = spec.option(COMMENT.name) is not None
    options = {COMMENT.name: typed} if typed and takes_comment else {}
    return Command(spec, (row,), options)
