"""Values for the tests of generated code: records that meet conditions, and records that just do not."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from crm.connector import Json, Row
from crm.fields import NUMERIC, FieldSpec, Kind
from crm.value_conditions import Matching, ValueCondition, are_met

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_PLAIN: dict[Kind, Json] = {
    Kind.BOOLEAN: True,
    Kind.DATE: "2026-05-31",
    Kind.DATETIME: "2026-05-31T09:00:00Z",
    Kind.EMAIL: "somebody@example.com",
    Kind.PHONE: "+1 555 0100",
    Kind.URL: "https://example.com",
    Kind.REFERENCE: "001000000000001AAA",
    Kind.ID: "001000000000001AAA",
}


class NoSuchRecordError(Exception):
    """No values were found that meet the conditions together."""


def plain_value(spec: FieldSpec) -> Json:
    """Any value that the field takes."""
    if spec.values:
        return spec.values[0]
    return 1 if spec.kind in NUMERIC else _PLAIN.get(spec.kind, "some text")


def _candidates(one: ValueCondition, spec: FieldSpec) -> Iterator[Json]:
    """Values on both sides of a condition's border, the border itself, and none."""
    yield plain_value(spec)
    values = one.value if isinstance(one.value, list) else [one.value]
    for value in values if one.op != "is_null" else []:
        if one.is_about_days:
            day = date.fromisoformat(value)
            yield from (f"{near}T12:00:00Z" for near in (day, day + _DAY, day - _DAY))
        else:
            yield value
            yield from _near(value, one.kind)
    yield from spec.values
    yield None


def _near(value: Any, kind: Kind) -> Iterator[Json]:
    if isinstance(value, bool):
        yield not value
    elif kind in NUMERIC:
        yield from (value + 1, value - 1)
    elif kind is Kind.DATE:
        day = date.fromisoformat(value)
        yield from ((day + _DAY).isoformat(), (day - _DAY).isoformat())
    elif kind is Kind.DATETIME:
        at = datetime.fromisoformat(value).astimezone(UTC)
        yield from (f"{near:%Y-%m-%dT%H:%M:%SZ}" for near in (at + _SECOND, at - _SECOND))
    elif isinstance(value, str):
        yield from (f"{value} and more", f"before {value}", "something else")


def _fitting(one: ValueCondition, spec: FieldSpec) -> list[Json]:
    """The candidates that the field itself would take: a picklist has only its own values."""
    return [value for value in _candidates(one, spec) if value is None or not spec.values or value in spec.values]


def meeting_row(conditions: Sequence[ValueCondition], specs: dict[str, FieldSpec]) -> Row:
    """Values with which every condition is met. Raises: NoSuchRecordError, naming the field that none was found for."""
    row: Row = {}
    for field in dict.fromkeys(one.field for one in conditions):
        own = [one for one in conditions if one.field == field]
        values = [value for one in own for value in _fitting(one, specs[field])]
        for value in values:
            if all(one.is_met({field: value}) for one in own):
                row[field] = value
                break
        else:
            raise NoSuchRecordError(f"no value of {field} meets all of its conditions: they may exclude each other")
    return row


def turned_row(
    conditions: Sequence[ValueCondition], matching: Matching, specs: dict[str, FieldSpec], place: int, row: Row
) -> Row | None:
    """The row with one field changed so that one condition flips, and the whole answer with it; None if nothing does.

    For `all`, `row` meets everything and the changed one does not; for `any`, the other way round.
    """
    one, wanted = conditions[place], matching == "any"
    for value in _fitting(one, specs[one.field]):
        changed = {**row, one.field: value}
        if one.is_met(changed) is wanted and are_met(conditions, matching, changed) is wanted:
            return changed
    return None


def missing_row(conditions: Sequence[ValueCondition], specs: dict[str, FieldSpec]) -> Row | None:
    """Values with which no condition is met; None if none were found."""
    row: Row = {}
    for field in dict.fromkeys(one.field for one in conditions):
        own = [one for one in conditions if one.field == field]
        values = [value for one in own for value in _fitting(one, specs[field])]
        fitting = [value for value in values if not any(one.is_met({field: value}) for one in own)]
        if not fitting:
            return None
        row[field] = fitting[0]
    return row
