"""Which measure a question is for: by the wordings that the tool gives for each, and by the kind of figure."""

import math
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from agents._offline.choosing import phrases_of
from agents._offline.schemas import Argument
from agents._offline.stems import stem, stems_of


class Figure(StrEnum):
    """What a measure counts in."""

    DURATION = "duration"
    RATE = "rate"
    COUNT = "count"
    AMOUNT = "amount"


_NUMBERS = frozenset(map(stem, ("number", "count")))
_KINDS = {
    Figure.DURATION: re.compile(r"\btime\b|\bhow long\b|\bfast\b|\bduration\b|\blength\b"),
    Figure.RATE: re.compile(r"\brate\b|\bshare\b|\bpercent"),
    Figure.COUNT: re.compile(r"\bhow many\b|\bcount\b|\bnumber of\b|\bquantity\b"),
    Figure.AMOUNT: re.compile(r"\bamount\b|\bvalue\b|\brevenue\b|\bsize\b|\bturnover\b|\bsales\b"),
}
_FULL, _PART, _KIND, _OTHER_KIND, _MISSED, _WORDED, _PLAIN = 1.0, 0.45, 1.5, -1.0, 0.3, 0.6, 0.5


@dataclass(frozen=True)
class Choice:
    """A measure, how well the words fit it, and the words that said it."""

    value: str
    score: float
    said: frozenset[str]
    is_named: bool
    """Whether one of its wordings was said in full."""
    kinds: frozenset[Figure]
    own: frozenset[str]
    """What was said of its words, wordings in full or not."""
    strength: float
    """How telling its words are: near 1 for a word that no other measure has."""


@lru_cache(maxsize=64)
def _vocabulary(measure: Argument) -> tuple[Mapping[str, frozenset[str]], Mapping[str, float]]:
    """The words of every measure, and how much each tells."""
    words = {
        value: frozenset([*stems_of(measure.meanings.get(value, "")), *stems_of(value.replace("_", " "))])
        for value in measure.values
    }
    used = Counter(word for some in words.values() for word in some)
    most = math.log(1 + len(words))
    return words, {word: math.log((1 + len(words)) / count) / most for word, count in used.items()}


@lru_cache(maxsize=256)
def kinds_of(measure: Argument, value: str) -> frozenset[Figure]:
    told = f"{value.replace('_', ' ')}, {measure.meanings.get(value, '')}".lower()
    found = [kind for kind in (Figure.RATE, Figure.DURATION) if _KINDS[kind].search(told)]
    return frozenset(found or [kind for kind in (Figure.COUNT, Figure.AMOUNT) if _KINDS[kind].search(told)][:1])


def choose(
    measure: Argument, said: Sequence[str], surfaces: Sequence[str], asked: Collection[Figure], *, ranked: bool
) -> list[Choice]:
    """All measures with a word in common with what was said, the best first."""
    words, weights = _vocabulary(measure)
    heard = frozenset(said)
    starts = {word[:6] for word in surfaces if len(word) > 5}
    found = []
    for value in measure.values:
        own = words[value] & heard
        if not own:
            continue
        kinds = kinds_of(measure, value)
        counted = heard | _NUMBERS if Figure.COUNT in kinds and (not asked or Figure.COUNT in asked) else heard
        full = [phrase.stems for phrase in phrases_of(measure) if phrase.value == value and phrase.stems <= counted]
        full = [stems for stems in full if stems & heard - _NUMBERS]
        named = max((sum(weights.get(one, 1.0) for one in stems & heard) for stems in full), default=0.0)
        part = sum(weights[one] for one in own)
        missed = sum(weights[one] for one in heard if one in weights and one not in own)
        worded = sum(word[:6] in starts for word in set(measure.meanings.get(value, "").lower().split()))
        score = _FULL * named + _PART * part - _MISSED * missed + _WORDED * worded
        if not asked and not ranked:
            score += _PLAIN * (Figure.COUNT in kinds)
        if asked:
            score += _KIND if kinds & set(asked) else _OTHER_KIND
        said_by = frozenset(word for stems in full for word in stems) or own
        found.append(Choice(value, score, said_by, bool(full), kinds, own, part))
    return sorted(found, key=lambda one: -one.score)


_ASKED_BY = {
    Figure.DURATION: frozenset(map(stem, "fast slow long short soon time duration hour".split())),
    Figure.RATE: frozenset(map(stem, "rate share fraction proportion percentage likely".split())),
    Figure.AMOUNT: frozenset(map(stem, "amount revenue money dollar euro value volume turnover".split())),
    Figure.COUNT: frozenset(map(stem, "number count frequent common".split())),
}


_SPEED = re.compile(
    r"\b(?:fastest|quickest|soonest|speediest|slowest|longest|shortest)\b"
    r"|\b(?:most|least|fewest|less|more) (?:amount of )?(?:time|days|hours|weeks)\b"
)


def asked_words() -> frozenset[str]:
    """Words that tell a kind of figure, and nothing of what is measured."""
    return frozenset().union(*_ASKED_BY.values())


def figures_asked(stems: Collection[str], low: str) -> frozenset[Figure]:
    """The kinds of figure that the words speak of; empty if they leave it open."""
    found = {kind for kind, words in _ASKED_BY.items() if words & set(stems)}
    if _SPEED.search(low):
        return frozenset({Figure.DURATION})
    if re.search(r"\b(?:only |not |just )?counting\b", low) and not re.search(r"\bcount\b", low):
        found -= {Figure.COUNT}
    if re.search(r"\bhow (?:often|frequently)\b|\bpercent\b|\bconvert\w*\b.*\b(?:worst|best|well|least)\b", low):
        found = {Figure.RATE}
    elif re.search(r"\bmost often\b|\bhow many\b|\bmost frequent", low):
        found = (found - {Figure.DURATION}) | {Figure.COUNT}
    return frozenset(found)
