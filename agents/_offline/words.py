"""Turns an utterance into tokens. Linear in its length; masked values stay whole."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

MAX_UTTERANCE = 4_000
"""Characters of one message that are read; a request is far shorter, and the rest cannot change what it asks."""


class Kind(StrEnum):
    WORD = "word"
    QUOTE = "quote"
    EMAIL = "email"
    URL = "url"
    DATE = "date"
    NUMBER = "number"
    MASK = "mask"
    MARK = "mark"


@dataclass(frozen=True)
class Token:
    text: str
    low: str
    kind: Kind
    start: int
    end: int

    @property
    def is_capital(self) -> bool:
        return self.kind is Kind.MASK or (self.kind is Kind.WORD and self.text[0].isupper())


_TOKEN = re.compile(
    r'(?P<quote>"[^"\n]{1,1500}")'
    r"|(?P<mask><<[A-Z_]{1,30}:[A-Z2-7]{4,20}>>)"
    r"|(?P<url>https?://\S{1,500}|www\.\S{1,500})"
    r"|(?P<email>[A-Za-z0-9][\w.+-]{0,63}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5})"
    r"|(?P<date>\d{4}-\d{2}-\d{2}(?!\d)|\d{1,2}[./]\d{1,2}[./]\d{4}(?!\d))"
    r"|(?P<number>[$€£]?(?:\d{1,3}(?:,\d{3}){1,6}(?!\d)|\d{1,22})(?:\.\d{1,6})?(?:bn|[kKmM%])?(?![\w-]))"
    r"|(?P<word>\w+(?:[-&/.+]\w+)*)"
    r"|(?P<mark>'s(?!\w)|->|>=|<=|!=|[^\s])"
)

_CONTRACTIONS = {
    "what's": "what is",
    "whats": "what is",
    "whos": "who is",
    "wheres": "where is",
    "hows": "how is",
    "thats": "that is",
    "theres": "there is",
    "dont": "do not",
    "doesnt": "does not",
    "didnt": "did not",
    "isnt": "is not",
    "arent": "are not",
    "havent": "have not",
    "hasnt": "has not",
    "im": "i am",
    "ive": "i have",
    "who's": "who is",
    "where's": "where is",
    "how's": "how is",
    "when's": "when is",
    "it's": "it is",
    "that's": "that is",
    "there's": "there is",
    "let's": "let us",
    "i'd": "i would",
    "i've": "i have",
    "i'm": "i am",
    "i'll": "i will",
    "we've": "we have",
    "don't": "do not",
    "isn't": "is not",
    "aren't": "are not",
    "haven't": "have not",
    "hasn't": "has not",
    "doesn't": "does not",
    "didn't": "did not",
    "can't": "can not",
    "won't": "will not",
    "she's": "she is",
    "he's": "he is",
}
_CONTRACTION = re.compile(r"\b(?:" + "|".join(map(re.escape, _CONTRACTIONS)) + r")\b", re.IGNORECASE)
_QUOTES = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "–": "-", "\u00a0": " "})


def clean(text: str) -> str:
    """One line of plain quotes and spelled-out contractions; the case of every word is kept."""
    flat = " ".join(text[:MAX_UTTERANCE].translate(_QUOTES).split())
    return _CONTRACTION.sub(lambda found: _CONTRACTIONS[found.group().lower()], flat)


def tokenize(text: str) -> list[Token]:
    tokens = []
    for found in _TOKEN.finditer(text):
        kind = Kind(found.lastgroup or "mark")
        if kind is Kind.MASK and found.group().startswith("<<EMAIL:"):
            kind = Kind.EMAIL
        shown = found.group().strip('"').strip() if kind is Kind.QUOTE else found.group()
        if shown:
            tokens.append(Token(shown, shown.lower(), kind, found.start(), found.end()))
    return tokens


def split_name(name: str) -> list[str]:
    """'AnnualRevenue' -> ['annual', 'revenue']; 'ContractID__c' -> ['contract', 'id']."""
    return [*_split_name(name)]


@lru_cache(maxsize=5_000)
def _split_name(name: str) -> tuple[str, ...]:
    bare = re.sub(r"__(?:c|kav)$", "", name)
    return tuple(part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", bare))


def say_name(name: str) -> str:
    """The words a person would say for a field or object name."""
    words = [word for word in split_name(name) if not word.isdecimal()] or split_name(name)
    if words == ["stage", "name"]:
        return "stage"
    return " ".join(words[:-1] if len(words) > 1 and words[-1] == "id" else words)


def is_written_as_name(text: str) -> bool:
    """Whether it begins with a capital, or with the mask of somebody's name."""
    return text[:1].isupper() or text.startswith("<<")


def with_article(noun: str) -> str:
    """'opportunity' -> 'an opportunity'."""
    return f"{'an' if noun[:1].lower() in 'aeio' else 'a'} {noun}"


def singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("sses", "ches", "shes", "xes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def join(tokens: Iterable[Token]) -> str:
    """The tokens as written, with the spacing that their positions had."""
    text, end = "", -1
    for token in tokens:
        text += (" " if text and token.start > end else "") + token.text
        end = token.end
    return text


def phrase_at(tokens: Sequence[Token], at: int, phrase: Sequence[str]) -> bool:
    """Whether the lower-case words of `phrase` stand at position `at`."""
    return len(tokens) - at >= len(phrase) and all(tokens[at + i].low == word for i, word in enumerate(phrase))
