"""What comes first in a question for figures: highest, lowest, best or worst; and how many are asked for."""

import re
from collections.abc import Mapping, Sequence

from agents._offline.figures import asks_for_one
from agents._offline.measuring.measures import Figure
from agents._offline.measuring.periods import number_at
from agents._offline.reader import Reader

LEVELS: Sequence[Mapping[str, str]] = tuple(
    {word: order for order, words in level.items() for word in words.split()}
    for level in (
        {
            "highest": "highest largest greatest maximum max biggest peak peaks peaked busiest",
            "lowest": "lowest smallest minimum min fewest",
        },
        {"lowest": "fastest quickest shortest soonest speediest briefest", "highest": "slowest longest"},
        {"best": "best strongest finest", "worst": "worst weakest poorest"},
        {"highest": "most", "lowest": "least"},
        {"highest": "top tops topping leading leader leads main first", "worst": "bottom last"},
    )
)
"""Words that rank, the most telling ones first."""
_SHORT_OF = re.compile(r"\b(?:number|no\.?) (?:one|1)\b|#1\b")
_THAN_OTHERS = re.compile(r"\bmore\b.{1,60}\bthan (?:in |for |by )?(?:any|all|every)\b")
_LISTED = re.compile(r"\b(?:month by month|each|how did|rank(?:ed|ing)?|compare|breakdown|distribution|spread)\b")


def read_order(reader: Reader, kinds: frozenset[Figure]) -> str:
    """The order that the words ask for; empty if they rank nothing."""
    words = [reader.word(at) if reader.is_free(at) else "" for at in range(len(reader))]
    for level in LEVELS:
        for at, word in enumerate(words):
            order = level.get(word)
            if order is None or (word in ("last", "first", "leads", "bottom") and not _ranks(words, at)):
                continue
            if order == "worst" and word in ("last", "bottom") and not kinds & {Figure.RATE, Figure.DURATION}:
                return "lowest"
            if order == "worst" and kinds == {Figure.COUNT}:
                return "highest"
            return order
    if _THAN_OTHERS.search(" ".join(words)):
        return "highest"
    return "highest" if _SHORT_OF.search(" ".join(words)) else ""


def _ranks(words: Sequence[str], at: int) -> bool:
    """'who is last', 'at the bottom', 'who leads': a rank, and no period or record."""
    if words[at] == "leads":
        return at > 0 and words[at - 1] in ("who", "rep", "agent", "and")
    if words[at] == "bottom":
        return True
    before, after = words[at - 1] if at else "", words[at + 1] if at + 1 < len(words) else ""
    return before in ("is", "comes", "in") and after in ("", "?", ",", ".", "in")


def read_limit(reader: Reader) -> int | None:
    """'top 5' is five; a single winner is one; None if all are to be shown."""
    words = [reader.word(at) for at in range(len(reader))]
    for at, word in enumerate(words[:-1]):
        if word in ("top", "first", "best", "worst", "bottom", "highest", "lowest") and reader.is_free(at + 1):
            number = number_at(words[at + 1])
            if number is not None and words[at + 1] not in ("one", "first", "second"):
                reader.take(at + 1, at + 2)
                return number
    return 1 if asks_for_one(words) and not _LISTED.search(" ".join(words)) else None
