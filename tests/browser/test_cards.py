"""Every card as Microsoft's renderer draws it: nothing clipped, nothing beyond its edge.

`--screenshots DIR` writes a picture of each card, theme and width as well.
"""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from bot.chance import SystemClock
from bot.clients import steady
from bot.sandbox.client import Client
from bot.sandbox.clock import MovableClock
from bot.sandbox.page.opening import opened
from tests.rendering.samples import samples
from tests.rendering.worst import worst
from tests.support.glass import Browser, Page
from tests.support.stage import FakeClock, sandboxed

pytestmark = pytest.mark.asyncio(loop_scope="session")
GALLERY = (Path(__file__).parent / "gallery.js").read_text("utf-8")
SAMPLES = {name: card.payload() for name, card in samples().items()}
WORST = {name: card.payload() for name, card in worst().items()}
CARDS = {**SAMPLES, **WORST}
WIDTHS = (320, 1280)
THEMES = ("light", "dark")
EMPTY = """(theme) => {
  document.documentElement.dataset.theme = theme;
  document.body.innerHTML = '<article class="post gallery"><div class="card"></div></article>';
  document.body.style.height = "auto";
}"""
UNBROKEN = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(".ac-richTextBlock { overflow-wrap: normal !important; }");
  document.adoptedStyleSheets = [sheet];
}"""
"""The renderer itself breaks no long word in a rich text: ours must fit where a host does not."""

SHOW = """async (payload) => {
  const { draw } = await import("/page/cards.js");
  document.querySelector(".card").replaceChildren(draw(payload, { action() {} }).element);
}"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def address(scripts: Mapping[str, bytes]) -> AsyncIterator[str]:
    """Serve the page without a bot behind it, for its way to draw cards."""
    clock = MovableClock(SystemClock(), steady=steady)
    async with sandboxed(FakeClock()) as (sandbox, world), httpx.AsyncClient() as http:
        client = Client(sandbox=sandbox, channel=world.channel, http=http, bot_url="")
        async with opened(
            sandbox=sandbox, world=world, client=client, clock=clock, scripts=scripts, commands=()
        ) as served:
            yield served.url


@pytest_asyncio.fixture(loop_scope="session")
async def frame(
    request: pytest.FixtureRequest, browser: Browser, address: str, theme: str, width: int
) -> AsyncIterator[Page]:
    """Return a page of that width with nothing on it but the place for a card."""
    context = await browser.new_context(viewport={"width": width, "height": 800})
    page = await context.new_page()
    await page.goto(address)
    await page.wait_for_selector("html[data-ready]")
    await page.evaluate(EMPTY, theme)
    yield page
    await context.close()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("theme", THEMES)
async def test_no_card_is_clipped_or_runs_out_of_its_frame(frame: Page) -> None:
    of_the_worst = await frame.evaluate(GALLERY, list(WORST.items()))
    await frame.evaluate(UNBROKEN)
    complaints = await frame.evaluate(GALLERY, list(SAMPLES.items()))

    assert complaints == []
    assert of_the_worst == []


@pytest.fixture
def pictures(request: pytest.FixtureRequest) -> Path:
    """Return the folder for pictures; without one there are none."""
    folder = request.config.getoption("--screenshots")
    if folder is None:
        pytest.skip("pictures are written with --screenshots DIR")
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    return path


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("theme", THEMES)
async def test_a_picture_of_every_card_is_written_where_asked_for(
    frame: Page, pictures: Path, theme: str, width: int
) -> None:
    for name, payload in CARDS.items():
        await frame.evaluate(SHOW, payload)
        path = pictures / f"{name}.{theme}.{width}.png"
        assert await frame.locator(".gallery").screenshot(path=path)
