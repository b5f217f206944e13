"""Everything worth knowing about a company before one talks to it."""

from datetime import date, timedelta
from typing import Any

from crm.connector import Filter, Page, Query, Row, Sort
from tools._briefing import (
    CASE_COLUMNS,
    DEAL_COLUMNS,
    PERSON_COLUMNS,
    Point,
    about_cases,
    about_deals,
    about_silence,
    get_seen,
    names_in,
    open_cases,
    open_deals,
    people_of,
    shown,
    sum_of,
    worth,
)
from tools._declare import Arguments, Integrity, Result, ToolContext, output, tool
from tools._reading import MOST, columns, counted, money, read_if_allowed
from tools._shapes import Names, record_reference
from tools._timeline import Span, TimelineEntry, read_timeline
from trust.actions import Effect
from trust.scopes import CRM_READ

_FIRMOGRAPHICS = (
    "Name Industry Type NumberOfEmployees AnnualRevenue Phone Website BillingCity BillingState BillingCountry ParentId "
    "OwnerId Description"
).split()
_CONTRACT_COLUMNS = ("Status", "StartDate", "EndDate", "ContractTerm")
_LOOK_BACK = timedelta(days=90)
_RENEWAL_DAYS = 90


class AccountBriefArguments(Arguments):
    account_id: str = record_reference("The account, the company or customer to research.")


class TrackRecord(Result):
    """What became of earlier deals."""

    won: int = output("Deals won.")
    lost: int = output("Deals lost.")
    won_amount: float | None = output("Worth of the deals won; null if you may not read amounts.")
    win_rate_percent: float | None = output("Won out of all that were decided; null if none was.")


class AccountBrief(Names):
    summary: str = output("The brief in a few sentences of numbers and dates.")
    id: str = output("Record id of the account.")
    firmographics: dict[str, Any] = output(
        "Industry, size, revenue, place, owner: what you may read of it.", integrity=Integrity.BY_FIELD
    )
    open_deals: list[dict[str, Any]] | None = output(
        "Open opportunities, next to close first; null if you may see none.", integrity=Integrity.BY_FIELD
    )
    track_record: TrackRecord | None = output("Deals won and lost; null if you may not see them.")
    open_cases: list[dict[str, Any]] | None = output(
        "Open cases, newest first; null if you may see none.", integrity=Integrity.BY_FIELD
    )
    people: list[dict[str, Any]] | None = output(
        "Contacts of the company; null if you may see none.", integrity=Integrity.BY_FIELD
    )
    contracts: list[dict[str, Any]] | None = output(
        "Activated contracts, next to end first; null if you may see none.", integrity=Integrity.BY_FIELD
    )
    last_activities: list[TimelineEntry] = output(
        "What happened in the last 90 days, newest first.", integrity=Integrity.BY_FIELD
    )
    risks: list[Point] = output("What speaks against an easy talk.")


@tool(effect=Effect.READ, scope=CRM_READ, asks="Give me a brief of {record}")
async def account_brief(ctx: ToolContext, args: AccountBriefArguments) -> AccountBrief:
    """Research brief of a company: firmographics, open deals and their worth, deals won and lost, open cases, people,
    contracts, last activities and risks. Briefing or research on an account, what do we know, background, dossier.

    People say: what do we have on it; what should I know about it; how are we doing with/at it; who are it; give me the
    background/lowdown on it.
    """
    account = await get_seen(ctx.crm, "Account", args.account_id, argument="account_id")
    account_id = account["Id"]
    deals, cases = await open_deals(ctx.crm, account_id), await open_cases(ctx.crm, account_id)
    people = await people_of(ctx.crm, account_id)
    contracts = await _contracts(ctx, account_id)
    entries, _ = await read_timeline(
        ctx.crm, _around(account_id, deals, people, cases), Span((ctx.today - _LOOK_BACK).isoformat()), limit=15
    )
    risks = [
        *about_cases(cases, ctx.today),
        *about_deals(deals, ctx.today),
        *_about_contracts(ctx, contracts, deals),
        *about_silence(_last_before(ctx, entries), account_id, ctx.today),
    ]
    record = await _track_record(ctx, account_id)
    names = await ctx.crm.names_of([v for v in account.values() if isinstance(v, str)])
    return AccountBrief(
        summary=_sum_up(deals, cases, people, record, risks),
        id=account_id,
        firmographics=columns([account], _FIRMOGRAPHICS)[0],
        open_deals=shown(deals, DEAL_COLUMNS),
        track_record=record,
        open_cases=shown(cases, CASE_COLUMNS),
        people=shown(people, PERSON_COLUMNS),
        contracts=shown(contracts, _CONTRACT_COLUMNS),
        last_activities=entries,
        risks=risks,
        names=names_in(deals, cases, people) | names,
    )


def _around(account_id: str, *pages: Page | None) -> list[str]:
    return [account_id, *(row["Id"] for page in pages if page is not None for row in page.records)]


def _last_before(ctx: ToolContext, entries: list[TimelineEntry]) -> str | None:
    """When something last happened; what is planned has not."""
    tomorrow = (ctx.today + timedelta(days=1)).isoformat()
    return next((entry.at for entry in entries if entry.at and entry.at < tomorrow), None)


async def _contracts(ctx: ToolContext, account_id: str) -> Page | None:
    conditions = [Filter("AccountId", "eq", account_id), Filter("Status", "eq", "Activated")]
    return await read_if_allowed(ctx.crm, Query("Contract", None, conditions, [Sort("EndDate")], 10))


def _about_contracts(ctx: ToolContext, contracts: Page | None, deals: Page | None) -> list[Point]:
    found = []
    for row in contracts.records if contracts else ():
        ends = row.get("EndDate")
        left = (date.fromisoformat(ends) - ctx.today).days if ends else _RENEWAL_DAYS + 1
        if left <= _RENEWAL_DAYS:
            open_talk = "" if deals is None or deals.records else " and no deal is open"
            when = f"ends on {ends}, in {counted(left, 'day')}" if left >= 0 else f"ended on {ends}"
            found.append(Point(object="Contract", id=row["Id"], point=f"contract {when}{open_talk}"))
    return found


async def _track_record(ctx: ToolContext, account_id: str) -> TrackRecord | None:
    decided = [Filter("AccountId", "eq", account_id), Filter("IsClosed", "eq", True)]
    page = await read_if_allowed(ctx.crm, Query("Opportunity", None, decided, limit=MOST))
    if page is None or any("IsWon" not in row for row in page.records):
        return None
    won: list[Row] = [row for row in page.records if row["IsWon"]]
    share = round(100 * len(won) / len(page.records), 1) if page.records else None
    return TrackRecord(
        won=len(won),
        lost=len(page.records) - len(won),
        won_amount=sum_of(won, "Amount"),
        win_rate_percent=share,
    )


def _sum_up(
    deals: Page | None, cases: Page | None, people: Page | None, record: TrackRecord | None, risks: list[Point]
) -> str:
    parts = []
    if deals is not None:
        parts.append(f"{counted(deals.total, 'open deal')}{worth(deals.records)}")
    if cases is not None:
        parts.append(counted(cases.total, "open case"))
    if people is not None:
        parts.append(counted(people.total, "contact"))
    if record is not None:
        amount = "" if not record.won_amount else f" worth {money(record.won_amount)}"
        parts.append(f"{counted(record.won, 'deal')} won{amount}, {record.lost} lost")
    parts.append(counted(len(risks), "risk") if risks else "no risk found")
    return f"{', '.join(parts)}."
