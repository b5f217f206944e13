"""What the system prompt tells: today, the user, the objects with their fields and allowed values."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, lru_cache

_TODAY = re.compile(r"\btoday is (?:\w+, )?(\d{4}-\d{2}-\d{2})", re.IGNORECASE)
_STAFF = re.compile(r"\bthe user is ([^(\n]{1,120}?) \(user ([A-Za-z0-9]{15,18})(?:, ([^)\n]{1,80}))?\)", re.IGNORECASE)
_CUSTOMER = re.compile(r"\bthe user is a customer, ([^(\n]{1,120}?) \(contact ([^)\s]{1,30})\)", re.IGNORECASE)
_OBJECT_LINE = re.compile(r"^[-*\s]*([A-Z]\w{1,60})(?: \([^)\n]{0,80}\))?: (.+)$")
_AGENT = re.compile(r"^you are the (\w+) agent\b", re.IGNORECASE)
_HEADER = re.compile(r"^\s*records you can use\b", re.IGNORECASE)
_FIELD = re.compile(r"^([A-Za-z]\w*)\s*(?:\[([^\]]*)\])?")
_FLAG = re.compile(r"(?:Is|Has)[A-Z]")
_NUMERIC_ENDINGS = (
    "Amount",
    "Revenue",
    "Employees",
    "Price",
    "Total",
    "Cost",
    "Quantity",
    "Discount",
    "Probability",
    "Term",
    "Number",
    "Minutes",
)
_TEXT_NUMBERS = ("CaseNumber", "OrderNumber", "ArticleNumber", "ContractNumber")


@dataclass(frozen=True)
class Caller:
    name: str
    record_id: str
    is_customer: bool = False


@dataclass(frozen=True)
class FieldInfo:
    name: str
    values: tuple[str, ...] = ()

    @property
    def is_date(self) -> bool:
        return self.name.endswith(("Date", "DateTime", "At", "EndTime"))

    @property
    def is_number(self) -> bool:
        return self.name.endswith(_NUMERIC_ENDINGS) and self.name not in _TEXT_NUMBERS

    @property
    def is_flag(self) -> bool:
        return bool(_FLAG.match(self.name))

    @property
    def is_reference(self) -> bool:
        return self.name.endswith("Id") and self.name != "Id"


@dataclass(frozen=True, eq=False)
class ObjectInfo:
    name: str
    fields: Mapping[str, FieldInfo] = field(default_factory=dict)

    def first(self, *names: str) -> str | None:
        """The first of these fields that the object has."""
        return next((name for name in names if name in self.fields), None)

    def closing_field(self) -> tuple[str, str] | None:
        """The picklist that says a record is done, and its value for done."""
        for info in self.fields.values():
            for value in info.values:
                if value in ("Closed", "Completed"):
                    return info.name, value
        return None


@dataclass(frozen=True, eq=False)
class Briefing:
    today: date | None = None
    caller: Caller | None = None
    objects: Mapping[str, ObjectInfo] = field(default_factory=dict)
    agent: str = ""
    """Who answers, in lower case: sales, service ..."""

    @cached_property
    def value_words(self) -> frozenset[str]:
        """Every allowed value in lower case: such a word is never a misspelt kind of record."""
        fields = (info for known in self.objects.values() for info in known.fields.values())
        return frozenset(value.lower() for info in fields for value in info.values)

    def object(self, name: str) -> ObjectInfo:
        """What is known of the object; nothing but its name if the prompt does not list it."""
        return self.objects.get(name) or ObjectInfo(name)


@lru_cache(maxsize=256)
def read_briefing(prompt: str) -> Briefing:
    """What a system prompt says. The same prompt gives the same objects, so that what is read off them is kept."""
    agent = found[1].lower() if (found := _AGENT.match(prompt)) else ""
    return Briefing(_read_today(prompt), _read_caller(prompt), _read_objects(prompt), agent)


def _read_today(prompt: str) -> date | None:
    found = _TODAY.search(prompt)
    try:
        return date.fromisoformat(found.group(1)) if found else None
    except ValueError:
        return None


def _read_caller(prompt: str) -> Caller | None:
    if found := _CUSTOMER.search(prompt):
        return Caller(found.group(1).strip(), found.group(2), is_customer=True)
    if found := _STAFF.search(prompt):
        return Caller(found.group(1).strip(), found.group(2))
    return None


def _read_objects(prompt: str) -> dict[str, ObjectInfo]:
    objects: dict[str, ObjectInfo] = {}
    inside = False
    for line in prompt.splitlines():
        if _HEADER.match(line):
            inside = True
        elif inside and (found := _OBJECT_LINE.match(line)):
            objects[found.group(1)] = ObjectInfo(found.group(1), _read_fields(found.group(2)))
        elif inside and objects:
            break
    return objects


def _read_fields(text: str) -> dict[str, FieldInfo]:
    fields = {}
    for part in _split_outside_brackets(text):
        if found := _FIELD.match(part.strip()):
            values = tuple(value.strip() for value in (found.group(2) or "").split("|") if value.strip())
            fields[found.group(1)] = FieldInfo(found.group(1), values)
    return fields


def _split_outside_brackets(text: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for at, char in enumerate(text):
        depth += (char == "[") - (char == "]")
        if char == "," and depth <= 0:
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:].rstrip(".")]
