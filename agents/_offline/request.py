"""What a clause asks for, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Verb(StrEnum):
    SHOW = "show"
    LIST = "list"
    MEASURE = "measure"
    SUMMARISE = "summarise"
    TIMELINE = "timeline"
    KNOWLEDGE = "knowledge"
    SIMILAR = "similar"
    UPDATE = "update"
    CREATE = "create"
    TASK = "task"
    CALL = "call"
    COMMENT = "comment"
    DRAFT = "draft"
    SEND = "send"
    DELETE = "delete"
    TOOL = "tool"
    """Any tool, found by its own description."""
    MORE = "more"
    GREET = "greet"
    THANKS = "thanks"
    HELP = "help"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Reference:
    """How a record was referred to. Exactly one of id, number, pronoun, ordinal and text leads."""

    text: str = ""
    record_id: str = ""
    number: str = ""
    pronoun: str = ""
    ordinal: int = 0
    objects: tuple[str, ...] = ()
    scope: str = ""
    """The other name that narrows it down: Acme in 'Ann at Acme'."""

    @property
    def key(self) -> str:
        return self.text.lower() or self.number or self.record_id or self.pronoun or str(self.ordinal)

    @property
    def leans_on_thread(self) -> bool:
        return bool(self.pronoun or self.ordinal)


@dataclass(frozen=True)
class Condition:
    field: str
    op: str
    value: object
    topic: str
    """What kind of narrowing it is; a later one of the same topic replaces it in a follow-up."""

    @property
    def as_argument(self) -> dict[str, object]:
        """As tools take it."""
        return {"field": self.field, "op": self.op, "value": self.value}


@dataclass(frozen=True)
class Sort:
    field: str
    descending: bool


@dataclass(frozen=True)
class Change:
    """One assignment as said. The field may be left to the value: 'to Negotiation'."""

    value: str
    field: str = ""


@dataclass(frozen=True)
class Request:
    verb: Verb
    said: str
    object: str | None = None
    target: Reference | None = None
    scope: Reference | None = None
    """Records that belong to this one."""
    owner: Reference | None = None
    conditions: tuple[Condition, ...] = ()
    fields: tuple[str, ...] = ()
    group_by: tuple[str, ...] = ()
    sort: Sort | None = None
    limit: int | None = None
    function: str = "count"
    measure: str | None = None
    changes: tuple[Change, ...] = ()
    text: str = ""
    note: str = ""
    """The longer text: notes of a call, body of a comment, manner of a message."""
    day: str | None = None
    until: str | None = None
    priority: str | None = None
    published: bool = False
    people: tuple[Reference, ...] = ()
    needs_today: bool = False
    ignored: tuple[str, ...] = ()
    """Words that were not understood and did not narrow anything; the answer says so."""
    problem: str = ""
    """Why part of it cannot be done, said to the user instead of guessing."""
    is_elliptic: bool = False
    asks: bool = False
    """Whether it ends with a question mark."""
    otherwise: "Request | None" = None
    """What else it may ask for, if a tool finds no record that it needs."""
    tool: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    """What the clause says of the tool's arguments."""
    references: Mapping[str, tuple[Reference, ...]] = field(default_factory=dict)
    spare: tuple[Reference, ...] = ()
    dated: frozenset[str] = frozenset()
    implied: frozenset[str] = frozenset()
    """References that go to whichever argument takes such a record."""

    @property
    def says_more(self) -> bool:
        """Whether it gives a tool anything to go by."""
        return bool(self.values or self.references or self.spare or self.ignored)
