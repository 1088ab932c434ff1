"""A conversation with the bot, line by line: who says what, who presses which button.

`ada: /exchange list` types a message as Ada; `ada> Next` presses a button of the newest card by its
title or number, `ada> #3 Next` one of card 3. Every activity is signed and goes through the bot's
real door.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

import httpx

from bot.sandbox.client import Answered, Client
from bot.sandbox.connector import CARD, Message
from bot.sandbox.journal import JsonObject
from bot.sandbox.people import Person
from bot.sandbox.server import Sandbox
from bot.sandbox.terminal import buttons_of, inputs_of, press_of
from bot.sandbox.world import World

CARD_TYPE = CARD
OLDER = re.compile(r"#(\d{1,6})\s+(.+)")
NAMED = re.compile(r"\s*(\w*)\s*[:>](.*)")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a conversation: `text` is typed, or is a button's title when `is_press`."""

    who: str
    text: str
    is_press: bool


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back: cards in the thread, and a toast that only the presser sees.

    `numbers` are those of the cards, to press them by later. `trouble` says why nothing could come
    back.
    """

    cards: tuple[JsonObject, ...] = ()
    toast: str = ""
    trouble: str = ""
    numbers: tuple[int, ...] = ()

    @property
    def is_answer(self) -> bool:
        """Whether anything is to be seen."""
        return bool(self.cards or self.toast)


@dataclass(frozen=True, slots=True)
class _Shown:
    """A card as it was last shown here: everybody's, or the view or dialog of who pressed it."""

    message: Message
    card: JsonObject
    is_dialog: bool = False


def read_line(text: str, people: Mapping[str, Person]) -> Line | None:
    """Return what a line says; None when it is not `name: text` or `name> button`."""
    for mark in (":", ">"):
        who, found, rest = text.partition(mark)
        if found and who.strip().casefold() in people and rest.strip():
            return Line(who.strip().casefold(), rest.strip(), is_press=mark == ">")
    return None


def misread(text: str, people: Mapping[str, Person]) -> str:
    """Return why nobody says a line that begins with a name; empty where none stands there."""
    named = NAMED.fullmatch(text)
    if named is None or read_line(text, people) is not None:
        return ""
    who, here = named[1], _listed(list(people))
    if who.casefold() in people:
        return f"{who} says nothing: what they type or press goes behind the name."
    if who:
        return f"Nobody here is called {who}: there are {here}."
    return f"A name goes first: {here}."


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
        self.client = Client(sandbox=sandbox, channel=world.channel, http=http, bot_url=bot_url)
        self._sandbox = sandbox
        self._world = world
        self._settle = settle
        self._numbers: dict[str, int] = {}
        self._shown: dict[int, _Shown] = {}
        self._newest = 0
        self._seen = self._revisions()

    @property
    def people(self) -> dict[str, Person]:
        """The people by the name one types."""
        return self._world.by_name

    async def say(self, line: Line) -> Heard:
        """Do what the line says and return what became visible."""
        before = self._revisions()
        heard = await (self._press(line) if line.is_press else self._type(line))
        await self._settle()
        news = self._since(before)
        return replace(
            heard,
            cards=(*heard.cards, *news.cards),
            numbers=(*heard.numbers, *news.numbers),
        )

    def overhear(self) -> Heard:
        """Return what became visible unasked, since the last line or the last time."""
        return self._since(self._seen)

    def _since(self, before: Mapping[str, int]) -> Heard:
        news = [
            (message, message.card)
            for message in self._sandbox.connector.messages()
            if before.get(message.id) != len(message.edits) and message.card
        ]
        self._seen = self._revisions()
        numbers = tuple(self._remember(_Shown(message, card)) for message, card in news)
        return Heard(tuple(card for _, card in news), numbers=numbers)

    def _revisions(self) -> dict[str, int]:
        return {message.id: len(message.edits) for message in self._sandbox.connector.messages()}

    def _remember(self, shown: _Shown) -> int:
        """Return the card's number; it is the newest now."""
        self._newest = self._numbers.setdefault(shown.message.id, len(self._numbers) + 1)
        self._shown[self._newest] = shown
        return self._newest

    async def _type(self, line: Line) -> Heard:
        # The mention is added here, so one that was typed as Teams shows it goes.
        text = line.text.partition(" ")[2] if line.text.startswith("@") else line.text
        answered = await self.client.write(self.people[line.who], text)
        return Heard(trouble=answered.trouble)

    async def _press(self, line: Line) -> Heard:
        older = OLDER.fullmatch(line.text)
        number = int(older[1]) if older else self._newest
        title = older[2] if older else line.text
        shown = self._shown.get(number)
        action = press_of(shown.card, title) if shown else None
        if shown is None or action is None:
            return Heard(trouble=self._no_button(title, number, shown))
        answered = await self._act(self.people[line.who], shown, action)
        card = _card_of(answered.body)
        if card is not None:
            view = _Shown(shown.message, card, is_dialog="task" in answered.body)
            return Heard((card,), numbers=(self._remember(view),))
        said = answered.body.get("task") or answered.body
        return Heard(toast=_said(said.get("value")), trouble=answered.trouble)

    def _no_button(self, title: str, number: int, shown: _Shown | None) -> str:
        if shown is None:
            newest = f": the newest is #{self._newest}" if self._newest else " yet"
            return f"There is no card{f' #{number}' if number else ''}{newest}."
        there = [f"[{n}] {each}" for n, each in enumerate(buttons_of(shown.card), start=1)]
        has = f"it has {_listed(there)}" if there else "it has none"
        return f"There is no button {title} on card #{number}: {has}."

    async def _act(self, person: Person, shown: _Shown, action: JsonObject) -> Answered:
        """Press a card's own button, one that opens a dialog, or one in it; with all its fields."""
        data = {**(action.get("data") or {}), **inputs_of(shown.card)}
        if action.get("type") != "Action.Submit":
            return await self.client.press(person, shown.message, {**action, "data": data})
        if "msteams" in data:
            return await self.client.open(person, shown.message, data)
        if shown.is_dialog:
            return await self.client.send(person, shown.message, data)
        return await self.client.submit(person, shown.message, data)


def _card_of(body: JsonObject) -> JsonObject | None:
    """Return the card that a press was answered with: in place of its own, or in a dialog."""
    card: JsonObject | None = None
    if body.get("type") == CARD_TYPE:
        card = body["value"]
    elif (body.get("task") or {}).get("type") == "continue":
        card = body["task"]["value"]["card"]["content"]
    return card


def _listed(words: list[str]) -> str:
    return " and ".join([*([", ".join(words[:-1])] if words[1:] else []), *words[-1:]])


def _said(value: object) -> str:
    """Return the text of an invoke's answer: a toast, or an error's message."""
    if isinstance(value, dict):
        return str(value.get("message", ""))
    return str(value or "")
