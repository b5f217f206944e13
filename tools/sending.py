"""E-mails that leave the house: drafts, as they are saved, to the people that their records name."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from crm.connector import Filter, Query, Row, Sort
from crm.mailing import Sender
from crm.schema import object_of
from tools._declare import (
    Arguments,
    PostRules,
    Proposal,
    ReadingCrm,
    ToolContext,
    ToolFailedError,
    ToolRetryError,
    argument,
    tool,
)
from tools._mail import (
    Addressee,
    each_once,
    has_control,
    is_address,
    look_up,
    look_up_all,
    readers_of,
    reply_to,
    resolve,
    split_list,
    to_phrase,
    without_invisible,
)
from tools._shapes import record_reference
from trust.actions import Effect, Outgoing, Recipient
from trust.labels import Integrity, Label
from trust.scopes import CRM_SEND

_DRAFT_FIELDS = (
    "ParentId RelatedToId ToIds CcAddress Subject TextBody HtmlBody MessageDate Incoming Status LastModifiedById"
).split()
_MOST_RECIPIENTS = 10
_MOST_LETTERS = 99
"""To how many members a campaign's e-mail goes at once; with the draft itself, 100 records."""
_MAILED = "Sent"
"""The status of members who were written to."""
_PAGE = 200
_LONGEST_BODY = 50_000


class SendEmail(Arguments):
    draft_id: str = record_reference("The saved draft, an EmailMessage that has not been sent.")


@tool(effect=Effect.SEND, scope=CRM_SEND, changes=(("update", "EmailMessage"),))
async def send_email(ctx: ToolContext, args: SendEmail) -> Proposal:
    """Send a saved e-mail draft as it is, to the people its record names. A second person has to approve it first.

    It takes no address and no text: to change either, change the draft.
    """
    post, sender = await _require_post(ctx)
    draft = await _load_draft(ctx.crm, args.draft_id)
    addressees = await _addressees(ctx.crm, draft)
    opted_out = await post.opted_out([one.address for _, one in addressees if one.address])
    recipients = [one.to_recipient(role, sender, opted_out) for role, one in addressees]
    message = await _message(ctx, sender, draft, recipients)
    return Proposal((await ctx.crm.propose_update("EmailMessage", args.draft_id, _sent(draft)),), message)


class SendCampaignEmail(Arguments):
    draft_id: str = record_reference("The saved draft of a campaign, an EmailMessage that has not been sent.")
    limit: int = argument("To how many members at most.", default=50, ge=1, le=_MOST_LETTERS)


@tool(
    effect=Effect.SEND,
    scope=CRM_SEND,
    changes=(("update", "EmailMessage"), ("update", "CampaignMember")),
    most_records=_MOST_LETTERS + 1,
)
async def send_campaign_email(ctx: ToolContext, args: SendCampaignEmail) -> Proposal:
    """Send a campaign's saved e-mail draft to its members, a mailing: to each by itself, and once. Contacts who opted
    out, have no address or were sent it before are left out; leads are written to one by one with send_email. A second
    person has to approve the whole list first."""
    post, sender = await _require_post(ctx)
    draft = await _load_draft(ctx.crm, args.draft_id)
    campaign = draft["RelatedToId"]
    if object_of(campaign or "") != "Campaign" or draft["ToIds"] or draft["CcAddress"]:
        raise ToolRetryError("draft_id: expected a draft of a campaign that names nobody; others go with send_email")
    members = await _members_to_write_to(ctx.crm, post, sender, str(campaign), args.limit)
    if not members:
        raise ToolFailedError("the campaign has no member left who may be written to")
    changes = [await ctx.crm.propose_update("EmailMessage", args.draft_id, _sent(draft))]
    changes += [await ctx.crm.propose_update("CampaignMember", one, {"Status": _MAILED}) for one in members]
    message = await _message(ctx, sender, draft, list(members.values()))
    return Proposal(tuple(changes), replace(message, separately=True))


async def _members_to_write_to(
    crm: ReadingCrm, post: PostRules, sender: Sender, campaign_id: str, limit: int
) -> dict[str, Recipient]:
    """Member -> who that is, each person once; those first who are members longest."""
    found: dict[str, Recipient] = {}
    seen: set[str] = set()
    waiting = [
        Filter("CampaignId", "eq", campaign_id),
        Filter("ContactId", "is_null", False),
        Filter("Status", "ne", _MAILED),
        Filter("HasResponded", "eq", False),
    ]
    cursor: str | None = None
    while len(found) < limit:
        order = [Sort("CreatedDate"), Sort("Id")]
        page = await crm.query(Query("CampaignMember", ["ContactId"], waiting, order, _PAGE, cursor))
        people = {} if not page.records else await _recipients(crm, post, sender, page.records)
        for row in page.records:
            person = people.get(row["ContactId"])
            if person is not None and person.address.lower() not in seen and len(found) < limit:
                seen.add(person.address.lower())
                found[row["Id"]] = person
        cursor = page.next_cursor
        if cursor is None:
            break
    return found


async def _recipients(crm: ReadingCrm, post: PostRules, sender: Sender, members: Sequence[Row]) -> dict[str, Recipient]:
    """Contact -> recipient, of those who may be written to."""
    addressees = await look_up_all(crm, "Contact", [row["ContactId"] for row in members])
    opted_out = await post.opted_out([one.address for one in addressees if one.address])
    able = [one for one in addressees if one.address and not one.why_not(sender, opted_out)]
    return {one.record_id: one.to_recipient("to", sender, opted_out) for one in able}


async def _require_post(ctx: ToolContext) -> tuple[PostRules, Sender]:
    """Raises: ToolFailedError."""
    sender = None if ctx.post is None else await ctx.post.sender()
    if ctx.post is None or sender is None or not is_address(sender.address):
        raise ToolFailedError("this organisation has no sender address yet, so nothing can be sent")
    return ctx.post, sender


async def _load_draft(crm: ReadingCrm, draft_id: str) -> Row:
    """Raises: ToolRetryError, ToolFailedError, CrmError."""
    if object_of(draft_id) != "EmailMessage":
        raise ToolRetryError("draft_id: expected the id of an EmailMessage")
    draft = await crm.get("EmailMessage", draft_id, _DRAFT_FIELDS)
    _require_draft(draft)
    return draft


async def _message(ctx: ToolContext, sender: Sender, draft: Row, recipients: Sequence[Recipient]) -> Outgoing:
    return Outgoing(
        channel="email",
        recipients=each_once(recipients),
        content=await _content_label(ctx.crm, draft["Id"], draft),
        sender=sender.address,
        sender_name=to_phrase(sender.name),
        reply_to=await reply_to(ctx),
        subject=_subject_of(draft),
        body=_body_of(draft),
        wrong_reader="hold" if sender.wrong_reader == "hold" else "deny",
    )


def _sent(draft: Row) -> dict[str, Any]:
    """What makes the draft a sent message; the date follows when it is."""
    return {"Status": "Sent"} | ({} if draft["MessageDate"] is None else {"MessageDate": None})


def _require_draft(draft: Row) -> None:
    if draft["Incoming"]:
        raise ToolFailedError("this e-mail came in; only a draft of your own organisation can be sent")
    if draft["Status"] != "Draft":
        raise ToolFailedError(f"only a draft can be sent, and this e-mail is {draft['Status'].lower()} already")


async def _addressees(crm: ReadingCrm, draft: Row) -> list[tuple[Any, Addressee]]:
    """Everybody the draft's references name, with their roles, in order."""
    first = await _main_recipient(crm, draft)
    others = [await resolve(crm, said, argument="CcAddress") for said in split_list(draft["CcAddress"])]
    if 1 + len(others) > _MOST_RECIPIENTS:
        raise ToolFailedError(f"an e-mail goes to at most {_MOST_RECIPIENTS} people")
    return [("to", await look_up(crm, first)), *[("cc", await look_up(crm, one)) for one in others]]


async def _main_recipient(crm: ReadingCrm, draft: Row) -> str:
    """Whom the draft says it is for; else the person it is about, else the one whose case it is."""
    if draft["ToIds"]:
        return str(draft["ToIds"])
    related, parent = draft["RelatedToId"], draft["ParentId"]
    if related and object_of(related) in ("Contact", "Lead"):
        return str(related)
    if parent:
        contact = (await crm.get("Case", parent, ["ContactId"]))["ContactId"]
        if contact:
            return str(contact)
    raise ToolFailedError("the draft names nobody whom it is for: give it a contact or a lead")


async def _content_label(crm: ReadingCrm, draft_id: str, draft: Row) -> Label:
    """Written by staff, as drafts are; for those to read whom the record is about that it belongs to."""
    about = draft["ParentId"] or draft["RelatedToId"] or draft["ToIds"]
    writers = frozenset({draft["LastModifiedById"]} if draft["LastModifiedById"] else ())
    readers = await readers_of(crm, str(about)) if about else frozenset[str]()
    return Label(Integrity.CRM_VERIFIED, writers, readers, f"EmailMessage {draft_id}")


def _subject_of(draft: Row) -> str:
    given = draft["Subject"] or ""
    if has_control(given):
        raise ToolFailedError("the subject must be one line: it holds a line break or another control character")
    subject = " ".join(without_invisible(given).split())
    if not subject:
        raise ToolFailedError("the draft has no subject")
    return subject


def _body_of(draft: Row) -> str:
    body = without_invisible(draft["TextBody"] or "").strip("\n")
    if not body.strip():
        only_html = " in plain text, and HTML is not sent" if draft["HtmlBody"] else ""
        raise ToolFailedError(f"the draft has no text{only_html}")
    if len(body) > _LONGEST_BODY:
        raise ToolFailedError(f"the text has {len(body)} characters; at most {_LONGEST_BODY} can be sent")
    return body
