"""A day on PostgreSQL: asked, streamed, approved, edited, rejected, decided together, moved on, taken back, proven."""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk
from playwright.sync_api import Browser, Page, expect
from pydantic import PrivateAttr

from tests.browser.asking import RENEWAL_ID, Asking, Copilot, update
from tests.browser.conftest import open_page, open_site, sign_in
from tests.browser.inbox import INBOX, approve_by_keyboard, card, look_at, read
from tests.browser.storyteller import sentences
from tests.conftest import PostgresTemplates, seed_small
from tests.service import ADMIN, MARA


class Narrator(Copilot):
    """Does what it is told, and stops in the middle of a story until it is asked to go on."""

    _goes_on: threading.Event = PrivateAttr(default_factory=threading.Event)

    async def _astream(
        self, messages: list[BaseMessage], *given: Any, **more: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        if "story" not in next(str(one.text) for one in reversed(messages) if one.type == "human"):
            async for piece in super()._astream(messages, *given, **more):
                yield piece
            return
        for place, sentence in enumerate(sentences(6)):
            if place == 3:
                await asyncio.to_thread(self._goes_on.wait, 60)
            yield ChatGenerationChunk(message=AIMessageChunk(content=sentence))


def test_a_day_at_the_console(
    browser: Browser, postgresql_templates: PostgresTemplates, tmp_path_factory: pytest.TempPathFactory
) -> None:
    postgresql_templates.build("seeded", seed_small)
    copilot, folder = Narrator(), tmp_path_factory.mktemp("postgresql")
    with (
        postgresql_templates.copied("seeded") as config,
        open_site(config, folder, model_for=lambda tenant: copilot) as site,
        open_page(browser, site.url) as page,
        open_page(browser, site.url) as auditor,
    ):
        asking = Asking(site, copilot)
        approve_by_keyboard(page, site.url, asking)
        stream(page, copilot)
        edit_and_reject(page, asking)
        decide_together(page, asking)
        see_what_moved_on(page, asking)
        take_back(page, asking)
        sign_in(auditor, site.url, ADMIN, to="#/audit?kind=effect.applied")
        expect(auditor.locator(".audit-entry").first).to_contain_text("Request: Undo")
        auditor.get_by_role("button", name="Verify").click()
        expect(auditor.get_by_role("heading", name="The log is whole")).to_be_visible()


def stream(page: Page, copilot: Narrator) -> None:
    page.get_by_role("link", name="Chat").click()
    page.get_by_label("Message", exact=True).fill("tell a story about the deals")
    page.keyboard.press("Enter")
    expect(page.locator(".growing")).to_contain_text("about alpha.")
    assert "foxtrot" not in page.locator(".growing").inner_text()
    copilot._goes_on.set()
    expect(page.locator(".thumbs")).to_be_visible()
    assert page.locator(".answer-body").inner_text().split() == "".join(sentences(6)).split()


def edit_and_reject(page: Page, asking: Asking) -> None:
    [first] = asking.ask(update(NextStep="Send the offer"))
    read(page, asking.site, first)
    page.keyboard.press("e")
    page.get_by_role("dialog").get_by_role("textbox", name="Next Step").fill("Send the second offer")
    page.get_by_role("dialog").get_by_role("button", name="Make the new request").click()
    expect(card(page).locator("ins.new")).to_have_text("Send the second offer")
    assert asking.status(first) == "edited"
    [new] = asking.site.call(MARA, "GET", "/approvals", params={"view": "mine"})
    look_at(page, new["approval_id"])
    page.keyboard.press("r")
    page.get_by_role("dialog").get_by_label("Why").fill("We keep it")
    page.keyboard.press("Control+Enter")
    asking.wait_for(new, "rejected")
    assert asking.record()["NextStep"] == "Call Ann"


def decide_together(page: Page, asking: Asking) -> None:
    wanted = asking.ask(update(NextStep="A"), update(Description="B"))
    page.goto(f"{asking.site.url}/console/{INBOX}")
    boxes = page.locator(".line input[type=checkbox]")
    expect(boxes).to_have_count(2)
    for box in boxes.all():
        box.check()
    page.get_by_role("button", name="Decide together").click()
    batch = page.locator("cs-approval-batch")
    vetoed = batch.locator(f"li[data-id='{wanted[1]['approval_id']}']")
    vetoed.get_by_label("Not this one").check()
    vetoed.get_by_label("Why this one is rejected").fill("not told yet")
    batch.get_by_role("button", name="Approve these").click()
    expect(batch.get_by_role("heading", level=2)).to_have_text("2 of 2 decided")
    for approval, status in zip(wanted, ("applied", "rejected"), strict=True):
        asking.wait_for(approval, status)


def see_what_moved_on(page: Page, asking: Asking) -> None:
    [late], [fast] = asking.ask(update(NextStep="Late")), asking.ask(update(NextStep="Fast"))
    body = {"decision": "approve", "digest": fast["digest"]}
    asking.site.call(MARA, "POST", f"/approvals/{fast['approval_id']}/decision?wait=true", json=body)
    page.goto("about:blank")
    read(page, asking.site, late)
    page.keyboard.press("a")
    expect(card(page).get_by_role("region", name="Values that moved on")).to_contain_text("Fast")
    assert asking.record()["NextStep"] == "Fast"


def take_back(page: Page, asking: Asking) -> None:
    page.goto(f"{asking.site.url}/console/#/record/Opportunity/{RENEWAL_ID}")
    written = page.locator("cs-record .writes > li").filter(has_text="Fast").first
    written.get_by_role("button", name="Take back", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Take back").click()
    expect(page.get_by_text("1 write taken back.")).to_be_visible()
    assert asking.record()["NextStep"] == "A"
