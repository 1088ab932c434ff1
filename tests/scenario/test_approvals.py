"""Writes that wait for a second person: asked in a card, decided by somebody else, run once.

Each conversation goes through the HTTP route, on SQLite and on PostgreSQL. Whatever it does, at its
end the audit must hold together and Graph must have seen no write without consent.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.operation import State
from bot.sandbox.faults import Fault, FaultKind
from bot.sandbox.journal import JsonObject
from bot.sandbox.people import Channel
from bot.sandbox.terminal import buttons_of
from bot.sandbox.world import ADMINS, OPERATORS
from cards import words
from tests.support.crowd import crowd
from tests.support.room import CREATE, UPDATE, Room, policy, room_of, text_of
from tests.support.stage import POLICY, FakeClock, Script, joined, sandboxed, staged

Act = Callable[[Room], Awaitable[None]]
VOTE = ["requested", "approve voted", "approved"]
RUN = [*VOTE, "executing", "done"]
ELSEWHERE = Channel("19:c0de0000000000000000000000000002@thread.tacv2")
TARGET = "exchangeConnectors/e11c1de8"


@asynccontextmanager
async def opened(folder: Path, url: str, text: str) -> AsyncIterator[Room]:
    async with staged(folder, Script(policy=text, database_url=url)) as stage:
        room = room_of(stage)
        yield room
        await room.checks()


@pytest.fixture
async def room(tmp_path: Path, database: str) -> AsyncIterator[Room]:
    """Return a room where one administrator's vote is enough."""
    async with opened(tmp_path, database, policy()) as room:
        yield room


@pytest.fixture
async def two(tmp_path: Path, database: str) -> AsyncIterator[Room]:
    """Return a room where two administrators have to agree."""
    async with opened(tmp_path, database, policy(needed="2")) as room:
        yield room


def unreadable(room: Room) -> None:
    """Let nobody read a single connector: what is approved cannot be checked, so it waits."""
    fault = Fault(kind=FaultKind.STATUS, method="GET", path=TARGET, times=None)
    room.stage.sandbox.graph.faults.add(fault)


async def test_a_write_waits_for_consent_and_then_runs_once(room: Room) -> None:
    asked = await room.asks("oli")
    waiting = await room.shown(asked)
    before = room.stage.graph_writes()
    answer = await room.presses("bob", "Approve", asked)

    assert before == []
    assert buttons_of((await room.message(asked)).activity["attachments"][0]["content"]) == [
        "Approve",
        "Reject",
        "Cancel",
    ]
    assert "waiting for approval" in waiting
    assert "Nothing has been changed yet." in waiting
    for part in ("Oli Operator", "15.2.1118.7", "15.9", "admin", "1 of 1", "13:00 UTC", UPDATE):
        assert part in waiting
    assert "Bob Admin" in answer
    assert room.versions()["EXCH01"] == "15.9"
    assert len(room.stage.graph_writes()) == 1
    assert await room.audit_of(asked) == RUN


async def test_the_final_card_names_the_asker_all_deciders_and_the_outcome(two: Room) -> None:
    asked = await two.asks("oli", f'{UPDATE} --reason "new agent"')
    await two.presses("bob", "Approve", asked)
    half = await two.shown(asked)
    await two.presses("cyn", "Approve", asked)
    final = await two.shown(asked)

    assert "1 of 2" in half
    assert "Bob Admin" in half
    for part in ("Oli Operator", "Bob Admin", "Cyn Admin", "new agent", "confirms it", "done"):
        assert part in final
    assert buttons_of((await two.message(asked)).card or {}) == ["Undo", "Show"]
    assert str((await two.now(asked)).result.request_id) in final


@pytest.mark.parametrize("title", ["Approve", "Reject", "Cancel"])
async def test_every_button_has_a_text_twin_that_stands_on_the_card(
    room: Room, title: str
) -> None:
    asked = await room.asks("oli")
    twin = f"/{title.lower()} {asked.short}"
    who = "oli" if title == "Cancel" else "bob"
    shown = await room.shown(asked)
    told = await room.types(who, twin.lower())

    ends = {"Approve": State.DONE, "Reject": State.REJECTED, "Cancel": State.CANCELLED}
    assert twin in shown
    assert asked.short in told
    assert await room.state(asked) is ends[title]


@pytest.mark.parametrize("title", ["Approve", "Reject", "Cancel"])
async def test_an_older_client_votes_by_a_message_and_still_there_is_one_card(
    two: Room, title: str
) -> None:
    asked = await two.asks("oli")
    card = await two.message(asked)
    actions = (card.card or {})["actions"]
    (twin,) = [action["fallback"] for action in actions if action["title"] == title]
    who = two.people["oli" if title == "Cancel" else "bob"]
    channel, _, root = card.conversation.partition(";messageid=")
    submitted = two.stage.sandbox.teams().submit(
        who, Channel(channel), card.id, twin["data"], thread_root=root
    )
    await two.stage.post(submitted)
    await two.stage.settle()
    others = [text_of(m.card) for m in two.stage.messages() if m.id != card.id]

    states = {"Approve": State.WAITING, "Reject": State.REJECTED, "Cancel": State.CANCELLED}
    assert twin["type"] == "Action.Submit"
    assert await two.state(asked) is states[title]
    assert words.STATES[states[title].value][0] in await two.shown(asked)
    assert any(asked.short in said and "its card" in said.casefold() for said in others)
    assert not any("Update EXCH01 \N{EN DASH}" in said for said in others)
    assert not any(
        m.card and "Approve" in buttons_of(m.card) for m in two.stage.messages() if m.id != card.id
    )


@pytest.mark.parametrize("is_typed", [True, False])
async def test_a_rejection_ends_it_and_its_comment_is_told(room: Room, *, is_typed: bool) -> None:
    asked = await room.asks("oli")
    comment = "not before the weekend"
    if is_typed:
        await room.types("bob", f'/reject {asked.short} --comment "{comment}"')
    else:
        await room.presses("bob", "Reject", asked, comment=comment)
    told = room.stage.shown()[-1 if not is_typed else -2 :]

    assert await room.state(asked) is State.REJECTED
    assert room.stage.graph_writes() == []
    assert await room.audit_of(asked) == ["requested", "reject voted", "rejected"]
    for shown in (await room.shown(asked), " ".join("\n".join(told).split())):
        assert comment in shown
        assert "Bob Admin" in shown


async def test_one_rejection_outweighs_consent_given_before(two: Room) -> None:
    asked = await two.asks("oli")
    await two.presses("bob", "Approve", asked)
    await two.presses("cyn", "Reject", asked)

    assert await two.state(asked) is State.REJECTED
    assert two.stage.graph_writes() == []


async def test_only_the_asker_can_take_a_request_back(room: Room) -> None:
    asked = await room.asks("oli")
    refused = await room.presses("bob", "Cancel", asked)
    refused_typed = await room.types("ada", f"/cancel {asked.short}")
    still = await room.state(asked)
    await room.presses("oli", "Cancel", asked)

    assert "Only Oli Operator can take back" in refused
    assert "Only Oli Operator can take back" in refused_typed
    assert still is State.WAITING
    assert await room.state(asked) is State.CANCELLED
    assert "cancelled" in await room.shown(asked)
    assert await room.audit_of(asked) == [
        "requested",
        "cancel refused",
        "cancel refused",
        "cancelled",
    ]


async def test_what_was_taken_back_cannot_be_approved(room: Room) -> None:
    asked = await room.asks("oli")
    press = await room.press("bob", "Approve", asked)
    await room.presses("oli", "Cancel", asked)

    assert "Already decided" in await room.sends(press)
    assert room.stage.graph_writes() == []


async def test_nobody_deciding_in_time_ends_it(room: Room) -> None:
    asked = await room.asks("oli")
    seen = await room.message(asked)
    await room.passes(hours=3, minutes=59)
    early = await room.state(asked)
    await room.passes(minutes=1)
    late = await room.sends(room.press_on(seen, "bob", "Approve"))

    assert early is State.WAITING
    assert await room.state(asked) is State.EXPIRED
    assert "Already decided" in late
    assert "Not enough people decided in time." in await room.shown(asked)
    assert "Expired" in room.stage.shown()[-1]
    assert room.stage.graph_writes() == []
    assert await room.audit_of(asked) == ["requested", "expired", "vote refused"]


async def test_what_is_approved_waits_for_graph_as_long_as_its_approval_allows(
    room: Room,
) -> None:
    asked = await room.asks("oli")
    unreadable(room)
    await room.presses("bob", "Approve", asked)
    for _ in range(20):
        await room.passes(minutes=1)
    waiting, said = await room.state(asked), await room.shown(asked)
    room.stage.sandbox.graph.faults.clear()
    await room.passes(minutes=1)

    assert waiting is State.APPROVED
    assert "once a last look at Graph allows it" in said
    assert await room.state(asked) is State.DONE
    assert await room.audit_of(asked) == RUN


async def test_what_is_approved_but_cannot_run_in_time_does_not_run_later(room: Room) -> None:
    asked = await room.asks("oli")
    unreadable(room)
    await room.presses("bob", "Approve", asked)
    held = await room.state(asked)
    room.stage.clock.move(hours=1)
    room.stage.sandbox.graph.faults.clear()
    await room.stage.settle()

    shown = await room.shown(asked)
    assert held is State.APPROVED
    assert await room.state(asked) is State.EXPIRED
    assert "did not run within the time allowed" in shown
    assert "people decided in time" not in shown
    assert room.stage.graph_writes() == []
    assert await room.audit_of(asked) == [*VOTE, "expired"]


async def test_what_cannot_be_checked_is_held_and_runs_once_it_can(room: Room) -> None:
    asked = await room.asks("oli")
    unreadable(room)
    await room.presses("bob", "Approve", asked)
    room.stage.sandbox.graph.faults.clear()
    await room.passes(seconds=5)

    assert await room.state(asked) is State.DONE
    assert len(room.stage.graph_writes()) == 1


async def test_one_person_counts_once_toward_a_quorum(two: Room) -> None:
    asked = await two.asks("oli")
    await two.presses("bob", "Approve", asked)
    again = await two.presses("bob", "Approve", asked)
    typed = await two.types("bob", f"/approve {asked.short}")
    still = await two.state(asked)
    await two.presses("cyn", "Approve", asked)

    assert "Counted already" in again
    assert "Counted already" in typed
    assert still is State.WAITING
    assert await two.state(asked) is State.DONE


async def test_a_policy_that_asks_for_more_meanwhile_counts(room: Room) -> None:
    asked = await room.asks("oli")
    room.rules(policy(needed="2"))
    await room.presses("bob", "Approve", asked)
    half = await room.state(asked)
    shown = await room.shown(asked)
    await room.presses("cyn", "Approve", asked)

    assert half is State.WAITING
    assert "1 of 2" in shown
    assert await room.state(asked) is State.DONE


async def test_a_policy_that_asks_for_more_after_the_last_vote_stops_it(room: Room) -> None:
    asked = await room.asks("oli")
    unreadable(room)
    await room.presses("bob", "Approve", asked)
    room.rules(policy(needed="2"))
    room.stage.sandbox.graph.faults.clear()
    await room.passes(seconds=5)

    assert await room.state(asked) is State.STALE
    assert room.stage.graph_writes() == []


async def test_a_policy_that_gives_less_time_meanwhile_ends_what_is_voted_on_too_late(
    room: Room,
) -> None:
    asked = await room.asks("oli")
    room.rules(policy(expires='"1h"'))
    listed = await room.types("bob", "/approvals")
    await room.passes(hours=1)
    still = await room.state(asked)
    late = await room.presses("bob", "Approve", asked)

    assert "10:00 UTC" in listed
    assert still is State.WAITING
    assert "Too late" in late
    assert await room.state(asked) is State.EXPIRED
    assert words.OUTCOMES["undecided"] in await room.shown(asked)
    assert "Expired" in room.stage.shown()[-1]
    assert room.stage.graph_writes() == []
    assert await room.audit_of(asked) == ["requested", "vote refused", "expired"]


async def test_a_vote_in_the_shorter_time_counts(room: Room) -> None:
    asked = await room.asks("oli")
    room.rules(policy(expires='"1h"'))
    await room.passes(minutes=59)
    await room.presses("bob", "Approve", asked)

    assert await room.state(asked) is State.DONE


async def test_a_revision_has_the_shorter_time_from_when_it_was_made(room: Room) -> None:
    asked = await room.asks("oli")
    await room.passes(minutes=50)
    await room.types("oli", f"/exchange update EXCH01 version=16 --revise {asked.short}")
    room.rules(policy(expires='"1h"'))
    await room.passes(minutes=50)
    await room.presses("bob", "Approve", asked)

    assert await room.state(asked) is State.DONE


async def test_a_policy_that_gives_more_time_meanwhile_does_not_count(room: Room) -> None:
    asked = await room.asks("oli")
    room.rules(policy(expires='"8h"'))
    await room.passes(hours=4)

    assert await room.state(asked) is State.EXPIRED


async def test_consent_that_came_later_than_the_policy_allows_by_now_does_not_carry(
    room: Room,
) -> None:
    asked = await room.asks("oli")
    unreadable(room)
    await room.passes(hours=2)
    await room.presses("bob", "Approve", asked)
    room.rules(policy(expires='"1h"'))
    room.stage.sandbox.graph.faults.clear()
    await room.passes(seconds=5)

    assert await room.state(asked) is State.STALE
    assert words.OUTCOMES["consent-late"] in await room.shown(asked)
    assert room.stage.graph_writes() == []


async def test_a_policy_that_asks_for_less_meanwhile_does_not_count(two: Room) -> None:
    asked = await two.asks("oli")
    two.rules(policy())
    await two.presses("bob", "Approve", asked)

    assert await two.state(asked) is State.WAITING


async def test_nobody_approves_their_own_request_not_even_an_administrator(room: Room) -> None:
    asked = await room.asks("ada")
    pressed = await room.presses("ada", "Approve", asked)
    typed = await room.types("ada", f"/approve {asked.short}")
    await room.presses("ada", "Reject", asked)
    still = await room.state(asked)
    await room.presses("bob", "Approve", asked)

    assert "Somebody else has to decide" in pressed
    assert "Somebody else has to decide" in typed
    assert still is State.WAITING
    assert await room.state(asked) is State.DONE
    assert await room.audit_of(asked) == [
        "requested",
        *["vote refused"] * 3,
        *RUN[1:],
    ]


async def test_people_without_the_role_have_no_vote(room: Room) -> None:
    asked = await room.asks("ada")

    for who in ("oli", "vic"):
        assert "None of your roles may decide" in await room.presses(who, "Approve", asked)
        assert "None of your roles may decide" in await room.presses(who, "Reject", asked)
    assert await room.state(asked) is State.WAITING


async def test_guests_and_disabled_people_have_no_vote(room: Room) -> None:
    asked = await room.asks("oli")
    directory = room.stage.sandbox.directory
    bob = directory.account(room.people["bob"].oid)
    directory.put(replace(bob, user_type="Guest"))
    guest = await room.presses("bob", "Approve", asked)
    directory.put(replace(bob, is_enabled=False))
    disabled = await room.types("bob", f"/approve {asked.short}")

    assert words.DENIALS["guest"] in guest
    assert words.DENIALS["disabled"] in disabled
    assert await room.state(asked) is State.WAITING
    assert (await room.stage.audited()).count("command refused") == 2


async def test_an_asker_who_lost_the_role_gets_nothing_done(room: Room) -> None:
    asked = await room.asks("oli")
    room.stage.sandbox.directory.leave(room.people["oli"].oid, OPERATORS)
    await room.presses("bob", "Approve", asked)

    assert await room.state(asked) is State.STALE
    assert "The person who asked is not allowed to any more." in await room.shown(asked)
    assert "Out of date" in room.stage.shown()[-1]
    assert room.stage.graph_writes() == []
    assert await room.audit_of(asked) == [*VOTE, "stale"]


async def test_the_vote_of_an_approver_who_lost_the_role_does_not_carry(two: Room) -> None:
    asked = await two.asks("oli")
    await two.presses("bob", "Approve", asked)
    two.stage.sandbox.directory.leave(two.people["bob"].oid, ADMINS)
    await two.presses("cyn", "Approve", asked)

    assert await two.state(asked) is State.STALE
    assert "may not do so any more" in await two.shown(asked)
    assert two.stage.graph_writes() == []


async def test_the_vote_of_an_approver_who_was_disabled_does_not_carry(two: Room) -> None:
    asked = await two.asks("oli")
    await two.presses("bob", "Approve", asked)
    directory = two.stage.sandbox.directory
    directory.put(replace(directory.account(two.people["bob"].oid), is_enabled=False))
    await two.presses("cyn", "Approve", asked)

    assert await two.state(asked) is State.STALE


async def test_a_target_that_changed_meanwhile_is_left_alone_and_the_change_is_shown(
    room: Room,
) -> None:
    asked = await room.asks("oli")
    world = room.stage.world
    world.connectors.change(world.id_of("EXCH01"), {"exchangeAlias": "moved-away"})
    await room.presses("bob", "Approve", asked)

    shown = await room.shown(asked)
    assert await room.state(asked) is State.STALE
    assert "The target changed since the plan was made." in shown
    assert "mail01" in shown
    assert "moved-away" in shown
    assert room.stage.graph_writes() == []


async def test_a_target_that_is_gone_is_told(room: Room) -> None:
    asked = await room.asks("oli")
    room.stage.world.connectors.remove(room.stage.world.id_of("EXCH01"))
    await room.presses("bob", "Approve", asked)

    assert await room.state(asked) is State.STALE
    assert "does not exist any more" in await room.shown(asked)


@pytest.mark.parametrize("more", [{}, {"version": "15.1"}])
async def test_a_record_that_somebody_else_created_meanwhile_is_not_created_twice(
    room: Room, more: JsonObject
) -> None:
    asked = await room.asks("oli", f"{CREATE} exchangeConnectorType=hosted")
    twin = {"serverName": "EXCH09", "exchangeConnectorType": "hosted", **more}
    room.stage.world.connectors.add(twin)
    await room.presses("bob", "Approve", asked)

    shown = await room.shown(asked)
    assert await room.state(asked) is State.STALE
    assert words.OUTCOMES["equal-exists"] in shown
    assert room.stage.world.id_of("EXCH09") in shown
    assert buttons_of((await room.message(asked)).card or {}) == ["Show"]
    assert room.stage.graph_writes() == []
    assert "Out of date" in room.stage.shown()[-1]


async def test_a_record_that_was_there_when_its_equal_was_asked_for_does_not_stop_it(
    room: Room,
) -> None:
    room.stage.world.connectors.add({"serverName": "EXCH09", "version": "15.1"})
    asked = await room.asks("oli", f"{CREATE} version=15.2")
    await room.presses("bob", "Approve", asked)

    assert await room.state(asked) is State.DONE
    assert [method for method, _ in room.stage.graph_writes()] == ["POST"]


async def test_what_moves_by_itself_is_no_change_of_the_target(room: Room) -> None:
    asked = await room.asks("oli")
    world = room.stage.world
    moved = {"lastSyncDateTime": "2026-11-21T08:59:00Z", "status": "disconnected"}
    world.connectors.change(world.id_of("EXCH01"), moved)
    await room.presses("bob", "Approve", asked)

    assert await room.state(asked) is State.DONE


async def test_a_double_click_and_a_repeated_delivery_are_one_vote(two: Room) -> None:
    asked = await two.asks("oli")
    first, second = [await two.press("bob", "Approve", asked) for _ in range(2)]
    await asyncio.gather(*(two.stage.post(press) for press in (first, second, first)))
    await two.stage.settle()

    assert await two.state(asked) is State.WAITING
    assert (await two.audit_of(asked)).count("approve voted") == 1


async def test_a_double_click_runs_it_once(room: Room) -> None:
    asked = await room.asks("oli")
    presses = [await room.press("bob", "Approve", asked) for _ in range(2)]
    await asyncio.gather(*map(room.stage.post, presses))
    await room.stage.settle()

    assert await room.state(asked) is State.DONE
    assert len(room.stage.graph_writes()) == 1


@pytest.mark.parametrize("titles", [("Approve", "Approve"), ("Approve", "Reject")])
async def test_of_two_approvers_at_once_one_decides(room: Room, titles: tuple[str, str]) -> None:
    asked = await room.asks("oli")
    presses = [
        await room.press(who, title, asked)
        for who, title in zip(("bob", "cyn"), titles, strict=True)
    ]
    await asyncio.gather(*map(room.stage.post, presses))
    await room.stage.settle()

    voted = [line for line in await room.audit_of(asked) if line.endswith("voted")]
    is_done = voted == ["approve voted"]
    assert len(voted) == 1
    assert await room.state(asked) is (State.DONE if is_done else State.REJECTED)
    assert len(room.stage.graph_writes()) == is_done


async def test_two_approvers_at_once_make_a_quorum(two: Room) -> None:
    asked = await two.asks("oli")
    presses = [await two.press(who, "Approve", asked) for who in ("bob", "cyn")]
    await asyncio.gather(*map(two.stage.post, presses))
    await two.stage.settle()

    assert await two.state(asked) is State.DONE
    assert await two.audit_of(asked) == ["requested", "approve voted", *RUN[1:]]


async def test_an_old_copy_of_the_card_decides_nothing(two: Room) -> None:
    asked = await two.asks("oli")
    await two.presses("bob", "Approve", asked)
    old = await two.message(asked)
    await two.types("oli", f"/exchange update EXCH01 version=16 --revise {asked.short}")
    late = await two.sends(two.press_on(old, "cyn", "Approve"))
    new = await two.shown(asked)
    for who in ("bob", "cyn"):
        await two.presses(who, "Approve", asked)
    over = await two.sends(two.press_on(old, "cyn", "Approve"))

    assert "An old card" in late
    assert "2 of 2" in new
    assert two.versions()["EXCH01"] == "16"
    assert "Already decided" in over
    assert len(two.stage.graph_writes()) == 1


async def test_a_card_with_forged_content_changes_nothing(room: Room) -> None:
    own = await room.asks("bob")
    asked = await room.asks("oli", "/exchange delete EXCH02")
    card = await room.message(asked)
    good = {"operation": asked.id, "revision": "1"}
    forged: list[JsonObject] = [
        {},
        {"operation": "", "revision": "1"},
        {"operation": None, "revision": "1"},
        {"operation": [asked.id], "revision": "1"},
        {"operation": "0" * 26, "revision": "1"},
        {"operation": "%' OR 1=1 --", "revision": "1"},
        {"operation": own.id, "revision": "1"},
        {"operation": asked.id},
        *({**good, "revision": each} for each in (1, None, "", "x", "-1", "0", "2", "1.0", ["1"])),
        {**good, "revision": "9" * 5000},
    ]
    for data in forged:
        for verb in ("approve", "reject"):
            assert await room.sends(room.forged(card, "bob", verb, data))
    no_verbs = [{"command": f"/approve {asked.short}"}, {"command": "/exchange delete EXCH05"}]
    for data in no_verbs:
        assert await room.sends(room.forged(card, "bob", "run", data))
    assert await room.sends(room.forged(card, "bob", "execute", good))

    assert await room.state(asked) is State.WAITING
    assert await room.state(own) is State.WAITING
    assert room.stage.graph_writes() == []
    assert "turn broke" not in str(room.stage.shown())


async def test_a_card_names_what_is_decided_and_nothing_else_on_it_counts(room: Room) -> None:
    asked = await room.asks("oli")
    press = await room.press("bob", "Approve", asked)
    press["value"]["action"]["data"] |= {
        "command": "/exchange delete EXCH05",
        "plan": {"body": {"version": "66"}},
        "actor": "ada",
        "reason": "forged",
    }
    await room.sends(press)

    assert room.versions()["EXCH01"] == "15.9"
    assert "EXCH05" in room.versions()
    assert len(room.stage.graph_writes()) == 1


async def test_a_request_that_needs_a_reason_is_not_taken_without(
    tmp_path: Path, database: str
) -> None:
    async with opened(tmp_path, database, policy(reason="true")) as room:
        refused = await room.types("oli", UPDATE)
        none_yet = await room.stage.bot.store.operations(
            tenant=None, target=None, offset=0, limit=1
        )
        asked = await room.asks("oli", f'{UPDATE} --reason "agent is too old"')

        assert "A reason is needed" in refused
        assert '--reason "…"' in refused
        assert none_yet == ()
        assert "agent is too old" in await room.shown(asked)


async def test_the_card_stands_in_the_channel_of_the_rule_and_the_thread_is_told(
    tmp_path: Path, database: str
) -> None:
    text = policy(channel=f'"{ELSEWHERE.id}"')
    async with opened(tmp_path, database, text) as room:
        await room.types("bob", "/whoami", channel=ELSEWHERE)
        first = len(room.stage.messages())
        told = await room.types("oli", UPDATE)
        asked = await room.newest()
        card = await room.message(asked)
        await room.presses("bob", "Approve", asked)
        messages = room.stage.messages()[first:]

        assert asked.short in told
        assert "asked" in told.casefold()
        assert card.conversation == ELSEWHERE.id
        assert await room.state(asked) is State.DONE
        places = [m.conversation.partition(";")[0] for m in messages]
        assert sorted(places) == sorted([ELSEWHERE.id] + [room.stage.world.channel.id] * 2)
        assert "Approved" in room.stage.shown()[-1]


async def test_a_channel_that_was_never_heard_of_leaves_the_card_in_the_thread(
    tmp_path: Path, database: str
) -> None:
    text = policy(channel=f'"{ELSEWHERE.id}"')
    async with opened(tmp_path, database, text) as room:
        asked = await room.asks("oli")

        card = await room.message(asked)
        assert card.conversation.startswith(room.stage.world.channel.id)
        assert len(room.stage.messages()) == 1


async def approve(room: Room) -> None:
    await room.presses("bob", "Approve", await room.newest())


async def reject(room: Room) -> None:
    await room.presses("bob", "Reject", await room.newest(), comment="no")


async def cancel(room: Room) -> None:
    await room.presses("oli", "Cancel", await room.newest())


async def lapse(room: Room) -> None:
    await room.passes(hours=4)


async def drift(room: Room) -> None:
    world = room.stage.world
    world.connectors.change(world.id_of("EXCH01"), {"version": "15.5"})
    await approve(room)


async def miss_the_deadline(room: Room) -> None:
    unreadable(room)
    await approve(room)
    await room.passes(hours=1)


async def be_refused_by_graph(room: Room) -> None:
    room.stage.sandbox.graph.faults.add(
        Fault(kind=FaultKind.STATUS, method="PATCH", status=400, times=None)
    )
    await approve(room)


ENDS: dict[Act, State] = {
    approve: State.DONE,
    reject: State.REJECTED,
    cancel: State.CANCELLED,
    lapse: State.EXPIRED,
    drift: State.STALE,
    miss_the_deadline: State.EXPIRED,
    be_refused_by_graph: State.FAILED,
}


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
@pytest.mark.parametrize("is_elsewhere", [False, True], ids=["thread", "channel"])
async def test_an_approval_is_at_most_three_messages_and_the_last_says_how_it_ended(
    tmp_path: Path,
    database: str,
    end: Act,
    *,
    is_elsewhere: bool,
) -> None:
    text = policy(channel=f'"{ELSEWHERE.id}"') if is_elsewhere else policy()
    async with opened(tmp_path, database, text) as room:
        await room.types("bob", "/whoami", channel=ELSEWHERE)
        first = len(room.stage.messages())
        asked = await room.asks("oli")
        await end(room)
        state = await room.state(asked)
        messages = room.stage.shown()[first:]

        assert state is ENDS[end]
        assert len(messages) <= 2 + is_elsewhere
        assert buttons_of((await room.message(asked)).card or {})[:1] in (
            [],
            ["Show"],
            ["Undo"],
            ["Ask again"],
        )
        if state is not State.CANCELLED:
            title, _ = words.NOTICES[
                "decided-approved" if state is State.DONE else f"decided-{state.value}"
            ]
            assert len(messages) == 2 + is_elsewhere
            assert title in messages[-1]
            assert "Oli Operator" in messages[-1]


async def test_a_reminder_brings_the_card_to_date_without_a_message(
    tmp_path: Path, database: str
) -> None:
    async with opened(tmp_path, database, policy(remind='"1h"')) as room:
        asked = await room.asks("oli")
        await room.passes(hours=1)
        once = len((await room.message(asked)).edits)
        await room.passes(hours=1)
        twice = len((await room.message(asked)).edits)
        await room.presses("bob", "Reject", asked)
        edits = len((await room.message(asked)).edits)
        await room.passes(hours=1)

        assert (once, twice) == (1, 2)
        assert len((await room.message(asked)).edits) == edits
        assert len(room.stage.messages()) == 2


async def test_a_role_that_the_policy_dropped_decides_nothing(room: Room) -> None:
    asked = await room.asks("oli")
    room.rules(policy().replace("[roles.admin]", "[roles.chief]").replace('"admin"', '"chief"'))
    refused = await room.presses("bob", "Approve", asked)
    await room.passes(hours=4)

    assert "None of your roles may decide" in refused
    assert await room.state(asked) is State.EXPIRED


async def test_a_rule_that_the_policy_dropped_still_holds_for_what_waits(room: Room) -> None:
    asked = await room.asks("oli")
    room.rules(policy(commands='"exchange:delete"'))
    await room.presses("vic", "Approve", asked)
    still = await room.state(asked)
    await room.presses("bob", "Approve", asked)

    assert still is State.WAITING
    assert await room.state(asked) is State.DONE


async def test_approvals_lists_what_i_may_decide_and_what_i_asked_for(room: Room) -> None:
    nothing = await room.types("ada", "/approvals")
    first = await room.asks("oli")
    await room.passes(minutes=5)
    second = await room.asks("ada", "/exchange delete EXCH02")
    ada = await room.types("ada", "/approvals")
    oli = await room.types("oli", "/approvals")
    vic = await room.types("vic", "/approvals")
    bob = await room.types("bob", "/approvals")
    await room.presses("bob", "Reject", first)
    bob_later = await room.types("bob", "/approvals")

    assert words.NOTHING_WAITS in nothing
    assert words.NOTHING_WAITS in vic
    decide, asked = ada.split(words.ASKED_FOR)
    assert first.short in decide
    assert second.short not in decide
    assert second.short in asked
    assert words.TO_DECIDE not in oli
    assert first.short in oli
    assert second.short not in oli
    assert bob.index(first.short) < bob.index(second.short)
    assert first.short not in bob_later
    assert second.short in bob_later


async def test_what_i_may_decide_is_listed_behind_many_that_others_decide(
    tmp_path: Path, database: str
) -> None:
    operators = policy(commands='"exchange:sync"', approvers='"operator"').replace(POLICY, "")
    script = Script(policy=policy() + operators, database_url=database)
    async with staged(tmp_path, script) as stage:
        room = room_of(stage)
        await crowd(stage.bot.database, await room.asks("ada"), 100)
        mine = await room.asks("ada", "/exchange sync EXCH02")
        oli = await room.types("oli", "/approvals")
        bob = await room.types("bob", "/approvals")
        ada = await room.types("ada", "/approvals")

        assert mine.short in oli
        assert oli.count("Ada Admin") == 1
        assert "more" not in oli
        assert (bob.count("Ada Admin"), ada.count("Ada Admin")) == (20, 20)
        # An administrator is an operator too, so the sync counts as well.
        assert "+82 more" in bob
        assert "+82 more" in ada


async def test_what_i_may_decide_is_listed_behind_many_that_i_have_voted_on(
    tmp_path: Path, database: str
) -> None:
    script = Script(policy=policy(needed="2"), database_url=database)
    async with staged(tmp_path, script) as stage:
        room = room_of(stage)
        voted = await room.asks("oli")
        await room.presses("bob", "Approve", voted)
        await crowd(stage.bot.database, voted, 30)
        await room.passes(minutes=1)
        fresh = await room.asks("oli", CREATE)
        bob = await room.types("bob", "/approvals")
        cyn = await room.types("cyn", "/approvals")

        assert fresh.short in bob
        assert bob.count("Oli Operator") == 1
        assert "more" not in bob
        assert cyn.count("Oli Operator") == 20
        assert "+12 more" in cyn


async def test_what_i_may_decide_is_listed_behind_many_that_today_s_policy_lets_lapse_earlier(
    tmp_path: Path, database: str
) -> None:
    async with staged(tmp_path, Script(policy=policy(), database_url=database)) as stage:
        room = room_of(stage)
        await crowd(stage.bot.database, await room.asks("oli"), 30)
        await room.passes(hours=2)
        room.rules(policy(expires='"1h"'))
        fresh = await room.asks("oli", CREATE)
        bob = await room.types("bob", "/approvals")

        assert fresh.short in bob
        assert bob.count("Oli Operator") == 1
        assert "more" not in bob


async def test_what_i_may_decide_is_listed_behind_many_that_are_too_large_for_me(
    tmp_path: Path, database: str
) -> None:
    rules = policy(commands='"exchange:sync"', approvers='"operator", "admin"')
    async with staged(tmp_path, Script(policy=rules, database_url=database)) as stage:
        room = room_of(stage)
        await crowd(stage.bot.database, await room.asks("ada", "/exchange sync --all"), 30)
        room.rules(rules + "\n[limits]\nbulk = 3\n")
        few = await room.asks("ada", "/exchange sync EXCH02")
        oli = await room.types("oli", "/approvals")
        bob = await room.types("bob", "/approvals")

        assert few.short in oli
        assert oli.count("Ada Admin") == 1
        assert "more" not in oli
        assert "+12 more" in bob


async def test_nothing_runs_while_writes_are_paused(room: Room) -> None:
    asked = await room.asks("oli")
    await room.types("ada", '/pause --reason "mail move"')
    refused = await room.types("oli", CREATE)
    pressed = await room.presses("bob", "Approve", asked)

    for said in (refused, pressed):
        assert words.DENIALS["paused"] in said
        assert "mail move" in said
    assert await room.state(asked) is State.WAITING
    assert room.stage.graph_writes() == []

    await room.types("ada", "/resume")
    await room.presses("bob", "Approve", asked)

    assert await room.state(asked) is State.DONE


async def test_a_pause_stops_what_is_approved_but_has_not_run(room: Room) -> None:
    asked = await room.asks("oli")
    unreadable(room)
    await room.presses("bob", "Approve", asked)
    await room.types("ada", "/pause")
    room.stage.sandbox.graph.faults.clear()
    await room.passes(seconds=5)
    await room.types("ada", "/resume")
    await room.passes(minutes=5)

    assert await room.state(asked) is State.FAILED
    assert room.stage.graph_writes() == []


async def test_the_asker_can_take_back_what_is_approved_but_has_not_run(room: Room) -> None:
    asked = await room.asks("oli")
    unreadable(room)
    await room.presses("bob", "Approve", asked)
    await room.types("oli", f"/cancel {asked.short}")
    room.stage.sandbox.graph.faults.clear()
    await room.passes(seconds=5)

    assert await room.state(asked) is State.CANCELLED
    assert room.stage.graph_writes() == []


async def test_every_line_of_the_audit_names_who_did_it(two: Room) -> None:
    asked = await two.asks("oli")
    await two.presses("bob", "Approve", asked)
    await two.presses("cyn", "Reject", asked, comment="no window")
    store = two.stage.bot.store
    lines = [row.event async for row in store.audit_rows(operation_id=asked.id)]

    for line, who in zip(lines, ("Oli", "Bob", "Cyn", "Cyn"), strict=True):
        assert f'"name":"{who} ' in line
    assert '"comment":"no window"' in lines[2]


# What stands when the bot goes down: how it came to that, and what follows when it is back.


async def leave_waiting(room: Room) -> None:
    """Do nothing more."""


async def leave_half_decided(room: Room) -> None:
    await room.presses("bob", "Approve", await room.newest())


async def leave_approved(room: Room) -> None:
    unreadable(room)
    for who in ("bob", "cyn"):
        await room.presses(who, "Approve", await room.newest())
    assert await room.state(await room.newest()) is State.APPROVED


async def leave_executing(room: Room) -> None:
    """Stop while Graph has carried it out and not answered."""
    graph = room.stage.sandbox.graph
    graph.faults.add(Fault(kind=FaultKind.HANG_AFTER, method="PATCH"))
    asked = await room.newest()
    for who in ("bob", "cyn"):
        await room.stage.post(await room.press(who, "Approve", asked))
    await graph.faults.wait_until_paused()
    assert await room.state(asked) is State.EXECUTING


async def leave_rejected(room: Room) -> None:
    await room.presses("bob", "Reject", await room.newest())


async def leave_cancelled(room: Room) -> None:
    await room.presses("oli", "Cancel", await room.newest())


async def leave_expired(room: Room) -> None:
    await room.passes(hours=4)


async def leave_stale(room: Room) -> None:
    world = room.stage.world
    world.connectors.change(world.id_of("EXCH01"), {"exchangeAlias": "moved-away"})
    await leave_done(room)


async def leave_done(room: Room) -> None:
    for who in ("bob", "cyn"):
        await room.presses(who, "Approve", await room.newest())


RESTARTS: dict[Act, State] = {
    leave_waiting: State.DONE,
    leave_half_decided: State.DONE,
    leave_approved: State.DONE,
    leave_executing: State.DONE,
    leave_done: State.DONE,
    leave_rejected: State.REJECTED,
    leave_cancelled: State.CANCELLED,
    leave_expired: State.EXPIRED,
    leave_stale: State.STALE,
}


@pytest.mark.parametrize("leave", RESTARTS, ids=lambda leave: leave.__name__)
async def test_a_restart_loses_nothing_and_repeats_nothing(
    tmp_path: Path, database: str, leave: Act
) -> None:
    clock = FakeClock()
    script = Script(policy=policy(needed="2"), database_url=database)
    async with sandboxed(clock) as (sandbox, world):
        async with joined(tmp_path, script, clock, sandbox, world) as stage:
            room = room_of(stage)
            asked = await room.asks("oli")
            seen = await room.message(asked)
            await leave(room)
        sandbox.graph.faults.clear()
        sandbox.graph.faults.release()
        clock.move(seconds=31)
        async with joined(tmp_path, script, clock, sandbox, world) as stage:
            room = room_of(stage)
            presses = [room.press_on(seen, who, "Approve") for who in ("bob", "cyn")]
            for press in presses:
                assert await room.sends(press)
            messages = len(stage.messages())
            for press in presses:
                await stage.post(press)
            await room.passes(minutes=1)

            assert await room.state(asked) is RESTARTS[leave]
            is_run = RESTARTS[leave] is State.DONE
            assert len(stage.graph_writes()) == is_run
            assert (room.versions()["EXCH01"] == "15.9") is is_run
            assert words.STATES[RESTARTS[leave].value][0] in await room.shown(asked)
            assert len(stage.messages()) == messages
            await room.checks()


async def test_a_deadline_that_passes_while_the_bot_is_down_holds(
    tmp_path: Path, database: str
) -> None:
    clock = FakeClock()
    script = Script(policy=policy(needed="2"), database_url=database)
    async with sandboxed(clock) as (sandbox, world):
        async with joined(tmp_path, script, clock, sandbox, world) as stage:
            room = room_of(stage)
            other = await room.asks("oli", "/exchange update EXCH02 version=15.9")
            asked = await room.asks("oli")
            await leave_approved(room)
        sandbox.graph.faults.clear()
        clock.move(days=1)
        async with joined(tmp_path, script, clock, sandbox, world) as stage:
            room = room_of(stage)
            await stage.settle()

            assert await room.state(asked) is State.EXPIRED
            assert await room.state(other) is State.EXPIRED
            assert stage.graph_writes() == []
            await room.checks()
