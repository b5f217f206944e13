"""A record's panel in a browser: what hangs on it, and taking back."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Browser, Page, expect

from tests.browser.asking import ACME, RENEWAL_ID, Asking, update
from tests.browser.conftest import Site, open_page
from tests.service import DANA, MARA


def open_record(page: Page, site: Site, kind: str = "Opportunity", record_id: str = RENEWAL_ID, field: str = "") -> Any:
    page.goto(f"{site.url}/console/#/record/{kind}/{record_id}" + (f"?field={field}" if field else ""))
    panel = page.locator("cs-record")
    panel.get_by_role("heading", name="Timeline").wait_for()
    expect(panel.locator("[aria-busy=true]")).to_have_count(0)
    return panel


def test_a_citation_leads_to_its_field_and_a_link_to_the_next_record(page: Page, asking: Asking) -> None:
    [waits] = asking.ask(update(NextStep="Call Ann"))
    panel = open_record(page, asking.site, field="NextStep")
    expect(panel.locator("[data-field=NextStep]")).to_be_focused()
    expect(panel.locator("[data-field=NextStep]")).to_be_in_viewport()
    panel.get_by_role("link", name="Change Opportunity").click()
    expect(page.locator("cs-approval-card ins.new")).to_have_text("Call Ann")
    page.locator("cs-approval-card .record-link").click()
    panel.locator("[data-field=AccountId] a").click()
    expect(panel.get_by_role("heading", level=2)).to_have_text("Acme Industries")
    expect(panel.get_by_role("heading", name="Opportunity (")).to_be_visible()
    expect(panel.locator(".timeline li").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    body = {"decision": "recall", "digest": waits["digest"]}
    asking.site.call(DANA, "POST", f"/approvals/{waits['approval_id']}/decision", json=body)


def test_fields_are_shown_by_right(browser: Browser, asking: Asking, signed_in: Callable[[str], Any]) -> None:
    for who, shown in ((DANA, 1), ("sam@northwind.example", 0)):
        with open_page(browser, asking.site.url, storage_state=signed_in(who)) as page:
            panel = open_record(page, asking.site, "Account", ACME)
            expect(panel.locator("[data-field=AnnualRevenue]")).to_have_count(shown)
    with open_page(browser, asking.site.url, storage_state=signed_in("eli@northwind.example")) as page:
        page.goto(f"{asking.site.url}/console/#/record/Opportunity/{RENEWAL_ID}")
        expect(page.locator("cs-record")).to_contain_text("There is no such record that you can see.")


def test_what_the_copilot_wrote_is_taken_back_by_entry_and_by_run(
    browser: Browser, asking: Asking, signed_in: Callable[[str], Any]
) -> None:
    before = asking.record()
    wanted = asking.ask(update(NextStep="Written"), update(Description="Written"), update(LeadSource="Web"))
    for one in wanted:
        body = {"decision": "approve", "digest": one["digest"]}
        asking.site.call(MARA, "POST", f"/approvals/{one['approval_id']}/decision?wait=true", json=body)
    with open_page(browser, asking.site.url, storage_state=signed_in(MARA)) as page:
        panel = open_record(page, asking.site)
        first = panel.locator(".writes > li").filter(has_text="Next Step")
        first.get_by_role("button", name="Take back", exact=True).click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("Written")
        assert page.evaluate("document.activeElement.tagName") == "P", "the focus is on no button"
        dialog.get_by_role("button", name="Take back").click()
        expect(panel.locator(".mark").filter(has_text="Taken back")).to_have_count(1)
        assert asking.record()["NextStep"] == before["NextStep"]
        assert asking.record()["Description"] == "Written"
        panel.locator(".writes > li").filter(has_text="Description").get_by_role("button", name="whole run").click()
        expect(dialog).to_contain_text("Stays")
        dialog.get_by_role("button", name="Take back").click()
        expect(panel.locator(".mark").filter(has_text="Taken back")).to_have_count(3)
    after = asking.record()
    assert {name: after[name] for name in ("NextStep", "Description", "LeadSource")} == {
        name: before[name] for name in ("NextStep", "Description", "LeadSource")
    }
