"""Conditions on the values of one record: what a filter asks of the database, asked of a row at hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from crm.connector import Filter, Json
from crm.errors import FieldError
from crm.fields import ORDERED, FieldSpec, Kind, Op, to_json
from crm.values import parse_value

Matching = Literal["all", "any"]
_DAY = len("2026-05-31")
_ORDERS = ("lt", "le", "gt", "ge")
_VALUES = 50


@dataclass(frozen=True)
class ValueCondition:
    """One condition, its value in the form that rows have; text compares without case.

    A field without a value meets `is_null` and `ne`, and no other condition.
    """

    field: str
    op: Op
    value: Json
    kind: Kind

    @property
    def is_about_days(self) -> bool:
        """Whether an instant is compared with a whole day, in UTC."""
        return self.kind is Kind.DATETIME and isinstance(self.value, str) and len(self.value) == _DAY

    def is_met(self, row: Mapping[str, Json]) -> bool:
        present = row.get(self.field)
        if self.op == "is_null":
            return (present in (None, "")) is self.value
        if present in (None, ""):
            return self.op == "ne"
        if self.is_about_days:
            present = str(present)[:_DAY]
        wanted = self.value
        if isinstance(present, str):
            present = present.lower()
            wanted = [one.lower() for one in wanted] if isinstance(wanted, list) else str(wanted).lower()
        return _compare(self.op, present, wanted)


def _compare(op: Op, present: Any, wanted: Any) -> bool:
    match op:
        case "eq":
            return bool(present == wanted)
        case "ne":
            return bool(present != wanted)
        case "in":
            return present in wanted
        case "contains":
            return wanted in present
        case "starts_with":
            return bool(present.startswith(wanted))
        case "lt":
            return bool(present < wanted)
        case "le":
            return bool(present <= wanted)
        case "gt":
            return bool(present > wanted)
        case _:
            return bool(present >= wanted)


def are_met(conditions: Sequence[ValueCondition], matching: Matching, row: Mapping[str, Json]) -> bool:
    """No conditions are met by nothing."""
    if not conditions:
        return False
    return (all if matching == "all" else any)(one.is_met(row) for one in conditions)


def read_condition(spec: FieldSpec, one: Filter) -> ValueCondition:
    """Raises: FieldError for an operator or a value that the field does not take."""
    if one.op == "is_null":
        if not isinstance(one.value, bool):
            raise FieldError(one.field, "is_null expects true or false")
        return ValueCondition(one.field, one.op, one.value, spec.kind)
    if one.op in _ORDERS and spec.kind not in ORDERED:
        raise FieldError(one.field, f"{one.op} needs a number or a date; this field is {spec.kind}")
    if one.op in ("contains", "starts_with") and (spec.kind in ORDERED or spec.kind is Kind.BOOLEAN):
        raise FieldError(one.field, f"{one.op} needs a text field; this field is {spec.kind}")
    if one.op == "in":
        if not isinstance(one.value, list) or not 0 < len(one.value) <= _VALUES:
            raise FieldError(one.field, f"in expects a list of 1 to {_VALUES} values")
        values = [_read_value(spec, one, value) for value in one.value]
        return ValueCondition(one.field, one.op, values, spec.kind)
    return ValueCondition(one.field, one.op, _read_value(spec, one, one.value), spec.kind)


def _read_value(spec: FieldSpec, one: Filter, value: Json) -> Json:
    if value in (None, ""):
        raise FieldError(one.field, f"{one.op} needs a value; to ask whether the field is empty, use is_null")
    if one.op in ("contains", "starts_with"):
        if not isinstance(value, str) or len(value) > 255:
            raise FieldError(one.field, f"{one.op} expects a text of 1 to 255 characters")
        return value
    kind = spec.kind
    if kind is Kind.DATETIME and isinstance(value, str) and len(value) == _DAY:
        kind = Kind.DATE
    elif kind is Kind.EMAIL:
        kind = Kind.TEXT
    asked = FieldSpec(kind=kind, values=spec.values, targets=spec.targets)
    return to_json(parse_value(one.field, asked, value))
