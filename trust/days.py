"""Which days somebody means who says tomorrow, next Tuesday or last quarter."""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, timedelta

from trust.claims import MONTHS

_WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
_ISO = re.compile(r"(?<!\d)\d{4}-\d{2}-\d{2}(?!\d)")
_PERIOD = re.compile(r"\b(this|last|next|past|coming|previous|current)\s+(?:\d+\s+)?(week|month|quarter|year)s?\b")
_MONTH_NAMED = re.compile(rf"\b(?:({'|'.join(MONTHS)})|q([1-4]))\b,?(?: (?:of )?((?:19|20)\d\d)\b)?")
_AGO = re.compile(r"\b(\d{1,4})\s+(day|week|month|year)s?\b")
_LENGTHS = {"day": 1, "week": 7, "month": 30, "year": 365}


def days_meant(asked: str, today: date) -> set[str]:
    """Days that follow from today and the user's words: tomorrow, next Tuesday, the bounds of last quarter."""
    asked = asked.casefold()
    days = {today, today + timedelta(1), *_named_periods(asked, today)}
    if "recent" in asked or "lately" in asked:
        days.add(today - timedelta(30))
    for word, step in (("tomorrow", 1), ("yesterday", -1)):
        if word in asked:
            days.add(today + timedelta(step))
    for number, name in enumerate(_WEEKDAYS):
        if re.search(rf"\b{name[:3]}(?:{name[3:]})?\b", asked):
            ahead = (number - today.weekday()) % 7
            days |= {today + timedelta(ahead + 7 * weeks) for weeks in (-1, 0, 1)}
    for found in _PERIOD.finditer(asked):
        days |= set(_bounds(today, found[2]))
    for found in _ISO.finditer(asked):
        with suppress(ValueError, OverflowError):
            days.add(date.fromisoformat(found.group()) + timedelta(1))  # where what was asked for ends
    for found in _AGO.finditer(asked):
        days |= _around(today, int(found[1]), found[2])
    return {day.isoformat() for day in days}


def _named_periods(asked: str, today: date) -> Iterator[date]:
    """The bounds of months and quarters that were named, in the year named or in one near today."""
    for found in _MONTH_NAMED.finditer(asked):
        years = [int(found[3])] if found[3] else [today.year + step for step in (-1, 0, 1)]
        first, length = (3 * int(found[2]) - 3, 3) if found[2] else (MONTHS[found[1]] - 1, 1)
        for year in years:
            for index in (year * 12 + first, year * 12 + first + length):
                yield _month(index)
                yield _month(index) - timedelta(1)


def _around(today: date, count: int, unit: str) -> set[date]:
    step = timedelta(min(count * _LENGTHS[unit], 36_500))
    found = {today - step, today + step}
    if unit in ("month", "year"):
        months = count * (12 if unit == "year" else 1)
        found |= {_shift(today, months), _shift(today, -months)}
    return found


def _shift(day: date, months: int) -> date:
    index = min(max(day.year * 12 + day.month - 1 + months, 12), 9_998 * 12)
    return date(index // 12, index % 12 + 1, min(day.day, 28))


def _bounds(today: date, unit: str) -> Iterator[date]:
    """First and last days of the period before, of this one and of the next, and the days after them."""
    if unit == "week":
        first = today - timedelta(today.weekday())
        starts = [first + timedelta(7 * step) for step in range(-1, 3)]
    else:
        length = {"month": 1, "quarter": 3, "year": 12}[unit]
        index = (today.year * 12 + today.month - 1) // length * length
        starts = [_month(index + step * length) for step in range(-1, 3)]
    for start in starts:
        yield start
        yield start - timedelta(1)


def _month(index: int) -> date:
    return date(index // 12, index % 12 + 1, 1)
