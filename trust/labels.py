"""Where a value comes from and whom it may reach: computed from its source, never from what it says."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, cast

_MOST_ORIGINS = 4
_LONGEST_ORIGIN = 300


class Integrity(IntEnum):
    """How far a value can be trusted; the lower of two survives a join."""

    EXTERNAL = 0
    """Anything somebody outside the tenant could have written."""
    CRM_VERIFIED = 1
    """Entered or confirmed by staff."""
    USER = 2
    """The words of this turn's authenticated caller."""
    SYSTEM = 3
    """Made by the service: ids, enumerations, numbers, dates."""

    @property
    def word(self) -> str:
        """As it stands in JSON and policies, in lower case."""
        return self.name.lower()


Readers = frozenset[str] | None
"""Who outside the house may read a value: `account:<id>` and `contact:<id>`. Empty: staff only. None: anybody."""


@dataclass(frozen=True)
class Label:
    """`origin` names the source in a few words for people: `Case 500….Description`, `user`, `model`."""

    integrity: Integrity
    writers: frozenset[str] = frozenset()
    """User and contact ids, or `outside` for somebody unknown."""
    readers: Readers = frozenset()
    origin: str = ""

    def join(self, other: "Label") -> "Label":
        """The label of something made of both."""
        return join_all((self, other))

    def either(self, other: "Label") -> "Label":
        """The label of one value that stands in two places.

        It is as good as in the better of them. Its readers are those of both: whoever guesses a value must not learn
        from an answer that it stands in the other place too.
        """
        together = join_all((self, other))
        return Label(max(self.integrity, other.integrity), together.writers, together.readers, together.origin)

    def to_json(self) -> dict[str, Any]:
        return {
            "integrity": self.integrity.word,
            "writers": sorted(self.writers),
            "readers": None if self.readers is None else sorted(self.readers),
            "origin": self.origin,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Label":
        readers = data["readers"]
        return cls(
            Integrity[data["integrity"].upper()],
            frozenset(data["writers"]),
            None if readers is None else frozenset(readers),
            data["origin"],
        )


NOTHING = Label(Integrity.SYSTEM, frozenset(), None, "")
"""The label of a value made of nothing; neutral in a join."""


def join_all(labels: Iterable[Label]) -> Label:
    """The label of something made of all of them; of nothing at all, SYSTEM and readable by anybody."""
    integrity, writers, readers, origins = Integrity.SYSTEM, set[str](), cast(Readers, None), dict[str, None]()
    for label in labels:
        integrity = min(integrity, label.integrity)
        writers |= label.writers
        readers = _both(readers, label.readers)
        origins[label.origin] = None
    return Label(integrity, frozenset(writers), readers, _listed(origins))


def _listed(origins: Iterable[str]) -> str:
    """The first few origins; how many more there were does not matter to anybody."""
    shown = list(dict.fromkeys(part for origin in origins for part in origin.split("; ") if part))
    return "; ".join(shown[:_MOST_ORIGINS])[:_LONGEST_ORIGIN]


def _both(one: Readers, other: Readers) -> Readers:
    if one is None or other is None:
        return other if one is None else one
    return one & other
