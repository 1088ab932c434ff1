"""People who ask and vote while bots die: what got no answer is said again to one that lives."""

import asyncio
import random
from dataclasses import dataclass, field

from bot.sandbox.chat import CARD_TYPE
from bot.sandbox.connector import Message
from bot.sandbox.journal import JsonObject
from bot.sandbox.people import Person
from bot.sandbox.terminal import press_of
from cards import words
from tests.support.room import press_on
from tests.support.trials import SETTLED_WITHIN_S, Scene

FOLLOWING = words.NOTICES["following"][0]


class Doors:
    """The addresses of the bots that live; who finds none waits for the next."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._urls: list[str] = []
        self._changed = asyncio.Condition()

    async def open(self, url: str) -> None:
        """Say that a bot listens there."""
        async with self._changed:
            self._urls.append(url)
            self._changed.notify_all()

    def close(self, url: str) -> None:
        """Say that nobody listens there any more."""
        if url in self._urls:
            self._urls.remove(url)

    async def one(self) -> str:
        """Return an address, any of them.

        Raises:
            TimeoutError: no bot came up for a long time.
        """
        async with asyncio.timeout(SETTLED_WITHIN_S), self._changed:
            await self._changed.wait_for(lambda: self._urls)
            return self._chance.choice(self._urls)


@dataclass(frozen=True, slots=True)
class Pressed:
    """A press and its answer; `times` says how often it took until there was one."""

    who: str
    title: str
    body: JsonObject
    times: int

    @property
    def is_card(self) -> bool:
        """Whether the press was answered by the card, not by a toast."""
        return self.body.get("type") == CARD_TYPE

    @property
    def is_late(self) -> bool:
        """Whether the answer was announced only, to follow in the thread."""
        return not self.is_card and self.says(FOLLOWING)

    def says(self, title: str) -> bool:
        """Whether the toast begins with that title."""
        return str(self.body.get("value", "")).startswith(title)


@dataclass
class Talk:
    """One request in a thread of its own, and the votes on it.

    `sent` is everything that somebody sent, in the order in which it got its answer. `patience_s`
    is how long people wait for a card.
    """

    scene: Scene
    doors: Doors
    people: dict[str, Person]
    command: JsonObject
    sent: list[JsonObject] = field(default_factory=list)
    pressed: list[Pressed] = field(default_factory=list)
    patience_s: float = SETTLED_WITHIN_S

    @property
    def thread(self) -> str:
        """The conversation in which all of it is said."""
        return str(self.command["conversation"]["id"])

    def messages(self) -> list[Message]:
        """Return what the bot said in the thread, oldest first."""
        return [
            m for m in self.scene.sandbox.connector.messages() if m.conversation == self.thread
        ]

    async def ask(self) -> None:
        """Type the command; without an answer Teams delivers the same message again."""
        while await self._answer(self.command) is None:
            pass

    async def press(self, who: str, title: str, *, is_newest: bool) -> None:
        """Press a button until that is answered; whoever gets no answer presses anew.

        They press on the card as they saw it: what they pressed may have changed it since.
        """
        times = 0
        body: JsonObject | None = None
        card = await self._card(title, is_newest=is_newest)
        teams = self.scene.sandbox.teams()
        while body is None:
            body = await self._answer(press_on(teams, self.people[who], card, title))
            times += 1
        self.pressed.append(Pressed(who, title, body, times))

    async def repeat(self) -> bool:
        """Deliver everything once more; False: something got no answer."""
        url = await self.doors.one()
        answers = [await self.scene.deliver(url, activity) for activity in list(self.sent)]
        return all(answer is not None and answer.is_success for answer in answers)

    async def _answer(self, activity: JsonObject) -> JsonObject | None:
        url = await self.doors.one()
        response = await self.scene.deliver(url, activity)
        if response is None:
            self.doors.close(url)
            return None
        if response.is_server_error:
            return None
        response.raise_for_status()
        self.sent.append(activity)
        body: JsonObject = response.json() if response.content else {}
        return body

    async def _card(self, title: str, *, is_newest: bool) -> Message:
        """Return a message of the thread with that button: they all stand for the same request."""

        def is_it(message: Message) -> bool:
            if message.conversation != self.thread:
                return False
            return press_of(message.card or {}, title) is not None

        found = await self.scene.sandbox.connector.wait_for(is_it, within_s=self.patience_s)
        return [m for m in self.messages() if is_it(m)][-1] if is_newest else found
