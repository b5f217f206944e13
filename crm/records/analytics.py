"""Questions about metrics that people keep: to be asked again, or to be told when the answer passes a threshold."""

from decimal import Decimal

from sqlalchemy.orm import Mapped

from crm import fields
from crm.base import Record


class Report(Record):
    """A question about a metric, kept to be asked again."""

    prefix = "00O"

    Name: Mapped[str] = fields.text(required=True)
    Metric__c: Mapped[str] = fields.text("The metric's name in the semantic layer.", required=True)
    Question__c: Mapped[str] = fields.long_text("The arguments of the question, as JSON.", required=True)


class MetricAlert__c(Record):  # noqa: N801 - named as the CRM names what a tenant adds
    """Tells who set it when a metric passes a threshold."""

    prefix = "a0W"

    Name: Mapped[str] = fields.text(required=True)
    Metric__c: Mapped[str] = fields.text("The metric's name in the semantic layer.", required=True)
    Question__c: Mapped[str] = fields.long_text("The arguments of the question, as JSON.", required=True)
    Condition__c: Mapped[str] = fields.picklist("Above", "Below", "Rises By", "Falls By", required=True)
    Threshold__c: Mapped[Decimal] = fields.number("A value, or per cent for a change.", required=True)
    Frequency__c: Mapped[str] = fields.picklist("Hourly", "Daily", "Weekly", default="Daily")
    IsActive__c: Mapped[bool] = fields.flag("Whether it is looked after.", default=True)
