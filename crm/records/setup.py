"""How a tenant has set up its CRM."""

from sqlalchemy.orm import Mapped

from crm import fields
from crm.base import Record


class ValidationRule(Record):
    """A condition on records of one kind; while the rule is active, a record that meets it cannot be saved."""

    prefix = "03d"
    name_fields = ("ValidationName",)

    ValidationName: Mapped[str] = fields.text(required=True)
    ObjectName: Mapped[str] = fields.text(
        "API name of the kind of record it is for.", required=True, create_only=True, index=True
    )
    ErrorConditions: Mapped[str] = fields.long_text(
        "One condition per line: field, operator and value as JSON, such as: Amount gt 1000", required=True
    )
    Matching: Mapped[str] = fields.picklist("all", "any", description="Whether all must hold or any.", default="all")
    ErrorMessage: Mapped[str] = fields.text("What people are told whose record is refused.", required=True)
    Active: Mapped[bool] = fields.flag("Whether it is in force.")
    Description: Mapped[str | None] = fields.long_text()


class PolicyChange__c(Record):  # noqa: N801 - a kind of record of our own
    """A change to the tenant's approval rules. That it is there means that a version of the policy was made with it."""

    prefix = "a08"

    Name: Mapped[str] = fields.text("Why the policy is changed.", required=True, create_only=True)
    Operation__c: Mapped[str] = fields.picklist("Add", "Remove", required=True, create_only=True)
    RuleId__c: Mapped[str] = fields.text("Id of the approval rule.", required=True, create_only=True)
    Rule__c: Mapped[str | None] = fields.long_text("The rule that is added, as JSON.", create_only=True)
    BasedOn__c: Mapped[int] = fields.integer(
        "Version of the policy that it was made from.", required=True, create_only=True
    )
