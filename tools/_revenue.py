"""What the members of a campaign bought after they had joined it."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from crm.connector import Filter, Query, Row, Sort
from crm.errors import CrmError
from tools._declare import ToolContext

_PAGE = 200


@dataclass(frozen=True)
class Sales:
    """`won_amount` is None if the caller may not see amounts."""

    opportunities: int
    won: int
    won_amount: float | None


async def find_sales(ctx: ToolContext, campaign_id: str) -> Sales | None:
    """Opportunities that contacts began after they became members, and those that leads were converted into.

    None if the caller may not see opportunities, or who the members are.
    """
    found: dict[str, Row] = {}
    try:
        async for members in _pages(
            ctx, "CampaignMember", ["ContactId", "LeadId", "CreatedDate"], "CampaignId", [campaign_id]
        ):
            found |= await _of_contacts(ctx, {m["ContactId"]: m["CreatedDate"] for m in members if m["ContactId"]})
            found |= await _of_leads(ctx, [m["LeadId"] for m in members if m["LeadId"]])
    except CrmError:
        return None
    won = [row for row in found.values() if row["IsWon"]]
    amounts = [row["Amount"] for row in won if "Amount" in row]
    known = len(amounts) == len(won)
    return Sales(len(found), len(won), float(sum(one or 0 for one in amounts)) if known else None)


async def _of_contacts(ctx: ToolContext, joined: dict[str, str]) -> dict[str, Row]:
    if not joined:
        return {}
    rows: dict[str, Row] = {}
    async for page in _opportunities(ctx, "ContactId", list(joined)):
        rows |= {row["Id"]: row for row in page if row["CreatedDate"] >= joined[row["ContactId"]]}
    return rows


async def _of_leads(ctx: ToolContext, leads: Sequence[str]) -> dict[str, Row]:
    if not leads:
        return {}
    ids: list[str] = []
    async for page in _pages(ctx, "Lead", ["ConvertedOpportunityId"], "Id", leads):
        ids += [row["ConvertedOpportunityId"] for row in page if row["ConvertedOpportunityId"]]
    rows: dict[str, Row] = {}
    async for page in _opportunities(ctx, "Id", ids) if ids else _nothing():
        rows |= {row["Id"]: row for row in page}
    return rows


async def _opportunities(ctx: ToolContext, field: str, values: Sequence[str]) -> AsyncIterator[list[Row]]:
    """With their amounts, if the caller may see those."""
    wanted = ["ContactId", "CreatedDate", "IsWon"]
    try:
        async for page in _pages(ctx, "Opportunity", [*wanted, "Amount"], field, values):
            yield page
    except CrmError:
        async for page in _pages(ctx, "Opportunity", wanted, field, values):
            yield page


async def _pages(
    ctx: ToolContext, object_name: str, fields: Sequence[str], field: str, values: Sequence[str]
) -> AsyncIterator[list[Row]]:
    """All records whose field has one of the values, page by page."""
    cursor: str | None = None
    filters = [Filter(field, "in", list(values))]
    while True:
        page = await ctx.crm.query(Query(object_name, fields, filters, [Sort("Id")], _PAGE, cursor))
        yield page.records
        cursor = page.next_cursor
        if cursor is None:
            return


async def _nothing() -> AsyncIterator[list[Row]]:
    for _ in ():
        yield []
