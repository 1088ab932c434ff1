"""What a request means: typed text and pressed buttons become the same commands.

What a card carries is a claim. A button that changes something names a row of the store; a button
that carries a command may only read.
"""

from collections.abc import Mapping

from pydantic import JsonValue

from bot.domain.command import BOT, COMMENT, Catalogue, Command
from bot.domain.outcome import Misread, Noted
from bot.domain.parse import format_command, parse
from bot.domain.text import clean
from bot.service.ports import Request

ROW_VERBS = frozenset({"approve", "reject", "cancel", "undo", "view"})
COMMENT_LIMIT = 500


def intent(request: Request, catalogue: Catalogue) -> Command | Misread | Noted:
    """Return the command that a request asks for, or why it asks for none."""
    if request.submission is None:
        return parse(clean(request.text) or "help", catalogue)
    verb = request.submission.get("verb")
    if isinstance(verb, str) and verb in ROW_VERBS:
        return _on_row(verb, request.submission, catalogue)
    text = request.submission.get("command")
    if not isinstance(text, str) or not text:
        return Noted("lapsed")
    parsed = parse(text, catalogue)
    if isinstance(parsed, Command) and parsed.spec.acts:
        return Noted("lapsed-command", (("command", format_command(parsed)),))
    return parsed


def _on_row(
    verb: str, submission: Mapping[str, JsonValue], catalogue: Catalogue
) -> Command | Noted:
    row = submission.get("operation")
    if not isinstance(row, str) or not row:
        return Noted("lapsed")
    spec = catalogue.by_permission[f"{BOT}:{verb}"]
    comment = submission.get(COMMENT.name)
    typed = clean(comment)[:COMMENT_LIMIT] if isinstance(comment, str) else ""
    takes_comment = spec.option(COMMENT.name) is not None
    options = {COMMENT.name: typed} if typed and takes_comment else {}
    return Command(spec, (row,), options)
