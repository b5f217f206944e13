"""E-mails that are written down and wait; nothing here sends anything."""

from typing import Annotated

from pydantic import StringConstraints

from crm.schema import object_of
from tools._declare import Arguments, Proposal, Source, ToolContext, ToolRetryError, argument, tool
from tools._grounds import ANYTHING, require_grounded
from tools._mail import REFERENCE_HELP, has_control, reference_to, resolve
from tools._shapes import RECORD_ID, record_reference
from trust.actions import Effect
from trust.scopes import CRM_WRITE

_LONGEST_CC = 255

RecordId = Annotated[str, StringConstraints(pattern=RECORD_ID)]
PersonSaid = Annotated[str, StringConstraints(min_length=3, max_length=254)]


class CreateDraft(Arguments):
    record_id: str = record_reference(
        "The record the e-mail belongs to: a case, account, opportunity, contact or lead."
    )
    recipient_id: str | None = record_reference("The contact or lead it is addressed to.", default=None)
    to: PersonSaid | None = argument(
        f"In place of recipient_id: {REFERENCE_HELP}. An address is taken only if one record has it.",
        default=None,
        source=Source.RECORD,
        personal=True,
    )
    cc: tuple[PersonSaid, ...] = argument(
        "Who else gets it, in the same form as `to`.",
        default=(),
        source=Source.RECORD,
        personal=True,
        max_length=7,
    )
    subject: str = argument("Subject line.", min_length=1, max_length=255)
    body: str = argument("Plain text of the e-mail.", min_length=1, max_length=20_000)
    based_on: list[RecordId] = argument(
        "The records that the e-mail's facts are from, such as an opportunity, its quote or a case. Numbers, dates and "
        "names in the body must then be in one of them.",
        default=[],
        source=Source.RECORD,
        max_length=8,
    )


@tool(effect=Effect.DRAFT, scope=CRM_WRITE, changes=(("create", "EmailMessage"),))
async def create_draft(ctx: ToolContext, args: CreateDraft) -> Proposal:
    """Save an e-mail as a draft on a record. It is not sent. A person has to approve the draft first. With based_on it
    is a grounded e-mail that cites its facts: what none of those records says is refused."""
    about = object_of(args.record_id)
    if has_control(args.subject):
        raise ToolRetryError("subject: one line, without control characters")
    fields = {
        "ParentId" if about == "Case" else "RelatedToId": args.record_id,
        "ToIds": await _recipient(ctx, args),
        "CcAddress": await _copies(ctx, args),
        "Subject": args.subject,
        "TextBody": args.body,
        "Status": "Draft",
    }
    if args.based_on:
        await require_grounded(ctx, args.body, [args.record_id, *args.based_on, fields["ToIds"] or ""])
    filled = {name: value for name, value in fields.items() if value is not None}
    draft = await ctx.crm.propose_create("EmailMessage", filled)
    taken = {(draft.record_id, "TextBody"): [(one, ANYTHING) for one in args.based_on]} if args.based_on else {}
    return Proposal((draft,), taken_from=taken)


async def _recipient(ctx: ToolContext, args: CreateDraft) -> str | None:
    if args.recipient_id is not None and args.to is not None:
        raise ToolRetryError("to: leave it out, or leave out recipient_id")
    if args.to is not None:
        return await resolve(ctx.crm, args.to, argument="to")
    if args.recipient_id is not None and object_of(args.recipient_id) not in ("Contact", "Lead"):
        raise ToolRetryError("recipient_id: expected the id of a contact or lead")
    return args.recipient_id


async def _copies(ctx: ToolContext, args: CreateDraft) -> str | None:
    """The references in one line, as the field keeps them; None if there are none."""
    people = [await resolve(ctx.crm, said, argument=f"cc[{place}]") for place, said in enumerate(args.cc)]
    line = "; ".join(reference_to(one) for one in dict.fromkeys(people))
    if len(line) > _LONGEST_CC:
        raise ToolRetryError("cc: that is more people than a draft can keep")
    return line or None
