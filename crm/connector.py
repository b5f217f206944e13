"""The door to a CRM: what every back end offers, in plain JSON values, whatever stands behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, Protocol

from crm.description import ObjectDescription
from crm.fields import Op
from crm.semantics.model import Grain, Layer

Json = Any
Row = dict[str, Json]

Writing = Literal["create", "update", "delete", "confirm", "restore", "unconfirm", "convert", "unconvert"]
Function = Literal["count", "sum", "avg", "min", "max"]
DATE_PARTS = ("year", "quarter", "month", "week", "day")
"""A week is named by its Monday."""
PERIOD = "period"
"""The key of a metric's groups by time, whatever the grain."""


@dataclass(frozen=True)
class Filter:
    """One condition. `value` is a list for `in` and a boolean for `is_null`. Text compares without case.

    `field` is one of the record's own, or one of a record that it refers to, such as `Account.Industry`. A record that
    refers to nothing, or to what the caller may not see, meets no condition of that kind.
    """

    field: str
    op: Op
    value: Json


@dataclass(frozen=True)
class Sort:
    field: str
    descending: bool = False


@dataclass(frozen=True)
class Query:
    """A structured question; never raw SQL. Filters are joined by and."""

    object_name: str
    fields: Sequence[str] | None = None
    """None: every field that the caller may read, long texts left out."""
    filters: Sequence[Filter] = ()
    sort: Sequence[Sort] = ()
    limit: int = 20
    cursor: str | None = None


@dataclass(frozen=True)
class Page:
    """`total` counts all matches, not this page's. `names` maps referenced ids to display names."""

    records: list[Row]
    total: int
    next_cursor: str | None
    names: dict[str, str]


@dataclass(frozen=True)
class Aggregate:
    """Group and measure. `group_by` takes fields, and for dates `Field.month` and the other DATE_PARTS."""

    object_name: str
    function: Function = "count"
    field: str | None = None
    group_by: Sequence[str] = ()
    filters: Sequence[Filter] = ()
    descending: bool = True
    limit: int = 50


@dataclass(frozen=True)
class Group:
    key: dict[str, Json]
    value: float | int | str | None
    rows: int


@dataclass(frozen=True)
class Aggregation:
    """`rows` counts the records behind all groups, also those past the limit."""

    groups: list[Group]
    rows: int
    names: dict[str, str]


@dataclass(frozen=True)
class MetricQuery:
    """A question over the semantic layer (`crm.semantics`): a measure of it, by dimensions and time.

    Filters name dimensions, or fields of the object that the measure is about. A period takes in both of its ends.
    """

    metric: str
    group_by: Sequence[str] = ()
    grain: Grain | None = None
    time: str | None = None
    """Which date `since`, `until` and `grain` refer to; the measure's own if None."""
    since: date | None = None
    until: date | None = None
    filters: Sequence[Filter] = ()
    segments: Sequence[str] = ()
    min_records: int = 1
    descending: bool = True
    by_key: bool = False
    """Whether groups come in the order of their keys and not of their values."""
    limit: int = 50


@dataclass(frozen=True)
class LeftOut:
    """Records that would be meant and are not counted. `why` is about the definition, never about what is hidden."""

    why: str
    rows: int


@dataclass(frozen=True)
class MetricTable:
    """`total` is the measure over all that was counted, `rows` of them; keys of groups are dimensions and the grain."""

    groups: list[Group]
    total: float | int | None
    rows: int
    left_out: list[LeftOut]
    is_cut: bool
    """Whether there are more groups."""
    names: dict[str, str]


@dataclass(frozen=True)
class Match:
    """A record found by name. `score` runs from 0 to 1."""

    object_name: str
    record_id: str
    name: str
    score: float
    is_exact: bool
    details: Row


@dataclass(frozen=True)
class TextMatch:
    """A record found by its text. `score` falls from 1 for the best."""

    record: Row
    excerpt: str
    score: float


@dataclass(frozen=True)
class FieldChange:
    field: str
    old: Json
    new: Json


@dataclass(frozen=True)
class Change:
    """One write to one record, exactly: what was seen and what shall stand there."""

    operation: Writing
    """`confirm` changes no value: it says that staff vouch for those that stand there; `unconfirm` takes that back.
    `delete` puts the record into the bin, `restore` takes it out. `convert` marks a lead as having become other
    records, which no other write can; `unconvert` takes the mark away."""
    object_name: str
    record_id: str
    """For a create: the id that the record will get, so that doing it twice is seen."""
    name: str
    fields: tuple[FieldChange, ...]

    def to_json(self) -> dict[str, Json]:
        return {
            "operation": self.operation,
            "object": self.object_name,
            "id": self.record_id,
            "name": self.name,
            "fields": [{"field": f.field, "old": f.old, "new": f.new} for f in self.fields],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Json]) -> "Change":
        return cls(
            operation=data["operation"],
            object_name=data["object"],
            record_id=data["id"],
            name=data["name"],
            fields=tuple(FieldChange(f["field"], f["old"], f["new"]) for f in data["fields"]),
        )


@dataclass(frozen=True)
class Effect:
    """What a write did: before and after are read from the record, not taken from the request."""

    change: Change
    version: int
    before: Row = field(default_factory=dict)
    after: Row = field(default_factory=dict)

    def to_json(self) -> dict[str, Json]:
        return {
            "operation": self.change.operation,
            "object": self.change.object_name,
            "id": self.change.record_id,
            "name": self.change.name,
            "version": self.version,
            "before": self.before,
            "after": self.after,
        }


class Connector(Protocol):
    """Every call is bound to one caller: what they may not see is not there, in results, counts and errors alike.

    Raises: the errors of `crm.errors`; their messages name no record that is hidden.
    """

    async def describe(self, object_name: str) -> ObjectDescription: ...

    async def list_objects(self) -> list[str]: ...

    async def get(self, object_name: str, record_id: str, fields: Sequence[str] | None = None) -> Row: ...

    async def query(self, query: Query) -> Page: ...

    async def aggregate(self, question: Aggregate) -> Aggregation: ...

    async def measure(self, question: MetricQuery) -> MetricTable: ...

    async def semantics(self) -> Layer: ...

    async def find(self, text: str, objects: Sequence[str], limit: int) -> list[Match]: ...

    async def search(self, object_name: str, text: str, limit: int) -> list[TextMatch]: ...

    async def names_of(self, record_ids: Sequence[str]) -> dict[str, str]: ...

    async def propose_create(
        self, object_name: str, fields: Mapping[str, Json], *, beside: Sequence[Change] = ()
    ) -> Change: ...

    async def propose_update(self, object_name: str, record_id: str, fields: Mapping[str, Json]) -> Change: ...

    async def propose_convert(
        self, lead_id: str, became: Mapping[str, Json], *, beside: Sequence[Change] = ()
    ) -> Change: ...

    async def propose_unconvert(self, lead_id: str, former: Mapping[str, Json]) -> Change: ...

    async def propose_confirm(self, object_name: str, record_id: str, fields: Sequence[str]) -> Change: ...

    async def propose_delete(self, object_name: str, record_id: str) -> Change: ...

    async def propose_restore(self, object_name: str, record_id: str) -> Change: ...

    async def apply(self, change: Change) -> Effect: ...
