"""Structured filters, sorts and groups as SQL, each checked against the caller's field rights first."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal, cast

from sqlalchemy import ColumnElement, String, and_, case, collate, func, literal, select

from crm.access import Access
from crm.connector import DATE_PARTS, Filter, Sort
from crm.errors import FieldError
from crm.fields import ORDERED, FieldSpec, Kind, UtcDateTime
from crm.repositories.visibility import visible_to
from crm.schema import OBJECT_INFO, relations_of
from crm.values import parse_date, parse_value, require_storable

Dialect = Literal["sqlite", "postgresql"]
Condition = ColumnElement[bool]
MAX_FILTERS = 20
MAX_VALUES = 200

_TEXTS = frozenset({Kind.TEXT, Kind.LONG_TEXT, Kind.EMAIL, Kind.PHONE, Kind.URL, Kind.PICKLIST})


def build_filters(access: Access, object_name: str, filters: Sequence[Filter]) -> list[Condition]:
    """Raises: FieldError for a field that is hidden or unknown, and for a value that the field cannot hold."""
    if len(filters) > MAX_FILTERS:
        raise FieldError("filters", f"at most {MAX_FILTERS} filters")
    return [_build_filter(access, object_name, one) for one in filters]


def _build_filter(access: Access, object_name: str, one: Filter) -> Condition:
    relation, _, field = one.field.partition(".")
    if field:
        return _refers_to_one(access, object_name, relation, replace(one, field=field))
    access.require_readable(object_name, one.field)
    info = OBJECT_INFO[object_name]
    return build_condition(getattr(info.record_type, one.field), info.fields[one.field], one)


def build_condition(column: Any, spec: FieldSpec, one: Filter) -> Condition:
    """The filter on a column that the caller may read, of whatever alias. Raises: FieldError."""
    if one.op == "is_null":
        if not isinstance(one.value, bool):
            raise FieldError(one.field, "is_null expects true or false")
        return cast("Condition", column.is_(None) if one.value else column.is_not(None))
    if one.op == "in":
        return _is_one_of(column, spec, one)
    if one.op in ("contains", "starts_with"):
        return _matches_text(column, spec, one)
    if one.op in ("lt", "le", "gt", "ge") and spec.kind not in ORDERED:
        raise FieldError(one.field, f"{one.op} needs a number or a date; this field is {spec.kind}")
    if spec.kind is Kind.DATETIME and _is_day(one.value):
        return _compares_with_day(column, one)
    return _compares(column, spec, one.op, parse_value(one.field, _lenient(spec), one.value))


def _refers_to_one(access: Access, object_name: str, relation: str, inner: Filter) -> Condition:
    """Refers to a record that the caller may see and that meets the condition."""
    if relation not in relations_of(object_name) or "." in inner.field:
        known = ", ".join(f"{name}.<field>" for name in relations_of(object_name)) or "none"
        raise FieldError(f"{relation}.{inner.field}", f"{object_name} leads to other records by: {known}")
    reference, target = relations_of(object_name)[relation]
    access.require_readable(object_name, reference)
    access.require("read", target)
    target_type = OBJECT_INFO[target].record_type
    met = [visible_to(access, target_type), _build_filter(access, target, inner)]
    ids = select(target_type.Id).where(target_type.tenant == access.caller.tenant, *met)
    return cast("Condition", getattr(OBJECT_INFO[object_name].record_type, reference).in_(ids))


def _lenient(spec: FieldSpec) -> FieldSpec:
    """The same field, for asking rather than storing: any value may be asked for."""
    kind = Kind.TEXT if spec.kind is Kind.EMAIL else spec.kind
    return FieldSpec(kind=kind, targets=spec.targets, values=spec.values)


def _is_one_of(column: Any, spec: FieldSpec, one: Filter) -> Condition:
    if not isinstance(one.value, list) or not one.value or len(one.value) > MAX_VALUES:
        raise FieldError(one.field, f"in expects a list of 1 to {MAX_VALUES} values")
    values = [parse_value(one.field, _lenient(spec), value) for value in one.value]
    if spec.kind in _TEXTS:
        texts = [str(value) for value in values]
        return cast("Condition", column.in_(texts) | func.lower(column).in_([text.lower() for text in texts]))
    return cast("Condition", column.in_(values))


def _matches_text(column: Any, spec: FieldSpec, one: Filter) -> Condition:
    if spec.kind not in _TEXTS:
        raise FieldError(one.field, f"{one.op} needs a text field; this field is {spec.kind}")
    if not isinstance(one.value, str) or not one.value or len(one.value) > 255:
        raise FieldError(one.field, f"{one.op} expects a text of 1 to 255 characters")
    require_storable(one.field, one.value)
    match = column.icontains if one.op == "contains" else column.istartswith
    return cast("Condition", match(one.value, autoescape=True))


def _is_day(value: Any) -> bool:
    return isinstance(value, str) and len(value) == len("2026-05-31")


def _compares_with_day(column: Any, one: Filter) -> Condition:
    """A plain date against an instant means the whole day, in UTC."""
    start = datetime.combine(parse_date(one.field, one.value), time.min, tzinfo=UTC)
    if start.date() == date.max:
        raise FieldError(one.field, "expected a date before 9999-12-31")
    end = start + timedelta(days=1)
    found = {
        "eq": and_(column >= start, column < end),
        "ne": ~and_(column >= start, column < end),
        "lt": column < start,
        "le": column < end,
        "gt": column >= end,
        "ge": column >= start,
    }[one.op]
    return cast("Condition", found)


def _compares(column: Any, spec: FieldSpec, op: str, value: Any) -> Condition:
    if value is None:
        if op not in ("eq", "ne"):
            raise FieldError(column.key, f"{op} needs a value")
        return cast("Condition", column.is_(None) if op == "eq" else column.is_not(None))
    if spec.kind in _TEXTS:
        same = _is_same_text(column, str(value))
        return same if op == "eq" else ~same | column.is_(None)
    found = {
        "eq": lambda: column == value,
        "ne": lambda: (column != value) | column.is_(None),
        "lt": lambda: column < value,
        "le": lambda: column <= value,
        "gt": lambda: column > value,
        "ge": lambda: column >= value,
    }[op]()
    return cast("Condition", found)


def _is_same_text(column: Any, value: str) -> Condition:
    """Equal but for case, or equal: a database may know the case of ASCII letters only."""
    return cast("Condition", (column == value) | (func.lower(column) == value.lower()))


def build_sort(access: Access, object_name: str, sort: Sequence[Sort], dialect: Dialect) -> list[ColumnElement[Any]]:
    """Nothing sorts last both ways; the id breaks ties, so that pages never overlap.

    Text sorts without case and by character, on both databases alike: their own collations differ.
    """
    info = OBJECT_INFO[object_name]
    record_type = info.record_type
    found: list[ColumnElement[Any]] = []
    for one in sort:
        access.require_readable(object_name, one.field)
        column = getattr(record_type, one.field)
        found.append(case((column.is_(None), 1), else_=0))
        if info.fields[one.field].kind in _TEXTS:
            column = collate(func.lower(column), "C" if dialect == "postgresql" else "BINARY")
        found.append(column.desc() if one.descending else column.asc())
    return [*found, record_type.Id.asc()]


def build_group(access: Access, object_name: str, key: str, dialect: Dialect) -> ColumnElement[Any]:
    """A column to group by; `Field.month` and its like give texts such as `2026-05`."""
    name, _, part = key.partition(".")
    access.require_readable(object_name, name)
    info = OBJECT_INFO[object_name]
    column = cast("ColumnElement[Any]", getattr(info.record_type, name))
    if not part:
        if info.fields[name].kind is Kind.LONG_TEXT:
            raise FieldError(name, "a long text cannot be grouped by")
        return column
    if part not in DATE_PARTS or info.fields[name].kind not in (Kind.DATE, Kind.DATETIME):
        raise FieldError(key, f"expected a date field followed by one of {', '.join(DATE_PARTS)}")
    return date_part(column, part, dialect)


def date_part(column: ColumnElement[Any], part: str, dialect: Dialect) -> ColumnElement[Any]:
    """A text such as `2026-05` that names the year, quarter, month, week or day, in UTC."""
    if dialect == "postgresql":
        shape = {"year": "YYYY", "quarter": 'YYYY"-Q"Q', "month": "YYYY-MM"}.get(part, "YYYY-MM-DD")
        local = func.timezone("UTC", column) if isinstance(column.type, UtcDateTime) else column
        local = func.date_trunc("week", local) if part == "week" else local
        return func.to_char(local, shape, type_=String)
    if part == "quarter":
        month = func.strftime("%m", column, type_=String)
        quarter = case(
            (month <= "03", literal("Q1")),
            (month <= "06", literal("Q2")),
            (month <= "09", literal("Q3")),
            else_=literal("Q4"),
        )
        return func.strftime("%Y-", column, type_=String) + quarter
    if part == "week":
        return func.date(column, "-6 days", "weekday 1", type_=String)
    shape = {"year": "%Y", "month": "%Y-%m", "day": "%Y-%m-%d"}[part]
    return func.strftime(shape, column, type_=String)
