"""E-mails that are written down and wait; nothing here sends anything."""

from crm.schema import object_of
from tools._declare import Arguments, Proposal, ToolContext, ToolRetryError, argument, tool
from tools._shapes import record_reference
from trust.actions import Effect
from trust.scopes import CRM_WRITE


class CreateDraft(Arguments):
    record_id: str = record_reference(
        "The record the e-mail belongs to: a case, account, opportunity, contact or lead."
    )
    recipient_id: str | None = record_reference("The contact or lead it is addressed to.", default=None)
    subject: str = argument("Subject line.", min_length=1, max_length=255)
    body: str = argument("Plain text of the e-mail.", min_length=1, max_length=20_000)


@tool(effect=Effect.DRAFT, scope=CRM_WRITE, changes=(("create", "EmailMessage"),))
async def create_draft(ctx: ToolContext, args: CreateDraft) -> Proposal:
    """Save an e-mail as a draft on a record. It is not sent. A person has to approve the draft first."""
    about = object_of(args.record_id)
    if args.recipient_id is not None and object_of(args.recipient_id) not in ("Contact", "Lead"):
        raise ToolRetryError("recipient_id: expected the id of a contact or lead")
    fields = {
        "ParentId" if about == "Case" else "RelatedToId": args.record_id,
        "ToIds": args.recipient_id,
        "Subject": args.subject,
        "TextBody": args.body,
        "Status": "Draft",
    }
    filled = {name: value for name, value in fields.items() if value is not None}
    return Proposal((await ctx.crm.propose_create("EmailMessage", filled),))
