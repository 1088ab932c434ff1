"""Teams on everybody's desk: what people write and press goes to the bot, signed, as an activity."""

from dataclasses import dataclass, field

import httpx

from bot.sandbox.connector import Message
from bot.sandbox.journal import Journal, JsonObject, LoggedRequest
from bot.sandbox.people import Channel, Person
from bot.sandbox.server import Sandbox

ANSWER_S = 12.0
DOOR = "/api/messages"
FIRST_ERROR = 400


@dataclass(frozen=True, slots=True)
class Answered:
    """What the bot answered: an invoke's body, empty for a message. `trouble`: why there is none."""

    body: JsonObject = field(default_factory=dict)
    trouble: str = ""


class Client:
    """Sends activities to the bot at `bot_url` and keeps what people wrote.

    `journal` holds every activity, its answer included; `written` the messages with a text.
    """

    def __init__(
        self, *, sandbox: Sandbox, channel: Channel, http: httpx.AsyncClient, bot_url: str
    ) -> None:
        self.journal = Journal()
        self.written: list[JsonObject] = []
        self._sandbox = sandbox
        self._channel = channel
        self._teams = sandbox.teams()
        self._http = http
        self._bot_url = bot_url

    async def write(self, person: Person, text: str, *, root: str | None = None) -> Answered:
        """Write to the bot in the channel, in the thread under `root` or in a new one."""
        activity = self._teams.message(person, self._channel, text, thread_root=root)
        self.written.append({**activity, "said": text})
        return await self.post(activity)

    async def whisper(self, person: Person, text: str) -> Answered:
        """Send a command of the / menu, which only the bot and this person see."""
        said = self._teams.message(person, self._channel, text, mention=False)
        activity = self._teams.private(said)
        self.written.append({**activity, "said": text})
        return await self.post(activity)

    async def confide(self, person: Person, text: str) -> Answered:
        """Write to the bot in the chat that this person has with it."""
        said = self._teams.message(person, self._chat_of(person), text, mention=False)
        self.written.append({**said, "said": text})
        return await self.post(said)

    async def install(self, person: Person) -> Answered:
        """Install the bot in the channel, as this person."""
        return await self._install(person, self._channel)

    async def join(self, person: Person) -> Answered:
        """Open the chat with the bot, which installs it there the first time."""
        if person.mri in self._sandbox.connector.chats:
            return Answered()
        return await self._install(person, self._chat_of(person))

    async def press(self, person: Person, message: Message, action: JsonObject) -> Answered:
        """Press an `Action.Execute` of a message's card; `data` holds what was typed as well."""
        return await self.post(self._pressed(person, message, action))

    async def refresh(self, person: Person, message: Message, action: JsonObject) -> Answered:
        """Ask for a person's own view of a message's card, as clients do where it is shown."""
        return await self.post(self._teams.unasked(self._pressed(person, message, action)))

    async def submit(self, person: Person, message: Message, value: JsonObject) -> Answered:
        """Press an `Action.Submit` of a message's card: its data comes as a message's value."""
        channel, root = self._place(message)
        return await self.post(
            self._teams.submit(person, channel, message.id, value, thread_root=root)
        )

    async def open(self, person: Person, message: Message, data: JsonObject) -> Answered:
        """Press an `Action.Submit` that opens a dialog."""
        channel, root = self._place(message)
        fetch = self._teams.task_fetch(person, channel, message.id, data, thread_root=root)
        return await self.post(fetch)

    async def send(self, person: Person, message: Message, data: JsonObject) -> Answered:
        """Press an `Action.Submit` in a dialog that was opened from a message's card."""
        channel, root = self._place(message)
        submit = self._teams.task_submit(person, channel, message.id, data, thread_root=root)
        return await self.post(submit)

    async def search(self, person: Person, message: Message, dataset: str, text: str) -> Answered:
        """Look for choices while somebody types into a field of a message's card."""
        channel, _ = self._place(message)
        return await self.post(self._teams.search(person, channel, dataset, text))

    async def post(self, activity: JsonObject) -> Answered:
        """Post an activity as it is."""
        entry = LoggedRequest(
            id=self._sandbox.new_id(),
            at=self._sandbox.now(),
            method="POST",
            path=DOOR,
            body=activity,
        )
        await self.journal.open(entry)
        try:
            response = await self._http.post(
                f"{self._bot_url}{DOOR}",
                json=activity,
                headers={"Authorization": self._sandbox.identity.sign(self._sandbox.service_url)},
                timeout=ANSWER_S,
            )
        except httpx.HTTPError as error:
            return Answered(trouble=f"The bot did not answer: {type(error).__name__}.")
        body = response.json() if response.content else {}
        await self.journal.mark_answer(entry, response.status_code, body)
        if response.status_code >= FIRST_ERROR:
            return Answered(trouble=f"The bot answered {response.status_code}.")
        return Answered(body)

    async def _install(self, person: Person, channel: Channel) -> Answered:
        _ = await self.post(self._teams.added(person, channel))
        return await self.post(self._teams.installed(person, channel))

    def _chat_of(self, person: Person) -> Channel:
        return Channel(self._sandbox.connector.chat_with(person.mri), "personal")

    def _pressed(self, person: Person, message: Message, action: JsonObject) -> JsonObject:
        channel, root = self._place(message)
        data, verb = action.get("data") or {}, str(action.get("verb", ""))
        return self._teams.press(person, channel, message.id, data, verb, thread_root=root)

    def _place(self, message: Message) -> tuple[Channel, str | None]:
        """Return where a message stands, and the first message of its thread."""
        base, _, root = message.conversation.partition(";messageid=")
        if base == self._channel.id:
            return self._channel, root or None
        return Channel(base, "personal"), None
