"""The one visible answer to a message or a press, in time even when the work is not done.

A message is acknowledged in the thread and the acknowledgement is edited into the result. A press
is answered in the invoke's response, or, when that took too long, in the thread.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from typing_extensions import override

from bot.domain.errors import MessengerError
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
from bot.service.ports import Answer, Messenger, Reference
from bot.teams.messenger import CARD_TYPE
from bot.teams.reply_toast import Brief
from cards.frame import Rendered

MESSAGE_TYPE = "application/vnd.microsoft.activity.message"
ERROR_TYPE = "application/vnd.microsoft.error"
WORKING = Noted("working")
FOLLOWING = Noted("following")
STARTED = Noted("started")


class MessageAnswer(Answer):
    """The answer to a typed message. `post` sends the first message of the turn."""

    def __init__(
        self,
        *,
        reference: Reference,
        post: Callable[[Outcome], Awaitable[str]],
        messenger: Messenger,
    ) -> None:
        self._reference = reference
        self._post = post
        self._messenger = messenger
        self._lock = asyncio.Lock()
        self._activity_id: str | None = None
        self._is_settled = False
        self.is_held = False

    async def acknowledge(self) -> None:
        """Say that the work goes on, unless the answer is there already."""
        async with self._lock:
            if not self._is_settled:
                self._activity_id = await self._post(WORKING)

    @override
    def hold(self) -> None:
        self.is_held = True

    @override
    async def show(self, outcome: Outcome) -> None:
        async with self._lock:
            self._is_settled = True
            if self._activity_id is None:
                self._activity_id = await self._post(outcome)
                return
            try:
                await self._messenger.edit(self._reference, self._activity_id, outcome)
            except MessengerError as error:
                if not error.is_gone:
                    raise
                await self._messenger.post(self._reference, outcome)

    @override
    @asynccontextmanager
    async def hand_over(self) -> AsyncIterator[str | None]:
        async with self._lock:
            yield self._activity_id
            self._is_settled = True


class PressAnswer(Answer):
    """The answer to a pressed button: the body of the invoke's response, while it is awaited.

    What was asked for replaces the pressed card, for the person who pressed. Why it could not be
    had is said in a toast, so that the card they worked with is not lost.
    """

    def __init__(
        self,
        *,
        reference: Reference,
        messenger: Messenger,
        render: Callable[[Outcome], Rendered],
        say: Callable[[Brief], str],
    ) -> None:
        self._reference = reference
        self._messenger = messenger
        self._render = render
        self._say = say
        self._body: asyncio.Future[Mapping[str, object]] = (
            asyncio.get_running_loop().create_future()
        )

    async def body(self, within_s: float) -> Mapping[str, object]:
        """Return the response's body: the answer, or that it follows when it is not there in time."""
        done, _ = await asyncio.wait({self._body}, timeout=within_s)
        if not done:
            self._body.set_result(self._rendered(FOLLOWING))
        return self._body.result()

    def _rendered(self, outcome: Outcome) -> Mapping[str, object]:
        match outcome:
            case (
                Refused() | Paused() | Misread() | NotFound() | GraphFailed() | Failed() | Noted()
            ):
                return {"statusCode": 200, "type": MESSAGE_TYPE, "value": self._say(outcome)}
            case _:
                card = self._render(outcome).payload()
                return {"statusCode": 200, "type": CARD_TYPE, "value": card}

    @override
    def hold(self) -> None:
        """Do nothing: an invoke cannot wait; what it starts is durable before it is answered."""

    @override
    async def show(self, outcome: Outcome) -> None:
        if not self._body.done():
            self._body.set_result(self._rendered(outcome))
            return
        await self._messenger.post(self._reference, outcome)

    @override
    @asynccontextmanager
    async def hand_over(self) -> AsyncIterator[str | None]:
        yield None
        if not self._body.done():
            self._body.set_result(self._rendered(STARTED))


def error_body(code: str, message: str, status: int = 400) -> dict[str, object]:
    """Return the documented body of a refused invoke; the HTTP status stays 200."""
    return {
        "statusCode": status,
        "type": ERROR_TYPE,
        "value": {"code": code, "message": message},
    }
