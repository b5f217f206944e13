"""Before a meeting: whom one meets, what about, and what to bring up."""

from datetime import timedelta
from typing import Any

from crm.connector import Filter, Query, Row, Sort
from crm.schema import object_of
from tools._briefing import (
    CASE_COLUMNS,
    DEAL_COLUMNS,
    PERSON_COLUMNS,
    Point,
    about_cases,
    about_deals,
    get_seen,
    names_in,
    open_cases,
    open_deals,
    people_of,
    shown,
)
from tools._declare import Arguments, Integrity, ToolContext, ToolRetryError, output, tool
from tools._reading import columns, counted, read_if_allowed
from tools._shapes import Names, record_reference
from tools._timeline import Span, TimelineEntry, read_timeline
from trust.actions import Effect
from trust.scopes import CRM_READ

_MEETING_COLUMNS = ("Subject", "Description", "StartDateTime", "DurationInMinutes", "Location", "WhoId", "WhatId")
_TASK_COLUMNS = ("Subject", "Status", "Priority", "ActivityDate", "WhoId")
_LOOK_BACK = timedelta(days=60)


class PrepareMeeting(Arguments):
    record_id: str = record_reference(
        "The meeting (Event), or the account, opportunity or contact one meets about: then the next meeting is taken."
    )


class MeetingBrief(Names):
    summary: str = output("The brief in a sentence.")
    meeting: dict[str, Any] | None = output(
        "The event: subject, time, place; null if none is planned.", integrity=Integrity.BY_FIELD
    )
    account_id: str | None = output("The company one meets.")
    opportunity_id: str | None = output("The deal it is about.")
    attendees: list[dict[str, Any]] = output(
        "Whom to expect: the people named in the meeting and the deal.", integrity=Integrity.BY_FIELD
    )
    agenda: list[Point] = output("What to bring up, in this order.")
    open_cases: list[dict[str, Any]] | None = output(
        "Open cases of the company; null if you may see none.", integrity=Integrity.BY_FIELD
    )
    open_deals: list[dict[str, Any]] | None = output(
        "Open opportunities of the company; null if you may see none.", integrity=Integrity.BY_FIELD
    )
    open_tasks: list[dict[str, Any]] | None = output(
        "What was promised and is not done yet; null if you may see none.", integrity=Integrity.BY_FIELD
    )
    last_activities: list[TimelineEntry] = output(
        "What happened in the last 60 days, newest first.", integrity=Integrity.BY_FIELD
    )


@tool(effect=Effect.READ, scope=CRM_READ, asks="Prepare a meeting about {record}")
async def prepare_meeting(ctx: ToolContext, args: PrepareMeeting) -> MeetingBrief:
    """Prepare a meeting or call with a customer: agenda, attendees, open cases, open deals, promises not yet kept and
    the last activities. Brief me for my meeting, get me ready for a visit, talking points.

    People say: prep me for (my) (meeting/call/visit) (with) it; I am seeing/meeting/visiting it; what do I need to know
    before (my) meeting/call/visit (with) it; get me up to speed before (I) (meet/see/visit) it.
    """
    meeting = await _meeting(ctx, args.record_id)
    deal_id, account_id, person_ids = await _subject(ctx, meeting, args.record_id)
    cases = await open_cases(ctx.crm, account_id) if account_id else None
    deals = await open_deals(ctx.crm, account_id) if account_id else None
    people = await people_of(ctx.crm, account_id) if account_id else None
    about = [one for one in (deal_id, account_id, *person_ids) if one]
    tasks = await _open_tasks(ctx, about)
    entries, _ = await read_timeline(ctx.crm, about, Span((ctx.today - _LOOK_BACK).isoformat()), limit=15)
    attendees = await _attendees(ctx, person_ids)
    agenda = [
        *about_cases(cases, ctx.today),
        *_about_deal(deal_id, deals, ctx),
        *(Point(object="Task", id=row["Id"], point=_promise(row)) for row in tasks or ()),
    ]
    names = await ctx.crm.names_of([*about, *(str(v) for v in (meeting or {}).values() if v)])
    return MeetingBrief(
        summary=_sum_up(meeting, attendees, agenda),
        meeting=None if meeting is None else columns([meeting], _MEETING_COLUMNS)[0],
        account_id=account_id,
        opportunity_id=deal_id,
        attendees=attendees,
        agenda=agenda[:12],
        open_cases=shown(cases, CASE_COLUMNS),
        open_deals=shown(deals, DEAL_COLUMNS),
        open_tasks=tasks,
        last_activities=entries,
        names=names_in(cases, deals, people) | names,
    )


async def _meeting(ctx: ToolContext, record_id: str) -> Row | None:
    """The event, or the next one about the record."""
    about = object_of(record_id)
    if about == "Event":
        return await get_seen(ctx.crm, "Event", record_id, argument="record_id")
    if about not in ("Account", "Opportunity", "Contact"):
        raise ToolRetryError("record_id: expected the id of an event, account, opportunity or contact")
    await get_seen(ctx.crm, about, record_id, argument="record_id")
    ids = [record_id]
    if about == "Account":
        deals = await open_deals(ctx.crm, record_id)
        ids += [row["Id"] for row in deals.records] if deals else []
    conditions = [
        Filter("WhoId" if about == "Contact" else "WhatId", "in", ids),
        Filter("StartDateTime", "ge", ctx.today.isoformat()),
    ]
    page = await read_if_allowed(ctx.crm, Query("Event", None, conditions, [Sort("StartDateTime")], 1))
    return page.records[0] if page is not None and page.records else None


async def _subject(ctx: ToolContext, meeting: Row | None, asked: str) -> tuple[str | None, str | None, list[str]]:
    """The deal, the company and the people that it is about, as far as the caller may see them."""
    named = [asked, (meeting or {}).get("WhatId"), (meeting or {}).get("WhoId")]
    seen = await ctx.crm.names_of([one for one in named if one])
    ids = [one for one in dict.fromkeys(named) if one and one in seen]
    deal = next((one for one in ids if object_of(one) == "Opportunity"), None)
    account = next((one for one in ids if object_of(one) == "Account"), None)
    people = [one for one in ids if object_of(one) in ("Contact", "Lead")]
    for owner in [*([deal] if deal else []), *(one for one in ids if object_of(one) in ("Contact", "Case"))]:
        row = await ctx.crm.get(object_of(owner) or "", owner)
        account = account or row.get("AccountId")
        if row.get("ContactId"):
            people.append(row["ContactId"])
    return deal, account, list(dict.fromkeys(people))


async def _open_tasks(ctx: ToolContext, about: list[str]) -> list[Row] | None:
    found: dict[str, Row] = {}
    for field, kinds in (("WhatId", ("Opportunity", "Account")), ("WhoId", ("Contact", "Lead"))):
        ids = [one for one in about if object_of(one) in kinds]
        if not ids:
            continue
        conditions = [Filter(field, "in", ids), Filter("Status", "ne", "Completed")]
        page = await read_if_allowed(ctx.crm, Query("Task", None, conditions, [Sort("ActivityDate")], 20))
        if page is None:
            return None
        found |= {row["Id"]: row for row in columns(page.records, _TASK_COLUMNS)}
    return list(found.values())


async def _attendees(ctx: ToolContext, person_ids: list[str]) -> list[Row]:
    found = []
    seen = await ctx.crm.names_of(person_ids)
    for person in (one for one in person_ids if one in seen):
        row = await ctx.crm.get(object_of(person) or "", person)
        found += columns([row], PERSON_COLUMNS)
    return found


def _about_deal(deal_id: str | None, deals: Any, ctx: ToolContext) -> list[Point]:
    if deal_id is None or deals is None:
        return []
    found = []
    for row in deals.records:
        if row["Id"] == deal_id and row.get("StageName"):
            closes = f", close date {row['CloseDate']}" if row.get("CloseDate") else ""
            found.append(Point(object="Opportunity", id=deal_id, point=f"deal in stage {row['StageName']}{closes}"))
    return [*found, *(one for one in about_deals(deals, ctx.today) if one.id == deal_id)]


def _promise(row: Row) -> str:
    due = f", due on {row['ActivityDate']}" if row.get("ActivityDate") else ""
    return f"open task{due}"


def _sum_up(meeting: Row | None, attendees: list[Row], agenda: list[Point]) -> str:
    when = (
        "No meeting is planned" if meeting is None else f"Meeting on {meeting['StartDateTime'][:16].replace('T', ' ')}"
    )
    return f"{when}; {counted(len(attendees), 'attendee')}, {counted(len(agenda), 'point')} to bring up."
