"""Invitations to meetings: the event, and the letter that asks people to come."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import StringConstraints

from crm.connector import Change
from crm.mailing import Sender
from crm.schema import object_of
from crm.values import parse_instant
from tools._declare import (
    Arguments,
    Proposal,
    Source,
    ToolContext,
    ToolFailedError,
    ToolRetryError,
    argument,
    tool,
)
from tools._mail import (
    REFERENCE_HELP,
    Addressee,
    each_once,
    has_control,
    is_address,
    look_up,
    readers_of,
    reference_to,
    reply_to,
    resolve,
    to_phrase,
    without_invisible,
)
from tools._shapes import record_reference
from trust.actions import Effect, Meeting, Outgoing
from trust.labels import Integrity, Label
from trust.scopes import CRM_SEND

_LONGEST_CC = 255
_INSTANT = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})?$"

Attendee = Annotated[str, StringConstraints(min_length=3, max_length=254)]


class SendMeetingRequest(Arguments):
    subject: str = argument("What the meeting is about.", min_length=1, max_length=200)
    starts_at: str = argument(
        "When it starts, as ISO instant such as 2026-05-31T09:00:00Z; UTC without an offset.", pattern=_INSTANT
    )
    to: tuple[Attendee, ...] = argument(
        f"The contacts, leads or users to invite, each by its id or {REFERENCE_HELP}.",
        source=Source.RECORD,
        personal=True,
        min_length=1,
        max_length=8,
    )
    duration_minutes: int = argument("How long it takes.", default=60, ge=5, le=1_440)
    location: str | None = argument("Where it takes place.", default=None, max_length=200)
    related_to_id: str | None = record_reference("The opportunity, account or case that it is about.", default=None)
    text: str = argument("What else to say in the invitation.", default="", max_length=5_000)


@tool(effect=Effect.SEND, scope=CRM_SEND, changes=(("create", "EmailMessage"), ("create", "Event")))
async def send_meeting_request(ctx: ToolContext, args: SendMeetingRequest) -> Proposal:
    """Send a meeting request: invite contacts, leads or colleagues by e-mail and put the event into the calendar.
    Schedule or set up a meeting, appointment or call. A second person has to approve it first.

    People say: set up a meeting/call with it; get a meeting/call with it in/on the calendar; book a meeting/call with
    it; put a meeting/call with it in the calendar; find/get time with it; get it on the calendar.
    """
    sender = None if ctx.post is None else await ctx.post.sender()
    if ctx.post is None or sender is None or not is_address(sender.address):
        raise ToolFailedError("this organisation has no sender address yet, so nothing can be sent")
    starts = _start(ctx, args)
    people = await _people(ctx, args.to)
    opted_out = await ctx.post.opted_out([one.address for one in people if one.address])
    about = args.related_to_id
    readers = frozenset(map(_as_reader, people)) if about is None else await readers_of(ctx.crm, about)
    subject, body = f"Invitation: {_line('subject', args.subject)}", _body(args, starts)
    message = Outgoing(
        channel="email",
        recipients=each_once([one.to_recipient("to", sender, opted_out) for one in people]),
        content=Label(Integrity.CRM_VERIFIED, frozenset({ctx.user_id or ""}), readers, "a meeting request"),
        sender=sender.address,
        sender_name=to_phrase(sender.name),
        reply_to=await reply_to(ctx),
        subject=subject,
        body=body,
        wrong_reader=_wrong_reader(sender),
        meeting=_meeting(args, starts),
    )
    return Proposal(await _changes(ctx, args, people, starts, subject, body), message)


def _wrong_reader(sender: Sender) -> Any:
    return "hold" if sender.wrong_reader == "hold" else "deny"


def _meeting(args: SendMeetingRequest, starts: datetime) -> Meeting:
    ends = starts + timedelta(minutes=args.duration_minutes)
    return Meeting(_line("subject", args.subject), starts, ends, _line("location", args.location or ""))


def _start(ctx: ToolContext, args: SendMeetingRequest) -> datetime:
    starts = parse_instant("starts_at", args.starts_at)
    if starts <= ctx.now:
        raise ToolRetryError("starts_at: expected a time that is still to come")
    return starts


async def _people(ctx: ToolContext, said: Sequence[str]) -> list[Addressee]:
    ids = [await resolve(ctx.crm, one, argument=f"to[{place}]") for place, one in enumerate(said)]
    return [await look_up(ctx.crm, one) for one in dict.fromkeys(ids)]


def _as_reader(one: Addressee) -> str:
    return f"{one.object_name.lower()}:{one.record_id}"


def _line(name: str, text: str) -> str:
    if has_control(text):
        raise ToolRetryError(f"{name}: one line, without control characters")
    return " ".join(without_invisible(text).split())


def _body(args: SendMeetingRequest, starts: datetime) -> str:
    """The words of the invitation; when and where are put there by code."""
    meeting = _meeting(args, starts)
    utc, until = meeting.starts.astimezone(UTC), meeting.ends.astimezone(UTC)
    day = "" if utc.date() == until.date() else f"{until:%Y-%m-%d} "
    facts = [f"When: {utc:%A, %Y-%m-%d %H:%M} to {day}{until:%H:%M} UTC"]
    if meeting.location:
        facts.append(f"Where: {meeting.location}")
    text = without_invisible(args.text).strip()
    return "\n".join([*([text, ""] if text else []), f"You are invited: {meeting.subject}", *facts])


async def _changes(
    ctx: ToolContext, args: SendMeetingRequest, people: Sequence[Addressee], starts: datetime, subject: str, body: str
) -> tuple[Change, Change]:
    first, others = people[0], people[1:]
    copies = "; ".join(reference_to(one.record_id) for one in others)
    if len(copies) > _LONGEST_CC:
        raise ToolRetryError("to: that is more people than an invitation can keep")
    guest = next((one.record_id for one in people if one.object_name != "User"), None)
    about = args.related_to_id
    letter = {
        "ParentId" if about and object_of(about) == "Case" else "RelatedToId": about or guest,
        "ToIds": first.record_id,
        "CcAddress": copies or None,
        "Subject": subject,
        "TextBody": body,
        "Status": "Sent",
    }
    meeting = _meeting(args, starts)
    event = {
        "Subject": meeting.subject,
        "Description": without_invisible(args.text).strip() or None,
        "StartDateTime": starts.isoformat(),
        "DurationInMinutes": args.duration_minutes,
        "Location": meeting.location or None,
        "WhoId": guest,
        "WhatId": about,
    }
    return (
        await ctx.crm.propose_create("EmailMessage", _filled(letter)),
        await ctx.crm.propose_create("Event", _filled(event)),
    )


def _filled(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
