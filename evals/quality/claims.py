"""Claims in an answer that come from nowhere: own reading of numbers, dates, ids, codes and names, apart from the
service's own check of the same kind, so that the one can find what the other misses."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from agents._roster import load_roster
from crm.ids import normalise_id
from crm.schema import OBJECT_INFO
from evals.quality.matching import number_of, plain
from evals.quality.transcript import strings_in
from tools._catalogue import describe_catalogue

_ID = re.compile(r"(?<![A-Za-z0-9])(?=[A-Za-z0-9]*\d)[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?(?![A-Za-z0-9])")
_INSTANT = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?")
_MONTH_OF = re.compile(r"\b(\d{4})-(\d{2})\b(?!-)")
_MONTHS = (
    "january february march april may june july august september october november december".split()  # as people write
)
_MONTH_WORD = r"(" + "|".join(f"{one[:3]}(?:{one[3:]})?" if len(one) > 3 else one for one in _MONTHS) + r")\.?"
_DAY_FIRST = re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)? (?:of )?{_MONTH_WORD},? (\d{{4}})\b", re.IGNORECASE)
_MONTH_FIRST = re.compile(rf"\b{_MONTH_WORD} (\d{{1,2}})(?:st|nd|rd|th)?,? (\d{{4}})\b", re.IGNORECASE)
_MONTH_YEAR = re.compile(rf"\b{_MONTH_WORD} (\d{{4}})\b", re.IGNORECASE)
_CLOCK = re.compile(r"\b(\d{1,2}):(\d{2})\b")
_CODE = re.compile(r"\b(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*\b")
_NUMBER = re.compile(r"(?<![\w.,-])[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?![\w]|[.,]\d)")
_LIST_MARK = re.compile(r"^\s*\d{1,3}[.)]\s", re.MULTILINE)
_LIST_ITEM = re.compile(r"^\s*(?:[-*•]|\d{1,3}[.)])\s", re.MULTILINE)
_CAPITALS = re.compile(r"\b[A-Z][a-z’']+(?: [A-Z][a-z’']+)+\b")
_WORD = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True)
class Claim:
    """Something said that stands in no source. `kind` is number, date, id, code or name."""

    kind: str
    text: str


@dataclass
class Sources:
    """Everything an answer may be taken from: results of tools, words of the user, the day, who the caller is."""

    text: str = ""
    ids: set[str] = field(default_factory=set)
    numbers: set[Decimal] = field(default_factory=set)
    days: set[date] = field(default_factory=set)
    clocks: set[tuple[int, int]] = field(default_factory=set)
    codes: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, texts: Iterable[str], results: Iterable[Any], today: date) -> "Sources":
        sources = cls()
        sources.days.add(today)
        for text in texts:
            sources._add_text(text)
        for result in results:
            sources._add_result(result)
        sources.words = set(_WORD.findall(sources.text))
        return sources

    def _add_text(self, text: str) -> None:
        self.text += f"\n{plain(text)}"
        self.ids |= set(_ids_in(text))
        self.days |= {day for _, day in _days_in(text)}
        self.clocks |= set(_clocks_in(text))
        self.codes |= {one.casefold() for one in _CODE.findall(text)}
        self.numbers |= set(_numbers_in(text))

    def _add_result(self, value: Any) -> None:
        for text in strings_in(value):
            self._add_text(text)
        for text in (*_keys_in(value), *_people_in(value)):
            self._add_text(text)
        self.numbers |= set(_values_in(value))

    def has_number(self, number: Decimal) -> bool:
        """As it is, rounded as far as it was said, or as per cent of a share."""
        places = max(0, -int(number.as_tuple().exponent))
        candidates = (number, -number)
        return any(
            one in candidates or round(one, places) in candidates or round(one * 100, places) == number
            for one in self.numbers
        )


def find_claims(answer: str, sources: Sources, names: Iterable[str]) -> list[Claim]:
    """What the answer says and no source does. `names` are those of the tenant's records, known or not."""
    left = _LIST_MARK.sub(" ", answer.replace("\\", ""))
    ids = [(text, normalise_id(text)) for text in _ID.findall(left)]
    found = [Claim("id", text) for text, normal in ids if normal and normal not in sources.ids]
    left = _ID.sub(" ", left)
    found += [Claim("date", text) for text, day in _days_in(left) if day not in sources.days]
    found += [Claim("date", text) for text, month in _months_in(left) if not _has_month(month, sources)]
    found += [Claim("date", f"{h}:{m:02}") for h, m in _clocks_in(left) if (h, m) not in sources.clocks]
    for pattern in (_INSTANT, _DAY_FIRST, _MONTH_FIRST, _MONTH_YEAR, _MONTH_OF, _CLOCK):
        left = pattern.sub(" ", left)
    known = sources.codes | _vocabulary()
    found += [Claim("code", code) for code in _CODE.findall(left) if code.casefold() not in known]
    left = _CODE.sub(" ", left)
    rows = len(_LIST_ITEM.findall(answer))
    for text in _NUMBER.findall(left):
        number = number_of(text)
        is_said = number == rows or sources.has_number(number) if number is not None else text in sources.text
        if not is_said:
            found.append(Claim("number", text))
    return found + list(_strange_names(answer, sources, names))


def _strange_names(answer: str, sources: Sources, names: Iterable[str]) -> Iterator[Claim]:
    said = f" {' '.join(_WORD.findall(plain(answer)))} "
    known = f" {' '.join(_WORD.findall(sources.text))} "
    told = set()
    for name in names:
        words = f" {' '.join(_WORD.findall(name.casefold()))} "
        if len(words) > 4 and words in said and words not in known:
            told.add(name)
            yield Claim("name", name)
    shown = answer.replace("**", "")
    for found in _CAPITALS.finditer(shown):
        text = found[0]
        parts = _WORD.findall(text.casefold())
        is_known = all(word in sources.words or word in _vocabulary() for word in parts[_begins(found, shown) :])
        if not is_known and not any(text in name for name in told):
            yield Claim("name", text)


def _begins(found: re.Match[str], text: str) -> int:
    """How many words at its beginning have their capital from the sentence that they begin."""
    return int(re.search(r"(?:^|[.!?:]\s|\n)[\W_]*$", text[: found.start()]) is not None)


@cache
def _vocabulary() -> frozenset[str]:
    """The service's own words: of tools, fields, values and agents."""
    texts = [describe_catalogue(), *(f"{one.label} {one.instructions}" for one in load_roster().values())]
    for name, info in OBJECT_INFO.items():
        texts += [name, info.description]
        texts += [f"{field} {spec.description} {' '.join(spec.values)}" for field, spec in info.fields.items()]
    split = re.sub(r"([a-z])([A-Z])", r"\1 \2", " ".join(texts).replace("_", " "))
    return frozenset(_WORD.findall(split.casefold()))


def _ids_in(text: str) -> Iterator[str]:
    for one in _ID.findall(text):
        normal = normalise_id(one)
        if normal is not None:
            yield normal


def _days_in(text: str) -> Iterator[tuple[str, date]]:
    for found in _INSTANT.finditer(text):
        yield from _day(found[0], found[1], found[2], found[3])
    for found in _DAY_FIRST.finditer(text):
        yield from _day(found[0], found[3], _month(found[2]), found[1])
    for found in _MONTH_FIRST.finditer(text):
        yield from _day(found[0], found[3], _month(found[1]), found[2])


def _day(text: str, year: str, month: int | str, day: str) -> Iterator[tuple[str, date]]:
    try:
        yield text, date(int(year), int(month), int(day))
    except ValueError:
        return


def _month(word: str) -> int:
    return next(number for number, name in enumerate(_MONTHS, 1) if name.startswith(word[:3].casefold()))


def _months_in(text: str) -> Iterator[tuple[str, tuple[int, int]]]:
    for found in _MONTH_YEAR.finditer(_DAY_FIRST.sub(" ", _MONTH_FIRST.sub(" ", text))):
        yield found[0], (int(found[2]), _month(found[1]))


def _has_month(month: tuple[int, int], sources: Sources) -> bool:
    year, number = month
    told = f"{year}-{number:02}"
    return told in sources.text or any((day.year, day.month) == month for day in sources.days)


def _clocks_in(text: str) -> Iterator[tuple[int, int]]:
    for found in _INSTANT.finditer(text):
        if found[4]:
            yield int(found[4]), int(found[5])
    for found in _CLOCK.finditer(_INSTANT.sub(" ", text)):
        yield int(found[1]), int(found[2])


def _numbers_in(text: str) -> Iterator[Decimal]:
    for one in _NUMBER.findall(text):
        number = number_of(one)
        if number is not None:
            yield number


def _values_in(value: Any) -> Iterator[Decimal]:
    """Numbers in a result, and how long its lists are: rows may be counted."""
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _values_in(inner)
    elif isinstance(value, list):
        yield Decimal(len(value))
        for inner in value:
            yield from _values_in(inner)
    else:
        number = number_of(value)
        if number is not None:
            yield number


def _keys_in(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield str(name)
            yield from _keys_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys_in(inner)


def _people_in(value: Any) -> Iterator[str]:
    """Full names, where a row has them in two fields."""
    if isinstance(value, Mapping):
        if value.get("FirstName") and value.get("LastName"):
            yield f"{value['FirstName']} {value['LastName']}"
        for inner in value.values():
            yield from _people_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _people_in(inner)
