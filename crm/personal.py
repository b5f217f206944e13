"""Which values are personal, and the index that says of a word, an address or a number whether it is one of them.

The index holds keys, never whole records: it answers "is this somebody's?" for a tenant and nothing about whose, so
that asking it gives nothing away about what a caller may see.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from crm.base import Base, TenantRow
from crm.fields import Kind
from crm.schema import OBJECT_INFO

WORD, EMAIL, PHONE, CODE = "word", "email", "phone", "code"
"""Kinds of key."""

MAX_WORDS = 12
"""Words of one field that are kept; no name has more, and a web form must not fill the index with an essay."""
_LONGEST_KEY = 255
SHORTEST_PHONE, LONGEST_PHONE = 5, 15


def _marks() -> str:
    """The combining marks of the scripts in use, as the inside of a character class: Python's `\\w` leaves them out."""
    ranges = (range(0x300, 0x2000), range(0x20D0, 0x2100), range(0xA000, 0xAC00), range(0xFE00, 0xFE30))
    return "".join(chr(code) for part in ranges for code in part if unicodedata.category(chr(code)) in ("Mn", "Mc"))


WORD_RUN = re.compile(rf"[^\W_](?:[^\W_]|[{_marks()}])*")
"""A run of letters, digits and their marks: what counts as one word of a name or a text."""

ASCII_RUN = re.compile(r"[A-Za-z0-9]+")
"""The same, and faster, for a text without other letters."""

EMAIL_CHARACTERS = r"\w.!#$%&'*+/=?^`{|}~\-"
_EMAIL = re.compile(rf"[{EMAIL_CHARACTERS}]{{1,64}}@[\w\-]{{1,63}}(?:\.[\w\-]{{1,63}}){{0,8}}")
CODE_RUN = re.compile(r"(?<!\w)\w++(?:[.\-]\w++)+")
"""Parts joined by dots or hyphens, as in a visitor's number: one value, whose parts mean nothing alone."""
_EXTENSION = re.compile(r"\s*(?:x|ext\.?|#)\s*\d{1,6}\s*$", re.IGNORECASE)


class PersonalValue(TenantRow, Base):
    """One key of one record: a word of a name, an address, a number."""

    __tablename__ = "personal_value"
    __table_args__ = (Index("ix_personal_value_record", "tenant", "object_name", "record_id"),)

    key: Mapped[str] = mapped_column(String(_LONGEST_KEY), primary_key=True)
    kind: Mapped[str] = mapped_column(String(8), primary_key=True)
    object_name: Mapped[str] = mapped_column(String(40), primary_key=True)
    record_id: Mapped[str] = mapped_column(String(18), primary_key=True)


PERSONAL: dict[str, tuple[str, ...]] = {
    name: fields
    for name, info in OBJECT_INFO.items()
    if (fields := tuple(field for field, spec in info.fields.items() if spec.is_personal))
}
"""Object name -> its personal fields."""


def fold(text: str) -> str:
    """The form in which words and addresses are compared: without case, composed alike."""
    return unicodedata.normalize("NFKC", text).casefold()


def word_key(word: str) -> str | None:
    """The key of a word; None for what is no name by itself: a single letter, a number."""
    key = fold(word)
    return key[:_LONGEST_KEY] if len(key) > 1 and not key.isdigit() else None


def phone_keys(number: str) -> list[str]:
    """The keys of a number as it is written; nothing for a short one."""
    return digit_keys("".join(c for c in _EXTENSION.sub("", number) if c.isdigit()))


def digit_keys(digits: str) -> list[str]:
    """The digits, and without what stands before the last ten: the same number with and without its country."""
    if len(digits) < SHORTEST_PHONE:
        return []
    return [digits, digits[-10:]] if 10 < len(digits) <= LONGEST_PHONE else [digits[:_LONGEST_KEY]]


def email_key(address: str) -> str:
    return fold(address)[:_LONGEST_KEY]


def keys_of(kind: Kind, value: str) -> set[tuple[str, str]]:
    """(key, kind of key) of a personal value."""
    if kind is Kind.PHONE:
        return {(key, PHONE) for key in phone_keys(value)}
    found = {(email_key(match.group()), EMAIL) for match in _EMAIL.finditer(value)}
    if kind is Kind.EMAIL or (found and "@" in value and not re.search(r"\s", value)):
        return found or {(email_key(value), EMAIL)}
    if CODE_RUN.fullmatch(value.strip()) and any(c.isdigit() for c in value):
        return {(fold(value.strip())[:_LONGEST_KEY], CODE)}
    words = WORD_RUN.findall(unicodedata.normalize("NFC", _EMAIL.sub(" ", value)))[:MAX_WORDS]
    return found | {(key, WORD) for word in words if (key := word_key(word))}


def rows_of(object_name: str, values: Mapping[str, Any]) -> list[dict[str, str]]:
    """The index rows of a record, given as column -> value with its tenant and id."""
    specs = OBJECT_INFO[object_name].fields
    keys: set[tuple[str, str]] = set()
    for field in PERSONAL.get(object_name, ()):
        if value := values.get(field):
            keys |= keys_of(specs[field].kind, str(value))
    return [
        {"tenant": values["tenant"], "key": key, "kind": kind, "object_name": object_name, "record_id": values["Id"]}
        for key, kind in sorted(keys)
    ]
