"""Finds in a text what can be looked up: ids, addresses, numbers, dates, codes, names; each in one normal form."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache

from crm.ids import normalise_id
from crm.schema import OBJECT_INFO

MONTHS = {
    word: number
    for number, words in enumerate(
        "jan january januar|feb february februar|mar march märz|apr april|may mai|jun june juni|jul july juli|"
        "aug august|sep sept september|oct october okt oktober|nov november|dec december dez dezember".split("|"),
        start=1,
    )
    for word in words.split()
}
_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_CLAIM = re.compile(
    rf"""
    (?P<url>(?:https?://|www\.)[^\s<>()\[\]"'`|]+)
  | (?P<email>[\w.%+-]{{1,64}}@[\w-]{{1,63}}(?:\.[\w-]{{1,63}}){{1,8}})
  | (?P<id>(?<![0-9A-Za-z])[0-9A-Za-z]{{15}}(?:[0-9A-Za-z]{{3}})?(?![0-9A-Za-z]))
  | (?P<iso>(?<![\d-])\d{{4}}-\d\d(?:-\d\d)?(?:[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?)?(?![\d-]))
  | (?P<dmy>(?<!\w)\d{{1,2}}(?:st|nd|rd|th|\.)?\s(?:of\s)?(?:{_MONTH})\b(?:\.?,?\s\d{{4}}(?!\d))?)
  | (?P<mdy>(?<!\w)(?:{_MONTH})\b\.?\s\d{{1,2}}(?:st|nd|rd|th)?(?!\w)(?:,?\s\d{{4}}(?!\d))?)
  | (?P<my>(?<!\w)(?:{_MONTH})\b\.?,?\s\d{{4}}(?!\d))
  | (?P<slash>(?<![\w./])\d{{1,2}}(?P<sep>[./])\d{{1,2}}(?P=sep)\d{{4}}(?!\w))
  | (?P<time>(?<!\w)\d{{1,2}}:\d\d(?::\d\d)?(?:\s?[ap]\.?m\b\.?)?(?!\d)|(?<!\w)\d{{1,2}}\s?[ap]m\b)
  | (?P<phone>\+\d[\d\ ()/.-]{{5,20}}\d(?!\w)|\(\d{{2,5}}\)[\d\ /.-]{{5,16}}\d(?!\w)
      |(?<![\w-])\d{{3}}-\d{{3}}-\d{{4}}(?![\w-]))
  | (?P<number>(?<![\w.,])(?:\d{{1,3}}(?:[,.'’\u00a0\u202f]\d{{3}})+(?:[.,]\d{{1,6}})?|\d+(?:[.,]\d{{1,6}})?)
      (?:\s?(?:k|m|mn|mio|bn|thousand|million|billion)\b)?(?![\w.,]*\w))
  | (?P<word>(?<!\w)[^\W_]\w*(?:[-_.][^\W_]\w*)*)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_MEASURE = re.compile(r"(\d+(?:[.,]\d+)?)(k|m|mn|mio|bn|x|h|d|w|y|yrs?|min|mins|s|ms|gb|mb|kb|tb)", re.IGNORECASE)
_ORDINAL = re.compile(r"\d+(?:st|nd|rd|th)|[qh][1-4]|[a-z]\d|\d[a-z]", re.IGNORECASE)
_SCALES = {"k": 3, "thousand": 3, "m": 6, "mn": 6, "mio": 6, "million": 6, "bn": 9, "billion": 9}
_LIST_NUMBER = re.compile(r"^[ \t>]*(?:[-*+] )?\d{1,3}[.)](?=\s|\Z)", re.MULTILINE)
_PHRASES = re.compile(r"\b(?:24/7|(?:step|option|part|q|h) ?\d+)\b", re.IGNORECASE)
_COUNT_WORDS = {
    word: number
    for number, word in enumerate(
        "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
        "eighteen nineteen twenty".split(),
        start=2,
    )
}
_COUNTED = re.compile(
    rf"\b({'|'.join(_COUNT_WORDS)})(?: [\w-]+){{0,2}}? (?:cases|tickets|opportunities|deals|leads|contacts|accounts|"
    r"customers|tasks|e-?mails|quotes|orders|campaigns|articles|activities|records|meetings|calls|contracts|products)\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"[^\W\d_a-zß-ÿ][\w'’-]*(?: (?:(?:of|de|van|von|der|la|&) )?[^\W\d_a-zß-ÿ][\w'’-]*)+")


@dataclass(frozen=True)
class Claim:
    """Something a text says that can be looked up. `forms`: what it may be, any of which is enough."""

    kind: str
    """id | email | phone | url | date | month | day | year | time | code | number | count | name."""
    forms: tuple[object, ...]
    start: int
    end: int
    shown: str
    step: Decimal = Decimal(1)
    """For numbers: the place of the last digit shown; the value may have been rounded to it."""


def find_claims(text: str) -> list[Claim]:
    """All claims of a text but names, in order. Numbers of lists and ordinals are none."""
    passed_over = [found.span() for pattern in (_LIST_NUMBER, _PHRASES) for found in pattern.finditer(text)]
    claims = [claim for found in _CLAIM.finditer(text) if (claim := _claim_of(found))]
    claims += [
        Claim("count", (Decimal(_COUNT_WORDS[found[1].lower()]),), found.start(1), found.end(1), found[1])
        for found in _COUNTED.finditer(text)
    ]
    if passed_over:
        claims = [one for one in claims if not any(a <= one.start and one.end <= b for a, b in passed_over)]
    return sorted(claims, key=lambda claim: claim.start)


def find_names(text: str) -> Iterator[Claim]:
    """Runs of capitalised words: names of companies, people and products, and titles too."""
    for found in _NAME.finditer(text):
        words = tuple(word.casefold() for word in re.findall(r"\w+", re.sub(r"['’]s\b", "", found[0])))
        yield Claim("name", words, found.start(), found.end(), found[0])


def _claim_of(found: re.Match[str]) -> Claim | None:
    kind, shown = found.lastgroup or "", found[0]
    start, end = found.span()
    match kind:
        case "url":
            shown = shown.rstrip(".,;:!?*_")
            return Claim("url", (normal_url(shown),), start, start + len(shown), shown)
        case "email":
            shown = shown.rstrip(".-_")
            return Claim("email", (shown.casefold(),), start, start + len(shown), shown)
        case "id":
            return _id_of(shown, start, end)
        case "iso" | "dmy" | "mdy" | "my" | "slash":
            return _date_of(kind, shown, start, end)
        case "time":
            return Claim("time", (_time_of(shown),), start, end, shown)
        case "phone":
            return Claim("phone", (re.sub(r"\D", "", shown),), start, end, shown)
        case "number":
            return _number_of(shown, start, end)
        case _:
            return _code_of(shown, start, end)


def normal_url(shown: str) -> str:
    """Without scheme, `www.` and a last slash, the host in lower case."""
    bare = re.sub(r"^(?:https?://)?(?:www\.)?", "", shown.strip(), flags=re.IGNORECASE).rstrip("/")
    host, slash, path = bare.partition("/")
    return host.casefold() + slash + path


@cache
def _prefixes() -> frozenset[str]:
    return frozenset(info.prefix for info in OBJECT_INFO.values())


def _id_of(shown: str, start: int, end: int) -> Claim | None:
    if shown.isalpha():
        return None
    if shown.isdigit():
        return _number_of(shown, start, end)
    if shown[:3] in _prefixes():
        return Claim("id", (normalise_id(shown) or shown,), start, end, shown)
    return _code_of(shown, start, end)


def _date_of(kind: str, shown: str, start: int, end: int) -> Claim | None:
    if kind == "iso" and len(shown) == 7:
        return Claim("month", (shown,), start, end, shown)
    numbers = [int(one) for one in re.findall(r"\d+", shown)]
    month = next((MONTHS[word] for word in re.findall(r"[a-zä]+", shown.lower()) if word in MONTHS), 0)
    if kind == "my":
        return Claim("month", (f"{numbers[0]:04}-{month:02}",), start, end, shown)
    if kind in ("dmy", "mdy") and len(numbers) == 1:
        return Claim("day", (f"{month:02}-{numbers[0]:02}",), start, end, shown)
    readings = {
        "iso": [(numbers[0], numbers[1], numbers[2])] if len(numbers) > 2 else [],
        "slash": [(numbers[-1], numbers[1], numbers[0]), (numbers[-1], numbers[0], numbers[1])]
        if len(numbers) > 2
        else [],
    }.get(kind, [(numbers[-1], month, numbers[0])])
    days = tuple(dict.fromkeys(day for one in readings if (day := _day(*one))))
    return Claim("date", days, start, end, shown)


def _day(year: int, month: int, day: int) -> str | None:
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None


def _time_of(shown: str) -> str:
    hour, *rest = (int(one) for one in re.findall(r"\d+", shown))
    half = re.search(r"[ap]", shown.lower())
    if half:
        hour = hour % 12 + (12 if half[0] == "p" else 0)
    return f"{hour:02}:{rest[0] if rest else 0:02}"


def _number_of(shown: str, start: int, end: int) -> Claim:
    found = re.fullmatch(r"([\d.,'’\u00a0\u202f]+)\s?([A-Za-z]*)", shown)
    digits, suffix = (found[1], found[2].lower()) if found else (shown, "")
    scale = Decimal(10) ** _SCALES.get(suffix, 0)
    readings = list(dict.fromkeys(_readings(digits)))
    step = Decimal(1).scaleb(int(readings[0].as_tuple().exponent)) * scale
    if re.fullmatch(r"(?:19|20)\d\d", shown):
        return Claim("year", (shown, Decimal(shown)), start, end, shown)
    return Claim("number", tuple(value * scale for value in readings), start, end, shown, step)


def _readings(digits: str) -> Iterator[Decimal]:
    """As English and as most of Europe write numbers; one of them unless both are possible."""
    plain = re.sub(r"['’\u00a0\u202f]", "", digits)
    is_read = False
    for group, point in ((",", "."), (".", ",")):
        whole, _, rest = plain.partition(point)
        if point in rest or group in rest or not re.fullmatch(rf"\d+|\d{{1,3}}(?:\{group}\d{{3}})+", whole):
            continue
        is_read = True
        yield Decimal(whole.replace(group, "") + (f".{rest}" if rest else ""))
    if not is_read:
        yield Decimal(re.sub(r"\D", "", plain) or 0)


def _code_of(shown: str, start: int, end: int) -> Claim | None:
    """A word with digits in it: an article number, a product, an amount with a unit. None for words and ordinals."""
    if not any(char.isdigit() for char in shown) or _ORDINAL.fullmatch(shown):
        return None
    measure = _MEASURE.fullmatch(shown)
    if measure is not None:
        unit = measure[2] if measure[2].lower() in _SCALES else ""
        return _number_of(measure[1] + unit, start, end)
    if shown.isdigit():
        return _number_of(shown, start, end)
    return Claim("code", (shown.casefold(),), start, end, shown)
