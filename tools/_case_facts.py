"""What several tools work out about cases, each by a query over what the caller may see.

Handle time is closed less created. A transfer is an owner assignment that names who had the case before.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from crm.connector import Aggregate, Filter, Query, Row, Sort
from crm.errors import FieldError, ObjectRightError
from crm.values import parse_instant
from tools._declare import ReadingCrm

MOST = 200
ASSIGNED = "Owner Assignment"
CLOSED = Filter("IsClosed", "eq", True)
OPEN = Filter("IsClosed", "eq", False)


async def rows_of(crm: ReadingCrm, query: Query) -> list[Row]:
    """The first page; nothing where the caller may not read the object or one of the fields."""
    try:
        return (await crm.query(query)).records
    except (ObjectRightError, FieldError):
        return []


async def children_of(crm: ReadingCrm, object_name: str, reference: str, parent_id: str, *fields: str) -> list[Row]:
    """Records that refer to one, oldest first, with their authors where the caller may know them."""
    about = [Filter(reference, "eq", parent_id)]
    for common in (("CreatedDate", "CreatedById"), ("CreatedDate",)):
        found = await rows_of(crm, Query(object_name, [*common, *fields], about, [Sort("CreatedDate")], MOST))
        if found:
            return found
    return []


async def count_by_owner(crm: ReadingCrm, filters: Sequence[Filter]) -> dict[str, int]:
    """Owner's id -> how many such cases they have; those without an owner are left out."""
    found = await crm.aggregate(Aggregate("Case", "count", None, ("OwnerId",), filters, True, MOST))
    return {str(group.key["OwnerId"]): group.rows for group in found.groups if group.key["OwnerId"]}


async def count_by(crm: ReadingCrm, field: str, filters: Sequence[Filter]) -> dict[str, int]:
    """Value of a field -> how many cases have it."""
    found = await crm.aggregate(Aggregate("Case", "count", None, (field,), filters, True, MOST))
    return {str(group.key[field]): group.rows for group in found.groups if group.key[field]}


def hours_between(start: str | None, end: str | datetime | None) -> float | None:
    """Hours with one decimal; None if either end is missing."""
    if start is None or end is None:
        return None
    until = end if isinstance(end, datetime) else parse_instant("end", end)
    return round((until - parse_instant("start", start)).total_seconds() / 3600, 1)


def handle_hours(case: Row) -> float | None:
    """None while the case is open."""
    return hours_between(case.get("CreatedDate"), case.get("ClosedDate"))


def count_transfers(history: Sequence[Row]) -> int:
    return sum(1 for step in history if step["Field__c"] == ASSIGNED and step["OldValue__c"] and step["NewValue__c"])


def words_of(case: Row) -> str:
    """What the case is about in the customer's words, as far as the caller may read them."""
    return " ".join(str(case[field]) for field in ("Subject", "Description") if case.get(field))


async def product_of(crm: ReadingCrm, case: Row) -> str | None:
    """The product that the case's purchase was of; None if it names none that the caller may see."""
    item = case.get("OrderItemId__c")
    if not item:
        return None
    rows = await rows_of(crm, Query("OrderItem", ["Product2Id"], [Filter("Id", "eq", item)], limit=1))
    return rows[0]["Product2Id"] if rows else None


async def purchases_of(crm: ReadingCrm, product_id: str) -> list[str]:
    """Ids of order items of a product, newest first."""
    query = Query("OrderItem", ["Id"], [Filter("Product2Id", "eq", product_id)], [Sort("CreatedDate", True)], MOST)
    return [row["Id"] for row in await rows_of(crm, query)]


def without_empty(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
