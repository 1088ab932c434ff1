"""The page at the widths of a laptop, a desk and a phone: nothing cut off, everything in reach."""

import pytest

from tests.support.glass import NAMES, Glass, expect

pytestmark = pytest.mark.asyncio(loop_scope="session")
CUT = """() => {
  const wide = (text, element) => {
    const { font } = getComputedStyle(element);
    const canvas = document.createElement("canvas").getContext("2d");
    canvas.font = font;
    return canvas.measureText(text).width;
  };
  const selects = [...document.querySelectorAll(".graph select")];
  // A select draws its text and an arrow of about the text's height.
  const cut = selects.filter((each) =>
    [...each.options].some((option) => wide(option.text, each) > each.clientWidth - 22));
  const scroll = document.querySelector(".graph .scroll");
  return [
    ...cut.map((each) => each.getAttribute("aria-label") ?? each.name),
    ...(scroll.scrollWidth > scroll.clientWidth ? ["the connectors scroll sideways"] : []),
  ];
}"""


BROKEN = """() => {
  const range = document.createRange();
  const labels = [...document.querySelectorAll(".card .ac-columnSet .ac-textBlock")];
  return labels.flatMap((label) => {
    const texts = document.createTreeWalker(label, NodeFilter.SHOW_TEXT);
    const found = [];
    while (texts.nextNode()) {
      for (const word of texts.currentNode.data.matchAll(/[A-Za-z]+/g)) {
        range.setStart(texts.currentNode, word.index);
        range.setEnd(texts.currentNode, word.index + word[0].length);
        if (range.getClientRects().length > 1) found.push(word[0]);
      }
    }
    return found;
  });
}"""
WIDER = "each => each.scrollWidth - each.clientWidth"


@pytest.mark.parametrize(("width", "height"), [(1000, 800), (1280, 720), (1600, 900)])
async def test_everybody_is_seen_at_once_beside_the_panel(
    glass: Glass, width: int, height: int
) -> None:
    await glass.page.set_viewport_size({"width": width, "height": height})
    await glass.says("oli", "/exchange get EXCH01")
    await glass.card("oli", "EXCH01").wait_for()

    for who in NAMES:
        await expect(glass.pane(who)).to_be_in_viewport(ratio=1)
    await expect(glass.page.locator("#side")).to_be_in_viewport()
    assert await glass.page.locator("#panes").evaluate(WIDER) == 0
    if width == 1280:
        assert await glass.page.evaluate(BROKEN) == []


async def test_four_stand_in_a_row_once_the_panel_is_put_away(glass: Glass) -> None:
    await glass.page.set_viewport_size({"width": 1280, "height": 720})
    await glass.page.get_by_role("button", name="Graph and traffic").click()

    boxes = [await glass.pane(who).bounding_box() for who in NAMES]
    assert len({box["y"] for box in boxes if box}) == 1
    assert len({box["x"] for box in boxes if box}) == len(NAMES)


@pytest.mark.parametrize("width", [1280, 1600])
async def test_nothing_in_the_graph_panel_is_cut_off_or_wrapped(glass: Glass, width: int) -> None:
    await glass.page.set_viewport_size({"width": width, "height": 800})

    assert await glass.page.evaluate(CUT) == []
    tops = await glass.page.locator("#time button").evaluate_all(
        "all => all.map((each) => each.getBoundingClientRect().top)"
    )
    assert len(tops) == 5
    assert len(set(tops)) == 1


@pytest.mark.parametrize(("width", "height"), [(800, 900), (390, 800)])
async def test_a_narrow_window_shows_pane_after_pane_and_the_panel_below(
    glass: Glass, width: int, height: int
) -> None:
    await glass.page.set_viewport_size({"width": width, "height": height})

    for who in NAMES:
        await glass.pane(who).scroll_into_view_if_needed()
        await glass.says(who, "/exchange get EXCH01")
        post = glass.pane(who).locator(".thread").last
        await expect(post.locator(".text")).to_have_text("/exchange get EXCH01")
        await expect(post.locator(".card")).to_be_in_viewport()
    await glass.lets_pass("+1 min")
    await expect(glass.page.locator("#time")).to_be_in_viewport()
    seen = "document.documentElement.scrollWidth - innerWidth"
    assert await glass.page.evaluate(seen) == 0


async def test_the_panel_beside_the_panes_can_be_put_away(glass: Glass) -> None:
    toggle = glass.page.get_by_role("button", name="Graph and traffic")
    await toggle.click()
    await expect(glass.page.locator("#graph")).to_be_hidden()
    await expect(toggle).to_have_attribute("aria-pressed", "false")

    await glass.pane("vic").get_by_role("button", name="Card JSON").click()

    await expect(glass.page.locator("#whole-text")).to_be_visible()
    await expect(toggle).to_have_attribute("aria-pressed", "true")
