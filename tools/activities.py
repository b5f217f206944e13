"""What was done and said around a record, and what is to be done next."""

from datetime import timedelta
from typing import Any, Literal

from crm.connector import Change
from crm.schema import object_of
from crm.values import parse_date
from tools._declare import Arguments, Integrity, Proposal, Result, ToolContext, ToolRetryError, argument, output, tool
from tools._shapes import day, record_reference
from tools._timeline import KINDS, ActivityKind, Span, TimelineEntry, read_timeline
from trust.actions import Effect
from trust.scopes import CRM_READ, CRM_WRITE

_RECENT = timedelta(days=30)


class ActivitiesTimeline(Arguments):
    record_id: str = record_reference("The account, contact, lead, opportunity or case.")
    types: list[ActivityKind] | None = argument("Kinds of activity; leave out for all.", default=None)
    since: str | None = day("From this day on; 30 days ago if left out.", default=None)
    until: str | None = day("Up to this day.", default=None)
    limit: int = argument("How many to return.", default=20, ge=1, le=100)


class Timeline(Result):
    entries: list[TimelineEntry] = output("Newest first.", integrity=Integrity.BY_FIELD)
    total: int = output("How many there are in the time span, over all kinds that you may see.")


@tool(effect=Effect.READ, scope=CRM_READ, asks="Show the timeline of {record}")
async def activities_timeline(ctx: ToolContext, args: ActivitiesTimeline) -> Timeline:
    """What happened around a record: tasks, meetings, e-mails, comments, chats and calls, newest first."""
    since = _require_day("since", args.since) or (ctx.today - _RECENT).isoformat()
    _require_day("until", args.until)
    about = object_of(args.record_id)
    if about is None or not await ctx.crm.names_of([args.record_id]):
        raise ToolRetryError("record_id: there is no such record that you can see")
    kinds = args.types or tuple(KINDS)
    entries, total = await read_timeline(
        ctx.crm, [args.record_id], Span(since, args.until), kinds=kinds, limit=args.limit
    )
    return Timeline(entries=entries, total=total)


def _require_day(name: str, value: str | None) -> str | None:
    """Raises: FieldError. Kinds of activity that cannot be read are passed over, a date that is none must not be."""
    return value and parse_date(name, value).isoformat()


class CreateTask(Arguments):
    subject: str = argument("What is to be done.", min_length=1, max_length=255)
    due_date: str | None = day("When it is due.", default=None)
    related_to_id: str | None = record_reference(
        "The account, opportunity, case or other record it is about.", default=None
    )
    who_id: str | None = record_reference("The contact or lead it is about.", default=None)
    priority: Literal["Low", "Normal", "High", "Urgent"] = argument("How urgent it is.", default="Normal")
    description: str | None = argument("More about it.", default=None, max_length=4000)


@tool(effect=Effect.WRITE, scope=CRM_WRITE, changes=(("create", "Task"),))
async def create_task(ctx: ToolContext, args: CreateTask) -> Proposal:
    """Create a to-do for the user. A person has to approve it first."""
    fields = {
        "Subject": args.subject,
        "ActivityDate": args.due_date,
        "WhatId": args.related_to_id,
        "WhoId": args.who_id,
        "Priority": args.priority,
        "Description": args.description,
        "TaskSubtype": "Task",
    }
    return Proposal((await ctx.crm.propose_create("Task", _filled(fields)),))


class LogCall(Arguments):
    subject: str = argument("What the call was about.", min_length=1, max_length=255)
    notes: str | None = argument("What was said.", default=None, max_length=4000)
    related_to_id: str | None = record_reference(
        "The account, opportunity, case or other record it is about.", default=None
    )
    who_id: str | None = record_reference("The contact or lead on the line.", default=None)
    called_on: str | None = day("Day of the call; today if left out.", default=None)
    direction: Literal["Outbound", "Inbound", "Internal"] = argument(
        "Who called whom.",
        default="Outbound",
        options={"Outbound": "we called", "Inbound": "they called us", "Internal": "a call among colleagues"},
    )
    next_step: str | None = argument(
        "What was agreed to do next: becomes the opportunity's next step and a to-do.", default=None, max_length=255
    )
    next_step_due: str | None = day("When the next step is due; needs next_step.", default=None)


@tool(effect=Effect.WRITE, scope=CRM_WRITE, changes=(("create", "Task"), ("update", "Opportunity")))
async def log_call(ctx: ToolContext, args: LogCall) -> Proposal:
    """Note down a call that took place, and what was agreed to do next. A person has to approve it first."""
    if args.next_step_due is not None and args.next_step is None:
        raise ToolRetryError("next_step_due: expected together with next_step")
    fields = {
        "Subject": args.subject,
        "Description": args.notes,
        "WhatId": args.related_to_id,
        "WhoId": args.who_id,
        "ActivityDate": args.called_on or ctx.today.isoformat(),
        "Status": "Completed",
        "TaskSubtype": "Call",
        "CallType": args.direction,
    }
    call = await ctx.crm.propose_create("Task", _filled(fields))
    return Proposal((call, *(await _next_step(ctx, args, args.next_step) if args.next_step else ())))


async def _next_step(ctx: ToolContext, args: LogCall, said: str) -> list[Change]:
    """The to-do, and the opportunity's next step if the call was about one and it said something else."""
    to_do = {
        "Subject": said,
        "WhatId": args.related_to_id,
        "WhoId": args.who_id,
        "ActivityDate": args.next_step_due,
        "TaskSubtype": "Task",
    }
    changes = [await ctx.crm.propose_create("Task", _filled(to_do))]
    if args.related_to_id is not None and object_of(args.related_to_id) == "Opportunity":
        deal = await ctx.crm.get("Opportunity", args.related_to_id, ("NextStep",))
        if deal["NextStep"] != said:
            changes.append(await ctx.crm.propose_update("Opportunity", deal["Id"], {"NextStep": said}))
    return changes


def _filled(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
