"""Periods of a question for figures: rolling ones, named ones, halves, and spans between two dates."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from rapidfuzz.distance import OSA

from agents._offline.amounts import small_number
from agents._offline.dates import Span, TodayUnknownError, read_date
from agents._offline.measuring.roles import Roles
from agents._offline.reader import Reader
from agents._offline.words import Kind, Token, singular

_UNITS = {
    "day": "days",
    "week": "weeks",
    "month": "months",
    "quarter": "quarters",
    "qtr": "quarters",
    "year": "years",
    "yr": "years",
}
_BACK = frozenset("past last previous recent back".split())
_TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
    "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17,
    "eighteen": 18, "nineteen": 19, "hundred": 100,
}  # fmt: skip
_JOINS = frozenset("and to until till through thru -".split())
_SINCE = frozenset("since from starting after following".split())
_UNTIL = frozenset("before until till by through".split())
_LEADS = frozenset("in on over the within during for of at between from looking back as".split())
_MONTHS = {
    name: number
    for number, names in enumerate(
        ("january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug",
         "september sept sep", "october oct", "november nov", "december dec"), 1)
    for name in names.split()
}  # fmt: skip
_NTH = {"first": 0, "second": 1, "third": 2, "fourth": 3, "1st": 0, "2nd": 1, "3rd": 2, "4th": 3}
_ORDINALS = {"first": 0, "1st": 0, "second": 1, "2nd": 1, "h1": 0, "h2": 1}


@dataclass(frozen=True)
class _Rolling:
    count: int
    unit: str
    end: int


@dataclass
class Window:
    """The values of the arguments that say when, and whether today was needed and not known."""

    values: dict[str, object]
    needs_today: bool = False


def number_at(word: str) -> int | None:
    """'40', 'forty', 'twenty-six'; None for any other word."""
    if word.isdecimal() and len(word) < 8:
        return int(word)
    if word in _TENS:
        return _TENS[word]
    tens, _, ones = word.partition("-")
    if ones and tens in _TENS and (small := small_number(ones)) is not None:
        return _TENS[tens] + int(small)
    found = small_number(word)
    return int(found) if found is not None else None


def read_window(reader: Reader, roles: Roles, today: date | None) -> Window:
    """Takes the first period from the words; later ones stay where they are."""
    for at in range(len(reader)):
        if not reader.is_free(at) or reader.word(at) == "the":
            continue
        if (rolling := _rolling(reader.tokens, at)) and roles.count and roles.unit:
            _take(reader, at, rolling.end)
            return Window({roles.count.name: rolling.count, roles.unit.name: rolling.unit})
        try:
            found = _window(reader, at, roles, today)
        except TodayUnknownError:
            return Window({}, needs_today=True)
        if found is not None:
            return found
    if "so far" in reader.low and today:
        return _bounded(roles, None, today)
    return Window({})


def _take(reader: Reader, start: int, end: int) -> None:
    while reader.word(start - 1) in _LEADS:
        start -= 1
    reader.take(start, end)


def _rolling(tokens: Sequence[Token], at: int) -> _Rolling | None:
    """past three quarters, last 26 weeks, the past year. 'Last year' is the one before this one."""
    words = [token.low for token in tokens[at : at + 4]]
    if not words or words[0] not in _BACK:
        return None
    number = number_at(words[1]) if len(words) > 1 else None
    if number is not None and len(words) > 2 and (unit := _unit(words[2])):
        return _Rolling(number, unit, at + 3)
    if words[0] == "past" and len(words) > 1 and (unit := _unit(words[1])):
        return _Rolling(1, unit, at + 2)
    return None


def _unit(word: str) -> str | None:
    if known := _UNITS.get(singular(word)):
        return known
    near = [unit for name, unit in _UNITS.items() if len(name) > 3 and OSA.distance(singular(word), name) <= 1]
    return near[0] if near and len(word) > 4 else None


def _window(reader: Reader, at: int, roles: Roles, today: date | None) -> Window | None:
    first = _atom(reader.tokens, at, today)
    if first is None:
        return None
    before = at - 1
    while reader.word(before) in _LEADS - _SINCE - {"by"}:
        before -= 1
    lead = reader.word(at - 1) if reader.word(at - 1) in _SINCE | _UNTIL else reader.word(before)
    if reader.word(first.end) in _JOINS and (second := _atom(reader.tokens, first.end + 1, today)):
        start = first.first
        if not _has_year(reader.tokens, first):
            start = _in_year(start, second.last.year)
            start = _in_year(start, start.year - 1) if start > second.last else start
        _take(reader, at, second.end)
        return _bounded(roles, start, second.last)
    if named := _named(reader.tokens, first):
        _take(reader, at, first.end)
        if roles.named_period and named in roles.named_period.values:
            return Window({roles.named_period.name: named})
    _take(reader, at - (lead in _SINCE | _UNTIL), first.end)
    if lead in _SINCE and (lead != "from" or first.first == first.last):
        since = first.last + timedelta(1) if lead in ("after", "following") else first.first
        return _bounded(roles, since, today if today and since <= today else None)
    if lead in _UNTIL:
        return _bounded(roles, None, first.first - timedelta(1) if lead == "before" else first.last)
    return _bounded(roles, first.first, first.last)


def _bounded(roles: Roles, first: date | None, last: date | None) -> Window:
    values: dict[str, object] = {}
    if first and roles.since:
        values[roles.since.name] = first.isoformat()
    if last and roles.until:
        values[roles.until.name] = last.isoformat()
    return Window(values)


def _named(tokens: Sequence[Token], span: Span) -> str:
    """'this year', 'last month', 'year to date' as the name of a period."""
    words = [token.low for token in tokens[span.start : span.end] if token.low != "the"]
    if words in (["year", "to", "date"], ["ytd"]):
        return "this_year"
    if len(words) == 2 and words[0] in ("this", "last", "current", "previous"):
        return f"{ {'current': 'this', 'previous': 'last'}.get(words[0], words[0]) }_{words[1]}"
    return words[0] if words in (["today"], ["yesterday"]) else ""


def _atom(tokens: Sequence[Token], at: int, today: date | None) -> Span | None:
    if not 0 <= at < len(tokens):
        return None
    for read in (_half, _quarter, _month_of_year):
        if span := read(tokens, at, today):
            return span
    return _bare_year(tokens, at) or _past(read_date(tokens, at, today), tokens, today)


def _past(span: Span | None, tokens: Sequence[Token], today: date | None) -> Span | None:
    """A month or day without a year that has yet to come is the one gone by: figures are of what was."""
    if span is None or today is None or span.first <= today or _has_year(tokens, span):
        return span
    if not any(token.low in _MONTHS or token.low[:1] == "q" for token in tokens[span.start : span.end]):
        return span
    return Span(_in_year(span.first, today.year - 1), _in_year(span.last, today.year - 1), span.start, span.end)


def _has_year(tokens: Sequence[Token], span: Span) -> bool:
    return any(token.low[:4].isdecimal() and len(token.low) >= 4 for token in tokens[span.start : span.end])


def _in_year(day: date, year: int) -> date:
    try:
        return day.replace(year=year)
    except ValueError:
        return day.replace(year=year, day=28)


def _year(token: Token | None) -> int | None:
    is_year = token is not None and token.low.isdecimal() and len(token.low) == 4
    return int(token.low) if token is not None and is_year and 1990 <= int(token.low) <= 2099 else None


def _at(tokens: Sequence[Token], at: int) -> Token | None:
    return tokens[at] if 0 <= at < len(tokens) else None


def _low(tokens: Sequence[Token], at: int) -> str:
    return tokens[at].low if 0 <= at < len(tokens) else ""


def _year_after(tokens: Sequence[Token], at: int, today: date | None) -> tuple[int, int] | None:
    """The year that stands here, after 'of' or not, and where it ends: 2026, of this year."""
    at += _low(tokens, at) == "of"
    if (year := _year(_at(tokens, at))) is not None:
        return year, at + 1
    if _low(tokens, at) in ("this", "last") and _low(tokens, at + 1) == "year":
        if today is None:
            raise TodayUnknownError
        return today.year - (_low(tokens, at) == "last"), at + 2
    return None


def _quarter(tokens: Sequence[Token], at: int, today: date | None) -> Span | None:
    """second quarter of 2026."""
    quarter = _NTH.get(_low(tokens, at)) if _low(tokens, at + 1) == "quarter" else None
    year = _year_after(tokens, at + 2, today) if quarter is not None else None
    if quarter is None or year is None:
        return None
    first = date(year[0], 1 + 3 * quarter, 1)
    after = date(year[0] + (quarter == 3), (first.month + 2) % 12 + 1, 1)
    return Span(first, after - timedelta(1), at, year[1])


def _half(tokens: Sequence[Token], at: int, today: date | None) -> Span | None:
    """first half of 2026, H1 2026, first six months of 2026, first half 2026."""
    half = _ORDINALS.get(_low(tokens, at))
    if half is None:
        return None
    months = 6
    end = at + 1
    if not _low(tokens, at).startswith("h"):
        if _low(tokens, end) == "half":
            end += 1
        elif half == 0 and (count := number_at(_low(tokens, end))) and singular(_low(tokens, end + 1)) == "month":
            months, end = count, end + 2
        else:
            return None
    year = _year_after(tokens, end, today)
    if year is None and today is None:
        raise TodayUnknownError
    number, end = year or (today.year if today else 0, end)
    if not 1 <= months <= 12:
        return None
    first = date(number, 1 + 6 * half, 1)
    month = first.month + months
    after = date(number + (month > 12), (month - 1) % 12 + 1, 1)
    return Span(first, after - timedelta(1), at, end)


def _month_of_year(tokens: Sequence[Token], at: int, today: date | None) -> Span | None:
    """may 2026, in may of this year: with a year beside it no word for a month is anything else."""
    month = _MONTHS.get(_low(tokens, at))
    year = _year_after(tokens, at + 1, today) if month else None
    if month is None or year is None:
        return None
    after = date(year[0] + (month == 12), month % 12 + 1, 1)
    return Span(date(year[0], month, 1), after - timedelta(1), at, year[1])


def _bare_year(tokens: Sequence[Token], at: int) -> Span | None:
    year = _year(tokens[at])
    if year is None or tokens[at].kind is not Kind.NUMBER or tokens[at].text != tokens[at].low:
        return None
    if _low(tokens, at + 1) in ("h1", "h2"):
        half = _ORDINALS[_low(tokens, at + 1)]
        first = date(year, 1 + 6 * half, 1)
        return Span(first, date(year, 6, 30) if not half else date(year, 12, 31), at, at + 2)
    return Span(date(year, 1, 1), date(year, 12, 31), at, at + 1)
