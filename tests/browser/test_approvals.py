"""The inbox in a browser: finding, reading and deciding, by keyboard and by mouse."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from bench.inbox import fill
from crm.database import Database, DatabaseConfig
from crm.ids import TenantId
from tests.browser.asking import Asking, Copilot, restartable, update
from tests.browser.conftest import Site, open_page, sign_in
from tests.browser.inbox import INBOX, approve_by_keyboard, card, look_at, read
from tests.conftest import SqliteTemplates, run_apart
from tests.service import DANA, MARA, OTHER_DANA, make_app, settings_for

OTHER_MARA = "mara@southridge.example"


@pytest.fixture(autouse=True)
def nothing_waits(asking: Asking) -> Iterator[None]:
    """Each test but the last leaves an empty inbox: the service is shared, and who asked may take it back."""
    yield
    for who in (DANA, OTHER_DANA):
        found = asking.site.call(who, "GET", "/approvals", params={"limit": 10})
        for one in found if len(found) < 10 else ():
            body = {"decision": "recall", "digest": one["digest"]}
            asking.site.call(who, "POST", f"/approvals/{one['approval_id']}/decision", json=body)


def test_from_signing_in_to_an_approval_without_a_mouse(new_page: Page, asking: Asking) -> None:
    approve_by_keyboard(new_page, asking.site.url, asking)


def test_what_is_marked_is_approved_only_after_a_second_look(mara: Page, asking: Asking) -> None:
    [gone] = asking.ask(update(NextStep="Out of the blue"), looked_up=False)
    read(mara, asking.site, gone)
    mara.keyboard.press("a")
    dialog = mara.get_by_role("dialog")
    expect(dialog).to_contain_text("Names a record that was not looked up in this conversation.")
    mara.keyboard.press("Enter")
    expect(dialog).to_contain_text("Say first that you have looked")
    assert asking.status(gone) == "pending"
    mara.keyboard.press("Escape")
    expect(mara.locator("dialog")).to_have_count(0)
    mara.keyboard.press("r")
    mara.get_by_role("dialog").get_by_label("Why").fill("We keep it")
    mara.keyboard.press("Control+Enter")
    asking.wait_for(gone, "rejected")
    asked = asking.site.call(DANA, "GET", f"/approvals/{gone['approval_id']}")
    assert asked["reason"] == "We keep it"


def test_a_call_of_another_system_is_shown_with_all_that_it_sends(mara: Page, asking: Asking) -> None:
    [approval] = asking.ask(update(NextStep="File an issue"))
    call = {"server": "issues", "tool": "create_issue", "arguments": {"title": "<b>Broken</b>", "labels": ["urgent"]}}

    def as_call(route: Route) -> None:
        answer = route.fetch()
        asked = answer.json()
        title = {"title": "Have issues carry out create_issue"}
        route.fulfill(response=answer, json={**asked, "card": {**asked["card"], **title, "changes": [], "call": call}})

    mara.route(f"**/approvals/{approval['approval_id']}", as_call)
    read(mara, asking.site, approval)
    for words in ("Have issues carry out create_issue", "create_issue", "title", "<b>Broken</b>", "labels", "urgent"):
        expect(card(mara)).to_contain_text(words)


def test_an_edit_makes_a_new_request_and_says_so(mara: Page, asking: Asking) -> None:
    [first] = asking.ask(update(NextStep="Send the offer"))
    read(mara, asking.site, first)
    mara.keyboard.press("e")
    dialog = mara.get_by_role("dialog")
    expect(dialog).to_contain_text("becomes a request of its own")
    dialog.get_by_role("textbox", name="Next Step").fill("Send the second offer")
    dialog.get_by_role("button", name="Make the new request").click()
    expect(card(mara)).to_contain_text("This is a new request in the place of")
    expect(card(mara).locator("ins.new")).to_contain_text("Send the second offer")
    assert asking.status(first) == "edited"
    assert asking.record()["NextStep"] != "Send the second offer", "nobody has approved it yet"
    [new] = asking.site.call(MARA, "GET", "/approvals", params={"view": "mine"})
    look_at(mara, new["approval_id"])
    mara.keyboard.press("a")
    asking.wait_for(new, "applied")
    assert asking.record()["NextStep"] == "Send the second offer"


def test_a_record_that_moved_on_is_shown_and_asked_for_again(mara: Page, asking: Asking) -> None:
    [late], [fast] = asking.ask(update(NextStep="Late")), asking.ask(update(NextStep="Fast"))
    asking.site.call(MARA, "POST", f"/approvals/{fast['approval_id']}/decision?wait=true", json=_approve(fast))
    read(mara, asking.site, late)
    mara.keyboard.press("a")
    stale = card(mara).get_by_role("region", name="Values that moved on")
    expect(stale).to_contain_text("Fast")
    seen = [one.inner_text() for one in stale.locator("td").all()]
    assert seen[2:] == ["Fast", "Late"]
    assert seen[0] == seen[1] == late["card"]["changes"][0]["fields"][0]["old"]
    card(mara).get_by_role("button", name="Ask again with today's values").click()
    expect(card(mara).locator("del.old")).to_contain_text("Fast")
    [new] = asking.site.call(MARA, "GET", "/approvals", params={"view": "mine"})
    look_at(mara, new["approval_id"])
    mara.keyboard.press("a")
    asking.wait_for(new, "applied")
    assert asking.record()["NextStep"] == "Late"


def _approve(approval: Any) -> Any:
    return {"decision": "approve", "digest": approval["digest"]}


def test_a_card_that_was_decided_elsewhere_is_not_decided_again(mara: Page, asking: Asking) -> None:
    [one] = asking.ask(update(NextStep="Once"))
    read(mara, asking.site, one)
    asking.site.call(DANA, "POST", f"/approvals/{one['approval_id']}/decision?wait=true", json=_approve(one))
    mara.keyboard.press("a")
    expect(mara.get_by_role("alert")).to_contain_text("already applied")
    expect(card(mara).locator(".mark").first).to_have_text("Carried out")


def test_many_at_once_with_a_veto_for_one(mara: Page, asking: Asking) -> None:
    wanted = asking.ask(update(NextStep="A"), update(Description="B"), update(LeadSource="Web"), update(Amount=5))
    mara.goto(f"{asking.site.url}/console/{INBOX}")
    boxes = mara.locator(".line input[type=checkbox]")
    expect(boxes).to_have_count(4)
    for field in ("Next Step", "Description", "Lead Source", "Amount"):
        mara.locator(".line").filter(has_text=field).get_by_role("checkbox").check()
    letter = {
        "from": "a@b.example",
        "reply_to": "a@b.example",
        "subject": "Offer",
        "body": "Sign here",
        "recipients": [],
    }

    def with_letter(route: Route) -> None:
        answer = route.fetch()
        if answer.ok:
            told = answer.json()
            told["items"][0]["message"] = letter
            route.fulfill(response=answer, json=told)
        else:
            route.fulfill(response=answer)

    mara.route("**/approvals/batch/preview", with_letter)
    mara.get_by_role("button", name="Decide together").click()
    batch = mara.locator("cs-approval-batch")
    expect(batch.get_by_role("heading", level=2)).to_have_text("These cannot be decided together")
    batch.get_by_role("button", name="Go on with the other").click()
    expect(batch.get_by_role("heading", level=2)).to_have_text("3 requests decided together")
    expect(batch.get_by_label("Text of the e-mail")).to_have_text("Sign here")
    second = batch.locator(f"li[data-id='{wanted[1]['approval_id']}']")
    second.get_by_label("Not this one").check()
    batch.get_by_role("button", name="Approve these").click()
    expect(batch.get_by_role("alert")).to_have_text("Say of each that is left out why.")
    second.get_by_label("Why this one is rejected").fill("not told yet")
    batch.get_by_role("button", name="Approve these").click()
    expect(batch.get_by_role("heading", level=2)).to_have_text("3 of 3 decided")
    for approval, status in zip(wanted, ("applied", "rejected", "applied", "pending"), strict=True):
        asking.wait_for(approval, status)


def test_answering_reassigning_and_recalling(
    mara: Page, browser: Browser, asking: Asking, signed_in: Callable[[str], Any]
) -> None:
    first, second = asking.ask(update(NextStep="Q"), update(StageName="Negotiation"))
    read(mara, asking.site, second)
    card(mara).get_by_role("button", name="Reassign").click()
    dialog = mara.get_by_role("dialog")
    dialog.get_by_label("Find").fill("victor")
    expect(dialog.get_by_role("option")).to_have_count(1)
    dialog.get_by_label("Who may decide it").select_option(index=0)
    dialog.get_by_role("button", name="Put before them").click()
    expect(card(mara)).to_contain_text("Put before Victor")
    read(mara, asking.site, first)
    mara.keyboard.press("w")
    mara.get_by_role("dialog").get_by_label("Your answer").fill("Ask me on Monday")
    mara.get_by_role("dialog").get_by_role("button", name="Respond").click()
    asking.wait_for(first, "answered")
    with open_page(browser, asking.site.url, storage_state=signed_in(DANA)) as dana:
        read(dana, asking.site, second)
        expect(card(dana).get_by_role("button", name="Approve")).to_have_count(0)
        card(dana).get_by_role("button", name="Recall").click()
        dana.get_by_role("dialog").get_by_role("button", name="Recall").click()
        asking.wait_for(second, "recalled")


def test_two_tenants_with_the_same_rows_see_nothing_of_each_other(
    mara: Page, browser: Browser, asking: Asking, signed_in: Callable[[str], Any]
) -> None:
    [ours] = asking.ask(update(NextStep="Northwind's word"))
    [theirs] = asking.ask(update(NextStep="Southridge's word"), who=OTHER_DANA)
    with open_page(browser, asking.site.url, storage_state=signed_in(OTHER_MARA)) as other:
        for page, own, foreign in ((mara, ours, theirs), (other, theirs, ours)):
            read(page, asking.site, own)
            expect(page.locator(".line")).to_have_count(1)
            expect(card(page).locator("ins.new")).to_have_text(own["card"]["changes"][0]["fields"][0]["new"])
            page.goto(f"{asking.site.url}/console/{INBOX}/{foreign['approval_id']}")
            expect(card(page)).to_contain_text("There is no such request that you can see.")


def test_a_card_stays_when_the_service_is_restarted(
    browser: Browser, sqlite_templates: SqliteTemplates, tmp_path_factory: pytest.TempPathFactory
) -> None:
    copilot, folder = Copilot(), tmp_path_factory.mktemp("restarted")
    with sqlite_templates.copied("seeded") as config:
        make = lambda: make_app(settings_for(config, folder), model_for=lambda tenant: copilot)  # noqa: E731
        with restartable(make) as served:
            asking = Asking(Site(served.url), copilot)
            [one] = asking.ask(update(NextStep="After the restart"))
            with open_page(browser, served.url) as page:
                sign_in(page, served.url, MARA, to=INBOX)
                page.locator(".line").first.wait_for()
                page.keyboard.press("j")
                expect(card(page).locator("ins.new")).to_have_text("After the restart")
                look_at(page, one["approval_id"])
                served.stop()
                card(page).get_by_role("button", name="Approve").click()
                expect(card(page)).to_contain_text("The service does not answer")
                served.start()
                expect(card(page).get_by_role("button", name="Approve")).to_be_visible()
                assert asking.status(one) == "pending"
                look_at(page, one["approval_id"])
                card(page).get_by_role("button", name="Approve").click()
                asking.wait_for(one, "applied")


def test_thousands_scroll_with_few_rows_in_the_page_and_are_filtered(
    mara: Page, asking: Asking, database_config: DatabaseConfig
) -> None:
    [one] = asking.ask(update(NextStep="One of many"))
    run_apart(lambda: _fill(database_config, one["approval_id"], 600))
    mara.goto(f"{asking.site.url}/console/{INBOX}")
    expect(mara.locator(".view").first).to_have_text("Mine 601")
    rows = mara.locator(".list-row")
    rows.first.focus()
    for loaded in (400, 600, 601):
        mara.keyboard.press("End")
        expect(rows.last).to_have_attribute("aria-setsize", str(loaded))
    mara.keyboard.press("End")
    expect(mara.locator(".list-row[aria-posinset='601']")).to_be_focused()
    assert rows.count() < 60
    mara.locator(".filters summary").click()
    mara.get_by_label("Kind of record").select_option("Case")
    expect(mara.get_by_text("Nothing fits these filters.")).to_be_visible()
    mara.get_by_label("Kind of record").select_option("Opportunity")
    expect(mara.locator(".line").first).to_be_visible()


async def _fill(config: DatabaseConfig, like: str, count: int) -> None:
    database = Database(config)
    try:
        await fill(database, TenantId("northwind"), like, count)  # tenant-id: of the demo
    finally:
        await database.close()
