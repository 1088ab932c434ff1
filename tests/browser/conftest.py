"""One browser for all tests of the page; each test has a demo of its own before it."""

import os
import shutil
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from bot import logs
from bot.cli.demo import COMMANDS, running
from bot.sandbox.page.opening import libraries, opened
from bot.sandbox.page.packages import Package, PackageError, archive_of, cache_folder, file_in
from tests.support.stage import private_key

if TYPE_CHECKING:
    from tests.support.glass import Browser, Glass

AXE = Package(
    "axe-core",
    "4.14.1",
    "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
)
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
SEEN_WITHIN_MS = 10_000
"""A busy machine takes its time; what is there is seen at once."""


def go_without(request: pytest.FixtureRequest, why: str) -> None:
    """Skip, or fail where the gate was told that nothing may be missing."""
    if request.config.getoption("--need-browser"):
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture(scope="session")
def cache() -> Path:
    return cache_folder(os.environ)  # noqa: TID251 - where this user keeps what npm brought


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def scripts(request: pytest.FixtureRequest, cache: Path) -> Mapping[str, bytes]:
    """Return the page's libraries, fetched by npm the first time."""
    try:
        return await libraries(cache)
    except PackageError as error:
        go_without(request, f"the page's libraries cannot be had: {error}")
        raise


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def axe(request: pytest.FixtureRequest, cache: Path) -> str:
    """Return axe-core's script."""
    try:
        return file_in(await archive_of(AXE, cache), "axe.min.js").decode()
    except PackageError as error:
        go_without(request, f"axe-core cannot be had: {error}")
        raise


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(request: pytest.FixtureRequest) -> "AsyncIterator[Browser]":
    """Run the system's Chromium without a window."""
    from tests.support.glass import async_playwright, expect  # noqa: PLC0415 - may be missing

    chromium = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if chromium is None:
        go_without(request, f"no Chromium on the path: {', '.join(CHROMIUM)}")
    expect.set_options(timeout=SEEN_WITHIN_MS)
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=chromium)
        yield launched
        await launched.close()


@pytest_asyncio.fixture(loop_scope="session")
async def glass(
    browser: "Browser", scripts: Mapping[str, bytes], tmp_path: Path
) -> "AsyncIterator[Glass]":
    """Return an open page of a demo; an error in the page's own scripts fails the test."""
    from tests.support.glass import Glass  # noqa: PLC0415 - may be missing

    logs.configure("ERROR")
    errors: list[str] = []
    async with (
        running(tmp_path, key=private_key()) as demo,
        opened(
            sandbox=demo.sandbox,
            world=demo.world,
            client=demo.chat.client,
            clock=demo.clock,
            scripts=scripts,
            commands=COMMANDS,
        ) as served,
    ):
        context = await browser.new_context(viewport={"width": 1600, "height": 900})
        page = await context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "console",
            lambda message: errors.append(message.text) if message.type == "error" else None,
        )
        await page.goto(served.url)
        await page.wait_for_selector("html[data-ready]")
        yield Glass(page, demo)
        await context.close()
    assert errors == []
