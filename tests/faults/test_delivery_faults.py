"""Whatever goes wrong between the bot and Teams: nothing is lost, nothing is blindly repeated.

Each fault strikes every message of a day in turn, for minutes, through the whole bot: the root
message of an incident, its edit, a reply in its thread, a summary after quiet hours, and an
operation's card, its edit and the notice of the decision. Then the fault is over.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bot.sandbox.faults import Fault, FaultKind
from bot.sandbox.journal import JsonObject, LoggedRequest
from bot.sandbox.people import Channel
from tests.support.room import UPDATE, policy, text_of
from tests.support.stage import Script
from tests.support.stranger import Stranger, listening
from tests.support.tower import OTHER, Tower, towered

SHORT_S = 0.15
"""How long the bot waits for a connector that hangs, in real seconds."""
DESK = Channel("19:c0de0000000000000000000000000003@thread.tacv2")
BOARD = Channel("19:c0de0000000000000000000000000004@thread.tacv2")
MOST_COPIES = 3
"""A message that may have arrived is sent so often at most, unless a person wants it again."""


def status(
    code: int, name: str = "", *, retry_after: str | None = None, body: JsonObject | None = None
) -> Fault:
    """Return an answer without an effect, in Teams' usual envelope unless `body` is given."""
    usual = {"error": {"code": name, "message": "As the service puts it."}} if name else None
    return Fault(
        kind=FaultKind.STATUS, status=code, retry_after=retry_after, body=body or usual, times=None
    )


def odd(sub_code: str) -> JsonObject:
    """Return the envelope of a 403 whose code is JSON within a message."""
    return {"errorCode": 209, "message": f'{{"subCode":"{sub_code}","details":null}}'}


def strange(kind: FaultKind, **more: float) -> Fault:
    return Fault(kind=kind, times=None, delay_s=more.get("delay_s", 0.0))


FAULTS = {
    "400": status(400, "BadSyntax"),
    "401": status(401, "Unauthorized"),
    "401 not registered": status(401, "BotNotRegistered"),
    "403 disabled": status(403, "BotDisabledByAdmin"),
    "403 not in roster": status(403, "BotNotInConversationRoster"),
    "403 blocked": status(403, body=odd("ConversationBlockedByUser")),
    "403 writes blocked": status(403, body=odd("MessageWritesBlocked")),
    "403 rights": status(403, "NotEnoughPermissions"),
    "404 conversation": status(404, "ConversationNotFound"),
    "404 message": status(404, "ActivityNotFoundInConversation"),
    "408": status(408, "RequestTimeout"),
    "412": status(412, "PreconditionFailed"),
    "413": status(413, "MessageSizeTooBig"),
    "429": status(429, "TooManyRequests"),
    "429 with a time": status(429, "TooManyRequests", retry_after="45"),
    "500": status(500, "ServiceError"),
    "502": status(502, "BadGateway"),
    "503": status(503, "ServiceUnavailable"),
    "504": status(504, "GatewayTimeout"),
    "307": status(307),
    "reset before": strange(FaultKind.RESET),
    "reset after": strange(FaultKind.RESET_AFTER),
    "half a body": strange(FaultKind.HALF_BODY),
    "no json": strange(FaultKind.WRONG_JSON),
    "hang before": strange(FaultKind.HANG),
    "hang after": strange(FaultKind.HANG_AFTER),
    "slow": strange(FaultKind.TRICKLE, delay_s=0.1),
}
ARRIVES = {"reset after", "hang before", "hang after"}
"""Faults under which a message stands, now or later, although the bot cannot know."""
WITHOUT_ID = {"half a body", "no json", "slow"}
"""Faults under which the bot knows that a message stands, but not under which id."""
FINAL = {"400", "401 not registered", "413"}
DOUBTFUL = {"408", "500", "502", "503", "504", "reset before"} | ARRIVES


@dataclass(frozen=True)
class Scene:
    """One message of the day: what brings it about, which requests carry it, how it reads."""

    act: Callable[[Tower], Awaitable[object]]
    method: str
    place: str
    reads: str

    def carries(self, request: LoggedRequest) -> bool:
        conversation = request.path.split("/")[3]
        here = conversation.startswith(self.place.removesuffix("/thread"))
        return here and (self.method == "PUT" or self.is_right(conversation))

    def copies(self, tower: Tower, *, anywhere: bool) -> int:
        """Return how many messages say so now, in the thread or outside of it as they should."""
        return sum(
            message.conversation.startswith(self.place.removesuffix("/thread"))
            and (anywhere or self.is_right(message.conversation))
            and self.reads in text_of(message.card)
            for message in tower.news()
        )

    def is_right(self, conversation: str) -> bool:
        return (";messageid=" in conversation) is self.place.endswith("/thread")


async def breaks(tower: Tower) -> None:
    await tower.breaks()


async def recovers(tower: Tower) -> None:
    await tower.recovers()


async def gets_quiet_over(tower: Tower) -> None:
    """Do nothing: the quiet hours end while the fault goes on."""


async def is_asked(tower: Tower) -> None:
    await tower.room.types("oli", UPDATE, channel=DESK)


async def is_approved(tower: Tower) -> None:
    operation = await tower.room.newest()
    await tower.room.types("bob", f"/approve {operation.short}", channel=OTHER)


async def is_rejected(tower: Tower) -> None:
    (operation,) = await tower.stage.bot.store.operations(
        tenant=None, target="EXCH03", offset=0, limit=1
    )
    await tower.room.types("bob", f"/reject {operation.short}", channel=OTHER)


MAIN = "19:c0de0000000000000000000000000001"
ROOT = Scene(breaks, "POST", MAIN, "EXCH05 – disconnected")  # noqa: RUF001 - as titled
EDIT = Scene(recovers, "PUT", MAIN, "EXCH05 – recovered")  # noqa: RUF001 - as titled
REPLY = Scene(breaks, "POST", f"{MAIN}/thread", "Turned from connected to disconnected")
SUMMARY = Scene(gets_quiet_over, "POST", OTHER.id, "While it was quiet")
CARD = Scene(is_asked, "POST", BOARD.id, "Update EXCH01")
ITS_EDIT = Scene(is_approved, "PUT", BOARD.id, "Update EXCH01 – done")  # noqa: RUF001 - as titled
DECISION = Scene(is_rejected, "POST", f"{DESK.id}/thread", "was rejected")
DAY = ((ROOT, SUMMARY, CARD), (EDIT, ITS_EDIT), (REPLY, DECISION))
"""What happens at once, one after the other."""


@pytest.fixture
async def stranger() -> AsyncIterator[Stranger]:
    async with listening() as stranger:
        yield stranger


@pytest.fixture
async def tower(tmp_path: Path) -> AsyncIterator[Tower]:
    rules = policy().replace("[[approval]]", f'[[approval]]\nchannel = "{BOARD.id}"')
    script = Script(policy=rules, message_s=SHORT_S)
    url = f"sqlite:///{tmp_path / 'connectors.db'}"
    async with towered(tmp_path, url, script=script) as tower:
        await tower.room.types("ada", "/whoami", channel=BOARD)
        await tower.watches()
        await tower.room.types(
            "ada", "/watch exchange --quiet 08:00-09:02 --hold-critical", channel=OTHER
        )
        await tower.room.types("oli", "/exchange update EXCH03 version=9", channel=DESK)
        tower.begin()
        yield tower


async def happen(tower: Tower, fault: Fault, scenes: Sequence[Scene]) -> None:
    """Let scenes play while the fault strikes for some minutes, and then without it."""
    faults = tower.stage.sandbox.connector.faults
    for scene in scenes:
        faults.add(replace(fault, method=scene.method, where=scene.carries))
    for scene in scenes:
        await scene.act(tower)
    for seconds in (10, 50, 40, 130):
        await tower.room.passes(seconds=seconds)
    faults.clear()
    faults.release()
    await tower.room.passes(seconds=150)


async def replayed(tower: Tower) -> str:
    """Try again what could not be delivered, as an administrator does; return what was listed."""
    total, _ = await tower.stage.bot.store.dead_jobs(0)
    if not total:
        return ""
    listed = await tower.room.types("ada", "/dead", channel=DESK)
    await tower.room.types("ada", "/replay", channel=DESK)
    await tower.room.passes(seconds=5)
    return listed


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_loses_nothing_and_repeats_nothing_blindly(
    tower: Tower, stranger: Stranger, name: str
) -> None:
    fault = replace(FAULTS[name], link=stranger.url)
    # Where a thread is said to be gone, a new root message tells it all.
    anywhere = name.startswith("404")
    for scenes in DAY:
        before = [scene.copies(tower, anywhere=anywhere) for scene in scenes]

        await happen(tower, fault, scenes)
        alone = [scene.copies(tower, anywhere=anywhere) for scene in scenes]
        listed = await replayed(tower)
        now = [scene.copies(tower, anywhere=anywhere) for scene in scenes]

        is_doubtful = name in DOUBTFUL and scenes[0].method == "POST"
        for scene, was, by_itself, is_now in zip(scenes, before, alone, now, strict=True):
            told = (name, scene, by_itself - was, is_now - was, listed)
            assert is_now - was >= 1, told
            assert by_itself - was <= (MOST_COPIES if name in ARRIVES else 1), told
            assert is_now - by_itself <= bool(listed), told
        assert (await tower.stage.bot.store.dead_jobs(0))[0] == 0
        assert bool(listed) >= (name in FINAL or is_doubtful)
        assert ("It may have arrived" in listed) is is_doubtful
    assert stranger.asked == []
