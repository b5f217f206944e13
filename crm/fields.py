"""Column declarations that also say what a field means: kind, values, personal data, what it gives away."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

from sqlalchemy import BigInteger, Boolean, Date, DateTime, Dialect, Integer, String, Text
from sqlalchemy.orm import MappedColumn, mapped_column
from sqlalchemy.types import TypeDecorator


class Kind(StrEnum):
    """What a field holds; values travel as JSON: dates as ISO 8601, numbers as numbers."""

    ID = "id"
    REFERENCE = "reference"
    TEXT = "text"
    LONG_TEXT = "long_text"
    EMAIL = "email"
    PHONE = "phone"
    URL = "url"
    PICKLIST = "picklist"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    NUMBER = "number"
    MONEY = "money"
    PERCENT = "percent"
    DATE = "date"
    DATETIME = "datetime"


Op = Literal["eq", "ne", "lt", "le", "gt", "ge", "contains", "starts_with", "in", "is_null"]
"""How a field is compared with a value."""

NUMERIC = frozenset({Kind.INTEGER, Kind.NUMBER, Kind.MONEY, Kind.PERCENT})
ORDERED = NUMERIC | {Kind.DATE, Kind.DATETIME}


@dataclass(frozen=True, kw_only=True)
class FieldSpec:
    """The part of a declaration that SQL does not know; kept in the column's `info["spec"]`."""

    kind: Kind
    description: str = ""
    values: tuple[str, ...] = ()
    """Allowed values of a picklist; empty means that any short text is taken."""
    targets: tuple[str, ...] = ()
    """Objects a reference may point to; several make it polymorphic."""
    is_personal: bool = False
    is_system: bool = False
    """Written by the service alone: refused in create and update."""
    is_create_only: bool = False
    is_required: bool = False
    gives_away: tuple[str, ...] = ()
    """Other fields, as `Object.Field`, whose value follows from this one: hide those and this one is hidden too."""
    external_text: bool = field(default=False)
    """Written by people outside the tenant in the ordinary course of business."""


class Fixed(TypeDecorator[Decimal]):
    """A decimal with two places, stored as an integer of hundredths: exact, and equal on both databases."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> int | None:
        return None if value is None else int((Decimal(str(value)) * 100).to_integral_value())

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value) / 100


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant, kept in UTC; SQLite, which has no zones, gets the same instant without one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def spec_of(column: Any) -> FieldSpec | None:
    """The declaration behind a column; None for columns that are not fields (tenant, version)."""
    spec = column.info.get("spec")
    return spec if isinstance(spec, FieldSpec) else None


_SQL_TYPES: dict[Kind, Any] = {
    Kind.ID: String(18),
    Kind.REFERENCE: String(18),
    Kind.TEXT: String(255),
    Kind.LONG_TEXT: Text(),
    Kind.EMAIL: String(254),
    Kind.PHONE: String(40),
    Kind.URL: String(255),
    Kind.PICKLIST: String(80),
    Kind.BOOLEAN: Boolean(),
    Kind.INTEGER: Integer(),
    Kind.NUMBER: Fixed(),
    Kind.MONEY: Fixed(),
    Kind.PERCENT: Fixed(),
    Kind.DATE: Date(),
    Kind.DATETIME: UtcDateTime(),
}

MAX_TEXT = {Kind.TEXT: 255, Kind.EMAIL: 254, Kind.PHONE: 40, Kind.URL: 255, Kind.PICKLIST: 80, Kind.LONG_TEXT: 131_072}


def column(
    kind: Kind,
    description: str = "",
    *,
    values: Iterable[str] = (),
    to: str | tuple[str, ...] = (),
    personal: bool = False,
    system: bool = False,
    create_only: bool = False,
    required: bool = False,
    gives_away: Iterable[str] = (),
    external: bool = False,
    default: bool | int | str | None = None,
    index: bool = False,
) -> MappedColumn[Any]:
    """One field of a record. Whether it may be null follows from the annotation, as everywhere in SQLAlchemy."""
    targets = (to,) if isinstance(to, str) else to
    spec = FieldSpec(
        kind=kind,
        description=description,
        values=tuple(values),
        targets=targets,
        is_personal=personal,
        is_system=system,
        is_create_only=create_only,
        is_required=required,
        gives_away=tuple(gives_away),
        external_text=external,
    )
    extra: dict[str, Any] = {} if default is None else {"default": default}
    return mapped_column(_SQL_TYPES[kind], info={"spec": spec, "index": index or bool(targets)}, **extra)


def text(description: str = "", **options: Any) -> MappedColumn[Any]:
    """A line of at most 255 characters."""
    return column(Kind.TEXT, description, **options)


def long_text(description: str = "", **options: Any) -> MappedColumn[Any]:
    """Several lines, at most 128 Ki characters."""
    return column(Kind.LONG_TEXT, description, **options)


def picklist(*values: str, description: str = "", **options: Any) -> MappedColumn[Any]:
    """One of `values`; without any, a short word that the tenant chooses."""
    return column(Kind.PICKLIST, description, values=values, **options)


def reference(to: str | tuple[str, ...], description: str = "", **options: Any) -> MappedColumn[Any]:
    """The id of another record, which must exist in the same tenant."""
    return column(Kind.REFERENCE, description, to=to, **options)


def email(description: str = "", **options: Any) -> MappedColumn[Any]:
    return column(Kind.EMAIL, description, **{"personal": True, **options})


def phone(description: str = "", **options: Any) -> MappedColumn[Any]:
    return column(Kind.PHONE, description, **{"personal": True, **options})


def url(description: str = "", **options: Any) -> MappedColumn[Any]:
    return column(Kind.URL, description, **options)


def flag(description: str = "", **options: Any) -> MappedColumn[Any]:
    """A yes or no that is no unless said otherwise."""
    return column(Kind.BOOLEAN, description, **{"default": False, **options})


def integer(description: str = "", **options: Any) -> MappedColumn[Any]:
    return column(Kind.INTEGER, description, **options)


def number(description: str = "", **options: Any) -> MappedColumn[Any]:
    """A number with at most two decimal places."""
    return column(Kind.NUMBER, description, **options)


def money(description: str = "", **options: Any) -> MappedColumn[Any]:
    """An amount in the tenant's currency, to the cent."""
    return column(Kind.MONEY, description, **options)


def percent(description: str = "", **options: Any) -> MappedColumn[Any]:
    """A share from 0 to 100."""
    return column(Kind.PERCENT, description, **options)


def day(description: str = "", **options: Any) -> MappedColumn[Any]:
    return column(Kind.DATE, description, **options)


def instant(description: str = "", **options: Any) -> MappedColumn[Any]:
    return column(Kind.DATETIME, description, **options)


def to_json(value: Any) -> Any:
    """A stored value as JSON: instants end in Z, decimals become numbers."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return value
