"""Whom a campaign is for, as conditions on contacts or leads, and who of them may be written to."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crm.connector import Filter, Query, Row, Sort
from tools._declare import Arguments, ToolContext, ToolFailedError, ToolRetryError, argument
from tools._named import resolve_named
from tools._shapes import FilterArgument

People = Literal["Contact", "Lead"]
Rating = Literal["Hot", "Warm", "Cold"]
PAGE = 200
MAX_CONDITIONS = 12

PEOPLE_OPTIONS = {
    "Contact": "people who work at companies that are customers or prospects, also contacts, customers",
    "Lead": "people who may become customers, also leads, prospects, web sign-ups",
}
_MEMBER_FIELD: dict[People, str] = {"Contact": "ContactId", "Lead": "LeadId"}


class Segment(BaseModel):
    """A group of people by conditions, as it is kept in a record."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    object: People
    filters: tuple[FilterArgument, ...] = Field(default=(), max_length=MAX_CONDITIONS)

    def to_text(self) -> str:
        return self.model_dump_json()

    @property
    def conditions(self) -> list[Filter]:
        """Those of the segment; leads that became customers are leads no more."""
        given = [one.to_filter() for one in self.filters]
        return [*given, Filter("IsConverted", "eq", False)] if self.object == "Lead" else given

    @property
    def willing(self) -> list[Filter]:
        return [*self.conditions, Filter("HasOptedOutOfEmail", "eq", False)]

    @property
    def summary(self) -> str:
        """The fields that it goes by; not their values, which are somebody's words."""
        fields = ", ".join(dict.fromkeys(one.field for one in self.filters))
        return f"{self.object.lower()}s by {fields}" if fields else f"all {self.object.lower()}s"


class Selection(Arguments):
    """Who is meant, in plain words and in conditions; all of it must hold."""

    object: People = argument("Kind of people to select.", default="Contact", options=PEOPLE_OPTIONS)
    industry: str | None = argument(
        "Only people at companies in this industry, such as Manufacturing; several separated by commas.",
        default=None,
        max_length=200,
    )
    state: str | None = argument(
        "Only at companies in this state, such as CA; several separated by commas.", default=None, max_length=200
    )
    country: str | None = argument(
        "Only at companies in this country, such as US; several separated by commas.", default=None, max_length=200
    )
    title: str | None = argument("Only people whose job title contains this.", default=None, max_length=80)
    rating: Rating | None = argument("Only leads that are so promising.", default=None)
    filters: tuple[FilterArgument, ...] = argument(
        "Further conditions on the people. Fields of their company as Account.Type, Account.NumberOfEmployees or "
        "Account.AnnualRevenue; of themselves as LeadSource.",
        default=(),
        max_length=MAX_CONDITIONS,
    )

    @property
    def segment(self) -> Segment:
        """Raises: ToolRetryError for words that do not go with the kind of people."""
        of_company = {"Industry": self.industry, "BillingState": self.state, "BillingCountry": self.country}
        if self.object == "Lead" and any(of_company.values()):
            raise ToolRetryError(
                "object: leads have no company record; expected Contact with industry, state or country"
            )
        if self.object == "Contact" and self.rating is not None:
            raise ToolRetryError("rating: contacts have none; expected Lead as object")
        said = [
            FilterArgument(field=f"Account.{field}", op="in", value=values)
            for field, listed in of_company.items()
            if (values := [one.strip() for one in (listed or "").split(",") if one.strip()])
        ]
        said += [FilterArgument(field="Title", op="contains", value=self.title)] if self.title else []
        said += [FilterArgument(field="Rating", op="eq", value=self.rating)] if self.rating else []
        if len(said) + len(self.filters) > MAX_CONDITIONS:
            raise ToolRetryError(f"filters: at most {MAX_CONDITIONS} conditions in all")
        return Segment(object=self.object, filters=(*said, *self.filters))


def read_segment(text: str | None) -> Segment:
    """The segment that a record keeps. Raises: ToolFailedError if it keeps none that can be read."""
    try:
        return Segment.model_validate(json.loads(text or ""))
    except (ValueError, ValidationError, RecursionError):
        raise ToolFailedError("no segment is kept there that can be read: save one first") from None


async def load_segment(ctx: ToolContext, said: str) -> tuple[str, Segment]:
    """A saved segment by its name or id. Raises: ToolRetryError, ToolFailedError, CrmError."""
    record_id = await resolve_named(ctx, "MarketSegment", said, argument="segment")
    row = await ctx.crm.get("MarketSegment", record_id, ["Definition__c"])
    return record_id, read_segment(row["Definition__c"])


@dataclass(frozen=True)
class Counted:
    """How many people a segment has, and why not all of them may be written to."""

    people: int
    opted_out: int
    without_email: int
    without_consent: int
    reachable: int


async def count_people(ctx: ToolContext, segment: Segment) -> Counted:
    """Raises: CrmError for conditions that cannot be asked."""
    no_mail = [Filter("Email", "is_null", True)]
    has_mail = [Filter("Email", "is_null", False)]
    consent: list[Filter] = []
    without_consent = 0
    if segment.object == "Lead" and await _leads_need_consent(ctx):
        consent = [Filter("HasEmailConsent__c", "eq", True)]
        refused = [Filter("HasEmailConsent__c", "eq", False)]
        without_consent = await _count(ctx, segment, [*segment.willing, *has_mail, *refused])
    people = await _count(ctx, segment, segment.conditions)
    return Counted(
        people=people,
        opted_out=people - await _count(ctx, segment, segment.willing),
        without_email=await _count(ctx, segment, [*segment.willing, *no_mail]),
        without_consent=without_consent,
        reachable=await _count(ctx, segment, [*segment.willing, *has_mail, *consent]),
    )


async def _leads_need_consent(ctx: ToolContext) -> bool:
    sender = None if ctx.post is None else await ctx.post.sender()
    return sender is None or sender.leads_need_consent


async def _count(ctx: ToolContext, segment: Segment, filters: Sequence[Filter]) -> int:
    return (await ctx.crm.query(Query(segment.object, ["Id"], filters, limit=1))).total


async def find_newcomers(ctx: ToolContext, segment: Segment, campaign_id: str) -> AsyncIterator[Row]:
    """The people of a segment who want mail and are not in the campaign yet, in order of their ids."""
    cursor: str | None = None
    fields = ["FirstName", "LastName", "Email"]
    while True:
        page = await ctx.crm.query(Query(segment.object, fields, segment.willing, [Sort("Id")], PAGE, cursor))
        left_out = await _members_among(ctx, segment, campaign_id, page.records) if page.records else set()
        opted_out = await _opted_out_among(ctx, page.records)
        for row in page.records:
            if row["Id"] not in left_out and (row["Email"] or "").lower() not in opted_out:
                yield row
        cursor = page.next_cursor
        if cursor is None:
            return


async def _members_among(ctx: ToolContext, segment: Segment, campaign_id: str, rows: Sequence[Row]) -> set[str]:
    field = member_field(segment.object)
    filters = [Filter("CampaignId", "eq", campaign_id), Filter(field, "in", [row["Id"] for row in rows])]
    page = await ctx.crm.query(Query("CampaignMember", [field], filters, limit=PAGE))
    return {row[field] for row in page.records}


async def _opted_out_among(ctx: ToolContext, rows: Sequence[Row]) -> frozenset[str]:
    """Those who said so under another record of theirs."""
    addresses = [row["Email"] for row in rows if row["Email"]]
    return await ctx.post.opted_out(addresses) if ctx.post is not None and addresses else frozenset()


def member_field(people: People) -> str:
    """The field of a campaign's member that says who it is."""
    return _MEMBER_FIELD[people]
