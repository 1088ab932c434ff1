"""Forms in a browser: in a dialog and on a card, with the card's own rules and live search."""

import pytest

from tests.support.glass import NAMES, Glass, expect

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_connector_is_created_by_form_once_its_address_is_right(glass: Glass) -> None:
    await glass.says("ada", "/exchange list")
    await glass.sees("ada", "5 in all")
    await glass.presses("ada", "New…")
    dialog = glass.page.get_by_role("dialog")
    await dialog.get_by_label("Server", exact=True).fill("EXCH 09")
    await dialog.get_by_label("Type").select_option("hosted")
    await dialog.get_by_label("Primary SMTP address").fill("ops@")

    await dialog.get_by_role("button", name="Show plan").click()
    await expect(dialog.get_by_text("Primary SMTP address does not fit")).to_be_visible()
    await expect(dialog.get_by_label("Server", exact=True)).to_have_value("EXCH 09")
    await expect(dialog.get_by_label("Type")).to_have_value("hosted")
    assert glass.writes() == []
    await dialog.get_by_label("Primary SMTP address").fill("ops@lab.contoso.example")
    await dialog.get_by_role("button", name="Show plan").click()
    await expect(dialog.get_by_text("Create EXCH 09")).to_be_visible()
    assert glass.writes() == []
    await dialog.get_by_role("button", name="Create", exact=True).click()

    for who in NAMES:
        await glass.sees(who, "Create EXCH 09 \N{EN DASH} done")
    await expect(glass.page.locator("#connectors")).to_contain_text("EXCH 09")
    assert glass.writes() == ["POST"]


async def test_what_only_the_bot_can_tell_is_said_in_the_form_with_everything_kept(
    glass: Glass,
) -> None:
    await glass.says("ada", "/exchange list")
    await glass.sees("ada", "5 in all")
    await glass.presses("ada", "New…")
    dialog = glass.page.get_by_role("dialog")
    await dialog.get_by_label("Version").fill("15.9")
    await dialog.get_by_label("Reason").fill("a trial")

    await dialog.get_by_role("button", name="Show plan").click()

    await expect(dialog.get_by_text("A new one needs a name").first).to_be_visible()
    await expect(dialog.get_by_label("Version")).to_have_value("15.9")
    await expect(dialog.get_by_label("Reason")).to_have_value("a trial")
    assert glass.writes() == []


async def test_a_target_is_looked_up_while_somebody_types(glass: Glass) -> None:
    await glass.says("oli", "/exchange update")
    form = glass.card("oli", "Change properties")
    await form.get_by_role("textbox", name="Target").click()
    await glass.page.keyboard.type("CH05")
    await form.get_by_text("EXCH05 (connected)").click()
    await form.get_by_role("textbox", name="Version").fill("15.9")
    await form.get_by_role("button", name="Show plan").click()
    await expect(glass.card("oli", "15.9").get_by_role("button", name="Update")).to_be_visible()
    await glass.presses("oli", "Update")

    await expect(glass.button("ada", "Approve")).to_be_visible()
    await expect(glass.button("oli", "Approve")).to_have_count(0)
    await glass.presses("ada", "Approve")

    await glass.sees("oli", "Update EXCH05 \N{EN DASH} done")


async def test_a_dialog_knows_its_target_has_no_serious_violation_and_closes_with_escape(
    glass: Glass, axe: str
) -> None:
    await glass.says("oli", "/exchange get EXCH01")
    await glass.sees("oli", "INTUNE-GW01")
    await glass.presses("oli", "Change…")
    dialog = glass.page.get_by_role("dialog")
    await expect(dialog.get_by_role("textbox", name="Target")).to_have_value(
        "EXCH01 (connected) e11c1de8"
    )
    await dialog.get_by_role("textbox", name="Version").fill("15.9")
    await dialog.get_by_role("button", name="Show plan").click()
    await expect(dialog.get_by_role("button", name="Update", exact=True)).to_be_visible()

    assert await glass.serious(axe, within="dialog") == []
    await glass.page.keyboard.press("Escape")

    await expect(dialog).to_have_count(0)
    focused = await glass.page.evaluate("document.activeElement.textContent")
    assert focused == "Change…"
