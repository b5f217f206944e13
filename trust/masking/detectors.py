"""What is personal by its form: addresses, numbers that check out. Every detector is linear in the length of a text.

They find what cooperative people write in its usual form. What is spelled out, split up or disguised passes: that is
data minimisation, and no boundary.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import phonenumbers
from stdnum import iban, luhn
from stdnum.br import cpf
from stdnum.de import idnr
from stdnum.es import dni, nie
from stdnum.fr import nir
from stdnum.it import codicefiscale
from stdnum.pl import pesel
from stdnum.us import ssn

from crm.personal import EMAIL_CHARACTERS, SHORTEST_PHONE
from trust.vault import Hidden

_LOCAL = re.compile(rf"[{EMAIL_CHARACTERS}]")
_DOMAIN = re.compile(r"[\w\-]+(?:\.[\w\-]+)*")
_DIGITS = re.compile(r"[+(]{0,3}\d[\d\s().\-/–]*\d")
_GROUP = re.compile(r"[+(]{0,3}\d[\d().\-–]*")
_WIDEST = 7
_MOST_DIGITS = 19
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[ \-]?[A-Z0-9]){11,30}(?![A-Za-z0-9])")
_IDENTIFIERS: tuple[tuple[re.Pattern[str], Callable[[str], bool]], ...] = (
    (re.compile(r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])"), ssn.is_valid),
    (re.compile(r"(?<!\w)\d{8}-?[A-Z](?!\w)"), dni.is_valid),
    (re.compile(r"(?<!\w)[XYZ]-?\d{7}-?[A-Z](?!\w)"), nie.is_valid),
    (re.compile(r"(?<!\w)[A-Z]{6}\d{2}[A-Z]\d{2}[A-Z]\d{3}[A-Z](?!\w)"), codicefiscale.is_valid),
    (re.compile(r"(?<![\w.-])\d{3}\.\d{3}\.\d{3}-\d{2}(?![\w-])"), cpf.is_valid),
    (re.compile(r"(?<!\w)[12] ?\d{2} ?\d{2} ?\d{2} ?\d{3} ?\d{3} ?\d{2}(?!\w)"), nir.is_valid),
    (re.compile(r"(?<!\w)\d{2} \d{3} \d{3} \d{3}(?!\w)"), idnr.is_valid),
    (re.compile(r"(?<!\w)\d{11}(?!\w)"), lambda number: pesel.is_valid(number) or idnr.is_valid(number)),
)
"""Forms of personal numbers that are told from other numbers by punctuation, letters or length, and their checks."""


@dataclass(frozen=True, order=True)
class Span:
    """A stretch of a text. Of two that overlap, the one found first counts."""

    start: int
    end: int
    kind: Hidden


def find_emails(text: str) -> Iterator[tuple[int, int]]:
    """Every `local@domain`; without a dot in the domain it may be an address all the same."""
    at = text.find("@")
    floor = 0
    while at >= 0:
        start = at
        while start > floor and _LOCAL.match(text[start - 1]):
            start -= 1
        while start < at and text[start] in ".'`/={|}!*?#$%&^~-":
            start += 1
        domain = _DOMAIN.match(text, at + 1)
        if domain is not None and start < at:
            end = domain.end()
            yield start, end
            floor = end
        at = text.find("@", at + 1)


@dataclass(frozen=True)
class Number:
    """A stretch of digit groups that may be a telephone or card number."""

    start: int
    end: int
    text: str
    digits: str
    is_whole: bool
    """Whether it is all of the digits that stand together."""


def find_numbers(text: str) -> Iterator[Number]:
    """Neighbouring groups of digits, up to seven, longest first from each place, of 5 to 19 digits together."""
    for run in _DIGITS.finditer(text):
        groups = list(_GROUP.finditer(text, run.start(), run.end()))
        digits = ["".join(c for c in group.group() if c.isdigit()) for group in groups]
        for first in range(len(groups)):
            for last in range(min(len(groups), first + _WIDEST) - 1, first - 1, -1):
                together = "".join(digits[first : last + 1])
                if SHORTEST_PHONE <= len(together) <= _MOST_DIGITS:
                    start, end = groups[first].start(), _trim(text, groups[first].start(), groups[last].end())
                    yield Number(start, end, text[start:end], together, first == 0 and last == len(groups) - 1)


def _trim(text: str, start: int, end: int) -> int:
    """Where the number ends without the punctuation of the sentence."""
    while text[end - 1] in ".-–(" or (text[end - 1] == ")" and "(" not in text[start:end]):
        end -= 1
    return end


def is_phone(number: Number, region: str | None) -> bool:
    """Whether it is a valid number of the world with its country code, or of the tenant's region without."""
    if not number.text.lstrip("(").startswith("+") and (region is None or not number.is_whole):
        return False
    if _ISO_DATE.fullmatch(number.text) or number.text.startswith("000"):
        return False
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number.text, region))
    except phonenumbers.NumberParseException:
        return False


def find_by_form(text: str) -> Iterator[Span]:
    """Bank accounts, cards and personal numbers whose check digits are right."""
    if not any(c.isdigit() for c in text):
        return
    for match in _IBAN.finditer(text):
        for end in _ends(match.group()):
            if iban.is_valid(match.group()[:end]):
                yield Span(match.start(), match.start() + end, Hidden.IBAN)
                break
    for pattern, is_valid in _IDENTIFIERS:
        for match in pattern.finditer(text):
            if is_valid(match.group()):
                yield Span(match.start(), match.end(), Hidden.ID)


def is_card(number: Number) -> bool:
    return len(number.digits) >= 13 and number.digits[0] in "23456" and bool(luhn.is_valid(number.digits))


def _ends(text: str) -> Iterator[int]:
    """Where a match may end: after it may come a word that merely looks like more of it."""
    yield len(text)
    for place in range(len(text) - 1, 14, -1):
        if text[place] == " ":
            yield place
