"""Forms in people's hands: opened by typing or by a button, filled in, and sent."""

from dataclasses import dataclass, field

from bot.sandbox.journal import JsonObject
from bot.sandbox.people import Person
from bot.sandbox.terminal import inputs_of, lines_of, press_of
from tests.support.stage import Stage

CARD = "application/vnd.microsoft.card.adaptive"
TOAST = "application/vnd.microsoft.activity.message"


def card_of(body: JsonObject) -> JsonObject | None:
    """Return the card of an invoke's answer: in place of the pressed one, or in a dialog."""
    card: JsonObject | None = None
    if body.get("type") == CARD:
        card = body["value"]
    elif body.get("task", {}).get("type") == "continue":
        card = body["task"]["value"]["card"]["content"]
    return card


def said(body: JsonObject) -> str:
    """Return what an invoke's answer says, in words or as a card."""
    card = card_of(body)
    if card is not None:
        return "\n".join(lines_of(card))
    return str((body.get("task") or body).get("value", ""))


@dataclass
class Sheet:
    """One form that somebody sees: on the card `message`, or in a dialog that was opened there."""

    stage: Stage
    who: str
    card: JsonObject
    message: str
    root: str
    is_dialog: bool = False
    body: JsonObject = field(default_factory=dict)

    @property
    def text(self) -> str:
        return "\n".join(lines_of(self.card))

    @property
    def inputs(self) -> dict[str, str]:
        return inputs_of(self.card)

    def element(self, name: str) -> JsonObject:
        """Return the input of that id."""
        return next(e for e in self.card["body"] if e.get("id") == name)

    def below(self, name: str) -> JsonObject:
        """Return what stands right below an input."""
        body = self.card["body"]
        return body[body.index(self.element(name)) + 1]  # type: ignore[no-any-return]

    @property
    def person(self) -> Person:
        return self.stage.chat.people[self.who]

    def activity(self, **values: object) -> JsonObject:
        """Return what arrives when the form is sent with these values, `arg__x` for `arg.x`."""
        (button,) = self.card["actions"]
        filled = {name.replace("__", "."): value for name, value in values.items()}
        data = {**button["data"], **self.inputs, **filled}
        teams, where = self.stage.sandbox.teams(), self.stage.world.channel
        if self.is_dialog:
            return teams.task_submit(self.person, where, self.message, data, thread_root=self.root)
        verb = button["verb"]
        return teams.press(self.person, where, self.message, data, verb, thread_root=self.root)

    async def sends(self, **values: object) -> JsonObject:
        """Send the form; where another comes back, that is the form from now on."""
        self.body = await invoked(self.stage, self.activity(**values))
        self.card = card_of(self.body) or self.card
        return self.body


async def invoked(stage: Stage, activity: JsonObject) -> JsonObject:
    """Post an invoke and return its answer's body once everything has come to rest."""
    response = await stage.post(activity)
    await stage.settle()
    assert response.status_code == 200
    body: JsonObject = response.json()
    return body


async def typed(stage: Stage, who: str, text: str) -> Sheet:
    """Type a command that is answered with its form."""
    await stage.says(who, text)
    message = stage.messages()[-1]
    assert message.card is not None
    root = message.conversation.partition(";messageid=")[2]
    return Sheet(stage, who, message.card, message.id, root)


async def opened(stage: Stage, who: str, button: str) -> Sheet:
    """Press a button of the newest card that opens a dialog."""
    message = stage.messages()[-1]
    action = press_of(message.card or {}, button)
    assert action is not None
    assert action["data"]["msteams"] == {"type": "task/fetch"}
    return await fetched(stage, who, action["data"])


async def fetched(stage: Stage, who: str, data: JsonObject) -> Sheet:
    """Open a dialog from the newest card, or from none."""
    message = stage.messages()[-1] if stage.messages() else None
    card_id = message.id if message else "1"
    root = message.conversation.partition(";messageid=")[2] if message else card_id
    activity = stage.sandbox.teams().task_fetch(
        stage.chat.people[who], stage.world.channel, card_id, data, thread_root=root
    )
    body = await invoked(stage, activity)
    return Sheet(stage, who, card_of(body) or {}, card_id, root, is_dialog=True, body=body)
