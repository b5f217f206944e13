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
