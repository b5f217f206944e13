"""From the words of a question to days: what "past three quarters" or "last month" means on a given day."""

import calendar
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from crm.semantics.model import Grain
from tools._declare import ToolRetryError

MOST_STEPS = 200
"""How many periods a series has at most."""

Named = Literal[
    "today",
    "yesterday",
    "this_week",
    "last_week",
    "this_month",
    "last_month",
    "this_quarter",
    "last_quarter",
    "this_year",
    "last_year",
    "all",
]
NAMED: dict[str, str] = {
    "today": "today",
    "yesterday": "yesterday",
    "this_week": "this week so far, from Monday",
    "last_week": "the whole week before this one",
    "this_month": "this month so far, month to date",
    "last_month": "the whole month before this one, previous month",
    "this_quarter": "this quarter so far, quarter to date",
    "last_quarter": "the whole quarter before this one, previous quarter",
    "this_year": "this year so far, year to date",
    "last_year": "the whole year before this one, previous year",
    "all": "all time, ever, without limits",
}
Step = Literal["days", "weeks", "months", "quarters", "years"]
STEPS: dict[str, str] = {
    "days": "past days",
    "weeks": "past weeks",
    "months": "past months",
    "quarters": "past quarters, three months each",
    "years": "past years",
}
_MONTHS: dict[Step, int] = {"months": 1, "quarters": 3, "years": 12}
_FIRST = {"week": 0, "month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True)
class Period:
    """Both ends are part of it; None: open."""

    since: date | None = None
    until: date | None = None

    def words(self) -> str:
        if self.since is None and self.until is None:
            return "all time"
        if self.since is None:
            return f"up to {self.until}"
        if self.until is None:
            return f"since {self.since}"
        return f"{self.since} to {self.until}"

    def before(self) -> "Period | None":
        """The period of the same length that ends where this one begins; None if this one is open."""
        if self.since is None or self.until is None:
            return None
        if _is_whole_months(self.since, self.until):
            months = (self.until.year - self.since.year) * 12 + self.until.month - self.since.month + 1
            return Period(months_before(self.since, months), self.since - timedelta(days=1))
        return Period(self.since - (self.until - self.since) - timedelta(days=1), self.since - timedelta(days=1))


def months_before(day: date, months: int) -> date:
    """The same day so many months earlier, or the last day of that month. Raises: ToolRetryError."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    if year < 1:
        raise ToolRetryError("past_count: that is before the calendar begins")
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def past(count: int, step: Step, until: date) -> Period:
    """So many steps back from a day, with that day and the one reached. Raises: ToolRetryError."""
    if step in _MONTHS:
        return Period(months_before(until, count * _MONTHS[step]), until)
    try:
        return Period(until - timedelta(days=count * (7 if step == "weeks" else 1)), until)
    except OverflowError:
        raise ToolRetryError("past_count: that is before the calendar begins") from None


def named(name: Named, today: date) -> Period:
    """The period of that name, seen from a day."""
    if name == "all":
        return Period()
    if name in ("today", "yesterday"):
        day = today - timedelta(days=name == "yesterday")
        return Period(day, day)
    which, _, unit = name.partition("_")
    start = _start_of(unit, today)
    if which == "this":
        return Period(start, today)
    return Period(_start_of(unit, start - timedelta(days=1)), start - timedelta(days=1))


def _start_of(unit: str, day: date) -> date:
    if unit == "week":
        return day - timedelta(days=day.weekday())
    months = _FIRST[unit]
    return date(day.year, (day.month - 1) // months * months + 1, 1)


def _is_whole_months(since: date, until: date) -> bool:
    return since.day == 1 and until.day == calendar.monthrange(until.year, until.month)[1]


def steps_between(first: str, last: str, grain: Grain) -> list[str]:
    """The names of all periods of a grain from one to another, as `crm.connector.Group` keys them."""
    day, end = _first_day(first, grain), _first_day(last, grain)
    found: list[str] = []
    while day <= end and len(found) < MOST_STEPS:
        found.append(name_of(day, grain))
        day = _next(day, grain)
    return found


def name_of(day: date, grain: Grain) -> str:
    """The period that a day lies in."""
    if grain == "year":
        return f"{day:%Y}"
    if grain == "quarter":
        return f"{day:%Y}-Q{(day.month + 2) // 3}"
    if grain == "month":
        return f"{day:%Y-%m}"
    return _start_of("week", day).isoformat() if grain == "week" else day.isoformat()


def _first_day(name: str, grain: Grain) -> date:
    if grain == "year":
        return date(int(name), 1, 1)
    if grain == "quarter":
        return date(int(name[:4]), int(name[-1]) * 3 - 2, 1)
    return date.fromisoformat(f"{name}-01" if grain == "month" else name)


def _next(day: date, grain: Grain) -> date:
    if grain in ("day", "week"):
        return day + timedelta(days=7 if grain == "week" else 1)
    return months_before(day, -_FIRST[grain])
