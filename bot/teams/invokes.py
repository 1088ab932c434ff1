"""The invokes that are answered, and the documented body of each answer.

Sources: "Universal Action Model" for `adaptiveCard/action`, "Use task modules with bots" for
`task/fetch` and `task/submit`, "Dynamic search" for `application/search`. The HTTP status is 200
throughout: the connector takes others for a broken bot.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bot.domain.offer import Form
from bot.domain.outcome import (
    Failed,
    GraphFailed,
    Misread,
    Noted,
    NotFound,
    Outcome,
    Paused,
    Refused,
)
from bot.teams.activity import SEARCH
from bot.teams.messenger import CARD_TYPE, attachment_of
from bot.teams.reply_toast import Brief
from cards.form import Option
from cards.frame import Rendered

CARD_ACTION: Final = "adaptiveCard/action"
TASK_FETCH: Final = "task/fetch"
TASK_SUBMIT: Final = "task/submit"
DIALOGS: Final = frozenset({TASK_FETCH, TASK_SUBMIT})

MESSAGE_TYPE = "application/vnd.microsoft.activity.message"
ERROR_TYPE = "application/vnd.microsoft.error"
SEARCH_TYPE = "application/vnd.microsoft.search.searchResponse"
DIALOG_TITLE = 64

Body = Mapping[str, object]


def error_body(code: str, message: str, status: int = 400) -> Body:
    """Return the body of a refused card action or search."""
    return {
        "statusCode": status,
        "type": ERROR_TYPE,
        "value": {"code": code, "message": message},
    }


def refused(name: str | None, code: str, message: str) -> Body:
    """Return that an invoke cannot be answered: a dialog can only say it."""
    return _spoken(message) if name in DIALOGS else error_body(code, message)


def repeated(name: str | None, message: str) -> Body:
    """Return the answer to an invoke that was taken in before; its effect is not repeated."""
    if name == SEARCH:
        return found(())
    return _spoken(message) if name in DIALOGS else _toast(message)


def found(options: Sequence[Option]) -> Body:
    """Return what a search found."""
    results = [{"title": option.title, "value": option.value} for option in options]
    return {"statusCode": 200, "type": SEARCH_TYPE, "value": {"results": results}}


def _toast(text: str) -> Body:
    return {"statusCode": 200, "type": MESSAGE_TYPE, "value": text}


def _spoken(text: str) -> Body:
    return {"task": {"type": "message", "value": text}}


@dataclass(frozen=True, slots=True)
class Shapes:
    """Puts outcomes into the bodies of answers. `dialog` draws what stands in a dialog."""

    render: Callable[[Outcome], Rendered]
    dialog: Callable[[Outcome], Rendered]
    say: Callable[[Brief], str]

    def body(self, name: str | None, outcome: Outcome) -> Body:
        """Return the answer to an invoke of that name: a card, or why there is none in words."""
        match outcome:
            case (
                Refused() | Paused() | Misread() | NotFound() | GraphFailed() | Failed() | Noted()
            ):
                text = self.say(outcome)
                return _spoken(text) if name in DIALOGS else _toast(text)
            case _ if name in DIALOGS:
                return self._dialog(outcome)
            case _:
                card = self.render(outcome).payload()
                return {"statusCode": 200, "type": CARD_TYPE, "value": card}

    def _dialog(self, outcome: Outcome) -> Body:
        rendered = self.dialog(outcome)
        title = outcome.spec.summary if isinstance(outcome, Form) else rendered.summary
        task = {
            "title": title[:DIALOG_TITLE],
            "height": "large",
            "width": "medium",
            "card": attachment_of(rendered),
        }
        return {"task": {"type": "continue", "value": task}}
