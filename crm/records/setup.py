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
