"""A conversation with the bot, line by line: who says what, who presses which button.

`ada: /exchange list` types a message as Ada; `ada> Next` presses a button of the newest card by its
title or number. Every activity is signed and goes through the bot's real door.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

import httpx

from bot.sandbox.connector import Message
from bot.sandbox.journal import JsonObject
from bot.sandbox.people import Person
from bot.sandbox.server import Sandbox
from bot.sandbox.terminal import press_of
from bot.sandbox.world import World

ANSWER_S = 12.0
CARD_TYPE = "application/vnd.microsoft.card.adaptive"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a conversation: `text` is typed, or is a button's title when `is_press`."""

    who: str
    text: str
    is_press: bool


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back: cards in the thread, and a toast that only the presser sees.

    `trouble` says why nothing could come back.
    """

    cards: tuple[JsonObject, ...] = ()
    toast: str = ""
    trouble: str = ""

    @property
    def is_answer(self) -> bool:
        """Whether anything is to be seen."""
        return bool(self.cards or self.toast)


def read_line(text: str, people: Mapping[str, Person]) -> Line | None:
    """Return what a line says; None when it is not `name: text` or `name> button`."""
    for mark in (":", ">"):
        who, found, rest = text.partition(mark)
        if found and who.strip().casefold() in people and rest.strip():
            return Line(who.strip().casefold(), rest.strip(), is_press=mark == ">")
    return None


class Chat:
    """Speaks to the bot at `bot_url`. `settle` waits until the bot has nothing left to do."""

    def __init__(
        self,
        *,
        sandbox: Sandbox,
        world: World,
        http: httpx.AsyncClient,
        bot_url: str,
        settle: Callable[[], Awaitable[None]],
    ) -> None:
        self._sandbox = sandbox
        self._world = world
        self._teams = sandbox.teams()
        self._http = http
        self._bot_url = bot_url
        self._settle = settle
        self._pressed: JsonObject | None = None
        self._card_id = ""
        self._root: str | None = None

    @property
    def people(self) -> dict[str, Person]:
        """The people by the name one types."""
        return {person.name.split()[0].casefold(): person for person in self._world.people}

    async def say(self, line: Line) -> Heard:
        """Do what the line says and return what became visible."""
        before = {message.id: len(message.edits) for message in self._sandbox.connector.messages()}
        heard = await (self._press(line) if line.is_press else self._type(line))
        await self._settle()
        news = [
            message
            for message in self._sandbox.connector.messages()
            if before.get(message.id) != len(message.edits) and message.card
        ]
        if news:
            self._remember(news[-1])
        cards = tuple(message.card for message in news if message.card)
        return replace(heard, cards=(*heard.cards, *cards))

    def _remember(self, message: Message) -> None:
        self._pressed = message.card
        self._card_id = message.id
        self._root = message.conversation.partition(";messageid=")[2] or None

    async def _type(self, line: Line) -> Heard:
        # The mention is added here, so one that was typed as Teams shows it goes.
        text = line.text.partition(" ")[2] if line.text.startswith("@") else line.text
        activity = self._teams.message(self.people[line.who], self._world.channel, text)
        _, trouble = await self._post(activity)
        return Heard(trouble=trouble)

    async def _press(self, line: Line) -> Heard:
        action = press_of(self._pressed, line.text) if self._pressed else None
        if action is None:
            return Heard(trouble=f"There is no button {line.text} on the newest card.")
        activity = self._teams.press(
            self.people[line.who],
            self._world.channel,
            self._card_id,
            action.get("data") or {},
            str(action.get("verb", "")),
            thread_root=self._root,
        )
        body, trouble = await self._post(activity)
        if body.get("type") == CARD_TYPE:
            self._pressed = body["value"]
            return Heard((body["value"],))
        return Heard(toast=_said(body.get("value")), trouble=trouble)

    async def _post(self, activity: JsonObject) -> tuple[JsonObject, str]:
        response = await self._http.post(
            f"{self._bot_url}/api/messages",
            json=activity,
            headers={"Authorization": self._sandbox.identity.sign(self._sandbox.service_url)},
            timeout=ANSWER_S,
        )
        if response.status_code >= 400:  # noqa: PLR2004 - the families of errors
            return {}, f"The bot answered {response.status_code}."
        return (response.json() if response.content else {}), ""


def _said(value: object) -> str:
    """Return the text of an invoke's answer: a toast, or an error's message."""
    if isinstance(value, dict):
        return str(value.get("message", ""))
    return str(value or "")
