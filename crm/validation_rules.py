"""A tenant's validation rules: how their conditions are written, and what makes one that can be taken."""

import json
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from crm.access import Access
from crm.connector import Filter, Json, Row
from crm.errors import CrmError, FieldError
from crm.fields import Op
from crm.records.setup import ValidationRule
from crm.schema import OBJECT_INFO
from crm.value_conditions import Matching, ValueCondition, are_met, read_condition

MAX_CONDITIONS = 10
MAX_ACTIVE = 50
"""Active rules for one kind of record."""
_OPERATORS = frozenset({"eq", "ne", "lt", "le", "gt", "ge", "contains", "starts_with", "in", "is_null"})


class RuleViolationError(CrmError):
    """A record meets the conditions of a validation rule, so it is not saved. The message is the tenant's own."""


@dataclass(frozen=True)
class Rule:
    """A validation rule, read."""

    name: str
    conditions: tuple[ValueCondition, ...]
    matching: Matching
    message: str

    def require_passed(self, row: Row) -> None:
        """Raises: RuleViolationError."""
        if are_met(self.conditions, self.matching, row):
            raise RuleViolationError(f"{self.message} (validation rule {self.name!r})")


def write_conditions(conditions: Iterable[Filter]) -> str:
    """One line each, as people read them on a card."""
    return "\n".join(f"{one.field} {one.op} {json.dumps(one.value, ensure_ascii=False)}" for one in conditions)


def read_conditions(text: str) -> list[Filter]:
    """Raises: FieldError, naming the line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not 0 < len(lines) <= MAX_CONDITIONS:
        raise FieldError("ErrorConditions", f"expected 1 to {MAX_CONDITIONS} conditions, one per line")
    return [_read_line(place, line) for place, line in enumerate(lines, 1)]


def _read_line(place: int, line: str) -> Filter:
    field, _, rest = line.partition(" ")
    op, _, value = rest.strip().partition(" ")
    if op not in _OPERATORS:
        raise FieldError(
            "ErrorConditions", f"line {place}: expected an operator out of {', '.join(sorted(_OPERATORS))}"
        )
    try:
        read: Json = json.loads(value)
    except (ValueError, RecursionError):
        raise FieldError("ErrorConditions", f'line {place}: expected a value as JSON, such as 1000 or "High"') from None
    return Filter(field, cast("Op", op), read)


def read_rule(record: ValidationRule) -> Rule:
    """Raises: FieldError if it is none that can be followed."""
    info = OBJECT_INFO.get(record.ObjectName)
    if info is None:
        raise FieldError("ObjectName", f"there is no {record.ObjectName[:60]!r}")
    conditions = []
    for one in read_conditions(record.ErrorConditions):
        spec = info.fields.get(one.field)
        if spec is None:
            raise FieldError("ErrorConditions", f"{info.name} has no field {one.field[:60]!r}")
        conditions.append(read_condition(spec, one))
    return Rule(record.ValidationName, tuple(conditions), cast("Matching", record.Matching), record.ErrorMessage)


def require_sound(record: ValidationRule, access: Access) -> None:
    """Whether somebody may set up this rule: over what they may read, and not over rules. Raises: CrmError.

    A rule speaks of the values that it looks at, so nobody puts one up over a field that is hidden from them.
    """
    if record.ObjectName == ValidationRule.object_name:
        raise FieldError("ObjectName", "a rule over rules could not be taken back")
    access.require("read", record.ObjectName)
    for one in read_conditions(record.ErrorConditions):
        access.require_readable(record.ObjectName, one.field)
    for field in ("ValidationName", "ErrorMessage"):
        text = str(getattr(record, field))
        if not text.strip() or any(unicodedata.category(one)[0] == "C" for one in text):
            raise FieldError(field, "expected one line of plain text")
    read_rule(record)
