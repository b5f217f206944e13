"""Two periods that are compared: 'this quarter against last quarter', 'compared to last year'."""

import re
from dataclasses import dataclass
from datetime import date, timedelta

from agents._offline.measuring.roles import Roles
from agents._offline.reader import Reader

_MARKS = (
    "compared to", "compared with", "in comparison to", "in comparison with", "as against", "as opposed to", "against",
    "versus", "vs", "v", "relative to",
)  # fmt: skip
_BEGINS = re.compile(r"^\W*(?:please |can you |could you |let us |i (?:want|need|would like) (?:you )?to )*compare\b")
_JOINS = frozenset("to with and against versus vs than".split())
_SMALL = frozenset("the that of in for . a as to".split())
_BEFORE = frozenset("last previous prior preceding".split())
_UNITS = frozenset("week month quarter year".split())


@dataclass(frozen=True)
class Comparison:
    """Both periods as one span, split by the unit they have in common."""

    values: dict[str, object]
    unit: str
    needs_today: bool = False


def read_comparison(reader: Reader, roles: Roles, today: date | None) -> Comparison | None:
    """Takes the words that compare this period with the one before; None if no such two are compared."""
    place = _mark(reader)
    if place is None:
        return None
    start, at = place
    while reader.word(at) in _SMALL:
        at += 1
    unit = reader.word(at + 1)
    if reader.word(at) not in _BEFORE or unit not in _UNITS or not (roles.since and roles.until):
        return None
    reader.take(start, at + 2)
    for before in range(len(reader) - 1):
        if reader.word(before) in ("this", "current") and reader.word(before + 1) == unit:
            reader.take(before, before + 2)
    if _BEGINS.match(reader.low):
        reader.take(0, next(at for at in range(len(reader)) if reader.word(at) == "compare") + 1)
    if today is None:
        return Comparison({}, unit, needs_today=True)
    first, last = _start(today, unit), _end(today, unit)
    return Comparison({roles.since.name: first.isoformat(), roles.until.name: last.isoformat()}, unit)


def _mark(reader: Reader) -> tuple[int, int] | None:
    """The word that sets one beside the other, before the period that is told."""
    begins = bool(_BEGINS.match(reader.low))
    for at in range(1, len(reader)):
        for phrase in _MARKS:
            words = phrase.split()
            if [reader.word(at + i) for i in range(len(words))] == words:
                return at, at + len(words)
        if begins and reader.word(at) in _JOINS and reader.word(at + 1) in _BEFORE | {"the"}:
            return at, at + 1
    return None


def _start(today: date, unit: str) -> date:
    """The first day of the week, month, quarter or year before this one."""
    if unit == "week":
        return today - timedelta(days=today.weekday() + 7)
    if unit == "year":
        return date(today.year - 1, 1, 1)
    months = 1 if unit == "month" else 3
    before = today.year * 12 + (today.month - 1) // months * months - months
    return date(before // 12, before % 12 + 1, 1)


def _end(today: date, unit: str) -> date:
    """The last day of this week, month, quarter or year: deals of this quarter may close on any day of it."""
    if unit == "week":
        return today + timedelta(days=6 - today.weekday())
    months = {"month": 1, "quarter": 3, "year": 12}[unit]
    after = today.year * 12 + (today.month - 1) // months * months + months
    return date(after // 12, after % 12 + 1, 1) - timedelta(days=1)
