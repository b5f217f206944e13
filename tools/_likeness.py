"""How alike texts are: the cosine of their words, each weighed by how rare it is among the texts compared."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

_WORD = re.compile(r"[^\W_]+")
_LONGEST = 20_000
_ENDINGS = ("ing", "ies", "ed", "es", "s")
_SMALL = frozenset(
    """a an and are as at be been but by can could did do does for from had has have how i if in into is it its may me
    my no not of on or our out please so than thank that the their them then there these they this to too was we were
    what when which who will with would you your hello dear hi good morning regards""".split()
)


def words_in(text: str) -> list[str]:
    """Telling words, with their endings cut off so that forms of one word count alike."""
    found = (word.lower() for word in _WORD.findall(text[:_LONGEST]))
    return [_stem(word) for word in found if word not in _SMALL and len(word) > 1]


def _stem(word: str) -> str:
    ending = next((one for one in _ENDINGS if word.endswith(one) and len(word) - len(one) >= 3), "")
    return word[: len(word) - len(ending)]


@dataclass(frozen=True)
class Corpus:
    """Texts by id, to compare others with."""

    texts: Mapping[str, str]

    @cached_property
    def _counted(self) -> dict[str, Counter[str]]:
        return {key: Counter(words_in(text)) for key, text in self.texts.items()}

    @cached_property
    def _rarity(self) -> dict[str, float]:
        held = Counter(word for words in self._counted.values() for word in words)
        return {word: math.log(1 + len(self.texts) / count) for word, count in held.items()}

    @cached_property
    def _vectors(self) -> dict[str, dict[str, float]]:
        return {key: self._weigh(words) for key, words in self._counted.items()}

    def _weigh(self, words: Counter[str]) -> dict[str, float]:
        weighed = {word: (1 + math.log(count)) * self._rarity.get(word, 0.0) for word, count in words.items()}
        length = math.sqrt(sum(weight * weight for weight in weighed.values()))
        return {word: weight / length for word, weight in weighed.items()} if length else {}

    def rank(self, text: str) -> list[tuple[str, float]]:
        """(id, likeness from 0 to 1) of those that share a telling word with `text`, most alike first."""
        wanted = self._weigh(Counter(words_in(text)))
        scores = {
            key: sum(weight * vector.get(word, 0.0) for word, weight in wanted.items())
            for key, vector in self._vectors.items()
        }
        return sorted(((key, score) for key, score in scores.items() if score > 0), key=lambda one: (-one[1], one[0]))

    def shared(self, key: str, text: str) -> Sequence[str]:
        """The words of one of the texts that `text` has as well, the rarest first."""
        both = set(self._counted[key]) & set(words_in(text))
        return sorted(both, key=lambda word: (-self._rarity[word], word))
