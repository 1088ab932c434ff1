"""Requests that two people have to consent to: who presses what, how each ends, how it is judged."""

from dataclasses import dataclass, replace

from typing_extensions import override

from bot.domain.operation import State
from bot.sandbox.people import Channel
from cards import words
from tests.support.books import Expected, read_books
from tests.support.room import administrators
from tests.support.talk import Doors, Pressed, Talk
from tests.support.trials import Scene, Trial, opened

VOTE = ("requested", "approve voted")
# What becomes of a request that two have to consent to: who presses what, and how it ends.
PRESSES = {
    "approve": (("bob", "Approve"), ("cyn", "Approve")),
    "reject": (("bob", "Approve"), ("cyn", "Reject")),
    "cancel": (("bob", "Approve"), ("oli", "Cancel")),
    "expire": (),
}
ENDS = {
    "approve": Expected(
        State.DONE,
        (*VOTE, "approve voted", "approved", "executing", "done"),
        ("Oli Operator", "Bob Admin", "Cyn Admin"),
    ),
    "reject": Expected(
        State.REJECTED,
        (*VOTE, "reject voted", "rejected"),
        ("Oli Operator", "Bob Admin", "Cyn Admin"),
    ),
    "cancel": Expected(
        State.CANCELLED, (*VOTE, "cancelled"), ("Oli Operator", "Bob Admin"), is_told=False
    ),
    "expire": Expected(State.EXPIRED, ("requested", "expired"), ("Oli Operator",)),
}
REPEATED = {words.NOTICES[key][0] for key in ("vote-twice", "vote-over", "not-waiting")}


@dataclass(frozen=True, slots=True)
class Left:
    """What the database knew when the bot was dead."""

    state: State | None
    voters: frozenset[str]

    def knows(self, pressed: Pressed) -> bool:
        """Whether what somebody pressed had been carried out."""
        is_taken_back = pressed.title == "Cancel" and self.state is State.CANCELLED
        return is_taken_back or pressed.who in self.voters

    @override
    def __str__(self) -> str:
        if self.state is State.WAITING:
            return f"waiting with {len(self.voters)} votes"
        return str(self.state or "not known")


def talk_of(scene: Scene, doors: Doors, text: str, channel: Channel | None = None) -> Talk:
    world = scene.world
    people = {"oli": world.oli, **administrators(scene.sandbox)}
    command = scene.sandbox.teams().message(world.oli, channel or world.channel, text)
    return Talk(scene, doors, people, command)


def talks_of(scene: Scene, doors: Doors, count: int, *, patience_s: float) -> list[Talk]:
    """Return so many requests, each about a connector and in a channel of its own.

    One channel would take hours: Teams allows a bot 1,800 messages an hour in it.
    """
    model = dict(next(iter(scene.world.connectors.records.values())))
    talks = []
    for number in range(count):
        key = f"c4a05000-0000-4000-8000-{number:012d}"
        name = {"id": key, "serverName": f"CHAOS{number:03d}", "exchangeAlias": f"chaos{number}"}
        scene.world.connectors.add({**model, **name})
        channel = Channel(f"19:c4a05{number:027d}@thread.tacv2")
        text = f"/exchange update {key} version=16.{number}"
        talk = talk_of(scene, doors, text, channel)
        talks.append(replace(talk, patience_s=patience_s))
    return talks


async def play(talk: Talk, work: str) -> None:
    """Ask, and have everybody press; where two cards stand, one votes on each."""
    await talk.ask()
    for number, (who, title) in enumerate(PRESSES[work]):
        await talk.press(who, title, is_newest=number > 0)


async def look(scene: Scene, talk: Talk) -> Left:
    """Return what the dead bot's database knows."""
    async with opened(scene) as store:
        books = await read_books(store)
    for operation in books.of(talk):
        approval = books.approvals[operation.id]
        oids = {vote.person.oid for vote in approval.votes} if approval else set()
        names = frozenset(name for name, person in talk.people.items() if person.oid in oids)
        return Left(operation.state, names)
    return Left(None, frozenset())


def judge_press(trial: Trial, left: Left, pressed: Pressed) -> None:
    """Hold what a person was answered against what had become of their press."""
    is_so = pressed.is_card or pressed.is_late
    if pressed.times > 1 and left.knows(pressed):
        is_so = any(pressed.says(title) for title in REPEATED)
    trial.expect(is_so=is_so, wanted=f"{pressed} was no true answer with {left}")


def is_plausible(pressed: Pressed) -> bool:
    """Whether a press was answered by what became of it; only a repeated one may come too late."""
    if pressed.is_card or pressed.is_late:
        return True
    return pressed.times > 1 and any(pressed.says(title) for title in REPEATED)
