"""What a channel is told of its connectors: once, in one thread, to the end, and nothing in between.

Each conversation goes through the HTTP route, on SQLite and on PostgreSQL.
"""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.care import ASK_AGAIN_AFTER
from bot.domain.incident import STEADY_AFTER
from bot.sandbox.faults import Fault, FaultKind
from bot.sandbox.terminal import buttons_of
from bot.sandbox.world import TENANT
from bot.service.fanout import ASK_JOB
from bot.service.watching import WATCH_JOB
from cards import signs
from tests.support.room import room_of
from tests.support.stage import FakeClock, Script, Stage, joined, sandboxed
from tests.support.tower import INTERVAL_S, OTHER, Tower, blind, towered

COLLECTION = "/deviceManagement/exchangeConnectors"


@pytest.fixture
async def tower(tmp_path: Path, database: str) -> AsyncIterator[Tower]:
    async with towered(tmp_path, database) as tower:
        yield tower


async def test_a_calm_world_says_nothing(tower: Tower) -> None:
    await tower.watches()
    await tower.looks(10)

    assert tower.news() == []


async def test_what_is_wrong_already_is_counted_and_not_told(tower: Tower) -> None:
    answer = await tower.watches()

    assert (
        "3 incidents are open already, see /status. Only what happens to them from now on is told."
    ) in answer


async def test_of_what_was_wrong_already_its_end_is_told(tower: Tower) -> None:
    await tower.watches()
    tower.change("EXCH02", status="connected", lastSyncDateTime="2026-11-21T08:59:00Z")
    await tower.looks()

    (title,) = tower.titles()
    assert "EXCH02" in title
    assert "recovered" in title


async def test_a_break_is_one_card_that_becomes_its_end(tower: Tower) -> None:
    await tower.watches()
    await tower.breaks()
    (root,) = tower.roots()
    broken = tower.text(root)
    await tower.looks(5)
    quiet = tower.replies(root)
    await tower.recovers()

    assert root.conversation == tower.stage.world.channel.id
    assert "EXCH05 – disconnected" in broken  # noqa: RUF001 - the title's own dash
    assert "Turned from connected to disconnected." in broken
    assert " ".join(broken.split()).count(
        f"Exchange connector EXCH05 · {tower.stage.world.id_of('EXCH05')}"
    )
    assert buttons_of(root.card or {}) == ["Acknowledge", "Snooze", "Sync"]
    assert quiet == []
    assert len(tower.roots()) == 1
    assert "recovered" in tower.text(root)
    assert "after 6 minutes" in tower.text(root)
    assert buttons_of(tower.now(root).card or {}) == []
    (reply,) = tower.replies(root)
    assert "Well again" in reply


async def test_a_record_that_flaps_has_one_thread_and_falls_silent(tower: Tower) -> None:
    await tower.watches()
    for _ in range(10):
        await tower.breaks()
        await tower.recovers()
    (root,) = tower.roots()
    flapping = tower.text(root)
    told = len(tower.replies(root))
    await tower.looks(int(STEADY_AFTER.total_seconds()) // INTERVAL_S + 1)

    assert "flapping" in flapping.casefold()
    assert told <= 4
    assert len(tower.roots()) == 1
    assert len(tower.replies(root)) == told + 1
    assert "recovered" in tower.text(root)


async def test_a_break_soon_after_the_end_goes_on_in_the_same_thread(tower: Tower) -> None:
    await tower.watches()
    await tower.breaks()
    await tower.recovers()
    await tower.breaks()

    (root,) = tower.roots()
    assert "disconnected" in tower.text(root)
    assert len(tower.replies(root)) == 2


async def test_silence_is_a_finding_and_its_end_too(tower: Tower) -> None:
    await tower.watches()
    tower.change("EXCH05", lastSyncDateTime="2026-11-01T09:00:00Z")
    await tower.looks()
    (root,) = tower.roots()
    stale = tower.text(root)
    tower.change("EXCH05", lastSyncDateTime="2026-11-21T08:59:00Z")
    await tower.looks()

    assert "EXCH05 – stale" in stale  # noqa: RUF001 - the title's own dash
    assert "recovered" in tower.text(root)


async def test_a_retired_connector_is_told_once_and_never_asked_about(tower: Tower) -> None:
    await tower.watches()
    tower.change("EXCH01", lastSyncDateTime="2024-02-19T00:00:00Z")
    await tower.looks()
    (root,) = tower.roots()
    await tower.presses("ada", "Acknowledge", root)
    await tower.room.passes(seconds=ASK_AGAIN_AFTER.total_seconds() * 30)
    await tower.looks(3)

    assert "ended on 2024-02-19" in tower.text(root)
    # The others of this world grow stale meanwhile, each told once.
    assert sum("EXCH01" in title for title in tower.titles()) == 1
    assert tower.replies(root) == []


@pytest.mark.parametrize("handling", ["/acknowledge EXCH05", "/snooze EXCH05 --for 2h"])
async def test_whatever_is_wrong_with_a_retired_connector_is_never_asked_about(
    tower: Tower, handling: str
) -> None:
    await tower.watches()
    tower.change("EXCH05", exchangeConnectorType="onPremises")
    await tower.breaks()
    (root,) = tower.roots()
    help_text = await tower.room.types("ada", "/help snooze")
    await tower.room.types("ada", handling)
    await tower.room.passes(seconds=ASK_AGAIN_AFTER.total_seconds() * 2)

    assert "It will not be asked about again." in tower.text(root)
    assert not any("asked again" in reply.casefold() for reply in tower.replies(root))
    assert "asks again" not in help_text


async def test_a_change_from_outside_shows_the_difference(tower: Tower) -> None:
    await tower.watches()
    tower.change("EXCH05", version="9.9", exchangeAlias="other")
    await tower.looks()

    (root,) = tower.roots()
    text = tower.text(root)
    for part in ("changed from outside", "15.2.1118.7", "9.9", "mail05", "other"):
        assert part in text


async def test_what_the_bot_did_is_told_elsewhere_with_its_operation(tower: Tower) -> None:
    await tower.watches()
    await tower.room.types("ada", "/watch exchange", channel=OTHER)
    tower.begin()
    await tower.room.types("ada", "/exchange update EXCH05 version=9.9")
    operation = await tower.room.newest()
    tower.begin()
    await tower.looks()

    (root,) = tower.roots()
    assert root.conversation == OTHER.id
    assert operation.short in tower.text(root)
    assert "from outside" not in tower.text(root)


async def test_a_sync_asked_for_beside_an_incident_is_told_elsewhere_and_never_as_an_end(
    tower: Tower,
) -> None:
    await tower.watches()
    await tower.room.types("ada", "/watch exchange", channel=OTHER)
    tower.begin()
    await tower.breaks()
    await tower.looks()
    here, there = sorted(tower.roots(), key=lambda root: root.conversation == OTHER.id)
    await tower.room.types("ada", "/exchange sync EXCH05")
    operation = await tower.room.newest()
    await tower.looks()
    quiet = tower.replies(here)
    await tower.recovers()
    await tower.looks()

    assert quiet == []
    (mended,) = tower.replies(here)
    assert "EXCH05 – connected again" in mended  # noqa: RUF001 - the title's own dash
    synced = tower.replies(there)[0]
    assert f"What operation {operation.short} did was seen to happen." in synced
    assert f"{signs.FAILED} EXCH05 – disconnected" in synced  # noqa: RUF001 - the title's own dash
    assert "Status disconnected" in synced
    assert signs.DONE not in synced
    assert operation.short in tower.text(here)


@pytest.mark.parametrize("status", [None, "connectionPending", "disconnected"])
async def test_what_the_bot_made_is_no_news_where_it_was_asked_for_unless_it_is_an_alarm(
    tower: Tower, status: str | None
) -> None:
    await tower.watches()
    await tower.room.types("ada", "/watch exchange", channel=OTHER)
    await tower.room.types("ada", "/exchange create serverName=EXCH012")
    operation = await tower.room.newest()
    if status is not None:
        tower.change("EXCH012", status=status)
    tower.begin()
    await tower.looks(3)

    told = {root.conversation: tower.text(root) for root in tower.roots()}
    is_alarm = status == "disconnected"
    assert set(told) == {OTHER.id, *([tower.stage.world.channel.id] if is_alarm else [])}
    assert f"Made by operation {operation.short} of this bot." in told[OTHER.id]


@pytest.mark.parametrize(
    ("command", "method"),
    [
        ("/exchange delete EXCH05", "DELETE"),
        ("/exchange delete --serverName EXCH05", "DELETE"),
        ("/exchange update EXCH05 version=9.9", "PATCH"),
    ],
)
async def test_what_graph_refused_the_bot_hides_nothing_that_somebody_else_does(
    tower: Tower, command: str, method: str
) -> None:
    await tower.watches()
    await tower.room.types("ada", "/watch exchange", channel=OTHER)
    refusal = Fault(kind=FaultKind.STATUS, method=method, status=403)
    tower.stage.sandbox.graph.faults.add(refusal)
    await tower.room.types("ada", command)
    failed = await tower.room.newest()
    tower.begin()
    if method == "DELETE":
        tower.stage.world.connectors.remove(tower.stage.world.id_of("EXCH05"))
    else:
        tower.change("EXCH05", version="9.9")
    await tower.looks(3)

    told = {root.conversation: tower.text(root) for root in tower.roots()}
    assert set(told) == {tower.stage.world.channel.id, OTHER.id}
    assert not any(failed.short in text for text in told.values())


async def test_arrivals_and_removals_are_told(tower: Tower) -> None:
    await tower.watches()
    connectors = tower.stage.world.connectors
    gone = tower.stage.world.id_of("EXCH03")
    connectors.remove(gone)
    connectors.add({"serverName": "EXCH77", "status": "connected"})
    await tower.looks()
    first = " ".join(tower.titles())
    await tower.looks()

    titles = " ".join(tower.titles())
    assert "EXCH77" in first
    assert "EXCH03" not in first
    assert "EXCH03" in titles


async def test_a_list_that_is_empty_once_alarms_nobody(tower: Tower) -> None:
    await tower.watches()
    records = tower.stage.world.connectors.records
    kept = dict(records)
    records.clear()
    await tower.looks()
    records.update(kept)
    await tower.looks(3)

    assert tower.roots() == []


async def test_an_acknowledged_incident_asks_again_when_nobody_mends_it(tower: Tower) -> None:
    await tower.watches()
    await tower.breaks()
    (root,) = tower.roots()
    answer = await tower.presses("oli", "Acknowledge", root)
    taken = tower.text(root)
    await tower.room.passes(seconds=ASK_AGAIN_AFTER.total_seconds() - INTERVAL_S)
    silent = tower.replies(root)
    await tower.room.passes(seconds=INTERVAL_S)

    assert "Oli Operator" in answer
    assert "Oli Operator" in taken
    assert silent == []
    (asked,) = tower.replies(root)
    assert "Oli Operator" not in tower.text(root).partition("What happened")[0]
    assert "Still" in asked or "still" in asked


async def test_a_snoozed_incident_is_silent_and_then_asks(tower: Tower) -> None:
    await tower.watches()
    await tower.breaks()
    (root,) = tower.roots()
    await tower.presses("ada", "Snooze", root)
    put_off = tower.text(root)
    tower.change("EXCH05", version="9.9")
    await tower.looks(5)
    silent = tower.replies(root)
    await tower.room.passes(hours=1)

    assert "10:01 UTC" in put_off
    assert silent == []
    (told,) = tower.replies(root)
    assert "still" in told.casefold()


async def test_what_got_worse_while_put_off_is_asked_about_as_it_was_to_be(tower: Tower) -> None:
    await tower.watches()
    tower.change("EXCH05", status="connectionPending")
    await tower.looks()
    (root,) = tower.roots()
    await tower.presses("ada", "Acknowledge", root)
    incident = (await tower.stage.bot.store.open_incidents())[0]
    await tower.room.types("ada", f"/snooze {incident.short} --for 8h")
    await tower.room.passes(hours=3, minutes=55)
    await tower.breaks()
    worse = len(tower.replies(root))
    await tower.room.passes(minutes=20)

    assert worse == 1
    assert "still" in tower.replies(root)[-1].casefold()


async def test_an_incident_that_is_over_cannot_be_taken_on(tower: Tower) -> None:
    await tower.watches()
    await tower.breaks()
    (root,) = tower.roots()
    old = tower.now(root)
    await tower.recovers()

    assert "over" in (await tower.presses("ada", "Acknowledge", old)).casefold()


async def test_who_may_not_watch_may_not_acknowledge(tower: Tower) -> None:
    await tower.watches()
    await tower.breaks()
    (root,) = tower.roots()

    answer = await tower.presses("vic", "Acknowledge", root)

    assert "bot:acknowledge" in answer
    assert (await tower.incident()).acknowledged is None
    assert "command refused" in await tower.stage.audited()


async def test_sync_on_the_card_is_a_command_like_any_other(tower: Tower) -> None:
    await tower.watches()
    await tower.breaks()
    (root,) = tower.roots()
    refused = await tower.presses("vic", "Sync", root)
    await tower.presses("oli", "Sync", root)
    await tower.stage.settle()

    assert "exchange:sync" in refused
    assert [path for _, path in tower.stage.graph_writes()] == [
        f"{COLLECTION}/{tower.stage.world.id_of('EXCH05')}/sync"
    ]


async def test_quiet_hours_hold_back_and_end_in_one_summary(tower: Tower) -> None:
    # It is 09:00 UTC.
    await tower.watches("/watch exchange --quiet 08:00-11:00")
    tower.change("EXCH05", version="9.9")
    await tower.looks()
    tower.change("EXCH05", status="connectionPending")
    await tower.looks()
    held = tower.news()
    await tower.room.passes(hours=2)

    assert held == []
    (summary,) = tower.roots()
    assert "EXCH05" in tower.text(summary)
    await tower.looks(5)
    assert len(tower.news()) == 1


async def test_what_is_critical_passes_quiet_hours_unless_it_was_not_to(tower: Tower) -> None:
    await tower.watches("/watch exchange --quiet 08:00-11:00")
    await tower.room.types(
        "ada", "/watch exchange --quiet 08:00-11:00 --hold-critical", channel=OTHER
    )
    tower.begin()
    await tower.breaks()

    assert [m.conversation for m in tower.roots()] == [tower.stage.world.channel.id]
    await tower.room.passes(hours=2)
    assert [m.conversation for m in tower.roots()] == [tower.stage.world.channel.id, OTHER.id]


async def test_quiet_hours_are_those_of_the_zone(tower: Tower) -> None:
    # 09:00 UTC is 18:00 in Tokyo.
    await tower.watches("/watch exchange --quiet 17:30-18:30 --tz Asia/Tokyo")
    tower.change("EXCH05", version="9.9")
    await tower.looks()

    assert tower.news() == []
    await tower.room.passes(minutes=30)
    assert len(tower.roots()) == 1


async def test_a_severity_keeps_small_things_away(tower: Tower) -> None:
    await tower.watches("/watch exchange --severity critical")
    tower.change("EXCH05", version="9.9")
    await tower.looks()
    small = tower.news()
    await tower.breaks()

    assert small == []
    assert len(tower.roots()) == 1


async def test_one_record_can_be_watched_alone(tower: Tower) -> None:
    answer = await tower.watches("/watch exchange EXCH05")
    tower.change("EXCH01", status="disconnected")
    await tower.looks()
    others = tower.news()
    await tower.breaks()

    assert "EXCH05" in answer
    assert others == []
    assert len(tower.roots()) == 1


async def test_a_second_filter_for_the_same_replaces_the_first(tower: Tower) -> None:
    await tower.watches()
    await tower.watches("/watch exchange --severity critical")
    listed = await tower.room.types("ada", "/watches")
    tower.begin()
    await tower.breaks()

    assert listed.count("/unwatch") == 1
    assert len(tower.roots()) == 1


async def test_unwatch_ends_it_and_an_open_story_with_it(tower: Tower) -> None:
    await tower.watches()
    await tower.breaks()
    (root,) = tower.roots()
    await tower.room.types("ada", "/unwatch")
    tower.begin()
    await tower.recovers()

    assert tower.news() == []
    assert "disconnected" in tower.text(root)
    assert "watch ended" in await tower.stage.audited()


@pytest.mark.parametrize(
    "text",
    [
        "/watch nonsense",
        "/watch exchange --quiet 25:00-07:00",
        "/watch exchange --quiet 22:00-07:00 --tz Mars/Olympus",
        "/watch exchange --tz Europe/Berlin",
        "/watch exchange NOWHERE",
        "/watch exchange --severity loud",
        "/unwatch nothing",
        "/acknowledge NONE",
        "/snooze NONE --for forever",
        "/sync NONE",
    ],
)
async def test_what_cannot_be_done_is_answered_with_the_reason(tower: Tower, text: str) -> None:
    answer = await tower.room.types("ada", text)

    assert answer
    assert "inside the bot" not in answer
    assert await tower.stage.bot.store.subscriptions() == ()


async def test_an_uninstalled_bot_stops_and_says_so_and_comes_back(tower: Tower) -> None:
    await tower.watches()
    teams, world = tower.stage.sandbox.teams(), tower.stage.world
    await tower.stage.post(teams.installed(world.ada, world.channel, action="remove"))
    await tower.stage.settle()
    await tower.breaks()
    silent = tower.news()
    listed = await tower.room.types("ada", "/watches", channel=OTHER)
    ((subscription, reach),) = [
        (s, await tower.stage.bot.store.reach(s.tenant, s.root))
        for s in await tower.stage.bot.store.subscriptions()
    ]
    await tower.stage.post(teams.installed(world.ada, world.channel, action="add"))
    await tower.room.types("ada", "/replay", channel=OTHER)
    await tower.stage.settle()

    assert silent == []
    assert reach is not None
    assert reach.blocked == "Uninstalled"
    assert listed
    assert subscription.root == world.channel.id
    assert any("EXCH05" in text for text in tower.titles())


async def test_a_bot_comes_back_to_a_channel_of_which_an_earlier_version_kept_the_threads(
    tower: Tower,
) -> None:
    await tower.watches()
    world, store = tower.stage.world, tower.stage.bot.store
    channel = await store.reference(TENANT, world.channel.id)
    assert channel is not None
    async with store.begin() as tx:
        thread = f"{channel.root};messageid=17"
        await tx.save_reference(replace(channel, conversation=thread, team=None))
    for action in ("remove", "add"):
        gone_or_back = tower.stage.sandbox.teams().installed(
            world.ada, world.channel, action=action
        )
        await tower.stage.post(gone_or_back)
        await tower.stage.settle()
    tower.begin()
    await tower.breaks()

    (title,) = tower.titles()
    assert "EXCH05" in title


async def test_refusals_in_a_row_give_a_conversation_up_and_the_letter_is_kept(
    tower: Tower,
) -> None:
    await tower.watches()
    tower.stage.sandbox.connector.faults.add(
        Fault(
            kind=FaultKind.STATUS,
            method="POST",
            status=403,
            times=None,
            body={"error": {"code": "BotNotInConversationRoster", "message": "not here"}},
        )
    )
    await tower.breaks()
    for _ in range(5):
        await tower.room.passes(seconds=10)
    tower.stage.sandbox.connector.faults.clear()
    total, letters = await tower.stage.bot.store.dead_jobs(10)
    dead = await tower.room.types("ada", "/dead", channel=OTHER)

    assert total == 1
    assert letters[0].reason == "403 BotNotInConversationRoster"
    assert "Incident" in dead
    assert "EXCH05 – disconnected" in dead  # noqa: RUF001 - the title's own dash
    assert "install it again (403 BotNotInConversationRoster)" in dead


async def test_graph_that_cannot_be_read_is_one_incident_and_reads_are_labelled(
    tower: Tower,
) -> None:
    await tower.watches()
    graph = tower.stage.sandbox.graph.faults
    graph.add(Fault(kind=FaultKind.STATUS, path=COLLECTION, status=503, times=None))
    await tower.looks(6)
    (root,) = tower.roots()
    down = tower.text(root)
    listed = await tower.room.types("vic", "/exchange list")
    one = await tower.room.types("vic", "/exchange get EXCH05")
    refused = await tower.room.types("ada", "/exchange update EXCH05 version=9.9")
    missing = await tower.room.types("vic", "/exchange get EXCH99")
    several = await tower.room.types("vic", "/exchange get e11c")
    watched = await tower.room.types("ada", "/watch exchange EXCH99")
    graph.clear()
    await tower.looks(2)

    for text in (missing, several, watched):
        assert "Graph cannot be asked just now. As seen" in text
    assert "Graph" in down
    assert "EXCH05" in listed
    assert "As seen" in listed
    assert "As seen" in one
    assert tower.stage.graph_writes() == []
    assert "version" not in refused
    assert "recovered" in tower.text(root)
    assert len(tower.roots()) == 1


async def test_a_wish_of_graph_to_be_left_alone_for_days_does_not_blind_the_watch(
    tower: Tower,
) -> None:
    await tower.watches()
    wish = Fault(
        kind=FaultKind.STATUS, path=COLLECTION, status=429, retry_after="864000", times=None
    )
    tower.stage.sandbox.graph.faults.add(wish)
    await tower.looks(3)

    (title,) = tower.titles()
    assert "cannot be read" in title


async def test_a_wish_of_graph_to_be_left_alone_for_a_while_is_heard(tower: Tower) -> None:
    wish = Fault(kind=FaultKind.STATUS, path=COLLECTION, status=429, retry_after="80")
    tower.stage.sandbox.graph.faults.add(wish)
    await tower.looks()
    due = await tower.stage.bot.store.next_due([WATCH_JOB])

    assert due == tower.stage.clock.now() + timedelta(seconds=80)


@pytest.mark.parametrize("is_short", [False, True])
async def test_a_restart_is_no_second_look_that_confirms_the_first(
    tmp_path: Path, database: str, *, is_short: bool
) -> None:
    clock, script = FakeClock(), Script(database_url=database)
    async with sandboxed(clock) as (sandbox, world):
        async with joined(tmp_path, script, clock, sandbox, world) as stage:
            tower = Tower(stage, room_of(stage))
            await tower.watches()
            if is_short:
                world.connectors.remove(world.id_of("EXCH05"))
            else:
                fault = Fault(kind=FaultKind.STATUS, path=COLLECTION, status=503, times=None)
                sandbox.graph.faults.add(fault)
            await tower.room.passes(minutes=5)
            known = tower.seen
        clock.move(seconds=1)
        async with joined(tmp_path, replace(script, ids_from=500), clock, sandbox, world) as stage:
            tower = Tower(stage, room_of(stage), known)
            await claimed_all(stage)
            at_once = tower.titles()
            await tower.room.passes(minutes=5)

            assert at_once == []
            (title,) = tower.titles()
            assert ("EXCH05" if is_short else "cannot be read") in title


async def claimed_all(stage: Stage) -> None:
    """Wait until the runner that takes the looks has claimed and done what was due."""
    async with stage.bot.store.begin() as tx:
        # Of nothing: whoever claims it has claimed all that was due, and has nothing to do for it.
        await tx.add_job(ASK_JOB, "nothing", stage.clock.now())
    await stage.settle()


async def test_a_bot_that_began_blind_says_when_it_sees(tmp_path: Path, database: str) -> None:
    down = Fault(kind=FaultKind.STATUS, path=COLLECTION, status=403, times=None)
    async with blind(tmp_path, database, down) as tower:
        await tower.watches()
        await tower.looks(3)
        (root,) = tower.roots()
        tower.stage.sandbox.graph.faults.clear()
        await tower.looks(2)

        assert "recovered" in tower.text(root)
        assert len(tower.roots()) == 1


async def test_status_shows_everything_worst_first(tower: Tower) -> None:
    await tower.watches()
    await tower.breaks()
    text = await tower.room.types("vic", "/status")
    incident = await tower.incident()

    at = [text.index(name) for name in ("EXCH05", "EXCH02", "EXCH03", "EXCH 04", "EXCH01")]
    assert max(at[:2]) < at[2] < at[3] < at[4]
    assert incident.short in text
    assert "4 incidents are open" in text


async def test_status_counts_what_was_seen_too_long_ago_apart(tower: Tower) -> None:
    def counted(text: str) -> list[str]:
        return re.findall(r"\S+ \d+ connected(?:, stale)?", text)

    fresh = counted(await tower.room.types("vic", "/status"))
    tower.stage.clock.move(hours=48)
    later = counted(await tower.room.types("vic", "/status"))

    assert fresh == ["✅ 2 connected", "⚠️ 1 connected, stale"]
    assert later == ["⚠️ 3 connected, stale"]


async def test_everything_of_watching_is_on_record(tower: Tower) -> None:
    await tower.watches()
    await tower.breaks()
    (root,) = tower.roots()
    await tower.presses("ada", "Acknowledge", root)
    await tower.presses("ada", "Snooze", root)
    await tower.room.types("ada", "/unwatch")

    lines = await tower.stage.audited()
    for what in ("watch started", "incident acknowledged", "incident snoozed", "watch ended"):
        assert what in lines


async def test_a_repeated_press_takes_an_incident_on_once(tower: Tower) -> None:
    await tower.watches()
    await tower.breaks()
    (root,) = tower.roots()
    await tower.presses("ada", "Acknowledge", root)
    await tower.room.passes(minutes=2)
    await tower.room.types("oli", f"/acknowledge {(await tower.incident()).short}")

    assert (await tower.stage.audited()).count("incident acknowledged") == 1


@pytest.mark.parametrize("named", ["EXCH05", "exch05", "e11c1de8-0000-4000-8000-000000000005"])
async def test_an_open_incident_goes_by_its_record_as_well(tower: Tower, named: str) -> None:
    await tower.watches()
    await tower.breaks()
    taken = await tower.room.types("oli", f"/acknowledge {named}")
    put_off = await tower.room.types("oli", f"/snooze {named} --for 2h")
    incident = await tower.incident()

    assert incident.short in taken
    assert "Oli Operator" in taken
    assert "Snoozed" in put_off
    assert incident.snoozed is not None


async def test_a_name_that_fits_several_incidents_or_none_is_answered(tower: Tower) -> None:
    await tower.watches()
    await tower.breaks()
    several = await tower.room.types("oli", "/acknowledge e11c1de8")
    none = await tower.room.types("oli", "/acknowledge EXCH99")
    short = await tower.room.types("oli", "/acknowledge e11")

    assert "Which incident?" in several
    assert f"{(await tower.incident()).short} (EXCH05)" in several
    for text in (none, short):
        assert "No such incident" in text
    assert "incident acknowledged" not in await tower.stage.audited()


async def test_a_record_whose_incident_is_over_is_not_taken_on_by_name(tower: Tower) -> None:
    await tower.watches()
    await tower.breaks()
    await tower.recovers()

    assert "No such incident" in await tower.room.types("oli", "/acknowledge EXCH05")
