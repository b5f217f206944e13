"""A working day, and the next meeting in it: what is on, what is due, whom one meets and what about."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from crm.connector import Filter, Page, Query, Row, Sort
from crm.errors import CrmError
from crm.schema import object_of
from crm.values import parse_date
from tools._briefing import DEAL_COLUMNS, Point, about_deals, days_since, names_in, worth
from tools._declare import Arguments, Integrity, Result, ToolContext, argument, output, tool
from tools._reading import columns, counted, read_among, read_if_allowed, require_staff
from tools._shapes import Names, day
from trust.actions import Effect
from trust.scopes import CRM_READ

EVENT_COLUMNS = ("Subject", "StartDateTime", "DurationInMinutes", "Location", "WhoId", "WhatId")
_TASK_COLUMNS = ("Subject", "Status", "Priority", "ActivityDate", "WhoId", "WhatId")
_LISTED = 50
_MAIL_DAYS = timedelta(days=30)
_URGENT = ("Urgent", "High")


class ReviewMyDay(Arguments):
    date: str | None = day("The day to review, such as today or tomorrow; today if left out.", default=None)
    closing_within_days: int = argument(
        "How far ahead deals that are about to close are listed.", default=14, ge=1, le=90
    )


class WaitingReply(Result):
    id: str = output("Record id of the e-mail that came in.")
    subject: str | None = output("Its subject line.", integrity=Integrity.EXTERNAL)
    received: str | None = output("When it came in.")
    days_waiting: int = output("For how many days.")
    about_id: str | None = output("The record it belongs to.")


class DayReview(Names):
    summary: str = output("The day in a sentence.")
    date: str = output("The day.")
    meetings: list[dict[str, Any]] | None = output(
        "Your events of the day, earliest first; null if you may see none.", integrity=Integrity.BY_FIELD
    )
    tasks_due: list[dict[str, Any]] | None = output(
        "Your open tasks due on the day, most urgent first.", integrity=Integrity.BY_FIELD
    )
    tasks_overdue: list[dict[str, Any]] | None = output(
        "Your open tasks due earlier, longest overdue first.", integrity=Integrity.BY_FIELD
    )
    deals_closing: list[dict[str, Any]] | None = output(
        "Your open opportunities that close soon or should have, next first.", integrity=Integrity.BY_FIELD
    )
    replies_waiting: list[WaitingReply] = output(
        "E-mails to you or on your records that nobody has answered, longest waiting first.",
        integrity=Integrity.BY_FIELD,
    )
    look_at_first: list[Point] = output("What is most pressing, and why.")


@tool(effect=Effect.READ, scope=CRM_READ, asks="Review my day")
async def review_my_day(ctx: ToolContext, args: ReviewMyDay) -> DayReview:
    """Review my day: my meetings and events, tasks due and overdue, deals about to close or past their close date, and
    e-mails that wait for a reply. What is on today, what is on my plate, walk me through
    my day, my agenda, my schedule, my to-dos, what do I have to do, what should I do first.

    People say: what does/is my day/today/calendar look like; how does my day/today/calendar look; what have I got
    on/today/planned; what is up today; what am I up to today; anything I need to do today; where do I start today.
    """
    me = require_staff(ctx)
    on = parse_date("date", args.date).isoformat() if args.date else ctx.today.isoformat()
    mine = [Filter("OwnerId", "eq", me)]
    meetings = await _list(ctx, "Event", [*mine, Filter("StartDateTime", "eq", on)], Sort("StartDateTime"))
    undone = [*mine, Filter("Status", "ne", "Completed")]
    due = await _list(ctx, "Task", [*undone, Filter("ActivityDate", "eq", on)], Sort("CreatedDate"))
    overdue = await _list(ctx, "Task", [*undone, Filter("ActivityDate", "lt", on)], Sort("ActivityDate"))
    until = (parse_date("date", on) + timedelta(days=args.closing_within_days)).isoformat()
    closing = [*mine, Filter("IsClosed", "eq", False), Filter("CloseDate", "le", until)]
    deals = await _list(ctx, "Opportunity", closing, Sort("CloseDate"))
    replies = await _replies_waiting(ctx, me)
    if due is not None:
        due.records.sort(key=lambda row: row.get("Priority") not in _URGENT)
    about = await ctx.crm.names_of([one.about_id for one in replies if one.about_id])
    return DayReview(
        summary=_sum_up(meetings, due, overdue, deals, replies, until),
        date=on,
        meetings=_shown(meetings, EVENT_COLUMNS),
        tasks_due=_shown(due, _TASK_COLUMNS),
        tasks_overdue=_shown(overdue, _TASK_COLUMNS),
        deals_closing=_shown(deals, DEAL_COLUMNS),
        replies_waiting=replies,
        look_at_first=[*_pressing(overdue, due), *about_deals(deals, ctx.today)][:10],
        names=names_in(meetings, due, overdue, deals) | about,
    )


async def _list(ctx: ToolContext, object_name: str, conditions: Sequence[Filter], order: Sort) -> Page | None:
    return await read_if_allowed(ctx.crm, Query(object_name, None, conditions, [order], _LISTED))


def _shown(page: Page | None, wanted: Sequence[str]) -> list[Row] | None:
    return None if page is None else columns(page.records, wanted)


def _pressing(*tasks: Page | None) -> list[Point]:
    rows = [row for page in tasks if page is not None for row in page.records]
    return [
        Point(object="Task", id=row["Id"], point=f"priority {row['Priority']}, due on {row['ActivityDate']}")
        for row in rows
        if row.get("Priority") in _URGENT
    ]


async def _replies_waiting(ctx: ToolContext, me: str) -> list[WaitingReply]:
    """Of each record the newest e-mail, if it came in. One that belongs to no record waits while it is new."""
    since = (ctx.today - _MAIL_DAYS).isoformat()
    recent = [Filter("MessageDate", "ge", since)]
    wanted = ("Subject", "MessageDate", "Incoming", "Status", "RelatedToId", "ParentId")
    newest_first = [Sort("MessageDate", True)]
    try:
        to_me = [Filter("Incoming", "eq", True), Filter("ToIds", "eq", me), *recent]
        mine = [Filter("Incoming", "eq", True), Filter("OwnerId", "eq", me), *recent]
        rows: dict[str, Row] = {}
        for conditions in (to_me, mine):
            page = await ctx.crm.query(Query("EmailMessage", wanted, conditions, newest_first, _LISTED))
            rows |= {row["Id"]: row for row in page.records}
        answered = await _answered(ctx, wanted, recent, rows.values())
    except CrmError:
        return []
    waiting = [row for row in rows.values() if _waits(row, answered)]
    waiting.sort(key=lambda row: row["MessageDate"])
    return [
        WaitingReply(
            id=row["Id"],
            subject=row["Subject"],
            received=row["MessageDate"],
            days_waiting=days_since(row["MessageDate"], ctx.today),
            about_id=_about(row),
        )
        for row in waiting
    ]


async def _answered(ctx: ToolContext, wanted: Sequence[str], recent: Sequence[Filter], rows: Any) -> dict[str, str]:
    """Record -> when an e-mail last went out or came in there, whichever is later, with what it was."""
    newest: dict[str, str] = {}
    by_field = {field: {row[field] for row in rows if row[field]} for field in ("RelatedToId", "ParentId")}
    for field, ids in by_field.items():
        query = Query("EmailMessage", wanted, [*recent, Filter("Status", "ne", "Draft")])
        for row in (await read_among(ctx.crm, query, field, ids)).records if ids else ():
            about = _about(row)
            if about and row["MessageDate"] and row["MessageDate"] > newest.get(about, ""):
                newest[about] = row["MessageDate"]
    return newest


def _waits(row: Row, newest: dict[str, str]) -> bool:
    about = _about(row)
    return bool(row["Status"] == "New" if about is None else newest.get(about) == row["MessageDate"])


def _about(row: Row) -> str | None:
    found = row["ParentId"] or row["RelatedToId"]
    return str(found) if found and object_of(found) else None


def _sum_up(
    meetings: Page | None,
    due: Page | None,
    overdue: Page | None,
    deals: Page | None,
    replies: Sequence[WaitingReply],
    until: str,
) -> str:
    parts = []
    if meetings is not None:
        parts.append(counted(meetings.total, "meeting"))
    if due is not None:
        parts.append(f"{counted(due.total, 'task')} due")
    if overdue is not None:
        parts.append(f"{overdue.total} overdue")
    if deals is not None:
        parts.append(f"{counted(deals.total, 'deal')}{worth(deals.records)} closing by {until}")
    parts.append(f"{counted(len(replies), 'e-mail')} waiting for a reply")
    return f"{', '.join(parts)}."
