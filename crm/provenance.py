"""Where the values of fields come from: what the service keeps about it, and what a record tells by itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from crm.base import Base, TenantRow
from crm.fields import UtcDateTime

ALL_FIELDS = "*"
"""Stands for every text field of a record: an import declares its source as a whole."""


class FieldProvenance(TenantRow, Base):
    """The source of one field's present value, written with the value by whatever wrote it."""

    __tablename__ = "field_provenance"

    record_id: Mapped[str] = mapped_column(String(18), primary_key=True)
    field: Mapped[str] = mapped_column(String(80), primary_key=True)
    integrity: Mapped[str] = mapped_column(String(12))
    """external | crm_verified | system."""
    writers: Mapped[list[str]] = mapped_column(JSON)
    readers: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    """None: whoever the record itself says."""
    source: Mapped[str] = mapped_column(String(300))
    version: Mapped[int] = mapped_column(Integer)
    """Of the record that has the value."""
    at: Mapped[datetime] = mapped_column(UtcDateTime)


@dataclass(frozen=True)
class RecordOrigin:
    """What is known about where one record's values come from."""

    object_name: str
    record_id: str
    is_from_outside: bool
    """Whether the fields declared external hold an outsider's words."""
    created_by: str | None
    readers: frozenset[str] | None
    """Who outside the house a message about this record may go to, as `account:<id>`, `contact:<id>` and `lead:<id>`;
    None for what is public."""
    fields: Mapping[str, FieldProvenance] = field(default_factory=dict)

    def kept(self, name: str) -> FieldProvenance | None:
        """What was kept about one field, or about the record as a whole."""
        return self.fields.get(name) or self.fields.get(ALL_FIELDS)


def provenance_values(
    integrity: str, *, writers: list[str], readers: list[str] | None, source: str, version: int, at: datetime
) -> dict[str, Any]:
    """The columns of a row besides its key."""
    return {
        "integrity": integrity,
        "writers": writers,
        "readers": readers,
        "source": source[:300],
        "version": version,
        "at": at,
    }
