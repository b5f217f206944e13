"""What several briefs are made of: open deals and cases, people, and points that code composed of numbers and dates."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from crm.connector import Filter, Page, Query, Row, Sort
from crm.errors import CrmError
from tools._declare import ReadingCrm, Result, ToolRetryError, output
from tools._reading import columns, counted, money, read_if_allowed

DEAL_COLUMNS = ("Name", "StageName", "Amount", "Probability", "CloseDate", "NextStep", "ContactId", "OwnerId")
CASE_COLUMNS = ("CaseNumber", "Subject", "Status", "Priority", "CreatedDate", "ContactId", "OwnerId")
PERSON_COLUMNS = ("FirstName", "LastName", "Title", "Email", "Phone", "HasOptedOutOfEmail")
_PRESSING = frozenset({"Critical", "High", "Urgent"})
_LISTED = 20
QUIET_DAYS = 30
"""After which silence counts as a risk."""


class Point(Result):
    """Something to bear in mind about one record, in words that code composed."""

    object: str = output("Kind of record.")
    id: str = output("Record id.")
    point: str = output("What there is to know or do, without anybody's own words.")


async def open_deals(crm: ReadingCrm, account_id: str) -> Page | None:
    conditions = [Filter("AccountId", "eq", account_id), Filter("IsClosed", "eq", False)]
    return await read_if_allowed(crm, Query("Opportunity", None, conditions, [Sort("CloseDate")], _LISTED))


async def open_cases(crm: ReadingCrm, account_id: str) -> Page | None:
    conditions = [Filter("AccountId", "eq", account_id), Filter("IsClosed", "eq", False)]
    return await read_if_allowed(crm, Query("Case", None, conditions, [Sort("CreatedDate", True)], _LISTED))


async def people_of(crm: ReadingCrm, account_id: str) -> Page | None:
    return await read_if_allowed(
        crm, Query("Contact", None, [Filter("AccountId", "eq", account_id)], [Sort("LastName")], _LISTED)
    )


def shown(page: Page | None, wanted: Sequence[str]) -> list[Row] | None:
    return None if page is None else columns(page.records, wanted)


def names_in(*pages: Page | None) -> dict[str, str]:
    return {key: name for page in pages if page is not None for key, name in page.names.items()}


def about_cases(cases: Page | None, today: date) -> list[Point]:
    """Those that weigh on whoever talks to the customer, the most pressing first."""
    found = []
    for row in sorted(cases.records if cases else (), key=lambda row: row.get("Priority") not in _PRESSING):
        is_escalated = bool(row.get("IsEscalated")) or row.get("Status") == "Escalated"
        if row.get("Priority") not in _PRESSING and not is_escalated:
            continue
        state = "escalated case" if is_escalated else "open case"
        priority = f", priority {row['Priority']}" if row.get("Priority") else ""
        age = f", open for {counted(days_since(row['CreatedDate'], today), 'day')}" if row.get("CreatedDate") else ""
        found.append(Point(object="Case", id=row["Id"], point=f"{state}{priority}{age}"))
    return found


def about_deals(deals: Page | None, today: date) -> list[Point]:
    found = []
    for row in deals.records if deals else ():
        closes = row.get("CloseDate")
        if closes and closes < today.isoformat():
            late = counted(days_since(closes, today), "day")
            found.append(Point(object="Opportunity", id=row["Id"], point=f"close date {closes} passed {late} ago"))
        if "NextStep" in row and not row["NextStep"]:
            found.append(Point(object="Opportunity", id=row["Id"], point="no next step is noted"))
        if "ContactId" in row and not row["ContactId"]:
            found.append(Point(object="Opportunity", id=row["Id"], point="no contact is named"))
    return found


def about_silence(last: str | None, account_id: str, today: date) -> list[Point]:
    """`last` is when anything happened before today; None if nothing did in the time looked at."""
    if last is None:
        return [Point(object="Account", id=account_id, point="no activity is on record for the last 90 days")]
    days = days_since(last, today)
    if days < QUIET_DAYS:
        return []
    return [Point(object="Account", id=account_id, point=f"no activity for {days} days, the last on {last[:10]}")]


def days_since(moment: str, today: date) -> int:
    """Whole days between an ISO date or instant and today; not below zero."""
    return max(0, (today - datetime.fromisoformat(moment).date()).days)


def sum_of(rows: Iterable[Row], field: str) -> float | None:
    """None if no row shows the field."""
    values = [row[field] for row in rows if row.get(field) is not None]
    return sum(values) if values else None


def worth(rows: Sequence[Row]) -> str:
    """` worth 12,000`, if amounts may be seen."""
    total = sum_of(rows, "Amount")
    return "" if total is None else f" worth {money(total)}"


async def get_seen(crm: ReadingCrm, object_name: str, record_id: str, *, argument: str) -> dict[str, Any]:
    """The record with all that may be read of it. Raises: ToolRetryError that names the argument."""
    try:
        return await crm.get(object_name, record_id)
    except CrmError:
        raise ToolRetryError(f"{argument}: there is no such {object_name} that you can see") from None
