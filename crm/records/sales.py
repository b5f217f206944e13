"""From the first chance of a sale to the signed contract and the order."""

from datetime import date
from decimal import Decimal

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped

from crm import fields
from crm.base import Record


class Opportunity(Record):
    """A sale that may happen."""

    prefix = "006"
    parents = ("AccountId",)

    Name: Mapped[str] = fields.text(required=True)
    AccountId: Mapped[str | None] = fields.reference("Account", "The company that would buy.")
    ContactId: Mapped[str | None] = fields.reference("Contact", "The person to talk to.")
    Amount: Mapped[Decimal | None] = fields.money("Expected value of the sale.")
    Probability: Mapped[Decimal | None] = fields.percent("Chance of winning, 0 to 100.")
    StageName: Mapped[str] = fields.picklist(
        "Qualification", "Discovery", "Quote", "Negotiation", "Closed", default="Qualification"
    )
    CloseDate: Mapped[date] = fields.day("When it is expected to close.", required=True)
    ContractID__c: Mapped[str | None] = fields.reference("Contract", "The contract that came of it.")
    NextStep: Mapped[str | None] = fields.text()
    ForecastCategory: Mapped[str | None] = fields.picklist("Pipeline", "Best Case", "Commit", "Omitted", "Closed")
    LeadSource: Mapped[str | None] = fields.picklist()
    IsClosed: Mapped[bool] = fields.flag(system=True, gives_away=("Opportunity.StageName",))
    IsWon: Mapped[bool] = fields.flag()
    Description: Mapped[str | None] = fields.long_text()


class OpportunityLineItem(Record):
    """A product in an opportunity."""

    prefix = "00k"
    name_fields = ("Id",)
    parents = ("OpportunityId",)

    OpportunityId: Mapped[str] = fields.reference("Opportunity", required=True, create_only=True)
    Product2Id: Mapped[str | None] = fields.reference("Product2")
    PricebookEntryId: Mapped[str | None] = fields.reference("PricebookEntry")
    Quantity: Mapped[Decimal] = fields.number(required=True, gives_away=("Opportunity.Amount",))
    UnitPrice: Mapped[Decimal] = fields.money(required=True, gives_away=("Opportunity.Amount",))
    Discount: Mapped[Decimal | None] = fields.percent(gives_away=("Opportunity.Amount",))
    TotalPrice: Mapped[Decimal | None] = fields.money(
        "Quantity x UnitPrice less the discount.",
        system=True,
        gives_away=("OpportunityLineItem.UnitPrice", "Opportunity.Amount"),
    )


class Quote(Record):
    """An offer made for an opportunity."""

    prefix = "0Q0"
    parents = ("OpportunityId",)

    OpportunityId: Mapped[str] = fields.reference("Opportunity", required=True, create_only=True)
    AccountId: Mapped[str | None] = fields.reference("Account")
    ContactId: Mapped[str | None] = fields.reference("Contact")
    Name: Mapped[str] = fields.text(required=True)
    Description: Mapped[str | None] = fields.long_text()
    Status: Mapped[str] = fields.picklist(
        "Draft",
        "Needs Review",
        "In Review",
        "Approved",
        "Rejected",
        "Presented",
        "Accepted",
        "Denied",
        default="Draft",
    )
    ExpirationDate: Mapped[date | None] = fields.day()
    Discount: Mapped[Decimal | None] = fields.percent()
    GrandTotal: Mapped[Decimal | None] = fields.money(gives_away=("Opportunity.Amount",))


class QuoteLineItem(Record):
    """A product in a quote."""

    prefix = "0QL"
    name_fields = ("Id",)
    parents = ("QuoteId",)

    QuoteId: Mapped[str] = fields.reference("Quote", required=True, create_only=True)
    OpportunityLineItemId: Mapped[str | None] = fields.reference("OpportunityLineItem")
    Product2Id: Mapped[str | None] = fields.reference("Product2")
    PricebookEntryId: Mapped[str | None] = fields.reference("PricebookEntry")
    Quantity: Mapped[Decimal] = fields.number(required=True, gives_away=("Quote.GrandTotal",))
    UnitPrice: Mapped[Decimal] = fields.money(required=True, gives_away=("Quote.GrandTotal",))
    Discount: Mapped[Decimal | None] = fields.percent(gives_away=("Quote.GrandTotal",))
    TotalPrice: Mapped[Decimal | None] = fields.money(
        "Quantity x UnitPrice less the discount.",
        system=True,
        gives_away=("QuoteLineItem.UnitPrice", "Quote.GrandTotal"),
    )


class Contract(Record):
    """An agreement with a company."""

    prefix = "800"
    name_fields = ("Id",)
    parents = ("AccountId",)

    AccountId: Mapped[str] = fields.reference("Account", required=True)
    Status: Mapped[str] = fields.picklist(
        "Draft",
        "In approval Process",
        "Negotiating",
        "Awaiting Signature",
        "Signature Declined",
        "Signed",
        "Activated",
        "Rejected",
        "Canceled",
        "Contract Terminated",
        default="Draft",
    )
    StartDate: Mapped[date | None] = fields.day()
    EndDate: Mapped[date | None] = fields.day()
    ContractTerm: Mapped[int | None] = fields.integer("Length in months.")
    CompanySignedDate: Mapped[date | None] = fields.day()
    CustomerSignedDate: Mapped[date | None] = fields.day()
    Description: Mapped[str | None] = fields.long_text()


class Order(Record):
    """What a company ordered."""

    prefix = "801"
    name_fields = ("OrderNumber",)
    parents = ("AccountId",)
    constraints = (UniqueConstraint("tenant", "OrderNumber"),)

    AccountId: Mapped[str] = fields.reference("Account", required=True)
    EffectiveDate: Mapped[date | None] = fields.day()
    Status: Mapped[str] = fields.picklist("Draft", "Activated", "Canceled", default="Draft")
    OrderNumber: Mapped[str | None] = fields.text(system=True)
    TotalAmount: Mapped[Decimal | None] = fields.money()
    Pricebook2Id: Mapped[str | None] = fields.reference("Pricebook2")


class OrderItem(Record):
    """A product in an order."""

    prefix = "802"
    name_fields = ("Id",)
    parents = ("OrderId",)

    OrderId: Mapped[str] = fields.reference("Order", required=True, create_only=True)
    Product2Id: Mapped[str | None] = fields.reference("Product2")
    PriceBookEntryId: Mapped[str | None] = fields.reference("PricebookEntry")
    Quantity: Mapped[Decimal] = fields.number(required=True, gives_away=("Order.TotalAmount",))
    UnitPrice: Mapped[Decimal] = fields.money(required=True, gives_away=("Order.TotalAmount",))
