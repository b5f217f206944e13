"""What the tools of marketing know of briefs and campaigns: their fields, and what records tell about past ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from crm.connector import Aggregate, Filter, Query, Row, Sort
from crm.errors import CrmError
from tools._declare import ToolContext

Channel = Literal["Email", "Event", "Webinar", "Direct Mail", "Advertisement", "Telephone", "Other"]
Tone = Literal["Friendly", "Formal", "Urgent"]

CHANNEL_OPTIONS = {
    "Email": "by e-mail, also newsletter, mailing",
    "Event": "people meet, also trade show, fair, conference, open day",
    "Webinar": "people meet online, also online seminar",
    "Direct Mail": "letters and parcels, also post, brochure",
    "Advertisement": "paid advertisements, also ads, banners, social media",
    "Telephone": "calls, also telemarketing",
    "Other": "anything else",
}
TONE_OPTIONS = {
    "Friendly": "warm and personal, also casual, informal",
    "Formal": "matter of fact and polite, also professional, serious",
    "Urgent": "short, with a deadline, also last chance, hurry",
}
BRIEF_FIELDS = (
    "Name Goal__c Audience__c SegmentId__c Product2Id__c KeyMessage__c CallToAction__c Channel__c Tone__c "
    "StartDate__c EndDate__c Budget__c"
).split()
CAMPAIGN_FIELDS = "Name Type Status StartDate EndDate BudgetedCost Description BriefId__c".split()
_USUAL_LENGTH = timedelta(days=28)
_NOTICE = timedelta(days=14)


@dataclass(frozen=True)
class Responses:
    """Members of one campaign, and how many of them responded."""

    members: int
    responded: int

    @property
    def percent(self) -> float | None:
        return round(100 * self.responded / self.members, 1) if self.members else None


async def count_responses(ctx: ToolContext, campaign_id: str) -> Responses:
    """Raises: CrmError."""
    mine = [Filter("CampaignId", "eq", campaign_id)]
    found = await ctx.crm.aggregate(Aggregate("CampaignMember", group_by=["HasResponded"], filters=mine))
    return Responses(found.rows, sum(group.rows for group in found.groups if group.key["HasResponded"]))


async def list_past(ctx: ToolContext, channel: str | None) -> list[tuple[Row, Responses]]:
    """The last campaigns over a channel that are over, newest first; of all channels if none was over this one."""
    over = [Filter("Status", "eq", "Completed")]
    same = [*over, Filter("Type", "eq", channel)] if channel else over
    fields = ["Name", "Type", "StartDate", "EndDate"]
    for filters in (same, over):
        page = await ctx.crm.query(Query("Campaign", fields, filters, [Sort("EndDate", True)], limit=3))
        if page.records:
            return [(row, await count_responses(ctx, row["Id"])) for row in page.records]
    return []


def usual_dates(today: date, start: str | None, end: str | None) -> tuple[str, str]:
    """The days of a campaign, where they are left open: two weeks from today, for four weeks."""
    first = date.fromisoformat(start) if start else today + _NOTICE
    last = date.fromisoformat(end) if end else first + _USUAL_LENGTH
    return first.isoformat(), last.isoformat()


async def read_brief(ctx: ToolContext, brief_id: str) -> Row:
    """Raises: CrmError."""
    return await ctx.crm.get("CampaignBrief__c", brief_id, BRIEF_FIELDS)


async def read_product(ctx: ToolContext, product_id: str | None) -> Row | None:
    """None if there is none, or none that the caller may see."""
    if product_id is None:
        return None
    try:
        return await ctx.crm.get("Product2", product_id, ["Name", "ProductCode", "Family", "Description"])
    except CrmError:
        return None


def first_sentence(text: str | None) -> str:
    """The beginning of a text, up to its first full stop."""
    head, stop, _ = (text or "").strip().partition(". ")
    return (head + stop).strip()[:300]


def filled(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in (None, "", ())}


def made_of(*ids: str | None) -> list[str]:
    return [one for one in dict.fromkeys(ids) if one]


def in_words(parts: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))
