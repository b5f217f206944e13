"""Dates as people say them, resolved against a given today. Never reads a clock."""

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from agents._offline.amounts import small_number
from agents._offline.words import Token

_MONTHS = {name.lower(): n for n, name in enumerate(calendar.month_name) if name}
_MONTHS |= {name.lower(): n for n, name in enumerate(calendar.month_abbr) if name} | {"sept": 9}
_DAYS = {name.lower(): n for n, name in enumerate(calendar.day_name)}
_DAYS |= {name.lower(): n for n, name in enumerate(calendar.day_abbr)} | {"tues": 1, "thur": 3, "thurs": 3}
_AMBIGUOUS = {"may", "mar", "sun", "sat", "wed", "mon", "march", "second", "sec", "dec", "jan"}
_UNITS = {
    "day": "day",
    "days": "day",
    "week": "week",
    "weeks": "week",
    "month": "month",
    "months": "month",
    "quarter": "quarter",
    "quarters": "quarter",
    "year": "year",
    "years": "year",
    "qtr": "quarter",
    "yr": "year",
    "fortnight": "fortnight",
}
_BACK = ("last", "past", "previous", "prior")
_AHEAD = ("next", "coming", "following", "upcoming")
_QUARTERS = {"q1": 1, "q2": 2, "q3": 3, "q4": 4}


@dataclass(frozen=True)
class Span:
    """Days from `first` to `last`, both included, said by the tokens from `start` up to `end`."""

    first: date
    last: date
    start: int
    end: int


class TodayUnknownError(Exception):
    """A relative date was said and the conversation does not tell what day it is."""


def read_date(tokens: Sequence[Token], at: int, today: date | None) -> Span | None:
    """The date phrase that starts at `at`; None if there is none.

    Raises:
        TodayUnknownError: the phrase is relative and `today` is None.
    """
    if not 0 <= at < len(tokens):
        return None
    for read in (_absolute, _named_day, _counted, _period, _weekday, _month_or_quarter):
        if span := read(tokens, at, today):
            return span
    return None


AHEAD = frozenset(("CloseDate", "ActivityDate", "ExpirationDate", "EndDate"))
"""Dates that people speak of before they come."""
_PAST = frozenset("last past previous yesterday ago this prior today".split())


def bring_ahead(span: Span, tokens: Sequence[Token], today: date | None) -> Span:
    """A day or month said without a year and gone by means the next one; what names the past stays."""
    said = [token.low for token in tokens]
    has_year = any(len(word) >= 4 and word[:4].isdecimal() for word in said)
    if today is None or span.last >= today or has_year or _PAST & set(said):
        return span
    return Span(add_months(span.first, 12), add_months(span.last, 12), span.start, span.end)


def add_months(day: date, months: int) -> date:
    """The same day of another month, or that month's last day."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _low(tokens: Sequence[Token], at: int) -> str:
    return tokens[at].low if 0 <= at < len(tokens) else ""


def _need(today: date | None) -> date:
    if today is None:
        raise TodayUnknownError
    return today


def _make(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _year(word: str) -> int | None:
    return int(word) if len(word) == 4 and word.isdecimal() and 1900 <= int(word) <= 2199 else None


def _day_number(word: str) -> int | None:
    bare = word[:-2] if word[-2:] in ("st", "nd", "rd", "th") else word
    return int(bare) if bare.isdecimal() and len(bare) <= 2 and 1 <= int(bare) <= 31 else None


def _absolute(tokens: Sequence[Token], at: int, today: date | None) -> Span | None:
    word = _low(tokens, at)
    if len(word) == 10 and word[4] == "-" and (day := _iso(word)):
        return Span(day, day, at, at + 1)
    if tokens[at].kind == "date":
        parts = [int(part) for part in word.replace("/", ".").split(".") if part.isdecimal()]
        if len(parts) == 3 and (day := _make(parts[2], parts[1], parts[0]) or _make(parts[2], parts[0], parts[1])):
            return Span(day, day, at, at + 1)
    return _day_month(tokens, at, today) or _month_day(tokens, at, today)


def _iso(word: str) -> date | None:
    try:
        return date.fromisoformat(word)
    except ValueError:
        return None


def _day_month(tokens: Sequence[Token], at: int, today: date | None) -> Span | None:
    """12 May 2026, the 12th of May."""
    start = at
    at += _low(tokens, at) == "the"
    number = _day_number(_low(tokens, at))
    at += 1
    at += _low(tokens, at) == "of"
    month = _MONTHS.get(_low(tokens, at))
    return _finish(tokens, start, at + 1, month, number, today) if number and month else None


def _month_day(tokens: Sequence[Token], at: int, today: date | None) -> Span | None:
    """May 12, 2026; December 1st."""
    month = _MONTHS.get(_low(tokens, at))
    number = _day_number(_low(tokens, at + 1)) if month else None
    return _finish(tokens, at, at + 2, month, number, today) if number and month else None


def _finish(tokens: Sequence[Token], start: int, end: int, month: int, number: int, today: date | None) -> Span | None:
    comma = end + (_low(tokens, end) == ",")
    year = _year(_low(tokens, comma))
    if year:
        end = comma + 1
    day = _make(year or _need(today).year, month, number)
    return Span(day, day, start, end) if day else None


def _named_day(tokens: Sequence[Token], at: int, today: date | None) -> Span | None:
    word = _low(tokens, at)
    if word == "day" and _low(tokens, at + 1) in ("after", "before"):
        anchor = _low(tokens, at + 2)
        if anchor in ("tomorrow", "yesterday"):
            step = 2 if anchor == "tomorrow" else -2
            return _one_day(_need(today) + timedelta(step), at, at + 3)
    offset = {
        "today": 0,
        "tonight": 0,
        "tomorrow": 1,
        "tomorow": 1,
        "tommorow": 1,
        "tommorrow": 1,
        "tmrw": 1,
        "yesterday": -1,
    }.get(word)
    return None if offset is None else _one_day(_need(today) + timedelta(offset), at, at + 1)


def _one_day(day: date, start: int, end: int) -> Span:
    return Span(day, day, start, end)


def _counted(tokens: Sequence[Token], at: int, today: date | None) -> Span | None:
    """last 30 days, past three quarters, next 2 weeks, in 3 days, 2 weeks ago, in a week."""
    start = at
    at += _low(tokens, at) == "the"
    lead = _low(tokens, at)
    shift = 1 if lead in (*_BACK, *_AHEAD, "in", "within") else 0
    word = _low(tokens, at + shift)
    count = 1 if word in ("a", "an") else small_number(word)
    unit = _UNITS.get(_low(tokens, at + shift + 1))
    if not unit or count is None or count > 1_000:
        return None
    end = at + shift + 2
    if lead in _BACK:
        return Span(_shift(_need(today), unit, -count), _need(today), start, end)
    if lead in _AHEAD or lead == "within":
        return Span(_need(today), _shift(_need(today), unit, count), start, end)
    if lead == "in" or _low(tokens, end) == "from":
        return _one_day(_shift(_need(today), unit, count), start, end + 2 * (lead != "in"))
    if _low(tokens, end) == "ago":
        return _one_day(_shift(_need(today), unit, -count), start, end + 1)
    return None


def _shift(day: date, unit: str, count: int) -> date:
    days = {"day": 1, "week": 7, "fortnight": 14}.get(unit)
    try:
        if days:
            return day + timedelta(days * count)
        return add_months(day, count * {"month": 1, "quarter": 3, "year": 12}[unit])
    except (OverflowError, ValueError):
        return day


def _period(tokens: Sequence[Token], at: int, today: date | None) -> Span | None:
    """this week, last month, next quarter, the current year, end of the month, year to date."""
    start = at
    if _low(tokens, at) in ("end", "eom", "eoq", "eoy"):
        return _end_of(tokens, at, today)
    if [_low(tokens, at + i) for i in range(3)] in (["year", "to", "date"], ["quarter", "to", "date"]):
        first = _bounds(_need(today), _low(tokens, at))[0]
        return Span(first, _need(today), start, at + 3)
    if _low(tokens, at) == "ytd":
        return Span(_bounds(_need(today), "year")[0], _need(today), start, at + 1)
    at += _low(tokens, at) == "the"
    if _low(tokens, at + 1) == "end" and (whole := _UNITS.get(_low(tokens, at))) in ("month", "quarter", "year"):
        return _one_day(_bounds(_need(today), whole)[1], start, at + 2)
    lead, unit = _low(tokens, at), _UNITS.get(_low(tokens, at + 1))
    step = -1 if lead in _BACK else 1 if lead in _AHEAD else 0 if lead in ("this", "current") else None
    if step is None or unit is None or unit in ("day", "fortnight"):
        return None
    first, last = _bounds(_shift(_bounds(_need(today), unit)[0], unit, step), unit)
    return Span(first, last, start, at + 2)


def _end_of(tokens: Sequence[Token], at: int, today: date | None) -> Span | None:
    short = {"eom": "month", "eoq": "quarter", "eoy": "year"}.get(_low(tokens, at))
    if short:
        return _one_day(_bounds(_need(today), short)[1], at, at + 1)
    if _low(tokens, at + 1) != "of":
        return None
    if inner := read_date(tokens, at + 2, today):
        return _one_day(inner.last, at, inner.end)
    skip = at + 2 + (_low(tokens, at + 2) in ("the", "this"))
    unit = _UNITS.get(_low(tokens, skip))
    return _one_day(_bounds(_need(today), unit)[1], at, skip + 1) if unit else None


def _bounds(day: date, unit: str) -> tuple[date, date]:
    """First and last day of the week, month, quarter or year around a day. Weeks start on Monday."""
    if unit == "week":
        first = day - timedelta(day.weekday())
        return first, first + timedelta(6)
    span = {"month": 1, "quarter": 3, "year": 12}.get(unit)
    if span is None:
        return day, day
    first = date(day.year, (day.month - 1) // span * span + 1, 1)
    return first, add_months(first, span) - timedelta(1)


def _weekday(tokens: Sequence[Token], at: int, today: date | None) -> Span | None:
    """Friday and next Friday: the coming one; last Friday: the one before today; next week Friday."""
    start = at
    lead = _low(tokens, at) if _low(tokens, at) in (*_BACK, *_AHEAD, "this", "on") else ""
    at += bool(lead)
    word = _low(tokens, at)
    if word not in _DAYS or (word in _AMBIGUOUS and not lead and not tokens[at].is_capital):
        return None
    now = _need(today)
    if lead in _BACK:
        return _one_day(now - timedelta((now.weekday() - _DAYS[word] - 1) % 7 + 1), start, at + 1)
    if _low(tokens, at + 1) in _AHEAD and _low(tokens, at + 2) == "week":
        monday = now - timedelta(now.weekday()) + timedelta(7)
        return _one_day(monday + timedelta(_DAYS[word]), start, at + 3)
    return _one_day(now + timedelta((_DAYS[word] - now.weekday() - 1) % 7 + 1), start, at + 1)


def _month_or_quarter(tokens: Sequence[Token], at: int, today: date | None) -> Span | None:
    """March, in March 2025, Q3, Q3 2025, 2025."""
    start = at
    lead = _low(tokens, at) if _low(tokens, at) in (*_BACK, *_AHEAD, "in", "during", "this") else ""
    at += bool(lead)
    word = _low(tokens, at)
    if year := _year(word):
        return Span(date(year, 1, 1), date(year, 12, 31), start, at + 1) if lead in ("in", "during") else None
    months = (_MONTHS[word], 1) if word in _MONTHS else (_QUARTERS[word] * 3 - 2, 3) if word in _QUARTERS else None
    if months is None or (word in _AMBIGUOUS and not lead and not tokens[at].is_capital):
        return None
    given = at + 1 + (_low(tokens, at + 1) == "of")
    year = _year(_low(tokens, given))
    end = given + 1 if year else at + 1
    first = date(year or _nearest_year(_need(today), months[0], lead), months[0], 1)
    return Span(first, add_months(first, months[1]) - timedelta(1), start, end)


def _nearest_year(today: date, month: int, lead: str) -> int:
    if lead in _BACK:
        return today.year if month < today.month else today.year - 1
    if lead in _AHEAD:
        return today.year if month > today.month else today.year + 1
    return today.year
