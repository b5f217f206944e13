"""Which text answers a question, and which passage of it: by the words that they share, whatever database there is."""

import re
from collections.abc import Sequence

_MOST_WORDS = 24
_EXCERPT = 400
_WORD = re.compile(r"\w+")
_STOP_WORDS = frozenset(
    """a an and are as at be but by can do does for from has have how i if in is it its me my no not of on or our so
    that the their there they this to was we what when where which who why will with you your""".split()
)


def telling_words(wanted: str) -> list[str]:
    words = [word.lower() for word in _WORD.findall(wanted[:4_000])]
    telling = [word for word in dict.fromkeys(words) if word not in _STOP_WORDS and len(word) > 1]
    return telling[:_MOST_WORDS]


def stem(word: str) -> str:
    """Enough of a stem to count words alike over both databases, whose own stemmers differ."""
    for ending in ("ing", "ies", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def text_score(title: str, body: str, words: Sequence[str]) -> float:
    """The share of wanted words that the text has; those in the title count twice."""
    in_title = {stem(word.lower()) for word in _WORD.findall(title)}
    in_body = {stem(word.lower()) for word in _WORD.findall(body[:20_000])}
    hits = sum(2 if stem(word) in in_title else 1 if stem(word) in in_body else 0 for word in words)
    return hits / (2 * len(words))


def best_passage(body: str, words: Sequence[str]) -> str:
    """The stretch of the body with the most wanted words, at sentence borders where there are any."""
    stems = {stem(word) for word in words}
    sentences = re.split(r"(?<=[.!?\n])\s+", body[:20_000].strip())
    best, most = "", -1
    for place in range(len(sentences)):
        passage = ""
        for sentence in sentences[place:]:
            if passage and len(passage) + len(sentence) >= _EXCERPT:
                break
            passage = f"{passage} {sentence}".strip()
        hits = len(stems & {stem(word.lower()) for word in _WORD.findall(passage)})
        if hits > most:
            best, most = passage, hits
    return best[:_EXCERPT]
