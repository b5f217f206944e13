"""Fills arguments that keep to, or leave out, values as people say them: the examples given, values of picklists."""

import re
from collections.abc import Iterator

from agents._offline.free_text import asks_in_words
from agents._offline.lexicon import COUNTRIES, US_STATES
from agents._offline.options import NOT
from agents._offline.prompt import Briefing
from agents._offline.reader import Reader
from agents._offline.schemas import Argument, Spec, Takes
from agents._offline.stems import stem

_EXAMPLES = re.compile(r"\b(?:such as|for example|e\.g\.) ([^.;\n]{1,200})")
_PLACES = frozenset(map(stem, ("state", "country", "city", "town", "place", "location")))
_LEAVES_OUT = re.compile(
    r"\b(?:leave|left|leaves|leaving) (?:\w+ )?out\b|\bexclud|\bwithout\b|\bexcept\b", re.IGNORECASE
)
_TAKES_VALUES = re.compile(r"\bvalues?\b", re.IGNORECASE)
_KNOWN_PLACES = frozenset([*US_STATES, *COUNTRIES])
_CODES = frozenset(US_STATES.values())
_EVERYDAY = frozenset(
    """new open closed other call email event task web website draft none normal customer partner inquiry completed
    working product service sales direct marketing online public internal technology sent read""".split()
)
"""Values that are everyday words as well; where they are meant as values, their field is named."""
_LONGEST = 3


class Values:
    def __init__(self, spec: Spec, reader: Reader, briefing: Briefing) -> None:
        self._reader = reader
        self._briefing = briefing
        texts = [one for one in spec.taking(Takes.TEXT) if not asks_in_words(one)]
        self._out = [one for one in texts if _LEAVES_OUT.search(one.description)]
        self._in = [one for one in texts if one not in self._out]
        self._takers = [one for one in self._in if one.is_list and _TAKES_VALUES.search(one.description)]

    def read(self, values: dict[str, object]) -> None:
        """Takes the examples of descriptions, and picklist values where an argument takes values."""
        for at in list(self._reader.free()):
            for size in range(_LONGEST, 0, -1):
                said = self._reader.rest(at, at + size)
                if not all(self._reader.is_free(i) for i in range(at, at + size)):
                    continue
                known = self._example(said) or self._picklist_value(said)
                if known is None:
                    continue
                is_negated = any(self._reader.word(i) in NOT for i in (at - 1, at - 2))
                if self.put(known, values, is_negated=is_negated):
                    self._reader.take(at, at + size)
                    break

    def put(self, text: str, values: dict[str, object], *, is_negated: bool) -> bool:
        """Gives a value to the argument that takes such; False if none does."""
        for argument in self._out if is_negated else self._in:
            if argument.is_list and (argument in self._takers or argument in self._out):
                listed = values.get(argument.name)
                values[argument.name] = [*(listed if isinstance(listed, list) else []), text]
                return True
            if argument.name not in values and (text in examples_of(argument) or _takes_place(argument, text)):
                values[argument.name] = text
                return True
        return False

    def _example(self, said: str) -> str | None:
        for argument in self._in:
            for example in examples_of(argument):
                if example.lower() == said.lower() and (len(said) > 2 or said.isupper()):
                    return example
        return said if self._takers and said in _CODES else None

    def _picklist_value(self, said: str) -> str | None:
        if not self._takers or said.lower() in _EVERYDAY or said.lower() not in self._briefing.value_words:
            return None
        return next((value for value in self._allowed() if value.lower() == said.lower()), None)

    def _allowed(self) -> Iterator[str]:
        return (v for info in self._briefing.objects.values() for f in info.fields.values() for v in f.values)


def examples_of(argument: Argument) -> list[str]:
    """Words with a capital that the description gives as examples."""
    return [word for part in _EXAMPLES.findall(argument.description) for word in re.findall(r"\b[A-Z][\w-]*", part)]


def _takes_place(argument: Argument, text: str) -> bool:
    return bool(argument.words & _PLACES) and (text.lower() in _KNOWN_PLACES or text in _CODES)
