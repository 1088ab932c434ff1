"""The demo's page in a browser: each person's own view, live, and nothing that is not theirs."""

import pytest

from bot.sandbox.terminal import press_of
from tests.support.glass import NAMES, Glass, expect

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_typed_command_is_answered_with_a_card_in_every_pane(glass: Glass) -> None:
    await glass.says("ada", "/exchange list")

    for who in NAMES:
        await glass.sees(who, "5 in all")
    await glass.presses("vic", "Refresh")
    await glass.sees("vic", "5 in all")


async def test_what_is_asked_in_private_is_seen_by_nobody_else(glass: Glass) -> None:
    await glass.pane("vic").get_by_label("only the bot and I see it").check()
    await glass.says("vic", "/exchange get EXCH01")
    await glass.sees("vic", "INTUNE-GW01")
    await expect(glass.pane("vic").locator(".list").first).to_contain_text("only you can see this")

    private = glass.pane("vic").locator(".thread").filter(has_text="INTUNE-GW01")
    await expect(private.get_by_role("button", name="Reply")).to_have_count(0)

    await glass.says("oli", "/exchange get EXCH05")
    await glass.sees("ada", "INTUNE-GW05")

    for who in ("ada", "oli", "gus"):
        await expect(glass.card(who, "INTUNE-GW01")).to_have_count(0)
        await expect(glass.pane(who)).not_to_contain_text("EXCH01")


async def test_an_update_is_approved_in_the_pane_of_somebody_else(glass: Glass) -> None:
    await glass.says("oli", "/exchange update EXCH01 version=15.3")
    await expect(glass.button("ada", "Approve")).to_be_visible()
    await expect(glass.button("oli", "Cancel")).to_be_visible()
    await expect(glass.button("oli", "Approve")).to_have_count(0)
    for who in ("vic", "gus"):
        await expect(glass.button(who, "Approve")).to_have_count(0)
    assert glass.writes() == []

    await glass.presses("ada", "Approve")

    for who in NAMES:
        await glass.sees(who, "Update EXCH01 \N{EN DASH} done")
        await expect(glass.notice(who)).not_to_contain_text("waiting")
    await expect(glass.page.get_by_role("button", name="Approve", exact=True)).to_have_count(0)
    assert glass.writes() == ["PATCH"]


async def test_a_request_is_opened_from_the_list_of_what_waits_and_approved(glass: Glass) -> None:
    await glass.says("oli", "/exchange update EXCH01 version=15.3")
    await expect(glass.button("ada", "Approve")).to_be_visible()

    await glass.confides("ada", "/approvals")
    await glass.sees("ada", "Waiting for you")
    await glass.pane("ada").get_by_role("button", name="Show ").last.click()
    await glass.presses("ada", "Approve")

    await glass.sees("oli", "Update EXCH01 \N{EN DASH} done")
    assert glass.writes() == ["PATCH"]


async def test_a_connector_that_breaks_is_told_live_and_acknowledged(glass: Glass) -> None:
    await glass.says("ada", "/watch exchange")
    await glass.sees("vic", "Watching")
    await glass.lets_pass("+1 min")

    await glass.page.get_by_label("Status of EXCH01").select_option("disconnected")
    await glass.lets_pass("+1 min", times=2)
    await expect(glass.button("oli", "Acknowledge")).to_be_visible()
    await expect(glass.notice("vic")).to_contain_text("EXCH01")
    await glass.presses("ada", "Acknowledge")

    for who in NAMES:
        await glass.sees(who, "Ada Admin")
    await expect(glass.button("oli", "Acknowledge")).to_have_count(0)


async def test_an_approval_that_lapsed_cannot_be_pressed(glass: Glass) -> None:
    await glass.says("oli", "/exchange delete EXCH05")
    await expect(glass.button("ada", "Approve")).to_be_visible()
    waiting = glass.demo.sandbox.connector.messages()[-1]
    approve = press_of(waiting.card or {}, "Approve") or {}

    await glass.lets_pass("+5 h")
    await glass.sees("ada", "expired")
    await expect(glass.button("ada", "Approve")).to_have_count(0)
    await glass.page.evaluate(
        "([id, verb, data]) => teams.press('ada', id, verb, data)",
        [waiting.id, approve["verb"], approve["data"]],
    )

    await expect(glass.notice("ada")).to_contain_text("expired")
    assert glass.writes() == []


async def test_a_card_payload_that_somebody_forges_is_refused(glass: Glass) -> None:
    await glass.says("oli", "/exchange delete EXCH05")
    await expect(glass.button("ada", "Approve")).to_be_visible()
    waiting = glass.demo.sandbox.connector.messages()[-1]
    approve = press_of(waiting.card or {}, "Approve") or {}

    for who, why in (("oli", "Not your own"), ("vic", "Not yours"), ("gus", "Guests may not")):
        await glass.page.evaluate(
            "([who, id, verb, data]) => teams.press(who, id, verb, data)",
            [who, waiting.id, approve["verb"], approve["data"]],
        )
        await expect(glass.notice(who)).to_contain_text(why)
    forged = {"command": "/exchange delete EXCH01", "confirmed": "yes"}
    await glass.page.evaluate(
        "([id, data]) => teams.press('vic', id, 'run', data)", [waiting.id, forged]
    )

    await expect(glass.notice("vic")).not_to_be_empty()
    await expect(glass.button("ada", "Approve")).to_be_visible()
    assert glass.writes() == []


async def test_the_page_is_used_with_the_keyboard_alone(glass: Glass) -> None:
    keys = glass.page.keyboard
    box = glass.pane("ada").get_by_label(f"Write to @Connectors as {NAMES['ada']}")
    await box.focus()
    await keys.type("/exchange delete EXCH05")
    await keys.press("Enter")
    await expect(glass.button("oli", "Approve")).to_be_visible()

    await glass.button("oli", "Approve").focus()
    await keys.press("Enter")

    await glass.sees("ada", "Delete EXCH05 \N{EN DASH} done")
    focused = await glass.page.evaluate("document.activeElement.closest('.pane')?.dataset.who")
    assert focused == "oli"
    assert glass.writes() == ["DELETE"]


async def test_what_somebody_is_at_stays_theirs_while_a_card_is_drawn_anew(glass: Glass) -> None:
    keys, redraw = glass.page.keyboard, "document.getElementById('theme').click()"
    await glass.says("ada", "/exchange delete EXCH05")
    await expect(glass.button("oli", "Reject")).to_be_visible()
    comment = glass.pane("oli").get_by_label("Comment")

    await comment.focus()
    await keys.type("not  week")
    for _ in range(len(" week")):
        await keys.press("ArrowLeft")
    await glass.page.evaluate(redraw)
    await keys.type("this")
    await expect(comment).to_have_value("not this week")
    await glass.button("oli", "Reject").focus()
    await glass.page.evaluate(redraw)
    await keys.press("Enter")

    await glass.sees("ada", "not this week")
    assert glass.writes() == []


async def test_a_slow_or_throttled_graph_is_told_as_it_is_and_heals(glass: Glass) -> None:
    await glass.page.get_by_label("answers slowly (after 4 s)").check()
    await glass.says("vic", "/exchange get EXCH01")
    await glass.sees("gus", "Working on it")
    await glass.sees("gus", "INTUNE-GW01")

    await glass.page.get_by_label("throttles (429)").check()
    await glass.says("vic", "/exchange get EXCH02")
    await expect(glass.page.locator("#rows .bad .status").first).to_have_text("429")

    await glass.page.get_by_label("answers", exact=True).check()
    await glass.says("vic", "/exchange get EXCH05")
    await glass.sees("gus", "INTUNE-GW05")


async def test_the_traffic_and_the_cards_can_be_read_as_json(glass: Glass) -> None:
    await glass.says("vic", "/exchange get EXCH01")
    await glass.sees("vic", "INTUNE-GW01")

    await glass.pane("vic").get_by_role("button", name="Card JSON").last.click()
    await expect(glass.page.locator("#whole-text")).to_contain_text('"type": "AdaptiveCard"')
    await glass.page.locator("#part").select_option("graph")
    row = glass.page.locator("#rows button:visible").filter(has_text="exchangeConnectors").first
    await row.click()

    await expect(glass.page.locator("#whole-text")).to_contain_text("INTUNE-GW01")


async def test_axe_finds_no_serious_violation_in_either_theme(glass: Glass, axe: str) -> None:
    await glass.says("oli", "/exchange update EXCH01 version=15.3")
    await glass.says("vic", "/exchange list")
    await glass.says("gus", "/exchange snyc EXCH01")
    await glass.sees("oli", "5 in all")
    await expect(glass.button("ada", "Approve")).to_be_visible()
    await glass.pane("oli").get_by_role("button", name="Card JSON").last.click()
    # All panes are alike: looking through four takes a while.
    for who in ("vic", "gus"):
        await glass.page.get_by_role("button", name=who, exact=True).click()
        await expect(glass.pane(who)).to_be_hidden()

    assert await glass.serious(axe) == []
    await glass.page.get_by_role("button", name="Dark").click()
    assert await glass.serious(axe, "color-contrast") == []


async def test_a_connector_is_made_in_graph_behind_the_bots_back(glass: Glass) -> None:
    await glass.page.get_by_label("New connector's server").fill("EXCH09")
    await glass.page.get_by_role("button", name="Add in Graph").click()
    await expect(glass.page.get_by_label("Status of EXCH09")).to_have_value("connected")
    await expect(glass.page.get_by_label("New connector's server")).to_have_value("")

    await glass.says("vic", "/exchange get EXCH09")
    await glass.sees("vic", "EXCH09")
    assert glass.writes() == []
