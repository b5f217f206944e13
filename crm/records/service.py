"""What customers need help with, and what was said about it."""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped

from crm import fields
from crm.base import Record
from crm.records.people import User


class Case(Record):
    """A customer's problem."""

    prefix = "500"
    name_fields = ("CaseNumber",)
    constraints = (UniqueConstraint("tenant", "CaseNumber"),)

    CaseNumber: Mapped[str | None] = fields.text(system=True)
    AccountId: Mapped[str | None] = fields.reference("Account", "The customer.")
    ContactId: Mapped[str | None] = fields.reference("Contact", "The person who asked.")
    Subject: Mapped[str | None] = fields.text(external=True, required=True)
    Description: Mapped[str | None] = fields.long_text(external=True)
    Status: Mapped[str] = fields.picklist("New", "Working", "Escalated", "Closed", default="New")
    Priority: Mapped[str | None] = fields.picklist("Low", "Medium", "High", "Critical", default="Medium")
    Origin: Mapped[str | None] = fields.picklist(description="Channel, such as Email, Phone, Web or Chat.")
    Type: Mapped[str | None] = fields.picklist()
    Reason: Mapped[str | None] = fields.picklist()
    IssueId__c: Mapped[str | None] = fields.reference("Issue__c", "The known issue behind it.")
    OrderItemId__c: Mapped[str | None] = fields.reference("OrderItem", "The purchase it is about.")
    ClosedDate: Mapped[datetime | None] = fields.instant(system=True, gives_away=("Case.Status", "Case.IsClosed"))
    IsClosed: Mapped[bool] = fields.flag(system=True, gives_away=("Case.Status",))
    IsEscalated: Mapped[bool] = fields.flag()
    ParentId: Mapped[str | None] = fields.reference("Case", "The case this one belongs to.")


def _is_staff(record_id: str | None) -> bool:
    return (record_id or "").startswith(User.prefix)


class CaseComment(Record):
    """A note on a case; published ones are shown to the customer."""

    prefix = "00a"
    name_fields = ("Id",)
    parents = ("ParentId",)

    ParentId: Mapped[str] = fields.reference("Case", required=True, create_only=True)
    CommentBody: Mapped[str] = fields.long_text(external=True, required=True)
    IsPublished: Mapped[bool] = fields.flag("Whether the customer sees it.")

    def is_from_outside(self) -> bool:
        """Staff comment as well as customers."""
        return not _is_staff(self.CreatedById)


class CaseHistory__c(Record):  # noqa: N801 - the CRM's own name
    """One step in the life of a case."""

    prefix = "a04"
    name_fields = ("Id",)
    parents = ("CaseId__c",)

    CaseId__c: Mapped[str] = fields.reference("Case", required=True, create_only=True)
    Field__c: Mapped[str] = fields.picklist("Case Creation", "Owner Assignment", "Case Closed", required=True)
    OldValue__c: Mapped[str | None] = fields.text(gives_away=("Case.OwnerId",))
    NewValue__c: Mapped[str | None] = fields.text(gives_away=("Case.OwnerId",))


class LiveChatTranscript(Record):
    """What was said in a chat."""

    prefix = "570"
    name_fields = ("Id",)
    parents = ("CaseId", "AccountId")

    CaseId: Mapped[str | None] = fields.reference("Case")
    AccountId: Mapped[str | None] = fields.reference("Account")
    ContactId: Mapped[str | None] = fields.reference("Contact")
    Body: Mapped[str | None] = fields.long_text(external=True)
    EndTime: Mapped[datetime | None] = fields.instant()
    LiveChatVisitorId: Mapped[str | None] = fields.text(personal=True)


class Issue__c(Record):  # noqa: N801 - the CRM's own name
    """A known issue that cases are attributed to."""

    prefix = "a03"

    Name: Mapped[str] = fields.text(required=True)
    Description__c: Mapped[str | None] = fields.long_text()


class Knowledge__kav(Record):  # noqa: N801 - the CRM's own name
    """An article that answers a question."""

    prefix = "ka0"
    name_fields = ("Title",)
    constraints = (UniqueConstraint("tenant", "ArticleNumber", "VersionNumber"),)

    ArticleNumber: Mapped[str | None] = fields.text(system=True)
    Title: Mapped[str] = fields.text(required=True)
    Summary: Mapped[str | None] = fields.long_text()
    FAQ_Answer__c: Mapped[str | None] = fields.long_text("The answer itself.")
    UrlName: Mapped[str | None] = fields.text()
    PublishStatus: Mapped[str] = fields.picklist("Draft", "Online", "Archived", default="Draft")
    IsVisibleInPkb: Mapped[bool] = fields.flag("Whether everybody may read it.")
    IsVisibleInCsp: Mapped[bool] = fields.flag("Whether customers may read it.")
    VersionNumber: Mapped[int] = fields.integer("How often it was published.", default=0)
    SourceCaseId: Mapped[str | None] = fields.reference("Case", "The case the answer came from.")
