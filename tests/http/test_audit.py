"""`audit` beside a running bot: whole or broken, and every line as one JSON object."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bot.cli import serve
from bot.cli.main import main
from tests.http.processes import ROOT
from tests.support.databases import disarm_audit, execute
from tests.support.stage import FakeClock, Script, environment, sandboxed, staged


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
                await asyncio.sleep(0.02)
                log += capsys.readouterr().err
        signal.raise_signal(signal.SIGTERM)

        assert await running == 0
    assert "bot stopped" in capsys.readouterr().err
