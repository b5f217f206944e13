"""What was done, said and planned around a record."""

from datetime import date, datetime

from sqlalchemy.orm import Mapped

from crm import fields
from crm.base import Record

WHO = ("Contact", "Lead")
WHAT = ("Account", "Opportunity", "Case", "Quote", "Order", "Contract", "Campaign")


class Task(Record):
    """Something to do, or a call that was made."""

    prefix = "00T"
    name_fields = ("Subject",)
    parents = ("WhatId", "WhoId")

    Subject: Mapped[str] = fields.text(required=True)
    Description: Mapped[str | None] = fields.long_text()
    Status: Mapped[str] = fields.picklist(
        "Not Started", "In Progress", "Completed", "Deferred", "Waiting", default="Not Started"
    )
    Priority: Mapped[str] = fields.picklist("Low", "Normal", "High", "Urgent", default="Normal")
    ActivityDate: Mapped[date | None] = fields.day("When it is due, or when the call was made.")
    WhoId: Mapped[str | None] = fields.reference(WHO, "The person it is about.")
    WhatId: Mapped[str | None] = fields.reference(WHAT, "The record it is about.")
    CallType: Mapped[str | None] = fields.picklist("Inbound", "Outbound", "Internal")
    TaskSubtype: Mapped[str | None] = fields.picklist("Task", "Call", "Email")


class Event(Record):
    """A meeting."""

    prefix = "00U"
    name_fields = ("Subject",)
    parents = ("WhatId", "WhoId")

    Subject: Mapped[str] = fields.text(required=True)
    Description: Mapped[str | None] = fields.long_text()
    StartDateTime: Mapped[datetime] = fields.instant(required=True)
    DurationInMinutes: Mapped[int | None] = fields.integer()
    IsAllDayEvent: Mapped[bool] = fields.flag()
    Location: Mapped[str | None] = fields.text()
    WhoId: Mapped[str | None] = fields.reference(WHO, "The person it is about.")
    WhatId: Mapped[str | None] = fields.reference(WHAT, "The record it is about.")


class EmailMessage(Record):
    """A mail that came in, went out, or waits as a draft."""

    prefix = "02s"
    name_fields = ("Subject",)
    parents = ("ParentId", "RelatedToId")

    ParentId: Mapped[str | None] = fields.reference("Case", "The case it belongs to.", create_only=True)
    RelatedToId: Mapped[str | None] = fields.reference((*WHO, *WHAT), "The record it belongs to.", create_only=True)
    FromAddress: Mapped[str | None] = fields.email(external=True)
    ToIds: Mapped[str | None] = fields.reference((*WHO, "User"), "The person it is addressed to.")
    CcAddress: Mapped[str | None] = fields.text(personal=True, external=True)
    Subject: Mapped[str | None] = fields.text(external=True)
    TextBody: Mapped[str | None] = fields.long_text(external=True)
    HtmlBody: Mapped[str | None] = fields.long_text(external=True)
    MessageDate: Mapped[datetime | None] = fields.instant()
    Incoming: Mapped[bool] = fields.flag(create_only=True)
    Status: Mapped[str] = fields.picklist("Draft", "Sent", "New", "Read", "Dismissed", default="Draft")
    """A draft that nobody wants any more is `Dismissed`: it stays to be seen, and cannot be sent."""

    def is_from_outside(self) -> bool:
        """What staff wrote went out or waits."""
        return self.Incoming


class VoiceCallTranscript__c(Record):  # noqa: N801 - the CRM's own name
    """What was said in a call."""

    prefix = "a05"
    name_fields = ("Id",)
    parents = ("OpportunityId__c", "LeadId__c")

    OpportunityId__c: Mapped[str | None] = fields.reference("Opportunity")
    LeadId__c: Mapped[str | None] = fields.reference("Lead")
    Body__c: Mapped[str | None] = fields.long_text(external=True)
    EndTime__c: Mapped[datetime | None] = fields.instant()
