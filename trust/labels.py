"""Where a value comes from and whom it may reach: computed from its source, never from what it says."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import reduce
from typing import Any


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
        origins = list(dict.fromkeys(part for part in (self.origin, other.origin) if part))
        return Label(
            min(self.integrity, other.integrity),
            self.writers | other.writers,
            _both(self.readers, other.readers),
            "; ".join(origins)[:300],
        )

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
    return reduce(Label.join, labels, NOTHING)


def _both(one: Readers, other: Readers) -> Readers:
    if one is None or other is None:
        return other if one is None else one
    return one & other
