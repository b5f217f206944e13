"""Taking typed values from a text by rules: the first date, number, choice, id or plain yes or no that fits."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from agents._offline.dates import TodayUnknownError, read_date
from agents._offline.words import Token, clean, tokenize

_REQUEST = re.compile(r"\bone JSON object\b.*?\bWanted: (\[.*\])\s*$", re.DOTALL)
_NUMBER = re.compile(r"(?<![\w.,-])-?\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\w-])|(?<![\w.,-])-?\d+(?:\.\d+)?(?![\w-])")
_RECORD_ID = re.compile(r"(?<![0-9A-Za-z])[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?(?![0-9A-Za-z])")
_NO = frozenset({"not", "no", "never", "without", "isn't", "aren't", "don't", "doesn't", "didn't", "cannot", "can't"})
_FILLERS = frozenset({"is", "are", "the", "a", "an", "whether", "was", "were", "has", "have", "it", "of", "to", "be"})


def read_wanted(prompt: str) -> list[dict[str, Any]] | None:
    """What a system prompt asks to be taken from a text; None if it asks for something else."""
    match = _REQUEST.search(prompt)
    try:
        wanted = json.loads(match.group(1)) if match else None
    except ValueError:
        return None
    return [one for one in wanted if isinstance(one, dict) and "name" in one] if isinstance(wanted, list) else None


def extract(text: str, wanted: Sequence[Mapping[str, Any]]) -> str:
    """A JSON object with a value for each name, null where the text has none."""
    tokens = tokenize(clean(text))
    return json.dumps({str(one["name"]): _value(text, tokens, one) for one in wanted}, ensure_ascii=False)


def _value(text: str, tokens: Sequence[Token], wanted: Mapping[str, Any]) -> Any:
    match wanted.get("type"):
        case "choice":
            return _choice(text, [str(choice) for choice in wanted.get("choices", ())])
        case "yes_no":
            return _yes_or_no(text, str(wanted.get("about") or wanted["name"]))
        case "number":
            return _number(text, wanted)
        case "date":
            return _date(tokens)
        case "record_id":
            found = _RECORD_ID.search(text)
            return found.group() if found else None
    return None


def _choice(text: str, choices: Sequence[str]) -> str | None:
    """The choice that is named first; of two at one place, the longer."""
    low = text.casefold()
    places = [
        (match.start(), -len(choice), choice)
        for choice in choices
        if (match := re.search(rf"(?<!\w){re.escape(choice.casefold())}(?!\w)", low))
    ]
    return min(places)[2] if places else None


def _yes_or_no(text: str, about: str) -> bool | None:
    """Whether the sentence with most of the question's words denies them; None if no sentence has any."""
    asked = {word for word in re.findall(r"[\w']+", about.replace("_", " ").casefold()) if word not in _FILLERS}
    best, most = None, 0
    for sentence in re.split(r"(?<=[.!?\n])\s+", text):
        words = set(re.findall(r"[\w']+", sentence.casefold()))
        if len(asked & words) > most:
            best, most = words, len(asked & words)
    return None if best is None else not (best - asked) & _NO


def _number(text: str, wanted: Mapping[str, Any]) -> float | int | None:
    for match in _NUMBER.finditer(text):
        value = float(match.group().replace(",", ""))
        if float(wanted.get("minimum", value)) <= value <= float(wanted.get("maximum", value)):
            return int(value) if value.is_integer() else value
    return None


def _date(tokens: Sequence[Token]) -> str | None:
    for at in range(len(tokens)):
        try:
            span = read_date(tokens, at, None)
        except TodayUnknownError:
            continue
        if span is not None and span.first == span.last:
            return span.first.isoformat()
    return None
