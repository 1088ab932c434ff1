"""The one command as a person starts it, where Node.js is installed."""

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
START_S = 30.0


async def started(stdin: int) -> tuple[Process, str]:
    """Start the demo and return it with the address that it prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        "demo",
        cwd=ROOT,
        stdin=stdin,
        stdout=PIPE,
        env=dict(os.environ),  # noqa: TID251 - npm and the cache are found by it
    )
    assert process.stdout is not None
    async with asyncio.timeout(START_S):
        while line := await process.stdout.readline():
            if found := re.search(r"http://127\.0\.0\.1:\d+/", line.decode()):
                return process, found[0]
    raise AssertionError("the demo named no page")


@pytest.mark.asyncio(loop_scope="session")
async def test_one_command_serves_the_page_beside_the_conversation(
    scripts: Mapping[str, bytes],
) -> None:
    process, url = await started(PIPE)
    async with httpx.AsyncClient(trust_env=False) as http:
        page = await http.get(url)
        library = await http.get(f"{url}library/adaptivecards.js")

    out, _ = await asyncio.wait_for(process.communicate(b"ada: /whoami\nquit\n"), START_S)

    assert page.status_code == 200
    assert library.content == scripts["adaptivecards.js"]
    assert "Ada Admin" in out.decode()
    assert process.returncode == 0


@pytest.mark.asyncio(loop_scope="session")
async def test_without_a_keyboard_the_page_stays_until_it_is_ended(
    scripts: Mapping[str, bytes],
) -> None:
    process, url = await started(DEVNULL)
    assert process.stdout is not None
    async with asyncio.timeout(START_S):
        while b"until Ctrl+C" not in await process.stdout.readline():
            pass
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(url)).status_code == 200

    process.send_signal(signal.SIGTERM)
    await asyncio.wait_for(process.communicate(), START_S)

    assert process.returncode == 0
