"""Whom the tenant writes to, and where its people sell."""

from datetime import date
from decimal import Decimal

from sqlalchemy.orm import Mapped

from crm import fields
from crm.base import Record


class Campaign(Record):
    """An effort to reach many people at once."""

    prefix = "701"

    Name: Mapped[str] = fields.text(required=True)
    Type: Mapped[str | None] = fields.picklist()
    Status: Mapped[str | None] = fields.picklist("Planned", "In Progress", "Completed", "Aborted", default="Planned")
    StartDate: Mapped[date | None] = fields.day()
    EndDate: Mapped[date | None] = fields.day()
    BudgetedCost: Mapped[Decimal | None] = fields.money()
    ActualCost: Mapped[Decimal | None] = fields.money()
    SegmentDefinition__c: Mapped[str | None] = fields.long_text("Who is in it, as a structured filter in JSON.")
    Description: Mapped[str | None] = fields.long_text()
    BriefId__c: Mapped[str | None] = fields.reference("CampaignBrief__c", "The brief that it was made from.")


class CampaignMember(Record):
    """Somebody a campaign reaches."""

    prefix = "00v"
    name_fields = ("Id",)
    parents = ("CampaignId",)

    CampaignId: Mapped[str] = fields.reference("Campaign", required=True, create_only=True)
    LeadId: Mapped[str | None] = fields.reference("Lead")
    ContactId: Mapped[str | None] = fields.reference("Contact")
    Status: Mapped[str | None] = fields.picklist()
    HasResponded: Mapped[bool] = fields.flag()


class MarketSegment(Record):
    """A group of people that campaigns are made for, by conditions and not by name."""

    prefix = "1sg"

    Name: Mapped[str] = fields.text(required=True)
    Object__c: Mapped[str] = fields.picklist("Contact", "Lead", description="Kind of people.", required=True)
    Definition__c: Mapped[str] = fields.long_text("The conditions, as a structured filter in JSON.", required=True)
    Description: Mapped[str | None] = fields.long_text()


class CampaignBrief__c(Record):  # noqa: N801 - the CRM's own name
    """What a campaign is to reach, with whom and by what words, before there is one."""

    prefix = "a06"

    Name: Mapped[str] = fields.text(required=True)
    Goal__c: Mapped[str] = fields.text("What is to be reached.", required=True)
    Audience__c: Mapped[str | None] = fields.text("Whom it is for, in words.")
    SegmentId__c: Mapped[str | None] = fields.reference("MarketSegment", "Whom it is for, by conditions.")
    Product2Id__c: Mapped[str | None] = fields.reference("Product2", "What it is about.")
    KeyMessage__c: Mapped[str | None] = fields.long_text("What people should remember.")
    CallToAction__c: Mapped[str | None] = fields.text("What people should do.")
    Channel__c: Mapped[str | None] = fields.picklist(
        "Email", "Event", "Webinar", "Direct Mail", "Advertisement", "Telephone", "Other"
    )
    Tone__c: Mapped[str | None] = fields.picklist("Friendly", "Formal", "Urgent")
    StartDate__c: Mapped[date | None] = fields.day()
    EndDate__c: Mapped[date | None] = fields.day()
    Budget__c: Mapped[Decimal | None] = fields.money()


class LandingPage__c(Record):  # noqa: N801 - the CRM's own name
    """A page that a campaign leads to, with a form; shown as a preview."""

    prefix = "a07"
    parents = ("CampaignId",)

    Name: Mapped[str] = fields.text("Title of the page.", required=True)
    CampaignId: Mapped[str] = fields.reference("Campaign", required=True, create_only=True)
    Html__c: Mapped[str] = fields.long_text(
        "What stands on it; cleaned by an allow-list whenever it is shown.", required=True
    )


class Territory2(Record):
    """A part of the market."""

    prefix = "0MI"

    Name: Mapped[str] = fields.text(required=True)
    Description: Mapped[str | None] = fields.long_text("The states it covers, separated by commas.")


class UserTerritory2Association(Record):
    """Who sells in a territory."""

    prefix = "0MJ"
    name_fields = ("Id",)

    UserId: Mapped[str] = fields.reference("User", required=True)
    Territory2Id: Mapped[str] = fields.reference("Territory2", required=True)
