"""The one visible answer to a message or a press, in time even when the work is not done.

A message is acknowledged in the thread and the acknowledgement is edited into the result. A press
is answered in the invoke's response, or, when that took too long, in the thread.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

from typing_extensions import override

from bot.domain.errors import MessengerError
from bot.domain.offer import Form
from bot.domain.outcome import (
    Noted,
    Outcome,
)
from bot.service.ports import Answer, Messenger, Reference
from bot.teams.remembered import Remembered

WORKING = Noted("working")
FOLLOWING = Noted("following")
STARTED = Noted("started")
STOPPED = Noted("stopped")
FORM_POSTED = Noted("form-posted")
REPEATED = Noted("repeated")


class FormMessages:
    """The latest messages that this process posted as forms, each good for one operation's card."""

    def __init__(self) -> None:
        self._seen = Remembered()
        self._taken = Remembered()

    def add(self, reference: Reference, activity_id: str) -> None:
        """Remember a message of the conversation, unless one person alone sees it."""
        if reference.private_to is not None:
            return
        self._seen.add((reference.tenant, reference.root, activity_id))

    def take(self, reference: Reference) -> str | None:
        """Return the message that is answered to, if it is a form; from now on it is none."""
        key = (reference.tenant, reference.root, reference.reply_to or "")
        if key not in self._seen:
            return None
        self._seen.forget(key)
        self._taken.add(key)
        return reference.reply_to

    def was_taken(self, reference: Reference) -> bool:
        """Whether the message that is answered to has become an operation's card here."""
        return (reference.tenant, reference.root, reference.reply_to or "") in self._taken


class MessageAnswer(Answer):
    """The answer to a typed message. `post` sends the first message of the turn."""

    def __init__(
        self,
        *,
        reference: Reference,
        post: Callable[[Outcome], Awaitable[str | None]],
        messenger: Messenger,
        posted_form: Callable[[str], None],
    ) -> None:
        self._reference = reference
        self._post = post
        self._messenger = messenger
        self._posted_form = posted_form
        self._lock = asyncio.Lock()
        self._activity_id: str | None = None
        self._is_settled = False
        self.is_held = False
        self.is_promised = False

    async def acknowledge(self) -> str | None:
        """Say that the work goes on, unless the answer is there already; return the message's id."""
        async with self._lock:
            if not self._is_settled:
                self._activity_id = await self._post(WORKING)
            return self._activity_id

    @override
    def hold(self) -> None:
        self.is_held = True

    @override
    async def show(self, outcome: Outcome) -> None:
        async with self._lock:
            self._is_settled = True
            if self._activity_id is None:
                self._activity_id = await self._post(outcome)
            else:
                await self._become(self._activity_id, outcome)
            if isinstance(outcome, Form) and self._activity_id is not None:
                self._posted_form(self._activity_id)

    async def _become(self, activity_id: str, outcome: Outcome) -> None:
        try:
            await self._messenger.edit(self._reference, activity_id, outcome)
        except MessengerError as error:
            if not error.is_gone:
                raise
            self._activity_id = await self._messenger.post(self._reference, outcome)

    async def interrupt(self) -> None:
        """Turn an acknowledgement that nothing will follow into a word about it."""
        if self._activity_id is not None and not self._is_settled and not self.is_promised:
            await self._messenger.edit(self._reference, self._activity_id, STOPPED)

    @override
    @asynccontextmanager
    async def hand_over(self) -> AsyncIterator[str | None]:
        is_private = self._reference.private_to is not None
        async with self._lock:
            # An operation is for everybody to see: its card cannot be what one person alone sees.
            yield None if is_private else self._activity_id
            self._is_settled = True
            if is_private and self._activity_id is not None:
                await self._messenger.edit(self._reference, self._activity_id, STARTED)


class PressAnswer(Answer):
    """The answer to a pressed button: the body of the invoke's response, while it is awaited.

    What was asked for replaces the pressed card, for the person who pressed. Why it could not be
    had is said in a toast, so that the card they worked with is not lost.

    Args:
        reference: Where the card stands; what comes too late for the response goes there.
        messenger: Posts it.
        shape: Puts an outcome into the body of the response.
        forms: The messages that are forms.
        is_form: Whether a form was sent: then an operation's card takes its place. Else a form that
            is the answer is a message of its own, as it would cover another card.
        presser: Who alone sees what comes too late for the response; None: all do.
    """

    def __init__(
        self,
        *,
        reference: Reference,
        messenger: Messenger,
        shape: Callable[[Outcome], Mapping[str, object]],
        forms: FormMessages | None = None,
        is_form: bool = False,
        presser: str | None = None,
    ) -> None:
        self._reference = reference
        self._late = replace(reference, private_to=presser or reference.private_to)
        self._messenger = messenger
        self._shape = shape
        self._forms = forms
        self._is_form = is_form
        self._is_handed_over = False
        self.is_promised = False
        self._body: asyncio.Future[Mapping[str, object]] = (
            asyncio.get_running_loop().create_future()
        )

    @property
    def late(self) -> Reference:
        """Where an answer is given that comes too late for the response."""
        return self._late

    async def is_there(self, within_s: float) -> bool:
        """Whether the answer came in time for the response."""
        done, _ = await asyncio.wait({self._body}, timeout=within_s)
        return bool(done)

    def body(self) -> Mapping[str, object]:
        """Return the response's body: the answer, or that it follows when it is not there."""
        if not self._body.done():
            self._body.set_result(self._shape(FOLLOWING))
        return self._body.result()

    async def interrupt(self) -> None:
        """Say in the thread that the answer which was to follow does not."""
        if self._body.done() and not self.is_promised:
            await self._messenger.post(self._reference, STOPPED)

    @override
    def hold(self) -> None:
        """Do nothing: an invoke cannot wait; what it starts is durable before it is answered."""

    @override
    async def show(self, outcome: Outcome) -> None:
        was_taken = self._forms is not None and self._forms.was_taken(self._reference)
        if outcome == REPEATED and (self._is_handed_over or (self._body.done() and was_taken)):
            # The other of two clicks at once was first: its card stands there, and is the answer.
            return
        is_own_message = (
            isinstance(outcome, Form) and self._forms is not None and not self._is_form
        )
        if not self._body.done():
            self._body.set_result(self._shape(FORM_POSTED if is_own_message else outcome))
            if not is_own_message:
                return
        place = self._reference if is_own_message else self._late
        posted = await self._messenger.post(place, outcome)
        if isinstance(outcome, Form) and self._forms is not None and posted is not None:
            self._forms.add(self._reference, posted)

    @override
    @asynccontextmanager
    async def hand_over(self) -> AsyncIterator[str | None]:
        # What a press names is a claim: only a message that was posted as a form is replaced.
        forms = self._forms if self._is_form else None
        # Taken before the first wait: of two who send one form at once, each gets a card.
        taken = forms.take(self._reference) if forms else None
        try:
            yield taken
        except BaseException:
            if forms and taken is not None:
                forms.add(self._reference, taken)
            raise
        self._is_handed_over = True
        if not self._body.done():
            self._body.set_result(self._shape(STARTED))
