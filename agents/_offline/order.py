"""Reads how records are grouped, ordered and capped: 'per stage', 'by month', 'top 5', 'latest', 'sorted by'."""

import re
from collections.abc import Sequence

from agents._offline.amounts import small_number
from agents._offline.lexicon import DATE_VERBS, MEASURES, field_named
from agents._offline.prompt import FieldInfo, ObjectInfo
from agents._offline.reader import Reader
from agents._offline.request import Sort
from agents._offline.words import singular

_DEFAULT_DATES = {
    "Opportunity": "CloseDate", "Task": "ActivityDate", "Event": "StartDateTime", "Quote": "ExpirationDate",
    "Order": "EffectiveDate", "Contract": "EndDate",
}  # fmt: skip
_DOWN = frozenset("largest biggest highest top latest newest recent best greatest max maximum most".split())
_UP = frozenset("smallest lowest oldest earliest soonest least min minimum bottom worst cheapest next longest".split())
_TIMELY = frozenset("last latest newest recent oldest earliest soonest next longest".split())
_GROUPING = (
    "group them by", "group these by", "group it by", "split them by", "break them down by", "distributed across",
    "distributed by", "distributed over", "grouped by", "group by", "broken down by", "break down by", "split by",
    "by each", "for each", "for every", "per", "across", "in each", "each", "by",
)  # fmt: skip
_ORDERING = (
    "sorted by", "sort by", "ordered by", "order by", "ranked by", "rank by", "sort them by", "order them by",
    "rank them by", "sort it by", "sort these by", "sort those by",
)  # fmt: skip
_UPWARD = ("ascending", "asc", "lowest first", "oldest first", "smallest first", "alphabetically", "earliest first")
_DOWNWARD = ("descending", "desc", "highest first", "newest first", "largest first", "latest first", "biggest first")
_ORIGINS = re.compile(
    r"where(?: do| did)?(?: \w+){1,3}? (?:c[ao]me|coming|originated?|stems?|stemmed|hail)(?: to us)? from\b"
    r"|how (?:they|these|those|we) (?:found|find|heard|hear|reached|reach|got|get|came|come|met|meet|won|gained)"
    r"(?: (?:of|to|about|in|at|into))?(?: (?:us|them))?\b"
)
"""Asks by which way somebody or something came, without a word for the field that holds it."""
_CAME = re.compile(
    r"(?:that |which )?(?:they|it|these|those) (?:c[ao]me|arrived?|reached us|found us)(?: in)?"
    r"(?: (?:from|through|by|via|over|in))?\b"
)
_PERIODS = frozenset("day month quarter year".split())
_PERIODICALLY = {"daily": "day", "monthly": "month", "quarterly": "quarter", "yearly": "year", "annually": "year"}
_ORIGIN_FIELDS = ("LeadSource", "Origin")
_LONGEST_ASIDE = 9
_SPLITTERS = frozenset("break split group divide cut slice".split())
_TIME_UNITS = frozenset("day days week weeks month months quarter quarters year years hour hours".split())


def default_measure(info: ObjectInfo) -> str | None:
    """The number people mean when they name none: a deal's amount, an account's revenue."""
    return info.first(*MEASURES) or ("Amount" if info.name == "Opportunity" else None)


def default_date(info: ObjectInfo) -> str:
    """The date people mean when they name none: when a deal closes, when a case came in."""
    default = _DEFAULT_DATES.get(info.name, "CreatedDate")
    return default if default in info.fields or not info.fields else "CreatedDate"


def read_grouping(reader: Reader, info: ObjectInfo) -> list[str]:
    """Fields to group by, dates with their period ('CreatedDate.month'). Words such as 'sorted by' are left alone."""
    for word, period in _PERIODICALLY.items():
        if reader.take_phrase(word):
            return [f"{_date_spoken_of(reader, info)}.{period}"]
    for phrase in _GROUPING:
        place = reader.find_phrase(phrase)
        if not place or reader.word(place[0] - 1) in ("sorted", "sort", "ordered", "order", "ranked", "owned", "rank"):
            continue
        fields, at = _fields_from(reader, info, place[1])
        if fields and not (phrase == "by" and info.fields and FieldInfo(fields[0]).is_number):
            reader.take(place[0], at)
            return fields
    return _asked_origin(reader, info)


def take_splitter(reader: Reader) -> None:
    """'break', 'group': the word in front that says no more than that records are grouped."""
    if reader.word(0) in _SPLITTERS:
        reader.take(0, 1 + (reader.word(1) in ("up", "down")))


def _asked_origin(reader: Reader, info: ObjectInfo) -> list[str]:
    """'where do our leads come from?'"""
    field, opening = info.first(*_ORIGIN_FIELDS), (reader.word(0), reader.word(1))
    if field is None or opening not in (("where", "do"), ("where", "did")):
        return []
    end = _end_of(_ORIGINS, reader, 0)
    if end:
        reader.take(0, end)
    return [field] if end else []


def _end_of(pattern: re.Pattern[str], reader: Reader, at: int) -> int:
    """Where the words end that the pattern finds from a place on; 0 if it finds none there."""
    found = pattern.match(" ".join(token.low for token in reader.tokens[at : at + _LONGEST_ASIDE]))
    return at + len(found[0].split()) if found else 0


def _fields_from(reader: Reader, info: ObjectInfo, at: int) -> tuple[list[str], int]:
    fields: list[str] = []
    while True:
        at += reader.word(at) in ("the", "their", "its")
        found = _group_at(reader, info, at)
        if found is None:
            return fields, at
        fields.append(found[0])
        at = found[1]
        if reader.word(at) not in ("and", ",", "then", "&", "per", "by"):
            return fields, at
        at += 1


def _group_at(reader: Reader, info: ObjectInfo, at: int) -> tuple[str, int] | None:
    """The field, or the date and its period, that stands here, and where it ends."""
    if (origin := info.first(*_ORIGIN_FIELDS)) and (end := _end_of(_ORIGINS, reader, at)):
        return origin, end
    if singular(reader.word(at)) in _PERIODS:
        return f"{_date_spoken_of(reader, info)}.{singular(reader.word(at))}", at + 1
    if singular(reader.word(at + 1)) in _PERIODS and (dates := DATE_VERBS.get(reader.word(at))):
        return f"{info.first(*dates) or default_date(info)}.{singular(reader.word(at + 1))}", at + 2
    for size in (3, 2, 1):
        words = [reader.word(at + i) for i in range(size)]
        if not all(words):
            continue
        named = field_named([*words[:-1], _one(words[-1])], info) or field_named(words, info)
        if named and not named.is_date:
            end = at + size
            return named.name, (_end_of(_CAME, reader, end) if named.name in _ORIGIN_FIELDS else 0) or end
    return None


def _one(word: str) -> str:
    return word if word == "status" else singular(word)


def _date_spoken_of(reader: Reader, info: ObjectInfo) -> str:
    """The date that a verb in the clause speaks of ('created per month'); else the object's usual one."""
    for at in reader.free():
        known = [name for name in DATE_VERBS.get(reader.word(at), ()) if name in info.fields or name == "CreatedDate"]
        if known and reader.word(at) not in ("new", "close", "end"):
            reader.take(at, at + 1)
            return known[0]
    return default_date(info)


def read_sort(reader: Reader, info: ObjectInfo) -> tuple[Sort | None, int | None]:
    """Order and number of records: 'top 5', 'latest', 'sorted by amount ascending', 'the three oldest'."""
    limit = _read_limit(reader)
    for phrase in _ORDERING:
        place = reader.find_phrase(phrase)
        fields, at = _sort_fields(reader, info, place[1]) if place else ([], 0)
        if place and fields:
            reader.take(place[0], at)
            return Sort(fields[0], _goes_down(reader, fields[0])), limit
    for phrase in (*_DOWNWARD, *_UPWARD):
        if reader.take_phrase(phrase):
            is_time = phrase.split()[0] in _TIMELY
            field = "CreatedDate" if is_time else default_measure(info)
            return (Sort(field, phrase in _DOWNWARD) if field else None), limit
    for at in reader.free():
        word = reader.word(at)
        if (reader.word(at - 1) == "at" and word in ("least", "most")) or (
            word == "most" and reader.word(at + 1) in _DOWN
        ):
            continue
        if (word in _DOWN or word in _UP or (word == "last" and limit)) and not _is_time(reader, at):
            return _superlative(reader, info, at, limit)
    if place := reader.find_phrase("by"):
        fields, at = _sort_fields(reader, info, place[1])
        if fields and (FieldInfo(fields[0]).is_number or FieldInfo(fields[0]).is_date):
            reader.take(place[0], at)
            return Sort(fields[0], _goes_down(reader, fields[0])), limit
    return None, limit


def _is_time(reader: Reader, at: int) -> bool:
    """'next 60 days', 'next week', 'next step': no order is meant."""
    following = reader.word(at + 1 + (small_number(reader.word(at + 1)) is not None))
    return reader.word(at) == "next" and (following in _TIME_UNITS or following == "step")


def _goes_down(reader: Reader, field: str) -> bool:
    """Largest and latest first unless said otherwise; texts run from A to Z."""
    if reader.take_phrase(*_UPWARD):
        return False
    is_text = not (field.endswith("Date") or FieldInfo(field).is_number)
    return reader.take_phrase(*_DOWNWARD) or not is_text


def _superlative(reader: Reader, info: ObjectInfo, at: int, limit: int | None) -> tuple[Sort | None, int | None]:
    word = reader.word(at)
    reader.take(at - (reader.word(at - 1) in ("most", "the")), at + 1)
    number = small_number(reader.word(at + 1))
    if number and reader.is_free(at + 1):
        reader.take(at + 1, at + 2)
        limit = limit or number
    down = word in _DOWN or word == "last"
    if place := reader.find_phrase("by"):
        fields, end = _sort_fields(reader, info, place[1])
        if fields:
            reader.take(place[0], end)
            return Sort(fields[0], down), limit
    if word in _TIMELY:
        ahead = word in ("soonest", "next")
        return Sort(default_date(info) if ahead else "CreatedDate", word not in _UP), limit
    measure = default_measure(info)
    return (Sort(measure, down) if measure else None), limit


def _sort_fields(reader: Reader, info: ObjectInfo, at: int) -> tuple[list[str], int]:
    at += reader.word(at) == "the"
    for size in (2, 1):
        words = [reader.word(at + i) for i in range(size)]
        if all(words) and (named := field_named(words, info)):
            return [named.name], at + size
    return [], at


def _read_limit(reader: Reader) -> int | None:
    for at in reader.free():
        word = reader.word(at)
        if word in ("top", "first", "last", "bottom", "latest", "next") and (n := small_number(reader.word(at + 1))):
            if reader.word(at + 2) in _TIME_UNITS or reader.word(at + 1) == "one":
                continue
            start = at if word in ("first", "next") else at + 1
            reader.take(start, at + 2)
            return n
        if (n := small_number(word)) and _is_superlative(reader, at + 1):
            reader.take(at, at + 1)
            return n
    return None


def _is_superlative(reader: Reader, at: int) -> bool:
    words: Sequence[str] = (reader.word(at), reader.word(at + 1))
    return (words[0] in _DOWN | _UP and words[0] != "next") or (words[0] == "most" and words[1] in _DOWN)
