"""Who wrote a message, as far as its end tells: name, title and telephone number."""

import re
from dataclasses import dataclass

from phonenumbers import Leniency, PhoneNumberMatcher

_LAST_LINES = 8
_CLOSING = re.compile(
    r"(?:kind|best|warm)?\s*(?:regards|wishes)|sincerely|cheers|thanks|thank you|yours|best|greetings|cordialement"
    r"|saludos|mit freundlichen.*|viele gr(?:ü|ue)(?:ß|ss)e",
    re.IGNORECASE,
)
_OPENING = re.compile(r"(?:hello|hi|hey|dear|good|hallo|guten|sehr|bonjour|hola)\b", re.IGNORECASE)
_NAME = re.compile(r"[^\W\d_][\w.'’-]{0,40}(?: [^\W\d_][\w.'’-]{0,40}){1,3}")
_TITLE = re.compile(r"[^\W\d_][\w&/.,()' -]{2,80}")
_CONTACT_LINE = re.compile(r"@|https?:|www\.|\d{4,}|\b(?:tel|phone|mobile|fax)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Signature:
    """Parts that were not found are None. All of it is the writer's word."""

    first_name: str | None = None
    last_name: str | None = None
    title: str | None = None
    phone: str | None = None


def read_signature(text: str) -> Signature:
    """The name is the line after a closing, or the last line that looks like one; the title the line below it."""
    lines = [line.strip(" ,\t") for line in text.splitlines() if line.strip() and not line.lstrip().startswith(">")]
    lines = lines[-_LAST_LINES:]
    place = _place_of_name(lines)
    if place is None:
        return Signature(phone=_phone(lines))
    first, _, last = lines[place].rpartition(" ")
    below = lines[place + 1] if place + 1 < len(lines) else ""
    is_title = _TITLE.fullmatch(below) is not None and _CONTACT_LINE.search(below) is None
    return Signature(first or None, last, below if is_title else None, _phone(lines))


def name_in_address(address: str) -> Signature:
    """`ann.poe@` is Ann Poe; nothing where the address does not say."""
    parts = address.partition("@")[0].split(".")
    if len(parts) != 2 or not all(part.isalpha() and len(part) > 1 for part in parts):
        return Signature()
    return Signature(parts[0].title(), parts[1].title())


def _place_of_name(lines: list[str]) -> int | None:
    closings = [place for place, line in enumerate(lines) if _CLOSING.fullmatch(line)]
    after = closings[-1] + 1 if closings else None
    if after is not None and after < len(lines) and _NAME.fullmatch(lines[after]):
        return after
    named = [place for place in range(max(0, len(lines) - 3), len(lines)) if _is_name(lines[place])]
    return named[-1] if named else None


def _is_name(line: str) -> bool:
    is_like_one = _NAME.fullmatch(line) is not None and _OPENING.match(line) is None
    return is_like_one and all(word[0].isupper() for word in line.split())


def _phone(lines: list[str]) -> str | None:
    for line in lines:
        for match in PhoneNumberMatcher(line, None, leniency=Leniency.VALID):
            return str(match.raw_string)[:40]
    return None
