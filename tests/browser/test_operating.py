"""Workflows, ledger, audit, eval and admin in a browser: followed, taken back, proven, stopped, tried out."""

import time
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from api.evaluations import EvaluationStore
from tests.api.test_evaluations import said
from tests.browser.asking import Asking, update
from tests.browser.conftest import Site, open_page, open_site, sign_in
from tests.browser.places import HOSTILE
from tests.conftest import Templates, seed_small
from tests.service import ADMIN, DANA, MARA, RENEWAL


def show(page: Page, site: Site, screen: str) -> None:
    page.goto(f"{site.url}/console/#/{screen}")
    page.locator("main h1").wait_for()
    expect(page.locator("main [aria-busy=true]")).to_have_count(0)


def approve_all(site: Site, who: str) -> None:
    """Agree to what waits, and wait until it is carried out."""
    for one in site.call(who, "GET", "/approvals?status=pending"):
        path = f"/approvals/{one['approval_id']}"
        site.call(who, "POST", f"{path}/decision", json={"decision": "approve", "digest": one["digest"]})
        until = time.monotonic() + 60
        while site.call(who, "GET", path)["status"] == "approved":
            assert time.monotonic() < until
            time.sleep(0.05)


def test_a_workflow_is_followed_over_its_checkpoint_and_its_write_is_in_ledger_and_audit(
    browser: Browser, templates: Templates, tmp_path: Path
) -> None:
    templates.build("seeded", seed_small)
    with (
        templates.copied("seeded") as config,
        open_site(config, tmp_path) as site,
        open_page(browser, site.url) as page,
    ):
        sign_in(page, site.url, DANA, to="#/workflows")
        page.get_by_role("button", name="Start Opportunity progress").click()
        name = page.get_by_role("textbox", name="Opportunity")
        name.fill("no such opportunity")
        page.get_by_role("dialog").get_by_role("button", name="Start").click()
        expect(page.get_by_text("No opportunity of this name")).to_be_visible()
        name.fill(RENEWAL)
        page.get_by_role("dialog").get_by_role("button", name="Start").click()
        expect(page.get_by_role("heading", name="Next checkpoint")).to_be_visible()
        expect(page.locator(".checkpoint-card")).to_contain_text("Mara Lindqvist")
        expect(page.get_by_role("img", name="now at: Make a quote")).to_be_visible()
        approve_all(site, MARA)
        expect(page.get_by_role("img", name="now at: Move it to the next stage")).to_be_visible()
        expect(page.locator(".history")).to_contain_text("by Mara Lindqvist")
        show(page, site, "ledger")
        expect(page.get_by_role("article").first).to_contain_text("Create quote")
        page.get_by_role("link", name="all of this run").first.click()
        expect(page.get_by_role("button", name="Take all of it back…")).to_be_visible()
        with open_page(browser, site.url) as auditor:
            sign_in(auditor, site.url, ADMIN, to="#/audit?kind=effect.applied")
            auditor.get_by_role("button", name="Verify").click()
            expect(auditor.get_by_role("heading", name="The log is whole")).to_be_visible()
            auditor.get_by_text("What was entered").first.click()
            auditor.get_by_role("button", name="Prove that it is in the log").first.click()
            expect(auditor.get_by_text("Worked out in this browser")).to_be_visible()


def test_a_write_is_taken_back_from_the_ledger_and_what_stays_says_why(page: Page, asking: Asking) -> None:
    site = asking.site
    asking.ask(update(NextStep="Call Ann"))
    approve_all(site, MARA)
    with_entry = page.get_by_role("article").filter(has_text="Call Ann").first
    show(page, site, "ledger")
    with_entry.get_by_role("button", name="Take back…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Stays")
    expect(dialog).to_contain_text("approve writes")
    dialog.get_by_role("button", name="Close").last.click()
    with open_page(page.context.browser, site.url) as mara:  # type: ignore[arg-type]
        sign_in(mara, site.url, MARA, to="#/ledger")
        entry = mara.get_by_role("article").filter(has_text="Call Ann").first
        entry.get_by_role("button", name="Take back…").click()
        mara.get_by_role("dialog").get_by_role("button", name="Take back").click()
        expect(mara.get_by_text("1 write taken back.")).to_be_visible()
        expect(mara.get_by_role("heading", name="Undo of an earlier write")).to_be_visible()


def test_who_may_not_is_not_offered_it_and_is_told_by_the_service(page: Page, site: Site) -> None:
    links = page.get_by_role("navigation", name="Screens")
    expect(links.get_by_role("link", name="Ledger")).to_be_visible()
    for name in ("Audit", "Eval", "Admin"):
        expect(links.get_by_role("link", name=name)).to_have_count(0)
    for screen, needed in (("audit", "read audit"), ("eval", "manage policy"), ("admin/policy", "manage policy")):
        show(page, site, screen)
        expect(page.get_by_role("alert")).to_contain_text(f"This needs the permission “{needed}”")


def test_something_is_stopped_and_goes_on_again(ada: Page, site: Site) -> None:
    show(ada, site, "admin/switches")
    ada.get_by_role("button", name="Stop something…").click()
    dialog = ada.get_by_role("dialog")
    expect(dialog).to_contain_text("This stops the whole copilot")
    dialog.get_by_label("What").select_option("agent")
    dialog.get_by_label("Which").select_option("marketing")
    dialog.get_by_role("button", name="Stop it now").click()
    expect(dialog.get_by_role("alert")).to_have_text("Give a reason.")
    dialog.get_by_label("Reason").fill(HOSTILE[:200])
    dialog.get_by_role("button", name="Stop it now").click()
    card = ada.get_by_role("article").filter(has_text="Agent marketing")
    expect(card).to_contain_text("<script>")
    [switch] = site.call(ADMIN, "GET", "/admin/switches")
    assert (switch["name"], switch["is_stopping"]) == ("marketing", True)
    card.get_by_role("button", name="Let it go on…").click()
    ada.get_by_role("dialog").get_by_label("Reason").fill("mended")
    ada.get_by_role("dialog").get_by_role("button", name="Let it go on").click()
    expect(ada.get_by_text("Nothing is stopped.")).to_be_visible()
    assert ada.evaluate("window.ran") is None


def test_a_policy_is_tried_on_past_requests_before_it_counts(ada: Page, asking: Asking) -> None:
    asking.ask(update(NextStep="Write to Ann"))
    show(ada, asking.site, "admin/policy")
    ada.get_by_text("Approval rules", exact=True).click()
    ada.get_by_label("Who decides what, as JSON").fill("[")
    ada.get_by_role("button", name="See what would have been held").click()
    expect(ada.get_by_role("alert")).to_contain_text("this is no JSON")
    rule = '[{"id": "two", "reason": "two look", "when": {"objects": ["Opportunity"]}, "then": {"votes": 2}}]'
    ada.get_by_label("Who decides what, as JSON").fill(rule)
    ada.get_by_role("button", name="See what would have been held").click()
    result = ada.get_by_role("region", name="What would have been held")
    expect(result).to_contain_text("would come out otherwise")
    expect(result.get_by_role("row").nth(1)).to_contain_text("2 votes")
    assert asking.site.call(ADMIN, "GET", "/admin/policy")["version"] == 0


def test_kept_reports_are_listed_and_compared(ada: Page, site: Site, folder: Path) -> None:
    for fault in ("", "wrong tool"):
        EvaluationStore(folder).put(said(("a", fault), ("b", fault)), at=datetime(2026, 11, 27, len(fault), tzinfo=UTC))
    show(ada, site, "eval")
    expect(ada.get_by_role("row")).to_have_count(3)
    ada.get_by_role("button", name="Compare").click()
    expect(ada.get_by_role("heading", name="Regressions: 2")).to_be_visible()
    expect(ada.get_by_role("heading", name="Fixes: 0")).to_be_visible()
