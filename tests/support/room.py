"""A channel where writes wait for a second person: who is in it, how they ask, and how they vote."""

from dataclasses import dataclass

from bot.domain.audit import Verified
from bot.domain.operation import Operation, State
from bot.sandbox.connector import Message
from bot.sandbox.directory import Account
from bot.sandbox.journal import JsonObject
from bot.sandbox.people import Channel, Person, Teams
from bot.sandbox.server import Sandbox
from bot.sandbox.terminal import lines_of, press_of
from bot.sandbox.world import ADMINS, person
from bot.store.audit import exported
from tests.support.stage import POLICY, Stage

CARD = "application/vnd.microsoft.card.adaptive"
BOB, CYN = person("Bob Admin", 5), person("Cyn Admin", 6)
UPDATE = "/exchange update EXCH01 version=15.9"
CREATE = "/exchange create serverName=EXCH09"


def policy(*, approvers: str = '"admin"', commands: str = "", **terms: str) -> str:
    """Return the demo's policy with one approval rule; `terms` are its further keys, as TOML."""
    covered = commands or '"exchange:create", "exchange:update", "exchange:delete"'
    lines = [f"commands = [{covered}]", f"approvers = [{approvers}]"]
    lines += [f"{key} = {value}" for key, value in {"expires": '"4h"', **terms}.items()]
    return "\n".join([POLICY, "[[approval]]", *lines, ""])


def text_of(card: JsonObject | None) -> str:
    """Return a card as text, on one line."""
    return " ".join(" ".join(lines_of(card or {})).split())


@dataclass
class Room:
    """A channel and its people; whoever speaks or presses gets back what became visible."""

    stage: Stage
    people: dict[str, Person]

    async def types(self, who: str, text: str, *, channel: Channel | None = None) -> str:
        """Type a command and return every message that is new or changed since."""
        before = {message.id: len(message.edits) for message in self.stage.messages()}
        activity = self.stage.sandbox.teams().message(
            self.people[who], channel or self.stage.world.channel, text
        )
        response = await self.stage.post(activity)
        assert response.status_code == 202
        await self.stage.settle()
        news = (m for m in self.stage.messages() if before.get(m.id) != len(m.edits))
        return " ".join(text_of(message.card) for message in news)

    async def asks(
        self, who: str, text: str = UPDATE, *, channel: Channel | None = None
    ) -> Operation:
        """Ask for a write and return the operation."""
        await self.types(who, text, channel=channel)
        return await self.newest()

    async def newest(self) -> Operation:
        (operation,) = await self.stage.bot.store.operations(
            tenant=None, target=None, offset=0, limit=1
        )
        return operation

    async def state(self, operation: Operation) -> State:
        return (await self.now(operation)).state

    async def now(self, operation: Operation) -> Operation:
        found = await self.stage.bot.store.operation(operation.id)
        assert found is not None
        return found

    async def message(self, operation: Operation) -> Message:
        """Return the one message that shows the operation."""
        card = await self.stage.bot.store.card(operation.id)
        assert card is not None
        return next(m for m in self.stage.messages() if m.id == card.activity_id)

    async def shown(self, operation: Operation) -> str:
        """Return what the operation's card says now."""
        return text_of((await self.message(operation)).card)

    async def press(
        self, who: str, title: str, operation: Operation, *, comment: str | None = None
    ) -> JsonObject:
        """Return what arrives when somebody presses a button of the operation's card as it is."""
        return self.press_on(await self.message(operation), who, title, comment=comment)

    def press_on(
        self, message: Message, who: str, title: str, *, comment: str | None = None
    ) -> JsonObject:
        """Return what arrives when somebody presses a button of a card that they still see."""
        return press_on(
            self.stage.sandbox.teams(), self.people[who], message, title, comment=comment
        )

    def forged(self, message: Message, who: str, verb: str, data: JsonObject) -> JsonObject:
        """Return what arrives when somebody sends whatever they like from a card."""
        return _forged(self.stage.sandbox.teams(), self.people[who], message, verb, data)

    async def sends(self, activity: JsonObject) -> str:
        """Post a press and return what the presser sees: the card, or the toast."""
        response = await self.stage.post(activity)
        assert response.status_code == 200
        await self.stage.settle()
        body = response.json()
        if body.get("type") == CARD:
            return text_of(body["value"])
        return " ".join(str(body.get("value", "")).split())

    async def presses(
        self, who: str, title: str, operation: Operation, *, comment: str | None = None
    ) -> str:
        """Press a button of the operation's card and return what the presser sees."""
        return await self.sends(await self.press(who, title, operation, comment=comment))

    async def passes(self, **units: float) -> None:
        """Let time pass, and everything happen that falls due."""
        self.stage.clock.move(**units)
        await self.stage.settle()

    def rules(self, text: str) -> None:
        """Put another policy into force."""
        self.stage.policy.write_text(text, "utf-8")
        assert self.stage.bot.policies.reload_if_changed()

    def versions(self) -> dict[str, object]:
        """Return the version of each connector by server name, as Graph has it."""
        records = self.stage.world.connectors.records.values()
        return {str(r["serverName"]): r["version"] for r in records}

    async def audit_of(self, operation: Operation) -> list[str]:
        """Return what the audit says of an operation, oldest first."""
        rows = self.stage.bot.store.audit_rows(operation_id=operation.id)
        return [str(exported(row)["what"]).removeprefix("operation ") async for row in rows]

    async def checks(self) -> None:
        """Hold everything that happened against what must be true whatever happens."""
        store = self.stage.bot.store
        assert isinstance(await store.verify_audit(), Verified)
        runs = 0
        for operation in await store.operations(tenant=None, target=None, offset=0, limit=100):
            lines = [exported(row) async for row in store.audit_rows(operation_id=operation.id)]
            whats = [str(line["what"]) for line in lines]
            assert whats[0] == "operation requested"
            assert whats.count("operation executing") <= 1
            if await store.approval(operation.id) is None or "operation executing" not in whats:
                continue
            runs += 1
            run = whats.index("operation executing")
            voters = {oid(line) for line in lines[:run] if "approve voted" in str(line["what"])}
            assert "operation approved" in whats[:run]
            assert voters - {operation.actor.oid} == voters != set()
        assert len(self.stage.graph_writes()) <= runs


def oid(line: JsonObject) -> str:
    actor = line["actor"]
    return str(actor["oid"]) if actor else ""


def press_on(
    teams: Teams, person: Person, message: Message, title: str, *, comment: str | None = None
) -> JsonObject:
    """Return what arrives when a person presses a button of a card that they see."""
    action = press_of(message.card or {}, title)
    assert action is not None
    inputs = {} if comment is None else {"comment": comment}
    return _forged(teams, person, message, action["verb"], {**action["data"], **inputs})


def _forged(
    teams: Teams, person: Person, message: Message, verb: str, data: JsonObject
) -> JsonObject:
    channel, _, root = message.conversation.partition(";messageid=")
    return teams.press(person, Channel(channel), message.id, data, verb, thread_root=root or None)


def administrators(sandbox: Sandbox) -> dict[str, Person]:
    """Let Bob and Cyn be administrators beside those who are there already."""
    sandbox.directory.put(
        *(Account(p.oid, p.name, groups=frozenset({ADMINS})) for p in (BOB, CYN))
    )
    return {"bob": BOB, "cyn": CYN}


def room_of(stage: Stage) -> Room:
    """Return the room on a stage: Ada, Bob and Cyn are administrators, Oli operates."""
    return Room(stage, {**stage.chat.people, **administrators(stage.sandbox)})
