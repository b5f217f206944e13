"""Campaigns: made from a brief, refined, and summed up."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

from crm.connector import Aggregate, Change, Filter, Row
from crm.errors import CrmError
from crm.schema import object_of
from crm.values import parse_date
from tools._campaigns import (
    CAMPAIGN_FIELDS,
    CHANNEL_OPTIONS,
    Channel,
    count_responses,
    filled,
    made_of,
    read_brief,
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
from tools._revenue import find_sales
from tools._shapes import day, record_reference
from trust.actions import Effect
from trust.scopes import CRM_READ, CRM_WRITE

Status = Literal["Planned", "In Progress", "Completed", "Aborted"]
_STATUS_OPTIONS = {
    "Planned": "it has not started",
    "In Progress": "it is running, also launched, active, live",
    "Completed": "it is over, also finished, ended",
    "Aborted": "it was given up, also cancelled, stopped",
}


class CampaignPlan(Arguments):
    """What a campaign is made of, or what is to change about it."""

    brief: str | None = argument("The saved brief that it is made from, by name or id.", default=None, max_length=255)
    campaign_id: str | None = record_reference("The campaign to refine; leave out for a new one.", default=None)
    name: str | None = argument("Name of the campaign.", default=None, max_length=255)
    type: Channel | None = argument("How people are reached.", default=None, options=CHANNEL_OPTIONS)
    status: Status | None = argument("Where it stands.", default=None, options=_STATUS_OPTIONS)
    start_date: str | None = day("When it starts.", default=None)
    end_date: str | None = day("When it ends.", default=None)
    budget: float | None = argument("What it may cost, in the tenant's currency.", default=None, ge=0, le=1e12)
    actual_cost: float | None = argument("What it has cost so far.", default=None, ge=0, le=1e12)
    description: str | None = argument("What it is about.", default=None, max_length=4_000)


class DraftCampaign(CampaignPlan):
    pass


class CampaignDraft(Result):
    campaign: dict[str, Any] | None = output(
        "The campaign as it stands; null for a new one.", integrity=Integrity.BY_FIELD
    )
    from_brief: dict[str, Any] | None = output("What the brief makes of it.", integrity=Integrity.BY_FIELD)
    draft: dict[str, Any] = output("What was given beside that and goes before it.", integrity=Integrity.ARGUMENTS)
    changed: list[str] = output("Names of the fields that would get a value, or another one.")
    summary: str = output("What the draft would do, in a sentence.")


@tool(effect=Effect.READ, scope=CRM_READ)
async def draft_campaign(ctx: ToolContext, args: DraftCampaign) -> CampaignDraft:
    """Draft a campaign from a saved brief, or draft how one is refined: dates, budget, name, description. Nothing is
    saved: show the draft, let the person change it, then save_campaign with the same arguments.

    People say: turn the brief into a campaign; make the brief a campaign; make a campaign out of/from the brief; make a
    campaign out of the brief; build a campaign from/on the brief; turn brief <brief> into a campaign; turn the brief
    <brief> into a campaign; make a campaign from/of the brief <brief>; make a campaign out of the brief <brief>.
    """
    present, brief, fields = await _plan(ctx, args)
    changed = [name for name, value in fields.items() if present is None or present.get(name) != value]
    what = "A new campaign" if present is None else "The campaign"
    return CampaignDraft(
        campaign=present,
        from_brief=brief,
        draft=filled(_given(args)),
        changed=changed,
        summary=f"{what} would get {len(changed)} fields." if changed else "Nothing would change.",
    )


class SaveCampaign(CampaignPlan):
    pass


@tool(effect=Effect.WRITE, scope=CRM_WRITE, changes=(("create", "Campaign"), ("update", "Campaign")))
async def save_campaign(ctx: ToolContext, args: SaveCampaign) -> Proposal:
    """Save a campaign that the person has seen as a draft, new or refined, with the same arguments. A person has to
    approve it first, a second one where money is in it."""
    present, brief, fields = await _plan(ctx, args)
    if present is None:
        change = await ctx.crm.propose_create("Campaign", fields)
    else:
        change = await ctx.crm.propose_update("Campaign", present["Id"], fields)
    return Proposal((change,), taken_from={} if brief is None else _taken_from(change, brief, filled(_given(args))))


def _taken_from(change: Change, brief: Row, given: Mapping[str, Any]) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """Which fields of a campaign say what others said before: those of the brief that nothing was given for."""
    return {
        (change.record_id, one.field): [(id_, field) for id_ in brief["made_of"] for field in _SAID_BY[object_of(id_)]]
        for one in change.fields
        if one.field in ("Name", "Description", "SegmentDefinition__c") and one.field not in given
    }


_SAID_BY: dict[str | None, tuple[str, ...]] = {
    "CampaignBrief__c": ("Name", "Goal__c", "Audience__c", "KeyMessage__c", "CallToAction__c"),
    "MarketSegment": ("Definition__c",),
    "Product2": ("Name", "ProductCode"),
}
"""Kind of record -> its texts that go into a campaign."""


async def _plan(ctx: ToolContext, args: CampaignPlan) -> tuple[Row | None, Row | None, dict[str, Any]]:
    """The campaign as it stands, what the brief makes of it, and both with what was given in the CRM's own names.

    Raises: ToolRetryError, CrmError.
    """
    if args.brief is None and args.campaign_id is None:
        raise ToolRetryError("brief: name the saved brief, or in campaign_id the campaign to refine")
    wanted = [*CAMPAIGN_FIELDS, "ActualCost"] if args.actual_cost is not None else CAMPAIGN_FIELDS
    present = None if args.campaign_id is None else await ctx.crm.get("Campaign", args.campaign_id, wanted)
    brief = None if args.brief is None else await _from_brief(ctx, args)
    fields = _given(args)
    if brief is not None:
        fields = {name: value for name, value in brief.items() if name != "made_of"} | filled(fields)
    fields = filled(fields)
    _require_order(present or {}, fields)
    if not fields:
        raise ToolRetryError("name: say at least one thing that is to change")
    return present, brief, fields


def _given(args: CampaignPlan) -> dict[str, Any]:
    return {
        "Name": args.name,
        "Type": args.type,
        "Status": args.status,
        "StartDate": args.start_date,
        "EndDate": args.end_date,
        "BudgetedCost": args.budget,
        "ActualCost": args.actual_cost,
        "Description": args.description,
    }


def _require_order(present: Row, fields: dict[str, Any]) -> None:
    """Raises: FieldError, ToolRetryError."""
    both = present | fields
    start, end = (both.get(name) and parse_date(name, both[name]) for name in ("StartDate", "EndDate"))
    if isinstance(start, date) and isinstance(end, date) and end < start:
        raise ToolRetryError(f"end_date: {end} is before the start, {start}")


async def _from_brief(ctx: ToolContext, args: CampaignPlan) -> Row:
    """The fields of a campaign as its brief has them, under the ids of the records that their texts were made of."""
    brief = await read_brief(ctx, await resolve_named(ctx, "CampaignBrief__c", args.brief or "", argument="brief"))
    product = await read_product(ctx, brief["Product2Id__c"])
    start, end = usual_dates(ctx.today, brief["StartDate__c"], brief["EndDate__c"])
    segment_id = brief["SegmentId__c"]
    segment = await ctx.crm.get("MarketSegment", segment_id, ["Definition__c"]) if segment_id else None
    fields = filled(
        {
            "Name": brief["Name"],
            "Type": brief["Channel__c"],
            "StartDate": start,
            "EndDate": end,
            "BudgetedCost": brief["Budget__c"],
            "Description": _describe(brief, product),
            "SegmentDefinition__c": None if segment is None else segment["Definition__c"],
            "BriefId__c": brief["Id"],
        }
    )
    sources = made_of(brief["Id"], segment_id, product["Id"] if product else None)
    return {"made_of": sources, **fields}


def _describe(brief: Row, product: Row | None) -> str:
    lines = {
        "Goal": brief["Goal__c"],
        "Audience": brief["Audience__c"],
        "Product": None if product is None else f"{product['Name']} ({product['ProductCode'] or 'no code'})",
        "Message": brief["KeyMessage__c"],
        "Call to action": brief["CallToAction__c"],
    }
    return "\n".join(f"{name}: {value}" for name, value in lines.items() if value)


class CampaignSummary(Arguments):
    campaign: str = argument("Name of the campaign, or its id.", min_length=1, max_length=255)


class CampaignFigures(Result):
    Id: str = output("Record id of the campaign.")
    Name: str = output("Its name.", integrity=Integrity.BY_FIELD)
    type: str | None = output("Channel.")
    status: str | None = output("Where it stands.")
    start_date: str | None = output("First day.")
    end_date: str | None = output("Last day.")
    members: int = output("How many people are in it, as far as you may see.")
    responses: int = output("How many of them responded.")
    response_rate_percent: float | None = output("Share of the members who responded; null without members.")
    members_by_status: list[dict[str, Any]] = output(
        "How many members have which status.", integrity=Integrity.BY_FIELD
    )
    budgeted_cost: float | None = output("What it may cost.")
    actual_cost: float | None = output("What it has cost; null if that is not entered.")
    cost_per_response: float | None = output("Actual cost by response; null without either.")
    opportunities: int | None = output("Opportunities of its members from after they joined; null if you may see none.")
    won_opportunities: int | None = output("How many of them were won.")
    won_amount: float | None = output("What those come to; null if you may not see amounts.")
    roi_percent: float | None = output("Won amount less actual cost, by actual cost; null without either.")
    how: str = output("How opportunities are counted.")
    summary: str = output("The figures, in a sentence or two.")


_HOW = (
    "An opportunity counts if its contact is a member of the campaign and it was created after the member was, "
    "or if a lead that is a member was converted into it."
)


@tool(effect=Effect.READ, scope=CRM_READ)
async def campaign_summary(ctx: ToolContext, args: CampaignSummary) -> CampaignFigures:
    """How a campaign did, its performance and results: members, responses, response rate, cost, cost per response, won
    opportunities and ROI, the return on investment, all from records.

    People say: how did it go/do/perform/work/run; how is it going/doing/performing/running/working; how well did it
    do/work/go; how successful was it; was it worth it; was it worth the money; was it a success; did it pay off; did it
    work; did it bring in anything/something; what came (out) of it; what did it bring (in) (us); what did it cost (us);
    what did we spend on it; how much did we spend on it; how much did it cost; how much did it bring (in); what have we
    spent on it; return on it; return of it; cost of it; costs of it; results of it; response to it; how many
    people/leads/deals came out of it; how many leads came (in) from it; how many leads did it bring (in); how many
    responded/answered to it; how many people responded/answered to it; what did we get out of it; what did we get for
    our money with it; is it (still) worth it; any results from it.
    """
    campaign_id = await resolve_named(ctx, "Campaign", args.campaign, argument="campaign")
    row = await ctx.crm.get("Campaign", campaign_id)
    count = await count_responses(ctx, row["Id"])
    sales = await find_sales(ctx, row["Id"])
    cost = row.get("ActualCost")
    won = None if sales is None else sales.won_amount
    roi = round(100 * (won - cost) / cost, 1) if won is not None and cost else None
    each = round(cost / count.responded, 2) if cost is not None and count.responded else None
    return CampaignFigures(
        Id=row["Id"],
        Name=row["Name"],
        type=row.get("Type"),
        status=row.get("Status"),
        start_date=row.get("StartDate"),
        end_date=row.get("EndDate"),
        members=count.members,
        responses=count.responded,
        response_rate_percent=count.percent,
        members_by_status=await _by_status(ctx, row["Id"]),
        budgeted_cost=row.get("BudgetedCost"),
        actual_cost=cost,
        cost_per_response=each,
        opportunities=None if sales is None else sales.opportunities,
        won_opportunities=None if sales is None else sales.won,
        won_amount=won,
        roi_percent=roi,
        how=_HOW,
        summary=_sum_up(count.members, count.responded, count.percent, cost, each, roi),
    )


async def _by_status(ctx: ToolContext, campaign_id: str) -> list[dict[str, Any]]:
    mine = [Filter("CampaignId", "eq", campaign_id)]
    try:
        found = await ctx.crm.aggregate(Aggregate("CampaignMember", group_by=["Status"], filters=mine))
    except CrmError:
        return []
    return [
        {"object": "CampaignMember", "Status": group.key["Status"], "members": group.rows} for group in found.groups
    ]


def _sum_up(
    members: int, responded: int, percent: float | None, cost: float | None, each: float | None, roi: float | None
) -> str:
    said = f"{members} members, {responded} responses" + (f" ({percent:g} %)." if percent is not None else ".")
    if cost is not None:
        said += f" It has cost {cost:,.2f}" + (f", {each:,.2f} per response." if each is not None else ".")
    if roi is not None:
        said += f" The return on investment is {roi:g} %."
    return said
