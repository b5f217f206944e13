"""Rules that articles state in so many words: how soon to answer, and quantities that may be promised."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from tools._likeness import words_in

_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_NUMBERS = {word: number for number, word in enumerate("one two three four five six seven eight nine ten".split(), 1)}
_AMOUNT = rf"(\d+(?:\.\d+)?|{'|'.join(_NUMBERS)})"
_UNIT = r"(minutes?|hours?|working days?|business days?|days?|weeks?|months?|percent|%)"
_QUANTITY = re.compile(rf"\b{_AMOUNT}\s*{_UNIT}(?![A-Za-z])", re.IGNORECASE)
_ANSWER = re.compile(
    r"(?:(low|medium|high|critical)(?: priority)?\s*:\s*)?[^:.;]*?"
    r"\bfirst (?:answer|response|reply)\b"
    rf"[^.;:]*?\bwithin {_AMOUNT}\s*{_UNIT}",
    re.IGNORECASE,
)
_HOURS = {"minute": 1 / 60, "hour": 1.0, "day": 24.0, "week": 168.0}
_COMMON = frozenset(words_in(f"within after before least most every {' '.join(_NUMBERS)}")) | frozenset(
    words_in("minute minutes hour hours working business day days week weeks month months percent")
)
"""Words of any quantity: that two sentences share them says nothing."""
_ALIKE = 3
"""How many telling words two sentences share that speak of the same thing."""


@dataclass(frozen=True)
class Quantity:
    """`unit` in the singular, `percent` for percentages."""

    number: float
    unit: str

    def __str__(self) -> str:
        plural = "" if self.number == 1 or self.unit == "percent" else "s"
        return f"{self.number:g} {self.unit}{plural}"


@dataclass(frozen=True)
class AnswerRule:
    """How soon the first answer is due; `priority` is None where it holds for all cases."""

    passage: str
    limit: Quantity
    priority: str | None

    def due(self, opened: datetime) -> datetime:
        """Working days are Monday to Friday."""
        if self.limit.unit != "working day":
            return opened + timedelta(hours=self.limit.number * _HOURS[self.limit.unit])
        due, left = opened, int(self.limit.number)
        while left:
            due += timedelta(days=1)
            left -= due.weekday() < 5
        return due


def split_sentences(text: str) -> list[str]:
    return [one.strip() for one in _SENTENCE.split(text) if one.strip()]


def answer_rules(text: str) -> Iterator[AnswerRule]:
    """The rules of an article about first answers, each with the passage that states it."""
    for sentence in split_sentences(text):
        for found in _ANSWER.finditer(sentence):
            limit = _quantity(found[2], found[3])
            if limit.unit in (*_HOURS, "working day"):
                yield AnswerRule(sentence, limit, found[1].capitalize() if found[1] else None)


def quantities_in(sentence: str) -> list[Quantity]:
    return [_quantity(found[1], found[2]) for found in _QUANTITY.finditer(sentence)]


def _quantity(number: str, unit: str) -> Quantity:
    plain = unit.lower().replace("%", "percent").replace("business", "working")
    return Quantity(
        float(_NUMBERS.get(number.lower(), 0) or number), plain if plain == "percent" else plain.rstrip("s")
    )


@dataclass(frozen=True)
class Claim:
    """A sentence that states a quantity, and the sentence of an article that states one of the same kind."""

    said: str
    passage: str
    quantity: Quantity
    rule: tuple[Quantity, ...]

    @property
    def is_kept(self) -> bool:
        return self.quantity in self.rule


def compare_claims(said: str, article: str) -> Iterator[Claim]:
    """Each quantity that somebody has stated, beside the article's sentence on the same thing, where there is one."""
    rules = [(one, set(words_in(one)), quantities_in(one)) for one in split_sentences(article)]
    for sentence in split_sentences(said):
        words = set(words_in(sentence))
        for quantity in quantities_in(sentence):
            alike = [
                (len(words & theirs), passage, same)
                for passage, theirs, stated in rules
                if (same := tuple(one for one in stated if one.unit == quantity.unit))
                and len({word for word in words & theirs - _COMMON if not word.isdigit()}) >= _ALIKE
            ]
            if alike:
                _, passage, same = max(alike, key=lambda one: (one[0], one[1]))
                yield Claim(sentence, passage, quantity, same)
