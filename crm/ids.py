"""Names and record ids: typed, 18 characters, checked."""

import re
import secrets
import string
from typing import NewType

TenantId = NewType("TenantId", str)
"""Made from a verified token in `api/auth.py`; every other maker carries an escape comment that a test reads."""

UserId = NewType("UserId", str)
ContactId = NewType("ContactId", str)

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_SUFFIX = string.ascii_uppercase + "012345"
_SHAPE = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?", re.ASCII)


def suffix_of(id15: str) -> str:
    """The three characters that make a case-sensitive id of 15 safe in a case-insensitive place.

    Each character encodes which of five id characters are capitals, lowest bit first.
    """
    return "".join(
        _SUFFIX[sum(1 << bit for bit, char in enumerate(id15[start : start + 5]) if char in string.ascii_uppercase)]
        for start in (0, 5, 10)
    )


def normalise_id(text: str) -> str | None:
    """The 18-character form of a 15- or 18-character id; None if the shape or the checksum is wrong."""
    if not _SHAPE.fullmatch(text):
        return None
    id15, suffix = text[:15], text[15:]
    expected = suffix_of(id15)
    return id15 + expected if suffix in ("", expected) else None


def new_id(prefix: str) -> str:
    """A fresh random record id; `prefix` names the object and has three characters."""
    id15 = prefix + "".join(secrets.choice(_BASE62) for _ in range(12))
    return id15 + suffix_of(id15)


def numbered_id(prefix: str, number: int, *, instance: str = "CS") -> str:
    """A record id made of a running number, for data that must come out the same each time."""
    digits = ""
    while number:
        number, digit = divmod(number, 62)
        digits = _BASE62[digit] + digits
    id15 = prefix + instance + digits.rjust(10, "0")
    return id15 + suffix_of(id15)
