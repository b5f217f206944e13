"""From JSON to stored values and back, with errors that name the field and what was expected."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from crm.errors import FieldError
from crm.fields import MAX_TEXT, NUMERIC, FieldSpec, Kind
from crm.ids import normalise_id
from crm.schema import object_of

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(?:\.[^@\s.]+)+")
_LIMIT = Decimal(10) ** 15


def parse_value(name: str, spec: FieldSpec, value: Any) -> Any:
    """The stored form of a JSON value; an empty text means nothing.

    Raises: FieldError.
    """
    if value is None or value == "":
        if spec.is_required:
            raise FieldError(name, "is required and cannot be emptied")
        return None
    if spec.kind in (Kind.ID, Kind.REFERENCE):
        return _parse_reference(name, spec, value)
    if spec.kind is Kind.BOOLEAN:
        return _parse_boolean(name, value)
    if spec.kind in NUMERIC:
        return _parse_number(name, spec.kind, value)
    if spec.kind is Kind.DATE:
        return parse_date(name, value)
    if spec.kind is Kind.DATETIME:
        return parse_instant(name, value)
    return _parse_text(name, spec, value)


def _parse_text(name: str, spec: FieldSpec, value: Any) -> str:
    if not isinstance(value, str):
        raise FieldError(name, f"expected text, not {type(value).__name__}")
    require_storable(name, value)
    longest = MAX_TEXT[spec.kind]
    if len(value) > longest:
        raise FieldError(name, f"at most {longest} characters, not {len(value)}")
    if spec.values:
        for allowed in spec.values:
            if allowed.casefold() == value.casefold():
                return allowed
        raise FieldError(name, f"expected one of {', '.join(spec.values)}")
    if spec.kind is Kind.EMAIL and not _EMAIL.fullmatch(value):
        raise FieldError(name, "expected an e-mail address")
    return value


def require_storable(name: str, value: str) -> None:
    """Raises: FieldError for text that a database cannot take: NUL, or half of a surrogate pair."""
    if "\x00" in value:
        raise FieldError(name, "text must not contain a NUL character")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise FieldError(name, "text must be valid Unicode") from None


def _parse_reference(name: str, spec: FieldSpec, value: Any) -> str:
    normal = normalise_id(value) if isinstance(value, str) else None
    if normal is None:
        raise FieldError(name, "expected a record id of 15 or 18 characters")
    if spec.targets and object_of(normal) not in spec.targets:
        raise FieldError(name, f"expected the id of {' or '.join(spec.targets)}")
    return normal


def _parse_boolean(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.casefold() in ("true", "false"):
        return value.casefold() == "true"
    raise FieldError(name, "expected true or false")


def _parse_number(name: str, kind: Kind, value: Any) -> int | Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise FieldError(name, "expected a number")
    try:
        number = value if isinstance(value, Decimal) else Decimal(str(value))
    except (InvalidOperation, ValueError):  # ValueError: Python prints no number of more than 4300 digits
        raise FieldError(name, "expected a number") from None
    if not number.is_finite() or abs(number) >= _LIMIT:
        raise FieldError(name, "expected a number below 10^15")
    if kind is Kind.INTEGER:
        if number != number.to_integral_value() or abs(number) >= 2**31:
            raise FieldError(name, "expected a whole number below 2^31")
        return int(number)
    if kind is Kind.PERCENT and not 0 <= number <= 100:
        raise FieldError(name, "expected a percentage from 0 to 100")
    if number != round(number, 2):
        raise FieldError(name, "at most two decimal places")
    return number


def parse_date(name: str, value: Any) -> date:
    """Raises: FieldError."""
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise FieldError(name, "expected a date such as 2026-05-31")


def parse_instant(name: str, value: Any) -> datetime:
    """An aware instant; a value without a zone is taken as UTC. Raises: FieldError."""
    if isinstance(value, str):
        try:
            found = datetime.fromisoformat(value)
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise FieldError(name, "expected an instant such as 2026-05-31T09:00:00Z")
