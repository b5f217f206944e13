"""Who the tenant deals with, and who works for it."""

from datetime import date
from decimal import Decimal

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped

from crm import fields
from crm.base import Record


class User(Record):
    """A member of the tenant's staff."""

    prefix = "005"
    name_fields = ("FirstName", "LastName")
    constraints = (UniqueConstraint("tenant", "Username"),)

    Username: Mapped[str] = fields.text(
        "Login name, in the form of an e-mail address.", required=True, personal=True, gives_away=("User.Email",)
    )
    Alias: Mapped[str | None] = fields.text(personal=True)
    FirstName: Mapped[str | None] = fields.text(personal=True)
    LastName: Mapped[str] = fields.text(personal=True, required=True)
    Email: Mapped[str | None] = fields.email()
    Phone: Mapped[str | None] = fields.phone()
    IsActive: Mapped[bool] = fields.flag(default=True)
    ManagerId: Mapped[str | None] = fields.reference("User", "Direct superior.")
    UserRoleId: Mapped[str | None] = fields.text("Place in the role tree.")
    ProfileId: Mapped[str | None] = fields.text()
    UserType: Mapped[str | None] = fields.picklist()


class Account(Record):
    """A company."""

    prefix = "001"

    Name: Mapped[str] = fields.text("Name of the company.", required=True)
    Industry: Mapped[str | None] = fields.picklist(description="Line of business.")
    Type: Mapped[str | None] = fields.picklist(description="Relationship, such as Prospect or Customer.")
    NumberOfEmployees: Mapped[int | None] = fields.integer()
    AnnualRevenue: Mapped[Decimal | None] = fields.money()
    Phone: Mapped[str | None] = fields.phone(personal=False)
    Website: Mapped[str | None] = fields.url()
    BillingCity: Mapped[str | None] = fields.text()
    BillingState: Mapped[str | None] = fields.text()
    BillingCountry: Mapped[str | None] = fields.text()
    ShippingState: Mapped[str | None] = fields.text()
    ParentId: Mapped[str | None] = fields.reference("Account", "The company this one belongs to.")
    Description: Mapped[str | None] = fields.long_text()


class Contact(Record):
    """A person at a company."""

    prefix = "003"
    name_fields = ("FirstName", "LastName")
    parents = ("AccountId",)

    AccountId: Mapped[str | None] = fields.reference("Account", "The company the person works for.")
    FirstName: Mapped[str | None] = fields.text(personal=True)
    LastName: Mapped[str] = fields.text(personal=True, required=True)
    Title: Mapped[str | None] = fields.text("Job title.")
    Email: Mapped[str | None] = fields.email()
    Phone: Mapped[str | None] = fields.phone()
    HasOptedOutOfEmail: Mapped[bool] = fields.flag("Must not be mailed.")


class Lead(Record):
    """Somebody who may become a customer; web forms fill these in, so every text is an outsider's."""

    prefix = "00Q"
    name_fields = ("FirstName", "LastName")

    FirstName: Mapped[str | None] = fields.text(personal=True, external=True)
    LastName: Mapped[str] = fields.text(personal=True, external=True, required=True)
    Company: Mapped[str | None] = fields.text(external=True)
    Title: Mapped[str | None] = fields.text("Job title.", external=True)
    Email: Mapped[str | None] = fields.email(external=True)
    Phone: Mapped[str | None] = fields.phone(external=True)
    LeadSource: Mapped[str | None] = fields.picklist()
    Rating: Mapped[str | None] = fields.picklist("Hot", "Warm", "Cold")
    Status: Mapped[str] = fields.picklist(
        "New", "Contacted", "Qualified", "Proposal", "Negotiation", "Closed", default="New"
    )
    IsConverted: Mapped[bool] = fields.flag(system=True)
    ConvertedDate: Mapped[date | None] = fields.day(system=True)
    ConvertedAccountId: Mapped[str | None] = fields.reference("Account", system=True)
    ConvertedContactId: Mapped[str | None] = fields.reference("Contact", system=True)
    ConvertedOpportunityId: Mapped[str | None] = fields.reference("Opportunity", system=True)
    HasOptedOutOfEmail: Mapped[bool] = fields.flag("Must not be mailed.")
    HasEmailConsent__c: Mapped[bool] = fields.flag("Has agreed to be mailed.")
