"""A browser before the demo's page: what somebody does in a pane, and what they see there."""

import re
from dataclasses import dataclass

import pytest

from bot.cli.demo import Demo

try:
    from playwright.async_api import Browser, Locator, Page, async_playwright, expect
except ImportError as missing:
    # Whoever needs a browser imports it from here, and so goes without its tests.
    pytest.skip(f"browser tests need Playwright: {missing}", allow_module_level=True)

__all__ = ["NAMES", "Browser", "Glass", "Locator", "Page", "async_playwright", "expect"]

NAMES = {"ada": "Ada Admin", "oli": "Oli Operator", "vic": "Vic Viewer", "gus": "Gus Guest"}


@dataclass(frozen=True)
class Glass:
    """One open page of a running demo."""

    page: Page
    demo: Demo

    def pane(self, who: str) -> Locator:
        return self.page.locator(f'[data-who="{who}"].pane')

    def cards(self, who: str) -> Locator:
        return self.pane(who).locator(".post .card")

    def card(self, who: str, text: str) -> Locator:
        """Return the newest card in somebody's pane that shows a text."""
        return self.cards(who).filter(has_text=text).last

    def button(self, who: str, title: str) -> Locator:
        """Return the newest button of that title that somebody could press."""
        return self.cards(who).get_by_role("button", name=title, exact=True).last

    def notice(self, who: str) -> Locator:
        return self.pane(who).locator(".notice")

    async def says(self, who: str, text: str) -> None:
        """Write in a new thread."""
        box = self.pane(who).get_by_label(f"Write to @Connectors as {NAMES[who]}")
        await box.fill(text)
        await box.press("Enter")

    def tab(self, who: str, title: str) -> Locator:
        return self.pane(who).get_by_role("tab", name=title)

    async def confides(self, who: str, text: str) -> None:
        """Write in the chat with the bot."""
        await self.tab(who, "Chat with Connectors").click()
        box = self.pane(who).get_by_label(f"Write to Connectors as {NAMES[who]}")
        await box.fill(text)
        await box.press("Enter")

    async def presses(self, who: str, title: str) -> None:
        await self.button(who, title).click()

    async def sees(self, who: str, text: str) -> None:
        """Wait until a card in somebody's pane shows a text."""
        await expect(self.card(who, text)).to_be_visible()

    async def greeted(self, who: str) -> None:
        """Wait for what the bot says where it is installed."""
        await self.sees(who, "This is what you can do here")

    async def lets_pass(self, title: str, times: int = 1) -> None:
        """Move the demo's clock with one of its buttons."""
        for _ in range(times):
            before = self.demo.clock.ahead
            async with self.page.expect_response(re.compile("/clock$")):
                await self.page.get_by_role("button", name=title, exact=True).click()
            assert self.demo.clock.ahead > before

    async def serious(
        self, axe: str, *rules: str, within: str = "html"
    ) -> list[tuple[str, str, str]]:
        """Return what axe-core holds to keep people out, and where; by all rules or by some."""
        await self.page.evaluate(axe)
        options = {"runOnly": rules} if rules else {}
        found = await self.page.evaluate("([w, o]) => axe.run(w, o)", [within, options])
        return [
            (each["id"], node["html"][:200], node["failureSummary"])
            for each in found["violations"]
            if each["impact"] in {"serious", "critical"}
            for node in each["nodes"]
        ]

    def writes(self) -> list[str]:
        """Return the methods of the writes that Graph received for connectors."""
        return [
            request.method
            for request in self.demo.sandbox.graph.log
            if request.method != "GET" and "deviceManagement" in request.path
        ]
