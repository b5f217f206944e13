"""What an answer says must come from a tool of this conversation or from the user, or be worked out from that."""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

from trust.claims import Claim, find_claims, find_names
from trust.days import days_meant
from trust.evidence import Evidence, Place
from trust.units import Unit, split_units
from trust.vocabulary import is_common, is_english

_LABEL = re.compile(r"[ \t>]*(?:[-*+] |\d+[.)] )?[*_]{0,2}[^:\n]{1,60}:")
_SPAN_UNIT = re.compile(r"\s?(?:full |business |calendar )?(day|week|month|year)s?\b", re.IGNORECASE)
_NUMERIC = ("number", "count")
_LONGEST_LISTED = 60
_LONGEST_SHOWN = 24
_RECKONS = re.compile(
    r"%|\b(?:percent|total|sum|average|mean|difference|more|less|fewer|above|below|remaining|left|rest|others?|than|"
    r"combined|together|up|down|increase\w*|decrease\w*|gap|change\w*|of (?:the|them|these)|gesamt|summe|mehr|weniger|"
    r"schnitt|unterschied|moyenne|somme|plus|moins|promedio|suma|más|menos)\b",
    re.IGNORECASE,
)
"""Words of a sentence that reckons; without one, a number that happens to be a difference is still an invented one."""
_LENGTHS = {"day": 1, "week": 7, "month": 30, "year": 365}


@dataclass(frozen=True)
class Citation:
    """Where the value between `start` and `end` of the answer was found."""

    object: str
    id: str
    field: str
    start: int
    end: int

    def to_json(self) -> dict[str, Any]:
        return {"object": self.object, "id": self.id, "field": self.field, "start": self.start, "end": self.end}


@dataclass
class Checked:
    """`text` is what may be said; `withheld` what the sentences that may not said, one list each."""

    text: str
    withheld: list[list[Claim]] = field(default_factory=list)


@dataclass
class Grounding:
    """Checks one answer, piece after piece; numbers that passed may be reckoned with further on."""

    gather: Callable[[], Evidence]
    """Asked once, and only if the answer says anything that can be looked up."""
    listed: list[Decimal] = field(default_factory=list)

    @cached_property
    def evidence(self) -> Evidence:
        return self.gather()

    def check(self, text: str) -> Checked:
        """The text without the sentences, lines and rows that say what is nowhere to be found."""
        units = [Unit(text[start:end], is_title) for start, end, is_title in split_units(text)]
        claims = [self._claims_of(unit) for unit in units]
        known = [one for some in claims for one in some if one.kind in _NUMERIC and self.find(one) is not None]
        self.listed += [value for one in known for value in one.forms[:1] if isinstance(value, Decimal)]
        del self.listed[:-_LONGEST_LISTED]
        checked = Checked("")
        in_lost_table = False
        for unit, some in zip(units, claims, strict=True):
            wrong = [one for one in some if self.find(one) is None and not self._is_reckoned(one, unit.plain)]
            in_lost_table = in_lost_table and "|" in unit.text
            if wrong:
                checked.withheld.append(wrong)
                in_lost_table = in_lost_table or (unit.is_title and "|" in unit.text)
            elif not in_lost_table:
                checked.text += unit.text
        return checked

    def _claims_of(self, unit: Unit) -> list[Claim]:
        claims = find_claims(unit.plain)
        names = [] if unit.is_title else list(find_names(unit.plain))
        if names and is_english(f"{self.evidence.asked} {unit.plain}"):
            claims += self._strange(names, unit.plain)
        return claims

    def _strange(self, names: Iterable[Claim], unit: str) -> Iterator[Claim]:
        """The names with a word that nobody has said before."""
        label = _LABEL.match(unit)
        begin = re.match(r"[\s>]*(?:[-*+] |\d+[.)] )?[\"“(*_]*", unit)
        first = begin.end() if begin else 0
        for name in names:
            words = list(map(str, name.forms))
            if name.start <= first and (is_common(words[0]) or words[0].endswith(("ing", "ed"))):
                words = words[1:]
            if label and name.end <= label.end() and len(words) < 4 and any(is_common(word) for word in words):
                continue
            if len(words) > 1 and any(self._is_new(word) for word in words):
                yield name

    def _is_new(self, word: str) -> bool:
        seen = self.evidence.words
        return word not in seen and word.removesuffix("s") not in seen and not is_common(word) and not word.isdigit()

    def find(self, claim: Claim) -> list[Place] | None:
        """Where the claim was seen, best first; None if nowhere."""
        if claim.kind == "name":
            return None
        places = [
            place
            for form in claim.forms
            for place in self.evidence.found.get(("number" if isinstance(form, Decimal) else claim.kind, form), ())
        ]
        if places:
            return places
        match claim.kind:
            case "number" | "count":
                return self._find_number(claim)
            case "phone":
                return self._find_phone(str(claim.forms[0]))
            case "code":
                return self._find_code(str(claim.forms[0]))
            case "date":
                return [_CALENDAR] if any(str(form) in self._calendar for form in claim.forms) else None
            case "month" | "day" | "year":
                return self._find_period(claim)
            case "url":
                return self._find_site(str(claim.forms[0]))
            case _:
                return None

    def _find_number(self, claim: Claim) -> list[Place] | None:
        numbers = self.evidence.numbers
        for form in claim.forms:
            if not isinstance(form, Decimal):
                continue
            if form in self.evidence.derived:
                return [self.evidence.derived[form]]
            slack = claim.step / 2
            is_rough = form >= 100 or claim.step < 1
            near = _nearest(numbers, form) if is_rough else None
            if near is not None and abs(near - form) <= slack:
                return self.evidence.found["number", near]
            for value, place in self.evidence.derived.items():
                if (value != int(value) and abs(value - form) <= slack) or (is_rough and abs(value - form) <= slack):
                    return [place]
        return None

    def _find_phone(self, digits: str) -> list[Place] | None:
        for (kind, form), places in self.evidence.found.items():
            if kind == "phone" and len(digits) > 6 and (str(form).endswith(digits[-9:])):
                return places
        return None

    def _find_code(self, code: str) -> list[Place] | None:
        for (kind, form), places in self.evidence.found.items():
            if kind in ("code", "id", "email", "url") and code in str(form).casefold():
                return places
        return None

    def _find_site(self, address: str) -> list[Place] | None:
        for (kind, form), places in self.evidence.found.items():
            if kind == "url" and str(form).partition("/")[0] == address:
                return places
        return None

    def _find_period(self, claim: Claim) -> list[Place] | None:
        today = self.evidence.today
        shown = str(claim.forms[0])
        near = {str(today.year + step) for step in (-1, 0, 1)} if claim.kind == "year" else set()
        days = self._calendar
        if claim.kind == "day" and any(day.endswith(shown) for day in days):
            return [_CALENDAR]
        return [_CALENDAR] if shown in near or any(day.startswith(shown) for day in days) else None

    @cached_property
    def _calendar(self) -> set[str]:
        return days_meant(self.evidence.asked, self.evidence.today)

    def _is_reckoned(self, claim: Claim, text: str) -> bool:
        """Whether it is a difference, sum or share of numbers that were said, or the time between days."""
        values = [form for form in claim.forms if isinstance(form, Decimal)]
        if not values or claim.kind not in _NUMERIC:
            return False
        after = text[claim.end : claim.end + 20]
        unit = _SPAN_UNIT.match(after)
        if unit is not None and self._is_span(int(values[0]), unit[1].lower()):
            return True
        listed = set(self.listed)
        if not _RECKONS.search(text):
            return False
        for value in values:
            if any(value - one in listed or value + one in listed for one in listed):
                return True
            if len(listed) > 1 and value in (sum(listed), sum(listed) / len(listed)):
                return True
            if after.lstrip().startswith(("%", "percent")) and self._is_share(value, claim.step, listed):
                return True
        return False

    def _is_span(self, count: int, unit: str) -> bool:
        length = _LENGTHS[unit]
        return any(
            abs(abs((day - self.evidence.today).days) - count * length) <= max(1, length // 2)
            for day in self.evidence.days
        )

    def _is_share(self, value: Decimal, step: Decimal, listed: Iterable[Decimal]) -> bool:
        numbers = [*listed, *(one for one, place in self.evidence.derived.items() if place.field.startswith("count"))]
        numbers = numbers[:_LONGEST_LISTED]
        if any(abs(one * 100 - value) <= step / 2 for one in self.evidence.numbers if abs(one) <= 1):
            return True
        return any(abs(part * 100 / whole - value) <= step / 2 for part in numbers for whole in numbers if whole)

    def cite(self, text: str) -> list[Citation]:
        """Where the values of a finished answer stand, if it is in records. Records named in a line come first."""
        citations: list[Citation] = []
        for start, end, _ in split_units(text):
            claims = find_claims(text[start:end])
            named = {form for claim in claims if claim.kind == "id" for form in claim.forms}
            for claim in claims:
                places = [place for place in self.find(claim) or () if place.id and place.object]
                places.sort(key=lambda place: place.id not in named)
                if places:
                    best = places[0]
                    citations.append(
                        Citation(str(best.object), str(best.id), best.field, start + claim.start, start + claim.end)
                    )
        return citations


_CALENDAR = Place(None, None, "calendar")


def describe(withheld: Sequence[Sequence[Claim]]) -> str:
    """What was not found, in words of the service; values that could carry a secret are not repeated."""
    said = list(dict.fromkeys(_describe_claim(claim) for some in withheld for claim in some))[:5]
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"


def remark(withheld: Sequence[Sequence[Claim]]) -> str:
    """The sentence that stands for what was withheld."""
    count = "One sentence was" if len(withheld) == 1 else f"{len(withheld)} sentences were"
    verb = "is" if len({_describe_claim(claim) for some in withheld for claim in some}) == 1 else "are"
    return f"*{count} withheld: {describe(withheld)} {verb} in no record that was read.*"


def _describe_claim(claim: Claim) -> str:
    kinds = {"id": "a record id", "email": "an e-mail address", "phone": "a phone number", "url": "a web address"}
    kinds |= {"code": "a code or product", "name": "a name"}
    if claim.kind in kinds:
        return kinds[claim.kind]
    named = {"number": "number", "count": "number", "time": "time"}.get(claim.kind, "date")
    return f"the {named} {' '.join(claim.shown.split())}" if len(claim.shown) <= _LONGEST_SHOWN else f"a {named}"


def _nearest(numbers: Sequence[Decimal], value: Decimal) -> Decimal | None:
    at = bisect_left(numbers, value)
    near = numbers[max(0, at - 1) : at + 1]
    return min(near, key=lambda one: abs(one - value)) if near else None
