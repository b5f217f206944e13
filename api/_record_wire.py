"""A record over HTTP as a person looks at it: fields, lists, what happened, what was written."""

from typing import Any

from pydantic import BaseModel, Field

from api._ledger_wire import LedgerWire
from api.overview import FieldSeen, Happened, Overview, Related
from crm.fields import Kind
from crm.schema import object_of
from trust.labels import Label

LONGEST = 2_000
"""Characters of a text that an overview shows."""


class SourceWire(BaseModel):
    """Where a value comes from, as on cards."""

    integrity: str
    origin: str
    writers: list[str]


class ReferenceWire(BaseModel):
    object: str
    id: str
    name: str


class FieldWire(BaseModel):
    """A field that the caller may read."""

    name: str
    kind: str
    description: str
    value: Any
    length: int | None = Field(description="Of a text that is cut: how long it is. The record itself has all of it.")
    refers_to: ReferenceWire | None = Field(description="The record that it refers to, if the caller may see that.")
    source: SourceWire | None = Field(description="Null where nothing stands.")
    may_write: bool


class RelatedRecordWire(BaseModel):
    id: str
    name: str
    values: dict[str, Any]
    outside: list[str] = Field(description="Fields of it that somebody outside may have written.")
    is_name_from_outside: bool


class RelatedWire(BaseModel):
    """Records of one kind that point here by one field, newest first."""

    object: str
    field: str
    total: int
    columns: list[str]
    records: list[RelatedRecordWire]
    names: dict[str, str]


class OverviewWire(BaseModel):
    """A record with what hangs on it, all of it as far as the caller may see it."""

    object: str
    id: str
    name: str
    is_name_from_outside: bool
    fields: list[FieldWire]
    related: list[RelatedWire]
    names: dict[str, str] = Field(description="Of records that its fields refer to, and of people, by id.")


class HappenedWire(BaseModel):
    object: str
    id: str
    at: str | None
    subject: str | None
    excerpt: str | None
    is_from_outside: bool


class TimelineWire(BaseModel):
    """What happened around a record, newest first."""

    entries: list[HappenedWire]
    total: int


class WriteWire(BaseModel):
    """A write of the copilot's that touched the record."""

    entry: LedgerWire
    undone_by: str | None = Field(description="The entry that took it back.")
    asked_by: str | None = Field(description="Name of who it was written for.")


def overview_wire(seen: Overview) -> OverviewWire:
    return OverviewWire(
        object=seen.object_name,
        id=seen.record_id,
        name=seen.name[:LONGEST],
        is_name_from_outside=seen.is_name_from_outside,
        fields=[_field_wire(one, seen.names.get(str(one.value))) for one in seen.fields],
        related=[related_wire(one) for one in seen.related],
        names=dict(seen.names),
    )


def _field_wire(one: FieldSeen, refers_to: str | None) -> FieldWire:
    is_cut = isinstance(one.value, str) and len(one.value) > LONGEST
    return FieldWire(
        name=one.name,
        kind=one.spec.kind.value,
        description=one.spec.description,
        value=one.value[:LONGEST] if is_cut else one.value,
        length=len(one.value) if is_cut else None,
        refers_to=_reference_wire(one, refers_to),
        source=None if one.label is None else _source_wire(one.label),
        may_write=one.may_write,
    )


def _reference_wire(one: FieldSeen, name: str | None) -> ReferenceWire | None:
    object_name = object_of(str(one.value)) if one.spec.kind is Kind.REFERENCE else None
    if object_name is None or name is None:
        return None
    return ReferenceWire(object=object_name, id=str(one.value), name=name[:LONGEST])


def _source_wire(label: Label) -> SourceWire:
    return SourceWire(integrity=label.integrity.word, origin=label.origin, writers=sorted(label.writers))


def related_wire(one: Related) -> RelatedWire:
    return RelatedWire(
        object=one.object_name,
        field=one.field,
        total=one.page.total,
        columns=list(one.columns),
        records=[
            RelatedRecordWire(
                id=row["Id"],
                name=one.names.get(row["Id"], row["Id"])[:LONGEST],
                values={name: row[name] for name in one.columns if name in row},
                outside=[name for name in one.columns if name in one.outside[row["Id"]]],
                is_name_from_outside=bool(one.outside[row["Id"]] - set(one.columns)),
            )
            for row in one.page.records
        ],
        names=one.page.names,
    )


def happened_wire(one: Happened) -> HappenedWire:
    return HappenedWire(**one.entry.model_dump(), is_from_outside=one.is_from_outside)
