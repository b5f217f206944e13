"""Who has a say in a deal: roles by title, engagement by what they did."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Literal

from crm.connector import Filter, Query, Row, Sort
from tools._briefing import Point, days_since, get_seen
from tools._declare import Arguments, Integrity, Result, ToolContext, argument, output, tool
from tools._reading import counted, read_if_allowed
from tools._shapes import Names, record_reference
from trust.actions import Effect
from trust.scopes import CRM_READ

Role = Literal["decision maker", "buyer", "technical", "user", "unknown"]
_BY_TITLE: tuple[tuple[Role, tuple[str, ...]], ...] = (
    ("buyer", ("purchas", "procure", "buyer", "sourcing", "commercial")),
    ("decision maker", ("director", "chief", "head of", "president", "owner", "ceo", "cfo", "cto", "vp", "managing")),
    ("technical", ("engineer", "technician", "technical", "architect", "quality", "maintenance", "instrument", "it ")),
    ("user", ("operator", "operations", "supervisor", "foreman", "production", "shift", "planner", "analyst")),
)
_NEEDED: tuple[Role, ...] = ("decision maker", "buyer", "technical")
_ACTIVE_DAYS = 30
_KINDS = (
    ("EmailMessage", "ToIds", "MessageDate"),
    ("Task", "WhoId", "ActivityDate"),
    ("Event", "WhoId", "StartDateTime"),
)


class BuyingCommittee(Arguments):
    opportunity_id: str = record_reference("The opportunity or deal.")
    within_days: int = argument("How far back activities count.", default=180, ge=7, le=730)


class Trace(Result):
    """Something that somebody took part in."""

    object: str = output("Kind of record.")
    id: str = output("Record id.")
    at: str | None = output("When it was.")


class Member(Result):
    id: str = output("Record id of the contact.")
    FirstName: str | None = output("First name.", integrity=Integrity.BY_FIELD, personal=True)
    LastName: str | None = output("Last name.", integrity=Integrity.BY_FIELD, personal=True)
    Title: str | None = output("Job title.", integrity=Integrity.BY_FIELD)
    role: Role = output("Their part, judged by the job title; unknown if it says nothing.")
    is_deal_contact: bool = output("Whether the opportunity names them as its contact.")
    engagement: Literal["high", "some", "none"] = output("How much they took part: high is three times or more.")
    activities: int = output("E-mails, calls, tasks and meetings with them.")
    last_contact: str | None = output("When the last one was.")
    evidence: list[Trace] = output("The newest of those.")


class Committee(Names):
    summary: str = output("The committee in a sentence.")
    members: list[Member] = output("Most engaged first.", integrity=Integrity.BY_FIELD)
    missing_roles: list[str] = output("Parts that nobody plays who took part in the deal.")
    what_to_do: list[Point] = output("What would make the deal safer.")


@tool(effect=Effect.READ, scope=CRM_READ, judges_outside=True, asks="Who is on the buying committee of {record}?")
async def buying_committee(ctx: ToolContext, args: BuyingCommittee) -> Committee:
    """Buying committee of an opportunity: the contacts, their roles (decision maker, buyer, technical, user) and how
    engaged each is by the evidence of e-mails, calls and meetings. Who decides, stakeholders, champions, org map.

    People say: who decides at it; who decides on/about it; who calls the shots at it; who has the last/final word/say
    at it; who signs (off) at it; who is involved in it; who are the players/people in it; who is against us in it; who
    is our champion in it; whom do we have to convince in it; who needs to be convinced in it.
    """
    deal = await get_seen(ctx.crm, "Opportunity", args.opportunity_id, argument="opportunity_id")
    people = await _people(ctx, deal)
    since = (ctx.today - timedelta(days=args.within_days)).isoformat()
    traces = await _traces(ctx, [row["Id"] for row in people], since)
    members = [_member(row, traces.get(row["Id"], []), deal, ctx.today) for row in people]
    members.sort(key=lambda one: (-one.activities, not one.is_deal_contact, one.id))
    involved = [one for one in members if one.activities or one.is_deal_contact]
    missing = [role for role in _NEEDED if not any(one.role == role for one in involved)]
    return Committee(
        summary=_sum_up(members, involved, missing),
        members=members,
        missing_roles=list(missing),
        names=await ctx.crm.names_of([deal["Id"], *(one.id for one in members)]),
        what_to_do=_advice(deal, members, involved, missing, ctx.today),
    )


async def _people(ctx: ToolContext, deal: Row) -> list[Row]:
    if not deal.get("AccountId"):
        return []
    of_account = [Filter("AccountId", "eq", deal["AccountId"])]
    page = await read_if_allowed(ctx.crm, Query("Contact", None, of_account, [Sort("LastName")], 50))
    return [] if page is None else page.records


async def _traces(ctx: ToolContext, ids: Sequence[str], since: str) -> dict[str, list[Trace]]:
    """By person, newest first. E-mails count where they went to the person, and where they came from their address."""
    found: dict[str, list[Trace]] = {}
    for object_name, field, date_field in _KINDS if ids else ():
        until = (ctx.today + timedelta(days=1)).isoformat()
        conditions = [Filter(field, "in", list(ids)), Filter(date_field, "ge", since), Filter(date_field, "lt", until)]
        query = Query(object_name, (field, date_field), conditions, [Sort(date_field, True)], 500)
        page = await read_if_allowed(ctx.crm, query)
        for row in page.records if page else ():
            trace = Trace(object=object_name, id=row["Id"], at=row[date_field])
            found.setdefault(row[field], []).append(trace)
    await _add_incoming(ctx, ids, since, found)
    for traces in found.values():
        traces.sort(key=lambda one: one.at or "", reverse=True)
    return found


async def _add_incoming(ctx: ToolContext, ids: Sequence[str], since: str, found: dict[str, list[Trace]]) -> None:
    people = (
        await read_if_allowed(ctx.crm, Query("Contact", ("Email",), [Filter("Id", "in", list(ids))], limit=50))
        if ids
        else None
    )
    by_address = {row["Email"].lower(): row["Id"] for row in people.records if row["Email"]} if people else {}
    if not by_address:
        return
    conditions = [
        Filter("FromAddress", "in", sorted(by_address)),
        Filter("Incoming", "eq", True),
        Filter("MessageDate", "ge", since),
    ]
    page = await read_if_allowed(ctx.crm, Query("EmailMessage", ("FromAddress", "MessageDate"), conditions, limit=500))
    for row in page.records if page else ():
        person = by_address.get(row["FromAddress"].lower())
        if person is not None:
            found.setdefault(person, []).append(Trace(object="EmailMessage", id=row["Id"], at=row["MessageDate"]))


def _member(row: Row, traces: list[Trace], deal: Row, today: date) -> Member:
    level: Literal["high", "some", "none"] = "high" if len(traces) >= 3 else "some" if traces else "none"
    return Member(
        id=row["Id"],
        FirstName=row.get("FirstName"),
        LastName=row.get("LastName"),
        Title=row.get("Title"),
        role=role_of(row.get("Title")),
        is_deal_contact=row["Id"] == deal.get("ContactId"),
        engagement=level,
        activities=len(traces),
        last_contact=traces[0].at if traces else None,
        evidence=traces[:5],
    )


def role_of(title: str | None) -> Role:
    """By words of the title, whoever wrote it."""
    words = f"{(title or '').casefold()} "
    return next((role for role, stems in _BY_TITLE if any(stem in words for stem in stems)), "unknown")


def _advice(
    deal: Row, members: list[Member], involved: list[Member], missing: Sequence[str], today: date
) -> list[Point]:
    found = [
        Point(object="Opportunity", id=deal["Id"], point=f"nobody who took part is a {role}: find one")
        for role in missing
    ]
    if len(involved) == 1:
        found.append(Point(object="Opportunity", id=deal["Id"], point="the deal hangs on one person: meet others"))
    for one in members:
        if one.role == "decision maker" and not one.activities:
            found.append(Point(object="Contact", id=one.id, point="a decision maker nobody has talked to"))
        elif one.is_deal_contact and one.last_contact and days_since(one.last_contact, today) > _ACTIVE_DAYS:
            silent = days_since(one.last_contact, today)
            found.append(Point(object="Contact", id=one.id, point=f"the deal's contact was silent for {silent} days"))
    return found


def _sum_up(members: list[Member], involved: list[Member], missing: Sequence[str]) -> str:
    lacking = f"; missing: {', '.join(missing)}" if missing else ""
    return f"{counted(len(members), 'contact')}, {len(involved)} of them involved{lacking}."
