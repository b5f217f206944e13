"""Whether a value is the one that a case expects: literals, and small conditions on them."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

CONDITIONS = ("matches", "one_of", "contains", "at_least", "at_most", "absent")
"""What a mapping in an expectation may say instead of a value, one of them at a time."""
_ESCAPED = re.compile(r"\\([\\`*_{}\[\]<>#|~!+.)(-])")
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")


def fits(expected: Any, actual: Any) -> bool:
    """Text regardless of case and spaces, numbers by value, mappings and lists if all that is expected is there."""
    if isinstance(expected, Mapping):
        condition = _condition_of(expected)
        if condition is not None:
            return _meets(condition, expected[condition], actual)
        return isinstance(actual, Mapping) and all(fits(value, actual.get(name)) for name, value in expected.items())
    if isinstance(expected, list):
        return isinstance(actual, Sequence) and not isinstance(actual, str) and _all_there(expected, actual)
    if expected is None or isinstance(expected, bool):
        return actual is expected
    number = number_of(expected)
    if number is not None and number_of(actual) is not None:
        return number == number_of(actual)
    return plain(str(expected)) == plain(str(actual))


def _condition_of(expected: Mapping[str, Any]) -> str | None:
    return next(iter(expected)) if len(expected) == 1 and next(iter(expected)) in CONDITIONS else None


def _meets(condition: str, wanted: Any, actual: Any) -> bool:
    if condition == "absent":
        return (actual in (None, "", [])) is bool(wanted)
    if condition == "one_of":
        return any(fits(one, actual) for one in wanted)
    if condition == "matches":
        return actual is not None and re.search(wanted, str(actual), re.IGNORECASE) is not None
    if condition == "contains":
        return actual is not None and plain(str(wanted)) in plain(str(actual))
    number, bound = number_of(actual), number_of(wanted)
    if number is None or bound is None:
        return False
    return number >= bound if condition == "at_least" else number <= bound


def _all_there(expected: list[Any], actual: Sequence[Any]) -> bool:
    """Each expected element at an element of its own, in any order."""
    left = list(actual)
    for one in expected:
        place = next((at for at, value in enumerate(left) if fits(one, value)), None)
        if place is None:
            return False
        left.pop(place)
    return True


def number_of(value: Any) -> Decimal | None:
    """The value as a number; None for anything else. Text with leading zeros is a name, not a number."""
    if isinstance(value, bool) or value is None:
        return None
    text = str(value).replace(",", "") if not isinstance(value, float) else repr(value)
    if not _NUMBER.fullmatch(text) or re.match(r"[-+]?0\d", text):
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def plain(text: str) -> str:
    """The text without Markdown's escapes, marks of emphasis and differences of case and spacing."""
    shown = _ESCAPED.sub(r"\1", text).replace("**", "").replace("’", "'").replace("\u00a0", " ")
    return " ".join(shown.casefold().split())
