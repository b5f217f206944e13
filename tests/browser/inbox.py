"""The inbox and its cards, as a person works with them."""

import re
import time
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.asking import Asking, update
from tests.browser.conftest import PATIENCE_MS, Site
from tests.service import MARA

INBOX = "#/approvals"
LOOKED_AT_MS = 450
"""The console takes no key for a card that has only just come up."""
_IN_SIGHT = """({ id, ms }) => {
  const card = document.querySelector("cs-approval-card");
  return card?.card?.approval_id === id && card.shownFor > ms;
}"""


def read(page: Page, site: Site, approval: Any, query: str = "") -> None:
    """Open a card and look at it."""
    page.goto(f"{site.url}/console/{INBOX}/{approval['approval_id']}{query}")
    page.locator("cs-approval-card .decide, cs-approval-card .fate").first.wait_for()
    look_at(page, approval["approval_id"])


def look_at(page: Page, approval_id: str) -> None:
    """Until the card of that request has been in sight long enough for a key to mean it."""
    until = time.monotonic() + PATIENCE_MS / 1000
    while not page.evaluate(_IN_SIGHT, {"id": approval_id, "ms": LOOKED_AT_MS}):
        assert time.monotonic() < until, "the card is not in sight"
        page.wait_for_timeout(50)


def card(page: Page) -> Any:
    return page.locator("cs-approval-card")


def shown_in(page: Page) -> str:
    """The request whose card is up, by the page's address."""
    found = re.search(r"approvals/([0-9a-f-]{36})", page.url)
    assert found is not None, page.url
    return found[1]


def approve_by_keyboard(page: Page, url: str, asking: Asking) -> None:
    asked = {one["approval_id"]: one for one in asking.ask(update(NextStep="Call Ann"), update(Description="Told Ann"))}
    page.goto(f"{url}/console/{INBOX}")
    page.get_by_label("User name").wait_for()
    page.keyboard.type(MARA)
    page.keyboard.press("Enter")
    page.get_by_role("navigation", name="Screens").wait_for()
    expect(page.locator(".line")).to_have_count(2)
    page.keyboard.press("Enter")  # without a card in sight nothing is approved by it
    expect(card(page).get_by_role("heading", level=2)).to_contain_text("Change Opportunity")
    assert page.evaluate("document.activeElement.dataset.way") is None, "the focus is on no decision"
    page.keyboard.press("Enter")
    look_at(page, shown_in(page))
    assert [asking.status(one) for one in asked.values()] == ["pending", "pending"]
    first = asked.pop(shown_in(page))  # of two that were made at once either may come first
    [second] = asked.values()
    page.keyboard.press("a")
    asking.wait_for(first, "applied")
    page.wait_for_url(f"**/*{second['approval_id']}*")  # on to the next by itself
    look_at(page, second["approval_id"])
    page.keyboard.press("a")
    asking.wait_for(second, "applied")
    expect(page.get_by_text("Nothing waits here.")).to_be_visible()
    assert (asking.record()["NextStep"], asking.record()["Description"]) == ("Call Ann", "Told Ann")
