"""Campaign briefs: what is to be reached, with whom and by what words."""

from typing import Any

from crm.errors import CrmError
from crm.values import parse_date
from tools._audience import count_people, load_segment
from tools._campaigns import (
    CHANNEL_OPTIONS,
    TONE_OPTIONS,
    Channel,
    Tone,
    filled,
    first_sentence,
    in_words,
    list_past,
    read_product,
    usual_dates,
)
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
from tools._named import resolve_named
from tools._shapes import day, record_reference
from trust.actions import Effect
from trust.scopes import CRM_READ, CRM_WRITE


class Brief(Arguments):
    """What a brief says."""

    goal: str | None = argument(
        "What the campaign is to reach, such as 'win 20 trial orders'.", default=None, min_length=3, max_length=255
    )
    name: str | None = argument("Name of the brief; the goal if left out.", default=None, max_length=255)
    audience: str | None = argument("Whom it is for, in words.", default=None, max_length=255)
    segment: str | None = argument("Whom it is for: name or id of a saved segment.", default=None, max_length=255)
    product: str | None = argument("The product it is about, by name or id.", default=None, max_length=255)
    key_message: str | None = argument("What people should remember.", default=None, max_length=1_000)
    call_to_action: str | None = argument("What people should do, such as 'Book a demo'.", default=None, max_length=120)
    channel: Channel | None = argument(
        "How people are reached; by e-mail if left out.", default=None, options=CHANNEL_OPTIONS
    )
    tone: Tone | None = argument("How it sounds; friendly if left out.", default=None, options=TONE_OPTIONS)
    start_date: str | None = day("When it starts.", default=None)
    end_date: str | None = day("When it ends.", default=None)
    budget: float | None = argument("What it may cost, in the tenant's currency.", default=None, ge=0, le=1e12)


class DraftCampaignBrief(Brief):
    goal: str = argument("What the campaign is to reach, such as 'win 20 trial orders'.", min_length=3, max_length=255)


class PastCampaign(Result):
    Id: str = output("Record id.")
    Name: str = output("Name of the campaign.", integrity=Integrity.BY_FIELD)
    Type: str | None = output("Channel.")
    members: int = output("How many people it reached.")
    responses: int = output("How many of them responded.")
    response_rate_percent: float | None = output("Share of those who responded; null without members.")


class CampaignBriefDraft(Result):
    draft: dict[str, Any] = output("The brief as far as it was given.", integrity=Integrity.ARGUMENTS)
    suggested_start_date: str = output("When it could start.")
    suggested_end_date: str = output("When it could end.")
    product: dict[str, Any] | None = output(
        "The product, with a key message that its description suggests.", integrity=Integrity.BY_FIELD
    )
    segment_people: int | None = output("How many people the segment has; null without one.")
    segment_reachable: int | None = output("How many of them may be written to by e-mail.")
    past_campaigns: list[PastCampaign] = output("How the last such campaigns went.", integrity=Integrity.BY_FIELD)
    missing: list[str] = output("What the brief does not say yet.")
    summary: str = output("The state of the brief, in a sentence.")


@tool(effect=Effect.READ, scope=CRM_READ)
async def draft_campaign_brief(ctx: ToolContext, args: DraftCampaignBrief) -> CampaignBriefDraft:
    """Draft or revise a campaign brief from a goal: checks product and segment, looks up how past campaigns went, and
    says what is missing. Nothing is saved: show the draft, let the person change it, then save_campaign_brief.

    People say: I need a brief for it; I need a one-pager for a campaign on <goal>; I need a one-pager for a campaign
    about <goal>; I need a brief for a campaign on <goal>; sketch a campaign about <goal>; sketch a campaign to <goal>;
    plan a campaign to <goal>; plan a campaign for <goal>; think up a campaign for <goal>; we want a campaign that
    <goal>; let us do a campaign about <goal>; let us do a campaign for <goal>; idea/ideas for a campaign about <goal>;
    idea/ideas for a campaign to <goal>.
    """
    start, end = _require_dates(ctx, args)
    product = await _product(ctx, args)
    people = reachable = None
    if args.segment is not None:
        _, segment = await load_segment(ctx, args.segment)
        counted = await count_people(ctx, segment)
        people, reachable = counted.people, counted.reachable
    missing = _missing(args)
    return CampaignBriefDraft(
        draft=filled(args.model_dump(mode="json")),
        suggested_start_date=start,
        suggested_end_date=end,
        product=product,
        segment_people=people,
        segment_reachable=reachable,
        past_campaigns=await _past(ctx, args.channel),
        missing=missing,
        summary=f"The brief lacks {in_words(missing)}." if missing else "The brief is complete.",
    )


def _require_dates(ctx: ToolContext, args: Brief) -> tuple[str, str]:
    """Raises: FieldError, ToolRetryError."""
    for name, value in (("start_date", args.start_date), ("end_date", args.end_date)):
        if value is not None:
            parse_date(name, value)
    start, end = usual_dates(ctx.today, args.start_date, args.end_date)
    if end < start:
        raise ToolRetryError(f"end_date: {end} is before the start, {start}")
    return start, end


async def _product(ctx: ToolContext, args: Brief) -> dict[str, Any] | None:
    if args.product is None:
        return None
    row = await read_product(ctx, await resolve_named(ctx, "Product2", args.product, argument="product"))
    return None if row is None else row | {"suggested_key_message": first_sentence(row["Description"])}


async def _past(ctx: ToolContext, channel: str | None) -> list[PastCampaign]:
    try:
        past = await list_past(ctx, channel)
    except CrmError:
        return []
    return [
        PastCampaign(
            Id=row["Id"],
            Name=row["Name"],
            Type=row["Type"],
            members=count.members,
            responses=count.responded,
            response_rate_percent=count.percent,
        )
        for row, count in past
    ]


def _missing(args: Brief) -> list[str]:
    wanted = {
        "a segment": args.segment or args.audience,
        "a product": args.product,
        "a key message": args.key_message,
        "a call to action": args.call_to_action,
        "a budget": args.budget,
    }
    return [name for name, value in wanted.items() if value is None]


class SaveCampaignBrief(Brief):
    brief_id: str | None = record_reference("The saved brief to change; leave out for a new one.", default=None)


@tool(effect=Effect.WRITE, scope=CRM_WRITE, changes=(("create", "CampaignBrief__c"), ("update", "CampaignBrief__c")))
async def save_campaign_brief(ctx: ToolContext, args: SaveCampaignBrief) -> Proposal:
    """Save a campaign brief that the person has seen as a draft, with the same arguments. A person has to approve it
    first. With brief_id a saved brief is changed, and what is left out keeps its value."""
    _require_dates(ctx, args)
    if args.goal is None and args.brief_id is None:
        raise ToolRetryError("goal: say what the campaign is to reach")
    is_new = args.brief_id is None
    fields = filled(
        {
            "Name": args.name or (args.goal if is_new else None),
            "Goal__c": args.goal,
            "Audience__c": args.audience,
            "SegmentId__c": None if args.segment is None else (await load_segment(ctx, args.segment))[0],
            "Product2Id__c": await _product_id(ctx, args.product),
            "KeyMessage__c": args.key_message,
            "CallToAction__c": args.call_to_action,
            "Channel__c": args.channel or ("Email" if is_new else None),
            "Tone__c": args.tone or ("Friendly" if is_new else None),
            "StartDate__c": args.start_date,
            "EndDate__c": args.end_date,
            "Budget__c": args.budget,
        }
    )
    if args.brief_id is None:
        return Proposal((await ctx.crm.propose_create("CampaignBrief__c", fields),))
    return Proposal((await ctx.crm.propose_update("CampaignBrief__c", args.brief_id, fields),))


async def _product_id(ctx: ToolContext, said: str | None) -> str | None:
    return None if said is None else await resolve_named(ctx, "Product2", said, argument="product")
