"""Says what a list or a figure was narrowed to, so that a request that was misread is seen at once."""

from collections.abc import Sequence
from datetime import date, timedelta

from agents._offline import compose
from agents._offline.memory import Memory
from agents._offline.request import Condition
from agents._offline.words import say_name

_SIGNS = {
    "eq": "=",
    "ne": "≠",
    "gt": ">",
    "ge": "≥",
    "lt": "<",
    "le": "≤",
    "contains": "contains",
    "starts_with": "starts with",
    "in": "in",
    "is_null": "is empty",
}


def say_conditions(conditions: Sequence[Condition], memory: Memory) -> str:
    """' (open, close date from 2026-10-01 to 2026-12-31)'; empty if there are none."""
    parts: list[str] = []
    spans = _spans(conditions)
    for condition in conditions:
        if span := spans.get(condition.field):
            if condition.op == "ge":
                parts.append(f"{say_name(condition.field)} {_say_span(*span)}")
        elif condition.topic == "mine":
            parts.append("yours")
        elif condition.field == "IsClosed":
            parts.append("closed" if condition.value else "open")
        elif condition.op == "is_null":
            parts.append(f"without {say_name(condition.field)}")
        else:
            parts.append(
                f"{say_name(condition.field)} {_SIGNS[condition.op]} {compose.say_value(condition.value, memory)}"
            )
    return f" ({', '.join(parts)})" if parts else ""


def _spans(conditions: Sequence[Condition]) -> dict[str, tuple[date, date]]:
    """Field -> the first and the last day between which the conditions put it."""
    since = {c.field: day for c in conditions if c.op == "ge" and (day := _day(c.value))}
    until = {c.field: day for c in conditions if c.op == "lt" and (day := _day(c.value))}
    return {name: (first, until[name] - timedelta(1)) for name, first in since.items() if name in until}


def _say_span(first: date, last: date) -> str:
    """As people say it: a year or a day by itself, else both ends."""
    if (first.month, first.day, last.month, last.day) == (1, 1, 12, 31) and first.year == last.year:
        return f"in {first.year}"
    return f"on {first}" if first == last else f"from {first} to {last}"


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
