"""Marks rude or loaded words by a list of words. It flags and never blocks; a hosted model may score beside it."""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from trust.invisible import strip_invisible

LEXICON = "lexicon"
"""The name of this score. It says which words occur, not how toxic a text is."""
_WORD = re.compile(r"[^\W_]+")
_SWAPPED = str.maketrans("013457@$!|", "oieastasii")
_LONGEST_PHRASE = 4
_USUAL = (
    "arsehole asshole bastard bitch bollocks bullshit cunt dickhead dumbass fuck fucked fucker fucking motherfucker "
    "prick shit shitty slut twat wanker whore arschloch scheisse hurensohn connard salope putain merde "
    "gilipollas mierda puta stronzo cazzo vaffanculo"
).split()
_USUAL_PHRASES = ("fick dich", "go to hell", "piss off", "kill yourself", "i will kill you")


def _normal(text: str) -> str:
    """Lower case without accents, invisible characters, swapped digits and letters said three times and more."""
    seen = strip_invisible(unicodedata.normalize("NFKD", text))[0]
    bare = "".join(char for char in seen if not unicodedata.combining(char)).casefold()
    words = (word if word.isdigit() else word.translate(_SWAPPED) for word in re.findall(r"\w(?:[\w@$!|]*\w)?", bare))
    joined = " ".join(part for word in words for part in _WORD.findall(word))
    return re.sub(r"(\w)\1{2,}", r"\1", joined)


class ContentScorer(Protocol):
    """Something that scores texts, such as a hosted moderation model. Names of scores are the scorer's own."""

    async def score(self, text: str) -> Mapping[str, float]: ...


class LexiconError(Exception):
    """A file of words cannot be used; the message says why."""


@dataclass(frozen=True)
class Lexicon:
    """Words and phrases, normalised. Finding them takes time in proportion to the text."""

    entries: frozenset[str]

    @classmethod
    def of(cls, entries: Iterable[str], *, without: Iterable[str] = ()) -> "Lexicon":
        left_out = {_normal(entry) for entry in without}
        return cls(frozenset(entry for one in entries if (entry := _normal(one)) and entry not in left_out))

    def find(self, text: str) -> list[str]:
        """The entries that occur as whole words, each once, in order of the first time."""
        words = _normal(text).split()
        found: dict[str, None] = {}
        for place in range(len(words)):
            for length in range(1, _LONGEST_PHRASE + 1):
                phrase = " ".join(words[place : place + length])
                if phrase in self.entries:
                    found[phrase] = None
        return list(found)

    async def score(self, text: str) -> Mapping[str, float]:
        """1 if any entry occurs, else 0."""
        return {LEXICON: float(bool(self.find(text)))}


USUAL = Lexicon.of([*_USUAL, *_USUAL_PHRASES])


def load_lexicons(path: Path) -> dict[str, Lexicon]:
    """The lists of a TOML file, by tenant; `default` is for all others. Raises: LexiconError.

    A section has `words`, and `without` to take usual words out; `usual = false` starts from nothing.
    """
    try:
        sections = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise LexiconError(f"the lexicon {str(path)!r} cannot be read ({type(error).__name__})") from None
    return {name: _read_section(name, section) for name, section in sections.items()}


def _read_section(name: str, section: object) -> Lexicon:
    if not isinstance(section, Mapping) or section.keys() - {"words", "without", "usual"}:
        raise LexiconError(f"lexicon section {name!r}: expected words, without and usual")
    words, without, usual = section.get("words", []), section.get("without", []), section.get("usual", True)
    if not isinstance(usual, bool) or not all(isinstance(one, list) for one in (words, without)):
        raise LexiconError(f"lexicon section {name!r}: words and without are lists, usual is true or false")
    if not all(isinstance(one, str) for one in (*words, *without)):
        raise LexiconError(f"lexicon section {name!r}: entries are text")
    return Lexicon.of([*(USUAL.entries if usual else ()), *words], without=without)
