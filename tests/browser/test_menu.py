"""The commands that a / offers: the app package's own, found while one types, without a mouse."""

import pytest

from bot.cli.package import menu
from tests.support.glass import Glass, Locator, expect

pytestmark = pytest.mark.asyncio(loop_scope="session")
BOX = "Write to @Connectors as Ada Admin"
TITLES = [f"/{entry.title}" for entry in menu()]


def box(glass: Glass) -> Locator:
    return glass.pane("ada").get_by_label(BOX)


def options(glass: Glass) -> Locator:
    return glass.pane("ada").get_by_role("option")


async def types(glass: Glass, text: str) -> None:
    await box(glass).focus()
    await glass.page.keyboard.type(text)


async def active(glass: Glass) -> str:
    """Return the title of the option that the field says is the active one."""
    return str(
        await box(glass).evaluate(
            "e => document.getElementById(e.getAttribute('aria-activedescendant'))"
            "?.querySelector('strong').textContent ?? ''"
        )
    )


async def test_a_slash_offers_the_app_packages_commands(glass: Glass) -> None:
    await expect(box(glass)).to_have_attribute("aria-expanded", "false")

    await types(glass, "/")

    await expect(box(glass)).to_have_attribute("aria-expanded", "true")
    assert await options(glass).locator("strong").all_text_contents() == TITLES
    assert await active(glass) == TITLES[0]
    await expect(options(glass).first).to_have_attribute("aria-selected", "true")


async def test_what_is_typed_narrows_the_commands_down(glass: Glass) -> None:
    await types(glass, "/exchange s")
    assert await options(glass).locator("strong").all_text_contents() == ["/exchange sync"]

    await glass.page.keyboard.type("ync EXCH01")
    await expect(options(glass)).to_have_count(0)
    await expect(box(glass)).to_have_attribute("aria-expanded", "false")


@pytest.mark.parametrize("key", ["Enter", "Tab"])
async def test_the_arrows_choose_and_a_key_picks_without_sending(glass: Glass, key: str) -> None:
    await types(glass, "/")
    for arrow in ("ArrowDown", "ArrowDown", "ArrowUp", "ArrowUp", "ArrowUp", "ArrowDown"):
        await glass.page.keyboard.press(arrow)
    assert await active(glass) == TITLES[0]
    await glass.page.keyboard.press("ArrowDown")

    await glass.page.keyboard.press(key)

    await expect(box(glass)).to_have_value("/exchange get ")
    await expect(box(glass)).to_be_focused()
    await expect(options(glass)).to_have_count(0)
    await glass.page.keyboard.type("EXCH01")
    await glass.page.keyboard.press("Enter")
    await glass.sees("vic", "INTUNE-GW01")


async def test_escape_closes_the_menu_and_leaves_what_was_typed(glass: Glass) -> None:
    await types(glass, "/exch")

    await glass.page.keyboard.press("Escape")

    await expect(options(glass)).to_have_count(0)
    await expect(box(glass)).to_have_value("/exch")
    await expect(box(glass)).to_be_focused()


async def test_enter_sends_what_is_a_command_already_or_begins_none(glass: Glass) -> None:
    await types(glass, "/status")
    await expect(options(glass)).to_have_count(0)
    await glass.page.keyboard.press("Enter")
    await expect(box(glass)).to_have_value("")

    # Found by a later word of its title: offered, and not picked unless it is chosen.
    await types(glass, "/sync")
    assert await options(glass).locator("strong").all_text_contents() == ["/exchange sync"]
    assert await active(glass) == ""
    await glass.page.keyboard.press("Enter")

    await expect(box(glass)).to_have_value("")
    await expect(glass.pane("vic").locator(".post .text").last).to_have_text("/sync")


async def test_a_command_is_picked_with_the_mouse_in_a_reply_as_well(glass: Glass) -> None:
    await glass.pane("ada").get_by_role("button", name="Reply").click()
    reply = glass.pane("ada").get_by_label("Reply to @Connectors as Ada Admin")
    await glass.page.keyboard.type("/who")

    await options(glass).filter(has_text="/whoami").click()

    await expect(reply).to_have_value("/whoami ")
    await expect(reply).to_be_focused()


async def test_axe_finds_no_serious_violation_in_an_open_menu_and_a_chat(
    glass: Glass, axe: str
) -> None:
    await glass.confides("vic", "/whoami")
    await glass.sees("vic", "Vic Viewer")
    for who in ("oli", "gus"):
        await glass.page.get_by_role("button", name=who, exact=True).click()
    await types(glass, "/")
    await expect(options(glass).first).to_be_visible()

    assert await glass.serious(axe) == []
    await glass.page.evaluate("document.getElementById('theme').click()")
    await expect(options(glass).first).to_be_visible()
    assert await glass.serious(axe, "color-contrast") == []
