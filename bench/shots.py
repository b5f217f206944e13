"""Which pictures of the console there are: whose, of which address, what is done on the page before it is taken."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page, expect

from crm.seed.people import staff_id

ADA, DANA, MARA, SAM = (f"{name}@northwind.example" for name in ("ada", "dana", "mara", "sam"))
RENEWAL = "Acme Industries - Fabrication Line Renewal"
RENEWAL_ID, ACME = "006CS0000000001YAA", "001CS0000000001YAA"


WRITTEN = f"set the next step of {RENEWAL} to call Oscar on Friday"
"""What is asked for first, and carried out."""
SAID = {
    "stage": (DANA, f"move the {RENEWAL} to Negotiation"),
    "call": (DANA, f"set the next step of {RENEWAL} to call Ann on Monday"),
    "visit": (DANA, f"set the next step of {RENEWAL} to call Ben on Tuesday"),
    "task": (DANA, "remind me to call Ann Poe next Tuesday"),
    "draft": (SAM, "draft an email to Ann Poe about case 00001005"),
    "close": (SAM, "close case 00001005"),
    "cases": (DANA, "show the open cases of Acme Industries"),
    "chart": (DANA, "show the open pipeline by stage as bars"),
    "amount": (DANA, f"set the amount of {RENEWAL} to 250000"),
}
"""What people have asked for before the pictures are taken, by the name of the conversation."""


@dataclass(frozen=True)
class Shot:
    """One picture. An address may name a conversation by what was asked in it (`SAID`).

    `height` is that of the wide one, where the usual one would make too large a file.
    """

    name: str
    who: str | None
    address: str
    arrange: Callable[[Page], Any]
    height: int | None = None


def _settle(page: Page) -> None:
    page.locator("main h1").wait_for()
    expect(page.locator("main [aria-busy=true]")).to_have_count(0, timeout=60_000)


def _see(selector: str) -> Callable[[Page], None]:
    return lambda page: page.locator(selector).last.wait_for()


def _see_chart(page: Page) -> None:
    page.locator(".thumbs").last.wait_for()
    page.locator(".scroller").evaluate("place => place.scrollTo(0, 0)")
    expect(page.locator("img.chart")).to_have_js_property("complete", value=True, timeout=60_000)
    page.wait_for_timeout(700)


def _open_first(page: Page) -> None:
    page.locator(".line").first.wait_for()
    page.keyboard.press("j")
    page.locator("cs-approval-card .decide").wait_for()


def _open_drafted(page: Page) -> None:
    page.locator(".line").filter(has_text="Create E-mail").first.click()
    page.locator("cs-approval-card .notice").wait_for()


def _choose_some(page: Page) -> None:
    alike = page.locator(".line").filter(has_text="Next Step").filter(has_text="Change Opportunity")
    for place in range(2):
        alike.nth(place).get_by_role("checkbox").check()
    page.get_by_role("button", name="Decide together").click()
    page.locator("cs-approval-batch .batch").wait_for()


def _wait_for_record(page: Page) -> None:
    page.get_by_role("heading", name="Timeline").wait_for()
    page.locator("cs-record [aria-busy=true]").first.wait_for(state="detached")


def _follow_workflow(page: Page) -> None:
    page.get_by_role("heading", name="Next checkpoint").wait_for()


def _begin_workflow(page: Page) -> None:
    _settle(page)
    page.get_by_role("button", name="Start Opportunity progress").click()
    page.get_by_role("dialog").get_by_role("textbox").first.wait_for()


def _take_back(page: Page) -> None:
    _settle(page)
    page.get_by_role("button", name="Take back…").first.click()
    page.get_by_role("dialog").wait_for()


def _verify(page: Page) -> None:
    _settle(page)
    page.get_by_role("button", name="Verify").click()
    page.get_by_role("heading", name="The log is whole").wait_for()


def _simulate(page: Page) -> None:
    _settle(page)
    page.get_by_text("Approval rules", exact=True).click()
    page.get_by_label("Who decides what, as JSON").fill(
        '[{"id": "two", "reason": "Two people agree to changes of opportunities.",'
        ' "when": {"objects": ["Opportunity"]}, "then": {"votes": 2}}]'
    )
    page.get_by_role("button", name="See what would have been held").click()
    result = page.get_by_role("region", name="What would have been held")
    result.wait_for()
    result.evaluate("one => one.scrollIntoView({ block: 'start' })")


def _show_masked(page: Page) -> None:
    page.locator(".thumbs").last.wait_for()
    page.get_by_role("button", name="What the model saw").click()
    page.locator(".masked.tool mark").first.wait_for()


def _show_reach(page: Page) -> None:
    _settle(page)
    page.get_by_label("Agent").select_option("sales")
    page.get_by_label("For").select_option(index=3)
    page.get_by_role("button", name="Show").click()
    page.get_by_role("heading", name="Changes").wait_for()


SHOTS = (
    Shot("sign-in", None, "", lambda page: page.get_by_label("User name").wait_for()),
    Shot("chat", DANA, "#/chat", lambda page: page.get_by_label("Message", exact=True).wait_for()),
    Shot("chat-answer", DANA, "#/chat/{cases}", _see(".thumbs"), height=560),
    Shot("chat-chart", DANA, "#/chat/{chart}", _see_chart),
    Shot("chat-masked", DANA, "#/chat/{cases}", _show_masked),
    Shot("chat-held", DANA, "#/chat/{amount}", _see(".held h2, .held h3, .held .button")),
    Shot("approvals", MARA, "#/approvals", lambda page: page.locator(".line").first.wait_for()),
    Shot("approval", MARA, "#/approvals", _open_first, height=600),
    Shot("approval-outside", MARA, "#/approvals", _open_drafted, height=560),
    Shot("approval-batch", MARA, "#/approvals", _choose_some, height=600),
    Shot("record", MARA, f"#/record/Account/{ACME}?field=Phone", _wait_for_record),
    Shot("workflows", DANA, "#/workflows", _settle),
    Shot("workflow-start", DANA, "#/workflows", _begin_workflow),
    Shot("workflow", DANA, "#/workflows/{workflow}", _follow_workflow),
    Shot("ledger", ADA, "#/ledger", _settle),
    Shot("ledger-undo", MARA, "#/ledger", _take_back),
    Shot("audit", ADA, "#/audit", _settle),
    Shot("audit-verify", ADA, "#/audit", _verify),
    Shot("admin-switches", ADA, "#/admin/switches", _settle),
    Shot("admin-policy", ADA, "#/admin/policy", _settle),
    Shot("admin-simulation", ADA, "#/admin/policy", _simulate),
    Shot("admin-reach", ADA, "#/admin/reach", _show_reach),
    Shot("admin-models", ADA, "#/admin/models", _settle),
    Shot("admin-people", ADA, "#/admin/people", _see(".person-row")),
    Shot("admin-person", ADA, f"#/admin/people/{staff_id('dana')}", _settle),
    Shot("admin-sets", ADA, "#/admin/sets", _settle),
    Shot("admin-groups", ADA, "#/admin/groups", _settle),
    Shot("admin-keys", ADA, "#/admin/keys", _settle),
    Shot("admin-retention", ADA, "#/admin/retention", _settle),
    Shot("eval", ADA, "#/eval", _settle),
    Shot("eval-run", ADA, "#/eval/{report}", _settle),
)
