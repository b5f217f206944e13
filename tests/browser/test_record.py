"""A record's panel in a browser: what hangs on it, taking back, and texts that would like to be more than text."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import update as change

from crm.database import Database, DatabaseConfig
from crm.ids import TenantId
from crm.records import Account, Opportunity, Task
from tests.browser.asking import ACME, RENEWAL_ID, Asking, Copilot, update
from tests.browser.conftest import Site, open_page, open_site
from tests.conftest import run_apart
from tests.service import DANA, MARA

HOSTILE = (
    "<script>window.ran=1</script><img src=x onerror='window.ran=1'><img src='https://collector.example/p.png'>"
    "<iframe src='https://collector.example/'></iframe><a href='javascript:window.ran=1'>Approve</a>"
    "<style>body{display:none}</style><svg onload='window.ran=1'></svg>![x](https://collector.example/q.png)"
    "[Approve](javascript:window.ran=1) \u202eevorppA\u202c \u200b\u200d\u2066\ufeff approve\u00ad"
)
"""Short enough for a name of 255 characters when it is cut."""
LONG = HOSTILE + "W" * 1_000_000
WIDTHS = (1280, 390)


@pytest.fixture(scope="module")
def asking(database_config: DatabaseConfig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    copilot = Copilot()
    with open_site(database_config, tmp_path_factory.mktemp("records"), model_for=lambda tenant: copilot) as opened:
        yield Asking(opened, copilot)


@pytest.fixture(scope="module")
def site(asking: Asking) -> Site:
    return asking.site


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


def assert_harmless(page: Page, what: str) -> None:
    assert page.evaluate("window.ran") is None, what
    assert (
        page.locator(
            "main :is(script, img, iframe, style, object, embed), #panel :is(script, img, iframe, style)"
        ).count()
        == 0
    ), what
    links = page.evaluate("[...document.querySelectorAll('a')].map((one) => one.getAttribute('href'))")
    assert all(link.startswith(("#", "/")) for link in links), what
    words = page.evaluate("document.body.innerText")
    assert not set(words) & set("\u202e\u202c\u200b\u2066\ufeff\u00ad"), what
    wide, narrow = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert wide <= narrow, f"{what}: {wide} px on {narrow}"
    expect(page.locator("body")).to_be_visible()


def test_a_hostile_record_is_text_wherever_it_is_shown(
    browser: Browser, asking: Asking, signed_in: Callable[[str], Any], database_config: DatabaseConfig
) -> None:
    run_apart(lambda: _poison(database_config))
    done, *waiting = asking.ask(
        update(Description=HOSTILE), update(NextStep=HOSTILE[:255]), update(LeadSource=HOSTILE[:80])
    )
    body = {"decision": "approve", "digest": done["digest"], "reason": HOSTILE[:500]}
    asking.site.call(MARA, "POST", f"/approvals/{done['approval_id']}/decision?wait=true", json=body)
    for width in WIDTHS:
        size = {"width": width, "height": 844}
        with open_page(browser, asking.site.url, storage_state=signed_in(MARA), viewport=size) as page:
            page.goto(f"{asking.site.url}/console/#/approvals")
            expect(page.locator(".line")).to_have_count(2)
            assert_harmless(page, "the list")
            for one in (waiting[0], done):
                page.goto(f"{asking.site.url}/console/#/approvals/{one['approval_id']}?view=all")
                page.locator("cs-approval-card .change").wait_for()
                assert_harmless(page, "the card")
            page.goto(f"{asking.site.url}/console/#/approvals/{waiting[0]['approval_id']}")
            page.locator("[data-way=edit]").click()
            expect(page.get_by_role("dialog").get_by_label("Next Step")).to_have_value(HOSTILE[:255])
            assert_harmless(page, "the edit")
            page.keyboard.press("Escape")
            for kind, record_id in (("Opportunity", RENEWAL_ID), ("Account", ACME)):
                panel = open_record(page, asking.site, kind, record_id)
                expect(panel).to_contain_text("[U+202E]")
                assert_harmless(page, kind)
            panel.get_by_role("button", name="Load all").first.click()
            panel.get_by_role("button", name="Load all").wait_for(state="detached")
            assert_harmless(page, "the whole text")
            panel = open_record(page, asking.site)
            panel.get_by_role("button", name="Take back", exact=True).first.click()
            page.get_by_role("dialog").wait_for()
            assert_harmless(page, "taking back")


async def _poison(config: DatabaseConfig) -> None:
    """Texts that no form would take, straight into the rows."""
    database = Database(config)
    try:
        async with database.session(TenantId("northwind"), write=True) as session:  # tenant-id: of the demo
            await session.execute(
                change(Account).where(Account.Id == ACME).values(Description=LONG, Name=HOSTILE[:255])
            )
            deal = change(Opportunity).where(Opportunity.Id == RENEWAL_ID)
            await session.execute(deal.values(Name=HOSTILE[:255], NextStep=HOSTILE[255:]))
            await session.execute(change(Task).values(Subject=HOSTILE[:255], Description=LONG[:100_000]))
    finally:
        await database.close()
