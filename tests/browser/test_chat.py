"""The channel and each person's own chat with the bot, beside each other in a pane."""

import pytest

from tests.support.glass import NAMES, Glass, expect

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_first_thing_seen_is_the_bots_greeting_in_the_channel(glass: Glass) -> None:
    for who in NAMES:
        await glass.greeted(who)
        await expect(glass.pane(who).locator(".post")).to_have_count(1)
        await expect(glass.notice(who)).to_be_empty()
    await glass.presses("vic", "Help")

    await glass.sees("vic", "/exchange list")


async def test_a_chat_is_greeted_once_and_seen_by_its_person_alone(glass: Glass) -> None:
    await glass.confides("vic", "/exchange get EXCH01")

    await glass.sees("vic", "INTUNE-GW01")
    await expect(glass.card("vic", "Change: nothing yet")).to_be_visible()
    await glass.tab("vic", "Channel").click()
    await expect(glass.card("vic", "INTUNE-GW01")).to_be_hidden()
    await glass.tab("vic", "Chat with Connectors").click()
    await expect(glass.pane("vic").locator(".post:visible")).to_have_count(3)
    for who in ("ada", "oli", "gus"):
        await expect(glass.pane(who).locator(".post")).to_have_count(1)


async def test_what_comes_to_the_other_tab_is_counted_and_one_press_away(glass: Glass) -> None:
    await glass.confides("ada", "/watch exchange")
    await glass.sees("ada", "Watching")
    await glass.tab("ada", "Channel").click()
    await glass.lets_pass("+1 min")
    await glass.page.get_by_label("Status of EXCH01").select_option("disconnected")
    await glass.lets_pass("+1 min", times=2)

    await expect(glass.tab("ada", "Chat with Connectors")).to_contain_text("1 new")
    await expect(glass.notice("ada")).to_contain_text("EXCH01")
    await expect(glass.notice("oli")).to_be_empty()
    await glass.notice("ada").get_by_role("button", name="EXCH01").click()

    await expect(glass.button("ada", "Acknowledge")).to_be_visible()
    await expect(glass.tab("ada", "Chat with Connectors")).not_to_contain_text("new")
    await glass.presses("ada", "Acknowledge")
    await expect(glass.button("ada", "Acknowledge")).to_have_count(0)


async def test_a_reply_goes_into_its_thread_and_is_answered_there(glass: Glass) -> None:
    await glass.says("ada", "/exchange get EXCH01")
    await glass.sees("oli", "INTUNE-GW01")
    thread = glass.pane("oli").locator(".thread").filter(has_text="INTUNE-GW01")

    await thread.get_by_role("button", name="Reply").click()
    box = thread.get_by_label("Reply to @Connectors as Oli Operator")
    await box.fill("/exchange get EXCH05")
    await box.press("Enter")

    await expect(thread.locator(".card").filter(has_text="INTUNE-GW05")).to_be_visible()
    await expect(thread.get_by_role("button", name="Reply")).to_be_focused()
    threads = glass.pane("vic").locator(".thread")
    await expect(threads).to_have_count(2)
    await expect(threads.last).to_contain_text("INTUNE-GW05")


async def test_a_reply_that_is_left_with_escape_gives_the_focus_back(glass: Glass) -> None:
    reply = glass.pane("gus").get_by_role("button", name="Reply")
    await reply.click()

    await glass.page.keyboard.press("Escape")

    await expect(reply).to_be_focused()


async def test_the_tabs_are_changed_with_the_arrow_keys(glass: Glass) -> None:
    await glass.tab("gus", "Channel").focus()
    await glass.page.keyboard.press("ArrowRight")

    chat = glass.tab("gus", "Chat with Connectors")
    await expect(chat).to_be_focused()
    await expect(chat).to_have_attribute("aria-selected", "true")
    await expect(glass.pane("gus").get_by_role("tabpanel")).to_have_count(1)


async def test_what_waits_for_approval_in_a_chat_is_seen_by_its_asker_alone(
    glass: Glass,
) -> None:
    await glass.confides("oli", "/exchange update EXCH01 version=15.3")

    await glass.sees("oli", "waiting for approval")
    for who in ("ada", "vic", "gus"):
        await expect(glass.card(who, "EXCH01")).to_have_count(0)
    await expect(glass.button("oli", "Approve")).to_have_count(0)
    assert glass.writes() == []
