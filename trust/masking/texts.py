"""Reads a text for what may be personal, and puts placeholders where it is."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from crm.personal import ASCII_RUN, CODE, CODE_RUN, EMAIL, PHONE, WORD, WORD_RUN, digit_keys, email_key, fold, word_key
from trust.masking.detectors import (
    Number,
    Span,
    find_by_form,
    find_emails,
    find_numbers,
    is_card,
    is_phone,
)
from trust.masking.ordinary import ORDINARY, TRADE
from trust.vault import Hidden

Key = tuple[str, str]
"""A key of the index of personal values, and its kind."""

_HAS_DIGIT = re.compile(r"\d")
_DIGITS = re.compile(r"\d+")
_MARGIN = 20
"""Blanks and marks before the first word of a text."""


def compose(text: str) -> str:
    """Letters and their marks in one piece where there is one: the form that words are compared and masked in."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def find_words(text: str, start: int, end: int) -> Iterator[tuple[re.Match[str], str]]:
    """Words in a stretch of a text that could be somebody's name, with their keys."""
    for match in (ASCII_RUN if text.isascii() else WORD_RUN).finditer(text, start, end):
        word = match.group()
        if (key := word_key(word)) is not None and not _is_ordinary(text, match):
            yield match, key


def _is_ordinary(text: str, match: re.Match[str]) -> bool:
    """A word as everybody uses it: in lower case, or of the trade with the capital that a text begins with."""
    word = match.group()
    if word.islower():
        return word in ORDINARY or word in TRADE
    return (
        word[1:].islower()
        and word.lower() in TRADE
        and match.start() < _MARGIN
        and not any(map(str.isalnum, text[: match.start()]))
    )


@lru_cache(maxsize=2_048)
def keys_in(text: str) -> frozenset[Key]:
    """Everything in a text that has to be looked up. A conversation is sent again with every step, so it is kept."""
    keys: set[Key] = {(key, WORD) for _, key in find_words(text, 0, len(text))}
    keys |= {(email_key(text[start:end]), EMAIL) for start, end in find_emails(text)}
    if _HAS_DIGIT.search(text):
        keys |= {(key, PHONE) for number in find_numbers(text) for key in digit_keys(number.digits)}
        keys |= {(fold(match.group()), CODE) for match in CODE_RUN.finditer(text) if _HAS_DIGIT.search(match.group())}
        # A number that goes away may leave a name that was written onto it.
        beside = (part for run in WORD_RUN.findall(text) if _HAS_DIGIT.search(run) for part in _DIGITS.split(run))
        keys |= {(key, WORD) for part in beside if (key := word_key(part))}
    return frozenset(keys)


@dataclass
class Known:
    """What is somebody's: keys found in the index or in fields of this conversation, and how fields spell them."""

    keys: set[Key] = field(default_factory=set)
    spelling: dict[Key, str] = field(default_factory=dict)

    def add(self, key: Key, spelling: str) -> None:
        self.keys.add(key)
        self.spelling.setdefault(key, spelling)

    def spell(self, key: Key, written: str) -> str:
        """The value behind what was written: a name in lower case is taken for the one that a record spells out.

        Only records that this conversation has shown are asked: a spelling from elsewhere would tell of its record.
        """
        return self.spelling.get(key, written) if written.islower() else written


def is_clear(text: str, known: Known) -> bool:
    """Whether a text has nothing to hide for sure: nobody's words, no address, no number."""
    return "@" not in text and _HAS_DIGIT.search(text) is None and keys_in(text).isdisjoint(known.keys)


def find_spans(text: str, known: Known, region: str | None, *, by_form: bool = True) -> list[tuple[Span, str]]:
    """What is to be hidden in a text and the value to hide, in order, without overlaps."""
    found: list[tuple[Span, str]] = []
    taken = bytearray(len(text))

    def take(span: Span, value: str) -> None:
        if not any(taken[span.start : span.end]):
            taken[span.start : span.end] = b"\1" * (span.end - span.start)
            found.append((span, value))

    for start, end in find_emails(text):
        key = (email_key(text[start:end]), EMAIL)
        if key in known.keys or (by_form and "." in text[text.index("@", start) : end]):
            take(Span(start, end, Hidden.EMAIL), known.spell(key, text[start:end]))
    if _HAS_DIGIT.search(text):
        _take_numbers(text, known, region, take, by_form=by_form)
    at = 0
    for gap in [*sorted(span for span, _ in found), None]:
        for match, word in find_words(text, at, len(text) if gap is None else gap.start):
            if (word, WORD) in known.keys:
                take(Span(match.start(), match.end(), Hidden.NAME), known.spell((word, WORD), match.group()))
        at = len(text) if gap is None else gap.end
    return sorted(found)


def _take_numbers(
    text: str, known: Known, region: str | None, take: Callable[[Span, str], None], *, by_form: bool
) -> None:
    numbers = list(find_numbers(text))
    for match in CODE_RUN.finditer(text):
        if (fold(match.group()), CODE) in known.keys:
            take(Span(match.start(), match.end(), Hidden.ID), match.group())
    for number in numbers:
        if any((key, PHONE) in known.keys for key in digit_keys(number.digits)):
            take(Span(number.start, number.end, Hidden.PHONE), number.text)
    if not by_form:
        return
    for span in find_by_form(text):
        take(span, text[span.start : span.end])
    for number in numbers:
        if is_card(number):
            take(Span(number.start, number.end, Hidden.CARD), number.text)
        elif is_phone(number, region) and not _is_inside_word(text, number):
            take(Span(number.start, number.end, Hidden.PHONE), number.text)


def _is_inside_word(text: str, number: Number) -> bool:
    before = text[number.start - 1 : number.start]
    after = text[number.end : number.end + 1]
    return before.isalnum() or after.isalnum()


def parts_of_name(value: str) -> list[re.Match[str]]:
    """The words of a name, single letters and numbers included: in its own field all of it is hidden."""
    return list(WORD_RUN.finditer(value))
