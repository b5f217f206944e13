"""The way of a deal: its stages in order, and what has to be there before each."""

from collections.abc import Sequence
from typing import Literal

from crm.connector import Filter, Query, Row
from tools._declare import ReadingCrm

Stage = Literal["Qualification", "Discovery", "Quote", "Negotiation", "Closed"]
STAGES: tuple[Stage, ...] = ("Qualification", "Discovery", "Quote", "Negotiation", "Closed")
STANDING: dict[str, tuple[int, str]] = {
    "Qualification": (10, "Pipeline"),
    "Discovery": (25, "Pipeline"),
    "Quote": (50, "Best Case"),
    "Negotiation": (75, "Commit"),
}
"""Open stage -> the usual chance in percent, and its forecast category."""
_OFFERED = ("Approved", "Presented", "Accepted")


def next_of(stage: str) -> Stage | None:
    """None after the last one."""
    place = STAGES.index(stage) if stage in STAGES else len(STAGES)
    return STAGES[place + 1] if place + 1 < len(STAGES) else None


async def missing_for(crm: ReadingCrm, deal: Row, stage: Stage) -> list[str]:
    """What the deal lacks to enter a stage; empty if nothing. Closing means winning. Raises: CrmError."""
    if stage == "Discovery":
        return [] if deal["ContactId"] else ["a contact (ContactId)"]
    if stage == "Quote":
        lines = await crm.query(
            Query("OpportunityLineItem", ("Id",), [Filter("OpportunityId", "eq", deal["Id"])], limit=1)
        )
        found = [] if lines.total else ["at least one product (OpportunityLineItem)"]
        return found if deal["Amount"] else [*found, "an amount (Amount)"]
    wanted = ("Accepted",) if stage == "Closed" else _OFFERED
    if await _count_quotes(crm, deal["Id"], wanted):
        return []
    return [f"a quote with status {' or '.join(wanted)}"]


async def _count_quotes(crm: ReadingCrm, deal_id: str, statuses: Sequence[str]) -> int:
    conditions = [Filter("OpportunityId", "eq", deal_id), Filter("Status", "in", list(statuses))]
    return (await crm.query(Query("Quote", ("Status",), conditions, limit=1))).total
