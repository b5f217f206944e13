"""Subject and body of a campaign's e-mails, in variants for each segment."""

from typing import Any, Literal

from tools._audience import Segment, count_people, load_segment
from tools._campaigns import made_of
from tools._copy import compose, gather_material, require_founded, segment_of
from tools._declare import (
    Arguments,
    Integrity,
    Proposal,
    Result,
    ToolContext,
    ToolRetryError,
    argument,
    output,
    tool,
)
from tools._mail import has_control
from tools._shapes import record_reference
from trust.actions import Effect
from trust.scopes import CRM_READ, CRM_WRITE

Angle = Literal["benefit", "question", "deadline", "invitation"]
_ANGLES: tuple[Angle, ...] = ("benefit", "question", "deadline", "invitation")
_ANGLE_OPTIONS = {
    "benefit": "begins with what it is good for, the key message",
    "question": "begins with a question",
    "deadline": "begins with the last day, also urgency",
    "invitation": "begins with what people should do, the call to action",
}
_CAMPAIGN = "Name or id of the campaign, or of a saved brief."


class DraftEmailVariants(Arguments):
    campaign: str = argument(_CAMPAIGN, min_length=1, max_length=255)
    segments: tuple[str, ...] = argument(
        "Names or ids of saved segments to write for, each by itself; the brief's segment if left out.",
        default=(),
        max_length=5,
    )
    angles: tuple[Angle, ...] = argument(
        "What a variant begins with, one variant each.", default=_ANGLES[:3], max_length=4, options=_ANGLE_OPTIONS
    )


class EmailVariant(Result):
    made_of: list[str] = output("Ids of the records that its words were taken from.")
    angle: str = output("What it begins with.")
    segment_id: str | None = output("The segment that it is for.")
    segment_people: int | None = output("How many people that has.")
    subject: str = output("Subject line.", integrity=Integrity.BY_FIELD)
    body: str = output("Plain text of the e-mail.", integrity=Integrity.BY_FIELD)


class EmailVariants(Result):
    variants: list[EmailVariant] = output("The variants.", integrity=Integrity.BY_FIELD)
    summary: str = output("How many there are, in a sentence.")


@tool(effect=Effect.READ, scope=CRM_READ)
async def draft_email_variants(ctx: ToolContext, args: DraftEmailVariants) -> EmailVariants:
    """Write variants of a campaign's e-mail, subject line and body, for each segment, from its brief and product.
    Nothing is saved: show them, let the person choose and change, then save_email_variant.

    People say: subject lines for it; give me subject lines for it; suggest/write (some) subject lines for it; versions
    of the mail for it; versions of the invitation (mail) for it; variants of the mail for it; reword the mail for it;
    rewrite the mail for it; write the mail for it; write the invitation for it; write an invitation for/to it; draft
    the invitation for/to it; what could the mail for it say; word the mail for it.
    """
    material = await gather_material(ctx, args.campaign)
    segments: list[tuple[str | None, Segment | None]] = [
        *[await load_segment(ctx, one) for one in dict.fromkeys(args.segments)]
    ]
    if not segments:
        segments = [(material.brief["SegmentId__c"], await segment_of(ctx, material))]
    variants = []
    for segment_id, segment in segments:
        people = None if segment is None else (await count_people(ctx, segment)).people
        variants += [
            EmailVariant(
                made_of=made_of(*material.sources, segment_id),
                angle=one.angle,
                segment_id=segment_id,
                segment_people=people,
                subject=one.subject,
                body=one.body,
            )
            for one in compose(material, args.angles, segment, ctx.today)
        ]
    if not variants:
        raise ToolRetryError("angles: the last day of the campaign is over or not known; expected another angle")
    return EmailVariants(
        variants=variants, summary=f"{len(variants)} variants for {len(segments)} segments, none of them saved."
    )


class SaveEmailVariant(Arguments):
    campaign_id: str = record_reference("The campaign that the e-mail belongs to.")
    subject: str = argument("Subject line, as the person has seen it or written it.", min_length=1, max_length=255)
    body: str = argument("Plain text of the e-mail.", min_length=1, max_length=20_000)


@tool(effect=Effect.DRAFT, scope=CRM_WRITE, changes=(("create", "EmailMessage"),))
async def save_email_variant(ctx: ToolContext, args: SaveEmailVariant) -> Proposal:
    """Save an e-mail of a campaign as a draft: a variant of draft_email_variants, or words of one's own that say
    nothing but what the brief says. It is not sent. A person has to approve it first."""
    if has_control(args.subject):
        raise ToolRetryError("subject: one line, without control characters")
    material = await gather_material(ctx, args.campaign_id)
    segment = await segment_of(ctx, material)
    facts: list[Any] = [*material.facts, *([] if segment is None else [segment.model_dump(mode="json")])]
    fields = {
        "RelatedToId": args.campaign_id,
        "Subject": require_founded("subject", args.subject, facts, ctx.today),
        "TextBody": require_founded("body", args.body, facts, ctx.today),
        "Status": "Draft",
    }
    return Proposal((await ctx.crm.propose_create("EmailMessage", fields),))
