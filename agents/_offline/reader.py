"""A clause being read: its tokens, and which of them already have a meaning."""

from collections.abc import Iterable, Iterator, Sequence

from agents._offline.lexicon import STOPWORDS
from agents._offline.words import Kind, Token, join, phrase_at, tokenize

MAX_TOKENS = 300
"""Words of one clause that are weighed; texts such as comments are taken from the clause itself."""


class Reader:
    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = list(tokens)
        self.used = [False] * len(self.tokens)

    @classmethod
    def of(cls, text: str) -> "Reader":
        return cls(tokenize(text)[:MAX_TOKENS])

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def low(self) -> str:
        return " ".join(token.low for token in self.tokens)

    def word(self, at: int) -> str:
        return self.tokens[at].low if 0 <= at < len(self.tokens) else ""

    def take(self, start: int, end: int) -> None:
        for at in range(max(start, 0), min(end, len(self.tokens))):
            self.used[at] = True

    def is_free(self, at: int) -> bool:
        return 0 <= at < len(self.tokens) and not self.used[at]

    def free(self) -> Iterator[int]:
        return (at for at in range(len(self.tokens)) if not self.used[at])

    def find_phrase(self, *phrases: str) -> tuple[int, int] | None:
        """Where the first of these phrases stands among the unread tokens."""
        for phrase in phrases:
            words = phrase.split()
            for at in self.free():
                if phrase_at(self.tokens, at, words) and not any(self.used[at : at + len(words)]):
                    return at, at + len(words)
        return None

    def take_phrase(self, *phrases: str) -> bool:
        found = self.find_phrase(*phrases)
        if found:
            self.take(*found)
        return found is not None

    def rest(self, start: int, end: int | None = None) -> str:
        return join(self.tokens[start:end])

    def leftovers(self) -> list[tuple[int, int]]:
        """Runs of unread words that carry meaning: what remains is mostly names. Inner joiners are kept."""
        runs: list[tuple[int, int]] = []
        for at in self.free():
            if not self._is_content(at):
                continue
            if runs and self._joins(runs[-1][1], at):
                runs[-1] = (runs[-1][0], at + 1)
            else:
                runs.append((at, at + 1))
        return runs

    def _is_content(self, at: int) -> bool:
        token = self.tokens[at]
        return token.kind in (Kind.QUOTE, Kind.MASK) or (token.kind is not Kind.MARK and token.low not in STOPWORDS)

    def _joins(self, end: int, at: int) -> bool:
        gap = self.tokens[end:at]
        return (
            not any(self.used[end:at])
            and all(token.low in ("&", "-", "of", "'", "/", ".") for token in gap)
            and (
                not gap
                or (len(gap) == 1 and gap[0].low != "of")
                or (self.tokens[end - 1].is_capital and self.tokens[at].is_capital)
            )
        )


def first_index(words: Iterable[str], wanted: frozenset[str]) -> int | None:
    return next((at for at, word in enumerate(words) if word in wanted), None)
