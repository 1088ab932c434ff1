"""Writes: what is asked for, what Graph is sent, what is seen to have happened."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.audit import Verified
from bot.domain.resource import moment
from bot.sandbox.faults import Fault, FaultKind
from bot.sandbox.journal import JsonObject
from cards.times import exact
from tests.rendering.test_text import assert_harmless
from tests.rendering.walk import MARKDOWN, texts
from tests.support.stage import POLICY, Script, Stage, joined, staged

TYPE = "#microsoft.graph.deviceManagementExchangeConnector"
HOSTILE = (
    "**bold** [link](https://evil.example)",
    "<at>everyone</at>",
    "Zürich ✉️ 東京",
    "a\u202eb\u200bc",
    "x" * 900,
    "'; DROP TABLE audit; --",
    "{command} %s {{7*7}}",
    "name with  two spaces",
)


def record(stage: Stage, name: str) -> JsonObject:
    found: JsonObject = stage.world.connectors.get(stage.world.id_of(name))
    return found


def sent(stage: Stage, method: str) -> list[JsonObject]:
    log = stage.sandbox.graph.log
    return [r.body for r in log if r.method == method and "/users/" not in r.path]


async def test_an_update_sends_only_what_changes_and_reads_it_back(any_stage: Stage) -> None:
    said = await any_stage.sees(
        "ada", "/exchange update EXCH01 version=16 exchangeAlias=mail01 serverName=EXCH01"
    )

    assert sent(any_stage, "PATCH") == [{"@odata.type": TYPE, "version": "16"}]
    assert "15.2.1118.7  →  16" in said
    assert "reading back confirms it" in said
    assert record(any_stage, "EXCH01")["version"] == "16"
    assert await any_stage.audited() == [
        "operation requested",
        "operation executing",
        "operation done",
    ]


async def test_an_update_that_graph_accepts_but_does_not_do_has_failed(any_stage: Stage) -> None:
    any_stage.sandbox.graph.faults.add(
        Fault(kind=FaultKind.STATUS, method="PATCH", status=204, body="")
    )
    said = await any_stage.sees("ada", "/exchange update EXCH01 version=16")

    assert "Update EXCH01 – failed" in said  # noqa: RUF001 - as in the card
    assert "16  →  15.2.1118.7" in said


async def test_an_update_that_changes_nothing_sends_nothing(any_stage: Stage) -> None:
    said = await any_stage.sees("ada", "/exchange update EXCH01 version=15.2.1118.7")

    assert "EXCH01 already looks like that." in said
    assert any_stage.graph_writes() == []
    assert await any_stage.audited() == []


async def test_clearing_a_property_sends_null(stage: Stage) -> None:
    said = await stage.sees("ada", '/exchange update EXCH01 version=""')

    assert sent(stage, "PATCH") == [{"@odata.type": TYPE, "version": None}]
    assert "15.2.1118.7  →  (not set)" in said
    assert record(stage, "EXCH01")["version"] is None


async def test_an_update_without_a_change_says_what_is_missing(stage: Stage) -> None:
    assert "Fill in what is to change." in await stage.sees("ada", "/exchange update EXCH01")
    assert stage.graph_writes() == []


@pytest.mark.parametrize(
    "target",
    [
        "EXCH05",
        "exch05",
        '"EXCH05"',
        "INTUNE-GW05",
        "mail05",
        "e11c1de8-0000-4000-8000-000000000005",
    ],
)
async def test_a_record_is_meant_by_id_or_any_of_its_names(target: str, stage: Stage) -> None:
    await stage.says("ada", f"/exchange delete {target}")

    assert stage.graph_writes() == [
        ("DELETE", "/deviceManagement/exchangeConnectors/e11c1de8-0000-4000-8000-000000000005")
    ]


async def test_a_record_is_meant_by_the_beginning_of_its_id(stage: Stage) -> None:
    stage.world.connectors.add({"id": "feedbeef-1", "serverName": "EXCH10"})
    said = await stage.sees("ada", "/exchange update FEED version=16")

    assert "Update EXCH10" in said
    assert stage.graph_writes()[0][1].endswith("/feedbeef-1")


async def test_a_beginning_that_fits_several_asks_which_one(stage: Stage) -> None:
    said = await stage.sees("ada", "/exchange delete e11c1de8")

    assert "More than one Exchange connector fits e11c1de8." in said
    assert "/exchange delete e11c1de8-0000-4000-8000-000000000001" in said
    assert stage.graph_writes() == []


async def test_a_beginning_of_three_characters_means_nothing(stage: Stage) -> None:
    assert "Not found" in await stage.sees("ada", "/exchange delete e11")


async def test_a_name_with_a_space_needs_quotes_and_says_so(stage: Stage) -> None:
    assert "Put quotes around" in await stage.sees("ada", "/exchange update EXCH 04 version=16")
    assert "reading back" in await stage.sees("ada", '/exchange update "EXCH 04" version=16')
    assert "reading back" in await stage.sees("ada", "/exchange update “EXCH 04” version=17")


async def test_an_unknown_target_names_similar_ones(stage: Stage) -> None:
    said = await stage.sees("ada", "/exchange delete EXCH5")

    assert "No Exchange connector is called EXCH5" in said
    assert "EXCH05" in said
    assert stage.graph_writes() == []


@pytest.mark.parametrize(
    "text",
    [
        "/exchange create serverName=EXCH10",
        "/exchange add serverName=EXCH10",
        "/exchange update EXCH01 version=16",
        "/exchange sync EXCH01 --type delta",
        "/exchange delete EXCH05",
    ],
)
async def test_a_plan_changes_nothing_and_says_how_to_run_it(text: str, any_stage: Stage) -> None:
    said = await any_stage.sees("ada", f"{text} --plan")

    assert "Nothing was changed." in said
    assert text in said
    assert any_stage.graph_writes() == []
    assert await any_stage.audited() == []
    assert "Nothing is recorded here" in await any_stage.sees("ada", "/history")


async def test_creating_the_same_twice_makes_two_and_confirms_each(any_stage: Stage) -> None:
    command = "/exchange create serverName=EXCH10 exchangeConnectorType=hosted"
    first = await any_stage.sees("ada", command)
    second = await any_stage.sees("ada", command)

    made = [r for r in any_stage.world.connectors.records.values() if r["serverName"] == "EXCH10"]
    assert len(made) == 2
    assert made[0]["id"] in first
    assert made[1]["id"] in second
    assert "More than one" in await any_stage.sees("ada", "/exchange delete EXCH10")


async def test_a_create_whose_answer_is_lost_is_found_and_not_repeated(any_stage: Stage) -> None:
    any_stage.sandbox.graph.faults.add(
        Fault(kind=FaultKind.RESET_AFTER, method="POST", path="exchangeConnectors$", times=None)
    )
    said = await any_stage.sees("ada", "/exchange create serverName=EXCH10")

    assert "Create EXCH10 – done" in said  # noqa: RUF001 - as in the card
    assert len(any_stage.graph_writes()) == 1
    assert any_stage.world.id_of("EXCH10") in said


async def test_many_writes_at_once_are_all_carried_out_and_answered(any_stage: Stage) -> None:
    names = [f"EXCH{number}" for number in range(20, 30)]
    texts_typed = [f"/exchange create serverName={name}" for name in names]
    await asyncio.gather(
        *(any_stage.post(any_stage.activity("ada", text)) for text in texts_typed)
    )
    await any_stage.settle()

    shown = any_stage.shown()
    assert len(shown) == len(names)
    for name in names:
        (told,) = [card for card in shown if f"Create {name} " in card]
        assert "reading back confirms it" in told
        assert any_stage.world.id_of(name) in told
    assert len(any_stage.graph_writes()) == len(names)
    assert isinstance(await any_stage.bot.store.verify_audit(), Verified)


async def test_a_create_needs_a_name(stage: Stage) -> None:
    said = await stage.sees("ada", "/exchange create version=16")

    assert "A new one needs a name: fill in at least one of these." in said
    assert stage.graph_writes() == []


async def test_a_delete_of_something_gone_meanwhile_says_so(any_stage: Stage) -> None:
    any_stage.sandbox.graph.faults.add(
        Fault(kind=FaultKind.STATUS, method="DELETE", status=404, body=GONE)
    )
    any_stage.sandbox.graph.faults.add(
        Fault(
            kind=FaultKind.STATUS,
            method="GET",
            path="000000000005$",
            status=404,
            skip=1,
            body=GONE,
        )
    )
    said = await any_stage.sees("ada", "/exchange delete EXCH05")

    assert "Delete EXCH05 – done" in said  # noqa: RUF001 - as in the card
    assert "did not exist any more" in said


DELETED: JsonObject = {"error": {"code": "ActivityNotFoundInConversation", "message": "None."}}
GONE: JsonObject = {"error": {"code": "ResourceNotFound", "message": "Resource does not exist."}}


async def test_a_delete_that_graph_accepts_but_does_not_do_is_not_called_done(
    any_stage: Stage,
) -> None:
    any_stage.sandbox.graph.faults.add(
        Fault(kind=FaultKind.STATUS, method="DELETE", status=204, body="")
    )
    said = await any_stage.sees("ada", "/exchange delete EXCH05")

    assert "outcome unknown" in said
    assert "/resolve 0004 done" in said


async def test_an_update_refused_by_graph_names_code_and_request(any_stage: Stage) -> None:
    any_stage.sandbox.graph.faults.add(
        Fault(kind=FaultKind.STATUS, method="PATCH", status=403, times=None)
    )
    said = await any_stage.sees("ada", "/exchange update EXCH01 version=16")

    assert "Update EXCH01 – failed" in said  # noqa: RUF001 - as in the card
    assert "403" in said
    assert (await any_stage.audited())[-1] == "operation failed"


async def test_a_write_whose_answer_is_lost_is_judged_by_what_is_seen(any_stage: Stage) -> None:
    any_stage.sandbox.graph.faults.add(Fault(kind=FaultKind.RESET_AFTER, method="PATCH"))
    said = await any_stage.sees("ada", "/exchange update EXCH01 version=16")

    assert "Graph's answer was lost, and reading back shows it" in said
    assert len(any_stage.graph_writes()) == 1


# Syncs


async def test_a_sync_is_watched_until_it_is_seen_to_happen(any_stage: Stage) -> None:
    any_stage.world.connectors.action_delay = timedelta(minutes=3)
    said = await any_stage.sees("ada", "/exchange sync EXCH01 --type delta")

    assert sent(any_stage, "POST")[-1] == {"syncType": "deltaSync"}
    assert "accepted, watching" in said

    any_stage.clock.move(minutes=1)
    await any_stage.settle()
    assert "accepted, watching" in any_stage.shown()[-1]

    any_stage.clock.move(minutes=4)
    await any_stage.settle()
    assert "reading back confirms it" in any_stage.shown()[-1]
    seen = moment(str(record(any_stage, "EXCH01")["lastSyncDateTime"]))
    assert seen is not None
    assert exact(seen) in any_stage.shown()[-1]
    assert len(any_stage.messages()) == 1
    assert (await any_stage.audited())[-1] == "operation observed"


async def test_a_sync_that_never_happens_is_not_called_done(tmp_path: Path, database: str) -> None:
    settings = {"BOT_SYNC_OBSERVE": "120"}
    async with staged(tmp_path, Script(settings=settings, database_url=database)) as stage:
        stage.world.connectors.action_delay = None
        await stage.says("ada", "/exchange sync EXCH01")
        for _ in range(6):
            stage.clock.move(seconds=30)
            await stage.settle()

        assert "accepted, not seen to happen" in stage.shown()[-1]
        assert "Do not take it as done." in stage.shown()[-1]
        assert len(stage.messages()) == 1
        assert [method for method, _ in stage.graph_writes()] == ["POST"]

        edits = len(stage.messages()[0].edits)
        stage.clock.move(hours=1)
        await stage.settle()
        assert len(stage.messages()[0].edits) == edits


async def test_the_end_of_a_sync_is_told_anew_where_its_card_was_deleted(any_stage: Stage) -> None:
    any_stage.world.connectors.action_delay = timedelta(minutes=3)
    await any_stage.says("ada", "/exchange sync EXCH01")
    any_stage.sandbox.connector.faults.add(
        Fault(kind=FaultKind.STATUS, method="PUT", status=404, body=DELETED)
    )
    any_stage.clock.move(minutes=5)
    await any_stage.settle()

    first, second = any_stage.messages()
    assert second.conversation == first.conversation
    assert second.reply_to == first.reply_to
    assert "reading back confirms it" in any_stage.shown()[-1]


async def test_a_sync_goes_on_being_watched_after_a_restart(tmp_path: Path, database: str) -> None:
    script = Script(database_url=database)
    async with staged(tmp_path, script) as first:
        first.world.connectors.action_delay = timedelta(minutes=3)
        await first.says("ada", "/exchange sync EXCH01")
        await first.bot.runner.stop(1)
        first.clock.move(minutes=4)
        async with joined(tmp_path, script, first.clock, first.sandbox, first.world) as second:
            await second.settle()

            assert "reading back confirms it" in second.shown()[-1]
            assert len(second.messages()) == 1


async def test_a_sync_whose_answer_is_lost_is_unknown_until_a_person_says(
    any_stage: Stage,
) -> None:
    any_stage.world.connectors.action_delay = None
    any_stage.sandbox.graph.faults.add(
        Fault(kind=FaultKind.RESET_AFTER, method="POST", path="/sync$", times=None)
    )
    said = await any_stage.sees("ada", "/exchange sync EXCH01")

    assert "outcome unknown" in said
    assert "/resolve 0004 done" in said
    assert "/resolve 0004 failed" in said
    assert len(any_stage.graph_writes()) == 1

    answer = await any_stage.sees("ada", '/resolve 0004 done --reason "saw it in the portal"')
    assert "Resolved by a person" in answer
    assert "Ada Admin" in answer
    assert "Resolved by a person" in any_stage.shown()[0]
    assert 'is marked "done"' in await any_stage.sees("ada", "/resolve 0004 failed")
    assert (await any_stage.audited())[-1] == "operation resolved"


async def test_an_operation_that_does_not_exist_cannot_be_resolved(stage: Stage) -> None:
    assert "There is no operation 7F3K." in await stage.sees("ada", "/resolve 7F3K done")


async def test_an_operation_that_is_done_cannot_be_resolved(stage: Stage) -> None:
    await stage.says("ada", "/exchange update EXCH01 version=16")

    assert 'Operation 0004 is marked "done".' in await stage.sees("ada", "/resolve 0004 failed")


async def test_history_finds_an_operation_by_its_id_in_any_case(stage: Stage) -> None:
    stage.bot.chance.ids.new()
    for _ in range(10):
        stage.bot.chance.ids.new()
    await stage.says("ada", "/exchange update EXCH01 version=16")
    short = stage.shown()[-1].partition("Operation ")[2][:4]

    assert "Update EXCH01" in await stage.sees("ada", f"/history {short.lower()}")


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_name_is_carried_whole_and_shown_harmless(name: str, stage: Stage) -> None:
    made = stage.world.connectors.add({"id": "feed0001", "serverName": name, "status": "none"})
    shown = await stage.sees("ada", "/exchange get feed")
    listed = await stage.sees("vic", "/exchange list")
    await stage.says("ada", "/exchange update feed0001 version=16")

    assert made["serverName"] == name
    assert stage.world.connectors.get("feed0001")["version"] == "16"
    assert shown
    assert listed
    for message in stage.messages():
        for kind, text in texts(message.card):
            assert "\u202e" not in text
            if kind in MARKDOWN:
                assert_harmless(text)
    assert "reading back confirms it" in stage.shown()[-1]


@pytest.mark.parametrize(
    "name", ["Zürich ✉️ 東京", "O'Hara & Sons", 'with "quotes"', "a=b", "--type"]
)
async def test_a_name_people_can_type_is_sent_as_typed(name: str, stage: Stage) -> None:
    typed = name.replace('"', '\\"')
    await stage.says("ada", f'/exchange create serverName="{typed}"')
    await stage.says("ada", "/exchange list")

    assert [body["serverName"] for body in sent(stage, "POST") if "serverName" in body] == [name]


async def test_a_card_names_its_target_first_and_its_id_behind(tmp_path: Path) -> None:
    rule = '\n[[approval]]\ncommands = ["exchange:update"]\napprovers = ["admin"]\n'
    async with staged(tmp_path, Script(policy=POLICY + rule)) as stage:
        record_id = stage.world.id_of("EXCH01")
        for command in ("update {id} version=16 --plan", "update {id} version=16", "sync {id}"):
            said = await stage.sees("oli", f"/exchange {command.format(id=record_id)}")
            named = " ".join(said.partition("Target")[2].split())

            assert named.startswith(f"EXCH01 · Exchange connector {record_id}"), command
