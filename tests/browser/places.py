"""Every place of the console that shows what somebody wrote, as a table, and a service on which all that is hostile."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage
from playwright.sync_api import Page, expect
from sqlalchemy import update as change

from api.evaluations import EvaluationStore
from crm.database import Database, DatabaseConfig
from crm.ids import TenantId
from crm.records import Account, EmailMessage, Opportunity, Task, User
from crm.seed.people import staff_id
from tests.api.test_evaluations import said
from tests.browser.asking import ACME, RENEWAL_ID, Asking, update
from tests.conftest import run_apart
from tests.service import ADMIN, DANA, MARA, calls, held
from tests.tools.mailing import MailScene

HOSTILE = (
    "<script>window.ran=1</script><img src=x onerror='window.ran=1'><img src='https://collector.example/p.png'>"
    "<iframe src='https://collector.example/'></iframe><a href='javascript:window.ran=1'>Approve</a>"
    "<style>body{display:none}</style><svg onload='window.ran=1'></svg>![x](https://collector.example/q.png)"
    "[Approve](javascript:window.ran=1) \u202eevorppA\u202c \u200b\u200d\u2066\ufeff approve\u00ad"
)
"""Short enough for a name of 255 characters when it is cut."""
VISIBLE = HOSTILE.partition("\u202e")[0]
"""What may be decided with others: a text with hidden characters has a card of its own."""
LONG = HOSTILE + "W" * 1_000_000
PANEL = "#panel cs-record"


@dataclass
class World:
    """The service with hostile text in all that people write. `ids` are what addresses name."""

    asking: Asking
    ids: dict[str, str] = field(default_factory=dict)

    def keep(self, name: str, approvals: list[Any]) -> None:
        """The first one's id under this name."""
        self.ids[name] = approvals[0]["approval_id"]

    def converse(self, who: str, text: str, *lines: AIMessage) -> tuple[str, Any]:
        self.asking.copilot.lines += lines
        return self.asking.site.say(who, text)


def fill(world: World, config: DatabaseConfig, folder: Path) -> None:
    """All that the places show."""
    asking, site = world.asking, world.asking.site
    asking.ask(update(NextStep=VISIBLE[:255]), update(LeadSource=VISIBLE[:80]))  # while the record's name is harmless
    [draft] = run_apart(lambda: _poison(config))
    done = asking.ask(update(Description=HOSTILE))
    body = {"decision": "approve", "digest": done[0]["digest"], "reason": HOSTILE[:500]}
    site.call(MARA, "POST", f"/approvals/{done[0]['approval_id']}/decision?wait=true", json=body)
    world.keep("done", done)
    world.ids["run"] = site.call(MARA, "GET", f"/approvals/{world.ids['done']}")["run_id"]
    world.keep("marked", asking.ask(update(NextStep=HOSTILE[:255])))
    world.keep("long", asking.ask(update(ACME, "Account", Description="Short")))
    world.keep("letter", asking.ask(("send_email", {"draft_id": draft}), looked_up=False))
    metric = {"metric": "pipeline_amount", "group_by": ["account"], "chart": "bar"}
    talk = (calls(("find_record", {"text": RENEWAL_ID}), ("ask_metric", metric)), AIMessage(HOSTILE))
    world.ids["talk"], values = world.converse(DANA, f"show the opportunity {HOSTILE}", *talk)
    answer = {"message_id": values["messages"][-1]["id"], "rating": "down", "reason": HOSTILE[:500]}
    site.call(DANA, "POST", f"/threads/{world.ids['talk']}/feedback", json=answer)
    world.ids["waits"], values = world.converse(DANA, "change the opportunity", calls(update(NextStep=HOSTILE[:80])))
    assert held(values)
    world.ids["workflow"] = site.call(DANA, "POST", "/threads", json={})["thread_id"]
    started = {"assistant_id": "opportunity_progress", "input": {"opportunity_id": RENEWAL_ID}}
    site.call(DANA, "POST", f"/threads/{world.ids['workflow']}/runs/wait", json=started)
    stop = {"scope": "agent", "name": "marketing", "state": "on", "reason": HOSTILE[:250]}
    site.call(ADMIN, "POST", "/admin/switches", json=stop)
    for fault in ("", "wrong tool"):
        report = said((HOSTILE, fault), ("b", fault))
        stored = EvaluationStore(folder).put(report, at=datetime(2026, 11, 27, len(fault), tzinfo=UTC))
        world.ids["report" if fault else "earlier"] = stored


async def _poison(config: DatabaseConfig) -> list[str]:
    """Texts that no form would take, straight into the rows. Gives the id of a letter that can be sent."""
    database = Database(config)
    try:
        draft = await MailScene(database).draft()
        async with database.session(TenantId("northwind"), write=True) as session:  # tenant-id: of the demo
            name, account = HOSTILE[:255], change(Account).where(Account.Id == ACME)
            await session.execute(account.values(Description=LONG, Name=name))
            deal = change(Opportunity).where(Opportunity.Id == RENEWAL_ID)
            await session.execute(deal.values(Name=name))
            await session.execute(change(Task).values(Subject=name, Description=LONG[:100_000]))
            letter = change(EmailMessage).where(EmailMessage.Id == draft)
            await session.execute(letter.values(Subject=HOSTILE[:160], TextBody=HOSTILE[:300]))
            victor = change(User).where(User.Id == staff_id("victor"))
            await session.execute(victor.values(LastName=HOSTILE[:80]))
        return [draft]
    finally:
        await database.close()


@dataclass(frozen=True)
class Place:
    """One place: who looks at which address, and what is done there. `shows`: whether hostile text stands there."""

    name: str
    who: str | None
    address: str
    arrange: Callable[[Page], Any] = lambda page: None
    shows: bool = True


def settle(page: Page) -> None:
    """Wait until nothing is loading, on the screen or beside it."""
    page.locator("main :is(h1, h2)").first.wait_for()
    expect(page.locator("main [aria-busy=true], #panel [aria-busy=true]")).to_have_count(0)


def click(name: str, *, within: str = "main", exact: bool = False) -> Callable[[Page], None]:
    return lambda page: page.locator(within).get_by_role("button", name=name, exact=exact).first.click()


def see(selector: str) -> Callable[[Page], None]:
    return lambda page: page.locator(selector).last.wait_for()


def both(*steps: Callable[[Page], Any]) -> Callable[[Page], None]:
    def arrange(page: Page) -> None:
        for step in steps:
            settle(page)
            step(page)

    return arrange


def open_all(page: Page) -> None:
    """What is folded away is seen, too."""
    page.evaluate("for (const one of document.querySelectorAll('main details')) one.open = true")


def _choose(*wanted: tuple[str, str], then: str) -> Callable[[Page], None]:
    def choose(page: Page) -> None:
        rows = page.locator(".line")
        rows.first.wait_for()
        for title, changed in wanted:
            row = rows.filter(has_text=title).filter(has_text=f"{changed} ·")
            row.get_by_role("checkbox").first.check()
        page.get_by_role("button", name="Decide together").click()
        page.locator(f"cs-approval-batch {then}").first.wait_for()

    return choose


def _search(page: Page) -> None:
    page.get_by_label("Search conversations").fill("window.ran")
    page.locator(".thread-excerpt").first.wait_for()


def _simulate(page: Page) -> None:
    page.get_by_role("button", name="See what would have been held").click()
    page.get_by_role("heading", name="What would have been held").wait_for()


CARD = see("cs-approval-card .change")
DIALOG = see("dialog[open]")
PLACES = (
    Place("signing in", None, "", see("cs-sign-in input"), shows=False),
    Place("a new conversation", DANA, "#/chat", see(".suggestion"), shows=False),
    Place("question, answer, thumbs, titles", DANA, "#/chat/{talk}", both(see(".thumbs"), open_all)),
    Place("what to ask next", DANA, "#/chat/{talk}", see(".suggestion")),
    Place("what the model saw", DANA, "#/chat/{talk}", both(click("What the model saw"), see(".masked"))),
    Place("search in conversations", DANA, "#/chat", _search),
    Place("a card in the chat", DANA, "#/chat/{waits}", see(".held .row")),
    Place("a new name for a conversation", DANA, "#/chat/{talk}", both(see(".thumbs"), click("Rename"), DIALOG)),
    Place("the inbox", MARA, "#/approvals", see(".line")),
    Place("the help of the inbox", MARA, "#/approvals", both(click("Keys and help"), DIALOG)),
    Place("a card", MARA, "#/approvals/{marked}", CARD),
    Place("a card of what was decided", MARA, "#/approvals/{done}?view=all", see("cs-approval-card blockquote")),
    Place("a card with a text of 1 MB", MARA, "#/approvals/{long}", CARD),
    Place("all of that text", MARA, "#/approvals/{long}", both(CARD, click("Show all 1,0"))),
    Place("a card of an e-mail", MARA, "#/approvals/{letter}", see("cs-approval-card .letter")),
    Place("a second look", MARA, "#/approvals/{marked}", both(CARD, click("Approve"), DIALOG)),
    Place("an edit", MARA, "#/approvals/{marked}", both(CARD, click("Edit"), DIALOG)),
    Place("a rejection", MARA, "#/approvals/{marked}", both(CARD, click("Reject"), DIALOG)),
    Place("who else may decide", MARA, "#/approvals/{marked}", both(CARD, click("Reassign"), see("dialog option"))),
    Place(
        "many on one card",
        MARA,
        "#/approvals",
        _choose(("Renewal", "Next Step"), ("Renewal", "Lead Source"), then=".batch"),
    ),
    Place(
        "many that do not fit",
        MARA,
        "#/approvals",
        _choose(("Renewal", "Lead Source"), ("<script>", "Next Step"), then=".misfits"),
    ),
    Place("a record", MARA, f"#/record/Opportunity/{RENEWAL_ID}", see(f"{PANEL} .timeline")),
    Place("a record's long text", MARA, f"#/record/Account/{ACME}", see(f"{PANEL} .timeline")),
    Place(
        "all of a record's long text",
        MARA,
        f"#/record/Account/{ACME}",
        both(
            see(f"{PANEL} .timeline"),
            click("Load all", within=PANEL),
            see(f"{PANEL} :is(div.from-record, div.from-outside)"),
        ),
    ),
    Place(
        "taking back",
        MARA,
        f"#/record/Opportunity/{RENEWAL_ID}",
        both(see(f"{PANEL} .writes"), click("Take back", within=PANEL, exact=True), DIALOG),
    ),
    Place("workflows", DANA, "#/workflows", settle, shows=False),
    Place(
        "the start of a workflow", DANA, "#/workflows", both(click("Start Opportunity progress"), DIALOG), shows=False
    ),
    Place("a workflow", DANA, "#/workflows/{workflow}", see(".checkpoint-card")),
    Place("the ledger", ADMIN, "#/ledger", both(see(".before-after"), open_all)),
    Place("the ledger of a run", ADMIN, "#/ledger/run/{run}", see(".before-after")),
    Place("the ledger of a record", ADMIN, f"#/ledger/record/{RENEWAL_ID}", see(".before-after")),
    Place("taking back a run", MARA, "#/ledger/run/{run}", both(click("Take all of it back"), DIALOG)),
    Place("the audit", ADMIN, "#/audit", both(see(".audit-entry"), open_all)),
    Place("a verified audit", ADMIN, "#/audit", both(click("Verify"), see(".verdict")), shows=False),
    Place("reports", ADMIN, "#/eval", settle, shows=False),
    Place("a report", ADMIN, "#/eval/{report}", settle),
    Place("two reports", ADMIN, "#/eval/compare?before={earlier}&after={report}", settle),
    Place("kill switches", ADMIN, "#/admin/switches", see(".switch-card")),
    Place("a kill switch", ADMIN, "#/admin/switches", both(click("Stop something"), DIALOG)),
    Place("the policy", ADMIN, "#/admin/policy", both(settle, open_all), shows=False),
    Place("the policy tried out", ADMIN, "#/admin/policy", both(settle, _simulate), shows=False),
    Place("reach", ADMIN, "#/admin/reach", both(settle, click("Show"), see("#re-read"))),
    Place("models and budgets", ADMIN, "#/admin/models", settle, shows=False),
    Place("people", ADMIN, "#/admin/people", see(".person-row")),
    Place("retention", ADMIN, "#/admin/retention", settle, shows=False),
)
