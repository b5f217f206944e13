"""How a value is written in a cell: empty for nothing, ISO dates, plain numbers, true and false.

A text that starts with `=`, `+`, `-` or `@` is written as it is. A spreadsheet program may take such a cell for a
formula: import the files as text there. Changing the cells would break the way back.
"""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from crm.errors import FieldError
from crm.fields import NUMERIC, FieldSpec, Kind
from crm.values import parse_value

_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_PLAIN_NUMBER = re.compile(r"[+-]?[0-9]{1,20}(?:\.[0-9]{1,20})?(?:[eE][+-]?[0-9]{1,2})?", re.ASCII)


def parse_cell(name: str, spec: FieldSpec, cell: str) -> Any:
    """The stored form of a cell; None if it is empty. An instant without a zone is taken as UTC.

    Raises: FieldError.
    """
    if cell == "":
        return None
    if spec.kind is Kind.BOOLEAN:
        if cell.casefold() not in _BOOLEANS:
            raise FieldError(name, "expected true, false, 1 or 0")
        return _BOOLEANS[cell.casefold()]
    if spec.kind in NUMERIC and not _PLAIN_NUMBER.fullmatch(cell):
        raise FieldError(name, "expected a plain number such as 1234.50")
    return parse_value(name, spec, cell)


def format_cell(value: Any) -> str:
    """A stored value as `parse_cell` reads it. Instants end in Z and show milliseconds, or more if there is more."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return _format_instant(value.astimezone(UTC))
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value)


def _format_instant(value: datetime) -> str:
    precision = "microseconds" if value.microsecond % 1000 else "milliseconds"
    return value.isoformat(timespec=precision).replace("+00:00", "Z")
