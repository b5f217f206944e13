"""Questions about metrics as they are kept in records, and back again: what is kept is checked as what is asked."""

import json
from typing import Any, TypeVar

from pydantic import ValidationError

from crm.connector import Filter, Query, Row
from crm.ids import normalise_id
from tools._declare import ReadingCrm, ToolFailedError, ToolRetryError, find_json_fault
from tools._metric_question import Scope

Q = TypeVar("Q", bound=Scope)


def to_text(asked: Scope, kind: type[Scope]) -> str:
    """The question's arguments as JSON, those left out that are as they would be anyway."""
    given = asked.model_dump(mode="json", exclude_defaults=True)
    return json.dumps({name: value for name, value in given.items() if name in kind.model_fields}, sort_keys=True)


def from_text(text: Any, kind: type[Q]) -> Q:
    """Raises: ToolFailedError if it is no question any more, whoever wrote it."""
    try:
        given = json.loads(text)
        if not isinstance(given, dict) or find_json_fault(given) is not None:
            raise ToolFailedError("the question that was kept cannot be read: save it again")
        return kind.model_validate(given)
    except (ValidationError, ValueError, TypeError, RecursionError):
        raise ToolFailedError("the question that was kept cannot be read: save it again") from None


async def find_saved(crm: ReadingCrm, object_name: str, wanted: str) -> Row:
    """The record of this name or id. Raises: ToolRetryError, CrmError."""
    normal = normalise_id(wanted.strip())
    if normal is not None:
        return await crm.get(object_name, normal)
    fields = ["Id", "Name"]
    exact = await crm.query(Query(object_name, fields, [Filter("Name", "eq", wanted.strip())], limit=5))
    page = (
        exact
        if exact.total
        else await crm.query(Query(object_name, fields, [Filter("Name", "contains", wanted.strip())], limit=5))
    )
    if page.total == 1:
        return await crm.get(object_name, page.records[0]["Id"])
    if not page.total:
        raise ToolRetryError(f"name: there is none called {wanted[:60]!r} that you can see")
    ids = ", ".join(row["Id"] for row in page.records)
    raise ToolRetryError(f"name: {wanted[:60]!r} fits {page.total}, among them {ids}; ask the user which one")
