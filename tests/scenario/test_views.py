"""Each person's own view of a card that waits: what they may press there, and nothing else.

Clients ask for it by themselves (`refresh`, trigger `automatic`): "User-specific views" (Teams).
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.operation import Operation, State
from bot.sandbox.faults import Fault, FaultKind
from bot.sandbox.journal import JsonObject
from bot.sandbox.people import Channel
from bot.sandbox.terminal import buttons_of
from bot.sandbox.world import ADMINS, TENANT, person
from tests.support.room import CARD, Room, policy, room_of, text_of
from tests.support.stage import Script, staged

OTHER_TENANT = "0ddba11e-0000-4000-8000-00000000f0e1"
ELSEWHERE = Channel("19:c0de0000000000000000000000000002@thread.tacv2")
PLAIN: list[str] = []
VOTES = ["Approve", "Reject"]


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Room]:
    """Return a room where two administrators have to agree."""
    script = Script(policy=policy(needed="2"))
    async with staged(tmp_path, script) as stage:
        yield room_of(stage)


async def refreshed(
    room: Room, who: str, asked: Operation, *, channel: Channel | None = None
) -> JsonObject:
    """Return the answer to a client that asks for its person's view of the card by itself."""
    message = await room.message(asked)
    assert message.card
    action = (message.card.get("refresh") or {}).get("action") or {
        "verb": "view",
        "data": {"operation": asked.id},
    }
    where, _, root = message.conversation.partition(";messageid=")
    teams = room.stage.sandbox.teams()
    press = teams.press(
        room.people[who],
        channel or Channel(where),
        message.id,
        action["data"],
        action["verb"],
        thread_root=root or None,
    )
    response = await room.stage.post(teams.unasked(press))
    await room.stage.settle()
    assert response.status_code == 200
    body: JsonObject = response.json()
    return body


async def view(room: Room, who: str, asked: Operation) -> JsonObject:
    """Return the card that somebody's client shows in place of everybody's."""
    body = await refreshed(room, who, asked)
    assert body["type"] == CARD, body
    card: JsonObject = body["value"]
    return card


async def buttons(room: Room, who: str, asked: Operation) -> list[str]:
    return buttons_of(await view(room, who, asked))


async def test_whoever_may_not_decide_sees_how_it_stands_and_no_vote(two: Room) -> None:
    asked = await two.asks("oli")
    nobody = person("Nia Nobody", 8)
    two.people["nia"] = nobody
    seen = {who: await view(two, who, asked) for who in ("vic", "gus", "nia")}
    audited = await two.stage.audited()

    for card in seen.values():
        shown = text_of(card)
        assert buttons_of(card) == PLAIN
        assert "waiting for approval" in shown
        assert "Oli Operator" in shown
        assert "/approve" not in shown
        assert "Comment" not in shown
    assert audited == ["operation requested"]


async def test_the_asker_sees_cancel_alone_whatever_their_roles(two: Room) -> None:
    mine = await two.asks("oli")
    admins = await two.asks("ada", "/exchange delete EXCH02")

    assert await buttons(two, "oli", mine) == ["Cancel"]
    assert await buttons(two, "ada", admins) == ["Cancel"]
    assert f"/cancel {mine.short}" in text_of(await view(two, "oli", mine))
    assert "/approve" not in text_of(await view(two, "oli", mine))


async def test_an_approver_sees_the_votes_until_they_have_voted(two: Room) -> None:
    asked = await two.asks("oli")
    before = await buttons(two, "bob", asked)
    press = await two.press("bob", "Approve", asked)
    answer = (await two.stage.post(press)).json()
    await two.stage.settle()

    assert before == VOTES
    assert buttons_of(answer["value"]) == PLAIN
    assert "Bob Admin" in text_of(answer["value"])
    assert await buttons(two, "bob", asked) == PLAIN
    assert await buttons(two, "cyn", asked) == VOTES


async def test_an_approver_who_lost_the_role_sees_no_vote(two: Room) -> None:
    asked = await two.asks("oli")
    two.stage.sandbox.directory.leave(two.people["bob"].oid, ADMINS)

    assert await buttons(two, "bob", asked) == PLAIN


async def test_votes_go_with_a_role_that_the_policy_takes_off_the_rule(two: Room) -> None:
    asked = await two.asks("oli")
    two.rules(policy(needed="2", approvers='"viewer"'))

    # The stricter of then and now: nobody is in both but by inheritance.
    assert await buttons(two, "vic", asked) == PLAIN
    assert await buttons(two, "bob", asked) == PLAIN


async def test_votes_go_when_the_time_to_decide_is_over(two: Room) -> None:
    asked = await two.asks("oli")
    two.rules(policy(needed="2", expires='"1h"'))
    await two.passes(minutes=59)
    early = await buttons(two, "bob", asked)
    await two.passes(minutes=1)

    assert early == VOTES
    assert await two.state(asked) is State.WAITING
    assert await buttons(two, "bob", asked) == PLAIN


async def test_a_vote_that_comes_back_with_a_new_plan_is_offered_again(two: Room) -> None:
    asked = await two.asks("oli")
    await two.presses("bob", "Approve", asked)
    await two.types("oli", f"/exchange update EXCH01 version=16 --revise {asked.short}")

    assert await buttons(two, "bob", asked) == VOTES


async def test_while_roles_cannot_be_read_nobody_is_offered_a_vote(two: Room) -> None:
    asked = await two.asks("oli")
    await two.passes(minutes=2)
    down = Fault(kind=FaultKind.STATUS, path="checkMemberGroups", status=503, times=None)
    two.stage.sandbox.graph.faults.add(down)

    assert await buttons(two, "bob", asked) == PLAIN
    assert await buttons(two, "oli", asked) == ["Cancel"]


@pytest.mark.parametrize("is_guest", [True, False], ids=["guest", "disabled"])
async def test_who_is_shut_out_sees_what_stands_before_them_and_nothing_from_elsewhere(
    two: Room, *, is_guest: bool
) -> None:
    asked = await two.asks("oli")
    directory = two.stage.sandbox.directory
    bob = directory.account(two.people["bob"].oid)
    directory.put(replace(bob, user_type="Guest" if is_guest else "Member", is_enabled=is_guest))

    assert await buttons(two, "bob", asked) == PLAIN
    assert "lapsed" in (await refreshed(two, "bob", asked, channel=ELSEWHERE))["value"]
    assert await two.stage.audited() == ["operation requested"]


async def test_somebody_of_another_tenant_sees_no_vote_and_nothing_from_elsewhere(
    tmp_path: Path,
) -> None:
    eve = person("Eve Elsewhere", 7, tenant=OTHER_TENANT)
    text = policy().replace("[roles.admin]", f'[roles.admin]\npeople = ["{eve.oid}"]')
    text += f'\n[people]\ntenants = ["{OTHER_TENANT}"]\n'
    script = Script(policy=text, settings={"BOT_ALLOWED_TENANTS": f"{TENANT},{OTHER_TENANT}"})
    async with staged(tmp_path, script) as stage:
        room = room_of(stage)
        room.people["eve"] = eve
        asked = await room.asks("oli")

        assert await buttons(room, "eve", asked) == PLAIN
        assert "lapsed" in (await refreshed(room, "eve", asked, channel=ELSEWHERE))["value"]


async def test_once_it_is_over_everybody_sees_the_same(two: Room) -> None:
    asked = await two.asks("oli")
    await two.presses("bob", "Reject", asked)
    plain = (await two.message(asked)).card

    assert plain
    for who in ("ada", "oli", "vic", "gus"):
        card = await view(two, who, asked)
        assert card["body"] == plain["body"]
        assert card.get("actions") == plain.get("actions")
