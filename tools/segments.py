"""Groups of people that campaigns are for: tried out, saved, and made members."""

from typing import Any

from crm.connector import Query, Sort
from tools._audience import (
    People,
    Selection,
    count_people,
    find_newcomers,
    load_segment,
    member_field,
    read_segment,
)
from tools._declare import (
    Arguments,
    Integrity,
    Proposal,
    ToolContext,
    ToolFailedError,
    ToolRetryError,
    argument,
    output,
    tool,
)
from tools._shapes import Names, record_reference
from trust.actions import Effect
from trust.scopes import CRM_READ, CRM_WRITE

_MOST_MEMBERS = 100
_COLUMNS: dict[People, tuple[str, ...]] = {
    "Contact": ("FirstName", "LastName", "Title", "AccountId"),
    "Lead": ("FirstName", "LastName", "Title", "Company", "Rating", "Status"),
}


class PreviewSegment(Selection):
    sample: int = argument("How many of them to show as a sample.", default=10, ge=1, le=50)


class SegmentPreview(Names):
    object: str = output("Kind of people.")
    count: int = output("How many people meet the conditions.")
    reachable: int = output("How many of them may be written to and have an e-mail address.")
    opted_out: int = output("How many opted out of e-mail; they become no members.")
    without_email: int = output("How many others have no e-mail address.")
    without_consent: int = output("How many other leads have not agreed to be mailed.")
    sample: list[dict[str, Any]] = output("Some of them, by last name.", integrity=Integrity.BY_FIELD)
    summary: str = output("What was found, in a sentence.")


@tool(effect=Effect.READ, scope=CRM_READ)
async def preview_segment(ctx: ToolContext, args: PreviewSegment) -> SegmentPreview:
    """Build, preview or try out a segment, an audience or target group: how big it is, how many people meet the
    conditions, how many of them may be written to, and a sample. Nothing is saved: show count and sample, then
    save_segment with the same conditions.

    Try out a segment, try out a target group, how large an audience, how big a segment, how large a target group, size
    of the audience.

    People say: how many people would we reach; how many would we reach; who would we reach; how many people would get
    this; how big is the audience; how big is the audience of/for; how big would the audience be; how large is the
    audience of/for; how many people could we write/mail to; whom could/can we write/mail to; how many people can we
    reach; how many people would this go to; how many people fit.
    """
    segment = args.segment
    counted = await count_people(ctx, segment)
    page = await ctx.crm.query(
        Query(args.object, _COLUMNS[args.object], segment.conditions, [Sort("LastName")], args.sample)
    )
    return SegmentPreview(
        object=args.object,
        count=counted.people,
        reachable=counted.reachable,
        opted_out=counted.opted_out,
        without_email=counted.without_email,
        without_consent=counted.without_consent,
        sample=page.records,
        names=page.names,
        summary=f"{counted.people} {segment.summary}; {counted.reachable} of them may be written to by e-mail.",
    )


class SaveSegment(Selection):
    name: str = argument("Name of the segment.", min_length=1, max_length=255)
    description: str | None = argument("Whom it is meant to hold, in words.", default=None, max_length=2_000)
    campaign_id: str | None = record_reference("A campaign that is for these people from now on.", default=None)


@tool(effect=Effect.WRITE, scope=CRM_WRITE, changes=(("create", "MarketSegment"), ("update", "Campaign")))
async def save_segment(ctx: ToolContext, args: SaveSegment) -> Proposal:
    """Save a segment under a name, with the conditions that preview_segment was tried with. A person has to approve it
    first. With campaign_id it also becomes the audience of that campaign.

    People say: keep these people as <name>; keep that audience as <name>; remember that audience as <name>.
    """
    segment = args.segment
    counted = await count_people(ctx, segment)
    if not counted.people:
        raise ToolRetryError("filters: nobody meets these conditions; try others with preview_segment")
    fields = {
        "Name": args.name,
        "Object__c": args.object,
        "Definition__c": segment.to_text(),
        "Description": args.description,
    }
    changes = [await ctx.crm.propose_create("MarketSegment", {k: v for k, v in fields.items() if v is not None})]
    if args.campaign_id is not None:
        defined = {"SegmentDefinition__c": segment.to_text()}
        changes.append(await ctx.crm.propose_update("Campaign", args.campaign_id, defined))
    return Proposal(tuple(changes))


class AddCampaignMembers(Arguments):
    campaign_id: str = record_reference("The campaign that gets the members.")
    segment: str | None = argument(
        "Name or id of a saved segment; leave out for the campaign's own audience.", default=None, max_length=255
    )
    limit: int = argument("How many people to add at most.", default=50, ge=1, le=_MOST_MEMBERS)


@tool(
    effect=Effect.WRITE,
    scope=CRM_WRITE,
    changes=(("create", "CampaignMember"),),
    most_records=_MOST_MEMBERS,
)
async def add_campaign_members(ctx: ToolContext, args: AddCampaignMembers) -> Proposal:
    """Make people of a segment members of a campaign, those first who are not yet. A person has to approve the list.
    Whoever opted out of e-mail is left out. Call it again for more people than fit into one list.

    People say: add the segment <segment> to it; put the segment <segment> on the list for it; put the segment <segment>
    into it; invite the segment <segment> to it; enrol the segment <segment> in it.
    """
    campaign = await ctx.crm.get("Campaign", args.campaign_id, ["SegmentDefinition__c"])
    if args.segment is not None:
        _, segment = await load_segment(ctx, args.segment)
    else:
        segment = read_segment(campaign["SegmentDefinition__c"])
    changes = []
    field = member_field(segment.object)
    async for person in find_newcomers(ctx, segment, campaign["Id"]):
        member = {"CampaignId": campaign["Id"], field: person["Id"], "Status": "Planned"}
        changes.append(await ctx.crm.propose_create("CampaignMember", member))
        if len(changes) == args.limit:
            break
    if not changes:
        raise ToolFailedError("everybody of the segment who may be written to is in the campaign already")
    return Proposal(tuple(changes))
