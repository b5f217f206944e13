"""Argument and result shapes that several tool modules share."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from crm.connector import Filter, Match
from crm.schema import OBJECT_INFO
from tools._declare import Arguments, Integrity, Result, Source, ToolRetryError, argument, output

RECORD_ID = r"^[0-9A-Za-z]{15}([0-9A-Za-z]{3})?$"
DAY = r"^\d{4}-\d{2}-\d{2}$"


def record_reference(description: str, **options: Any) -> Any:
    """An argument that names a record; the model may only pass on ids that it was given."""
    return argument(description, source=Source.RECORD, pattern=RECORD_ID, **options)


def day(description: str, **options: Any) -> Any:
    return argument(f"{description} ISO date, such as 2026-05-31.", pattern=DAY, **options)


def require_object(name: str) -> str:
    """Raises: ToolRetryError that lists the objects there are."""
    if name not in OBJECT_INFO:
        raise ToolRetryError(f"object: there is no {name[:60]!r}; expected one of {', '.join(OBJECT_INFO)}")
    return name


class FilterArgument(BaseModel):
    """One condition on a field."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    field: str = Field(description="Field name, such as Status.", max_length=80)
    op: Literal["eq", "ne", "lt", "le", "gt", "ge", "contains", "starts_with", "in", "is_null"] = Field(
        default="eq", description="Comparison. in takes a list, is_null takes true or false."
    )
    value: str | int | float | bool | list[str | int | float] | None = Field(
        default=None, description="Value to compare with; dates as ISO text."
    )

    def to_filter(self) -> Filter:
        return Filter(self.field, self.op, self.value)


class SortArgument(BaseModel):
    """One key to sort by."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    field: str = Field(description="Field name.", max_length=80)
    descending: bool = Field(default=False, description="Largest or latest first.")


class FoundRecord(Result):
    """A record that a name may stand for."""

    object: str = output("Kind of record.")
    id: str = output("Record id.")
    name: str = output("What people call it.", integrity=Integrity.BY_FIELD)
    score: float = output("How well the name fits, from 0 to 1.")
    exact: bool = output("Whether the name is the same, apart from case.")
    details: dict[str, Any] = output("Fields that tell records of one name apart.", integrity=Integrity.BY_FIELD)

    @classmethod
    def of(cls, match: Match) -> "FoundRecord":
        return cls(
            object=match.object_name,
            id=match.record_id,
            name=match.name,
            score=round(match.score, 3),
            exact=match.is_exact,
            details=match.details,
        )


class Names(Result):
    """Base of results that refer to other records by id."""

    names: dict[str, str] = output(
        "Display names of referenced ids, where you may see them.", integrity=Integrity.BY_FIELD
    )


__all__ = [
    "Arguments",
    "FilterArgument",
    "FoundRecord",
    "Names",
    "SortArgument",
    "day",
    "record_reference",
    "require_object",
]
