"""Numbers as people write them: 45k, 1.2m, $50,000, 50 thousand, 60%."""

from collections.abc import Sequence
from dataclasses import dataclass

from agents._offline.words import Kind, Token

_SUFFIX = {"k": 1_000, "m": 1_000_000, "bn": 1_000_000_000, "%": 1}
_SCALE = {
    "thousand": 1_000,
    "grand": 1_000,
    "k": 1_000,
    "million": 1_000_000,
    "mio": 1_000_000,
    "mn": 1_000_000,
    "m": 1_000_000,
    "billion": 1_000_000_000,
    "hundred": 100,
}
_UNITS = ("dollars", "dollar", "usd", "eur", "euro", "euros", "gbp", "pounds", "percent", "pct")
_SMALL = {
    word: n for n, word in enumerate("zero one two three four five six seven eight nine ten eleven twelve".split())
}


@dataclass(frozen=True)
class Amount:
    value: int | float
    end: int
    """Position after the last token that belongs to it."""


def read_amount(tokens: Sequence[Token], at: int) -> Amount | None:
    """The number that starts at `at`; None if there is none."""
    if at < len(tokens) and tokens[at].low in ("$", "€", "£", "usd", "eur"):
        at += 1
    if at >= len(tokens):
        return None
    if tokens[at].low in ("a", "an") and at + 1 < len(tokens) and tokens[at + 1].low in _SCALE:
        at += 1
    value, end = _number(tokens[at]), at + 1
    if value is None and len(tokens[at].low) > 4 and tokens[at].low in _SCALE:
        value, end = 1.0, at
    if value is None:
        return None
    if end < len(tokens) and tokens[end].low in _SCALE:
        value *= _SCALE[tokens[end].low]
        end += 1
    if end < len(tokens) and tokens[end].low in _UNITS:
        end += 1
    return Amount(int(value) if value == int(value) else value, end)


def small_number(word: str) -> int | None:
    """'three' or '3' -> 3."""
    return _SMALL.get(word, int(word) if word.isascii() and word.isdecimal() and len(word) < 5 else None)


def _number(token: Token) -> float | None:
    if token.kind is not Kind.NUMBER:
        small = _SMALL.get(token.low)
        return None if small is None else float(small)
    text = token.low.lstrip("$€£").replace(",", "")
    scale = 1
    for suffix, factor in _SUFFIX.items():
        if text.endswith(suffix):
            text, scale = text[: -len(suffix)], factor
            break
    return round(float(text) * scale, 6)
