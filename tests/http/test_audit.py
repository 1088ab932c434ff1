"""`audit` beside a running bot: whole or broken, and every line as one JSON object."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.cli import serve
from bot.cli.main import main
from bot.sandbox.faults import Fault, FaultKind
from bot.sandbox.journal import JsonObject
from tests.http.processes import ROOT
from tests.support.databases import disarm_audit, execute
from tests.support.room import policy, room_of
from tests.support.stage import FakeClock, Script, Stage, environment, sandboxed, staged

SYNC = "/exchange sync --status connected"


async def test_an_audit_is_verified_exported_and_found_broken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with staged(tmp_path) as stage:
        await stage.says("ada", "/exchange update EXCH01 version=15.3")
        settings = environment(stage.sandbox, tmp_path, Script())
        capsys.readouterr()

        assert await asyncio.to_thread(main, ["audit", "verify"], settings) == 0
        assert capsys.readouterr().out.startswith("The audit is whole: ")

        assert await asyncio.to_thread(main, ["audit", "export"], settings) == 0
        shown = capsys.readouterr()
        rows = [json.loads(line) for line in shown.out.splitlines()]
        assert [row["seq"] for row in rows] == [1, 2, 3]
        assert rows[0]["actor"]["oid"] == stage.world.ada.oid
        assert shown.err == ""

        narrow = ["audit", "export", "--operation", "none"]
        assert await asyncio.to_thread(main, narrow, settings) == 1
        assert capsys.readouterr().err == "There is no operation none.\n"

        await disarm_audit(stage.bot.database)
        await execute(stage.bot.database, "DELETE FROM audit WHERE seq > 2")
        assert await asyncio.to_thread(main, ["audit", "verify"], settings) == 1
        assert capsys.readouterr().out.startswith("BROKEN at row 3: truncated.")


async def test_an_audits_old_end_is_kept_in_a_file_and_cut(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = FakeClock(datetime(2020, 1, 1, tzinfo=UTC))
    kept = tmp_path / "old.jsonl"
    cut = ["audit", "cut", "--older-than", "365d", "--to", str(kept)]
    async with staged(tmp_path, Script(clock=old)) as stage:
        await stage.says("ada", "/exchange update EXCH01 version=15.3")
        settings = environment(stage.sandbox, tmp_path, Script())
        capsys.readouterr()

        assert await asyncio.to_thread(main, cut, settings) == 0
        assert "Rows 1 to 2 are in" in capsys.readouterr().out
        rows = [json.loads(line) for line in kept.read_text("utf-8").splitlines()]
        await stage.says("ada", "/exchange update EXCH01 version=15.4")
        capsys.readouterr()

        assert [row["seq"] for row in rows] == [1, 2]
        assert await asyncio.to_thread(main, ["audit", "verify"], settings) == 0
        assert "5 rows behind the checkpoint at row 2" in capsys.readouterr().out

        # Never over what is there already, never without a place for it, never a broken chain.
        assert await asyncio.to_thread(main, cut, settings) == 2
        assert "must be a new file" in capsys.readouterr().err
        assert await asyncio.to_thread(main, cut[:4], settings) == 2
        await disarm_audit(stage.bot.database)
        await execute(stage.bot.database, "DELETE FROM audit WHERE seq = 5")
        assert await asyncio.to_thread(main, [*cut[:5], f"{kept}2"], settings) == 1
        assert "BROKEN at row 5" in capsys.readouterr().out


async def dossier(
    stage: Stage, folder: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> JsonObject:
    """Return what `audit export --operation` prints, read as one JSON document."""
    settings = environment(stage.sandbox, folder, Script())
    capsys.readouterr()
    command = ["audit", "export", "--operation", name]
    assert await asyncio.to_thread(main, command, settings) == 0
    document: JsonObject = json.loads(capsys.readouterr().out)
    return document


async def test_an_operation_on_many_is_exported_with_before_and_after_of_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with staged(tmp_path) as stage:
        broken = stage.world.id_of("EXCH05")
        fault = Fault(kind=FaultKind.STATUS, path=f"{broken}/sync$", status=403, times=None)
        stage.sandbox.graph.faults.add(fault)
        await stage.says("oli", f"{SYNC} --reason monthly")
        stage.clock.move(minutes=20)
        await stage.settle()
        found = await dossier(stage, tmp_path, "0004", capsys)

    asked, targets = found["operation"], {target["name"]: target for target in found["targets"]}
    assert (asked["command"].split(" --reason")[0], asked["reason"]) == (SYNC, "monthly")
    assert set(targets) == {"EXCH01", "EXCH 04", "EXCH05"}
    for name, target in targets.items():
        before, after = target["before"], target["after"]
        assert before["serverName"] == name
        assert target["request_id"]
        assert target["client_request_id"] in str(stage.sandbox.graph.log)
        assert (after is None) is (name == "EXCH05")
        if after:
            assert after["lastSyncDateTime"] > before["lastSyncDateTime"]
            assert after["serverName"] == name
    lines = {line["what"]: line["details"] for line in found["audit"]}
    requested = lines["operation requested"]["items"]
    observed = lines["operation observed"]["items"]
    assert sorted(item["before"]["serverName"] for item in requested) == sorted(targets)
    assert sorted(bool(item["after"]) for item in observed) == [False, True, True]


async def test_what_a_pause_kept_from_being_sent_is_in_evidence_as_not_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with staged(tmp_path) as stage:
        faults = stage.sandbox.graph.faults
        faults.add(Fault(kind=FaultKind.HANG, path="/sync$", skip=1))
        await stage.post(stage.activity("oli", SYNC))
        await faults.wait_until_paused()
        await stage.post(stage.activity("ada", "/pause"))
        faults.release()
        await stage.settle()
        found = await dossier(stage, tmp_path, "0004", capsys)

    ended = next(line for line in found["audit"] if line["what"] == "operation done")
    in_order = [ended["details"]["items"], found["targets"], found["operation"]["result"]["items"]]
    for targets in in_order:
        fates = [(target["state"], target["code"]) for target in targets]
        assert fates == [("done", ""), ("done", ""), ("not-sent", "paused")]
    assert [bool(target["client_request_id"]) for target in found["targets"]] == [
        True,
        True,
        False,
    ]


async def test_what_ended_before_it_began_is_in_evidence_as_not_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = policy(commands='"exchange:sync"')
    async with staged(tmp_path, Script(policy=rules)) as stage:
        await stage.says("oli", SYNC)
        asked = (await stage.bot.store.operations(tenant=None, target=None, offset=0, limit=1))[0]
        waits = await dossier(stage, tmp_path, asked.short, capsys)
        stage.world.connectors.remove(stage.world.id_of("EXCH05"))
        await stage.says("ada", f"/approve {asked.short}")
        found = await dossier(stage, tmp_path, asked.short, capsys)

    assert {target["state"] for target in waits["targets"]} == {"waiting"}
    fates = {target["name"]: (target["state"], target["code"]) for target in found["targets"]}
    assert fates == {
        "EXCH01": ("not-sent", ""),
        "EXCH 04": ("not-sent", ""),
        "EXCH05": ("not-sent", "target-gone"),
    }


async def test_an_operation_that_was_undone_is_exported_with_its_votes_and_values(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with staged(tmp_path, Script(policy=policy())) as stage:
        room = room_of(stage)
        asked = await room.asks("ada")
        await room.types("bob", f'/approve {asked.short} --comment "go on"')
        undone = await room.asks("ada", f"/undo {asked.short}")
        await room.types("bob", f"/approve {undone.short}")
        first = await dossier(stage, tmp_path, asked.short, capsys)
        second = await dossier(stage, tmp_path, undone.short, capsys)

    ((there,), (back,)) = first["targets"], second["targets"]
    assert (there["before"]["version"], there["after"]["version"]) == ("15.2.1118.7", "15.9")
    assert (back["before"]["version"], back["after"]["version"]) == ("15.9", "15.2.1118.7")
    assert first["approval"]["votes"][0]["person"]["name"] == "Bob Admin"
    assert first["approval"]["votes"][0]["comment"] == "go on"
    assert second["operation"]["reason"] == f"undo of {asked.short}"
    for each in (there, back):
        assert each["request_id"]
        assert each["client_request_id"]


async def test_what_was_created_and_deleted_is_exported_with_both_ends(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with staged(tmp_path) as stage:
        await stage.says("ada", "/exchange create serverName=EXCH09")
        await stage.says("ada", "/undo 0004")
        ((made,), (gone,)) = [
            (await dossier(stage, tmp_path, name, capsys))["targets"] for name in ("0004", "0005")
        ]

    assert (made["before"], made["after"]["serverName"]) == (None, "EXCH09")
    assert made["id"] == made["after"]["id"] == gone["before"]["id"]
    assert (gone["before"]["serverName"], gone["after"]) == ("EXCH09", None)


async def test_a_reader_that_has_enough_is_no_error(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.says("ada", "/pause")
        settings = environment(stage.sandbox, tmp_path, Script())
        reading, writing = os.pipe()
        os.close(reading)
        try:
            ended = await asyncio.to_thread(
                subprocess.run,
                [sys.executable, "-m", "bot", "audit", "export"],
                cwd=ROOT,
                env=settings,
                stdout=writing,
                stderr=subprocess.PIPE,
            )
        finally:
            os.close(writing)

    assert (ended.returncode, ended.stderr) == (0, b"")


async def test_serve_runs_until_it_is_told_to_stop(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with sandboxed(FakeClock()) as (sandbox, _):
        running = asyncio.ensure_future(serve.run(environment(sandbox, tmp_path, Script())))
        log = ""
        async with asyncio.timeout(10):
            while "bot started" not in log:
                # The log of a start is all that tells of it.
                await asyncio.sleep(0.02)
                log += capsys.readouterr().err
        signal.raise_signal(signal.SIGTERM)

        assert await running == 0
    assert "bot stopped" in capsys.readouterr().err
