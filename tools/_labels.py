"""Labels for a tool's result: from its schema and the records behind it, never from what the values say."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, get_args

from pydantic import BaseModel

from crm.connector import Change
from crm.database import TenantSession
from crm.fields import Kind
from crm.ids import normalise_id
from crm.provenance import RecordOrigin
from crm.repositories.provenance import fields_from_outside, load_origins
from crm.schema import OBJECT_INFO, object_of
from tools._declare import Integrity as Declared
from tools._declare import Tool
from trust.handles import Path
from trust.labels import NOTHING, Integrity, Label, join_all
from trust.provenance import is_text, label_of, label_of_name, label_of_record, unknown_label

_NAMES = frozenset({"name", "names"})
"""Parts of results that hold what people call a record."""
_MADE_OF = "made_of"
"""The part of a result that lists the records whose texts went into those beside it."""


@dataclass(frozen=True)
class Labelled:
    """`values`: the label of each text or kept value, by its place in the result. `ids`: the records it speaks of.
    `personal`: the values that say who somebody is, with the record and the field of each."""

    values: dict[Path, Label]
    ids: frozenset[str]
    personal: Mapping[Path, tuple[str | None, str]] = field(default_factory=dict)

    @property
    def outside(self) -> dict[Path, Label]:
        """The places where an outsider may have written."""
        return {path: label for path, label in self.values.items() if label.integrity is Integrity.EXTERNAL}

    @property
    def inside(self) -> Label:
        """The label of everything else together."""
        return join_all(label for label in self.values.values() if label.integrity is not Integrity.EXTERNAL)


@dataclass(frozen=True)
class _Value:
    path: Path
    value: Any
    declared: Declared
    record_id: str | None
    object_name: str | None
    key: str
    made_of: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answered:
    """What a tool answered, as JSON, and the label of what it was asked with."""

    tool: Tool
    result: Mapping[str, Any]
    asked: Label = NOTHING


async def label_results(session: TenantSession, answers: Sequence[Answered]) -> list[Labelled]:
    """The labels of several answers of tools; what they need is asked for once."""
    walked = [list(_walk(one.result, one.tool.result, (), Declared.BY_FIELD, _Around(), "")) for one in answers]
    ids = [_ids_in(values) for values in walked]
    origins = await load_origins(session, frozenset[str]().union(*ids))
    tampered = await _tampered_groups(session, [one for values in walked for one in values])
    return [
        _labelled(values, known, origins, tampered, one.asked)
        for values, known, one in zip(walked, ids, answers, strict=True)
    ]


async def label_result(
    session: TenantSession, tool: Tool, result: Mapping[str, Any], asked: Label = NOTHING
) -> Labelled:
    """The labels of one answer."""
    [labelled] = await label_results(session, [Answered(tool, result, asked)])
    return labelled


def _ids_in(values: Iterable[_Value]) -> frozenset[str]:
    named = {found for one in values if one.declared is not Declared.EXTERNAL and (found := _id_in(one)) is not None}
    sources = {source for one in values for source in one.made_of}
    return frozenset(named | sources | {one.record_id for one in values if one.record_id is not None})


def _labelled(
    values: Sequence[_Value],
    ids: frozenset[str],
    origins: Mapping[str, RecordOrigin],
    tampered: Set[tuple[str, str]],
    asked: Label,
) -> Labelled:
    labels: dict[Path, Label] = {}
    for one in values:
        label = _label(one, origins, tampered, asked)
        if label is not None:
            labels[one.path] = label
    together = join_all(labels.values()) if labels else None
    if together is not None:
        labels |= {one.path: together for one in values if one.declared is Declared.COMPOSED}
    personal = {one.path: (one.record_id, one.key) for one in values if _is_personal(one, origins)}
    return Labelled(labels, ids, personal)


def _id_in(one: _Value) -> str | None:
    """The record that a value names by the nature of its field, not because a text looks like an id."""
    if not _is_record_id(one.value):
        return None
    name = object_of(one.record_id) if one.record_id else one.object_name
    spec = OBJECT_INFO[name].fields.get(one.key) if name else None
    is_id = one.key in ("id", "Id") or (spec is not None and spec.kind in (Kind.ID, Kind.REFERENCE))
    return normalise_id(one.value) if is_id else None


def _is_personal(one: _Value, origins: Mapping[str, RecordOrigin]) -> bool:
    origin = origins.get(one.record_id) if one.record_id else None
    name = origin.object_name if origin else one.object_name
    if name is None:
        return False
    info = OBJECT_INFO[name]
    if one.key in info.fields:
        return info.fields[one.key].is_personal
    return one.key in _NAMES and any(info.fields[field].is_personal for field in info.name_fields)


async def label_settled(session: TenantSession, changes: Iterable[Change], answer: Mapping[str, Any]) -> Labelled:
    """The labels of what is told after a decision: old and new values, or those that stood in the way.

    `answer` is the result or the error as JSON. Fields of one name in several records count as the worst of them.
    """
    records = [change.record_id for change in changes]
    origins = await load_origins(session, records)
    by_field: dict[str, Label] = {}
    for change in changes:
        origin = origins.get(change.record_id)
        for one in change.fields:
            label = label_of(origin, one.field) if origin else unknown_label(one.field)
            by_field[one.field] = by_field.get(one.field, NOTHING).join(label)
    values: dict[Path, Label] = {}
    for part in ("changes", "conflicts"):
        for place, one in enumerate(answer.get(part, ())):
            for key in ("old", "new", "seen", "current"):
                if isinstance(one.get(key), str):
                    values[part, place, key] = by_field.get(one["field"], NOTHING)
    if isinstance(answer.get("name"), str) and answer.get("id") in origins:
        values["name",] = label_of_name(origins[answer["id"]])
    return Labelled(values, frozenset(records))


async def _tampered_groups(session: TenantSession, values: Iterable[_Value]) -> set[tuple[str, str]]:
    """Of the fields that results were grouped by: those which hold an outsider's words in some record."""
    asked: dict[str, set[str]] = {}
    for one in values:
        if one.record_id is None and one.object_name is not None and one.key in OBJECT_INFO[one.object_name].fields:
            asked.setdefault(one.object_name, set()).add(one.key)
    found = set()
    for name, fields in asked.items():
        info = OBJECT_INFO[name]
        texts = {field for field in fields if is_text(info.fields[field])}
        outside = {field for field in texts if info.fields[field].external_text}
        outside |= await fields_from_outside(session, info.prefix, texts - outside) if texts - outside else set()
        found |= {(name, field) for field in outside}
    return found


def _label(
    one: _Value, origins: Mapping[str, RecordOrigin], tampered: Set[tuple[str, str]], asked: Label
) -> Label | None:
    if one.declared is Declared.ARGUMENTS:
        return asked if isinstance(one.value, str) else None
    if one.declared is Declared.EXTERNAL:
        return unknown_label(".".join(map(str, one.path)))
    if one.declared is Declared.STAFF:
        return _label_of_staff(one.key) if isinstance(one.value, str) else None
    if one.declared in (Declared.SYSTEM, Declared.COMPOSED) or one.value is None or isinstance(one.value, bool):
        return None
    if one.made_of and one.key != _MADE_OF:
        return join_all(label_of_record(origins[id_]) if id_ in origins else unknown_label(id_) for id_ in one.made_of)
    if one.record_id is None:
        return _label_of_group(one, tampered)
    origin = origins.get(one.record_id)
    if origin is None:
        return unknown_label(one.key)
    if one.key in OBJECT_INFO[origin.object_name].fields:
        label = label_of(origin, one.key)
        return label if label.integrity is not Integrity.SYSTEM or label.readers is not None else None
    if not isinstance(one.value, str):
        return None
    return label_of_name(origin) if one.key in _NAMES else label_of_record(origin)


def _label_of_group(one: _Value, tampered: Set[tuple[str, str]]) -> Label | None:
    """The label of a value that belongs to no record in particular."""
    if not isinstance(one.value, str) or _is_record_id(one.value):
        return None
    field = one.key.partition(".")[0]
    spec = OBJECT_INFO[one.object_name].fields.get(field) if one.object_name else None
    if spec is None or (one.object_name, field) in tampered:
        return unknown_label(one.key)
    return _label_of_staff(one.key) if is_text(spec) else None


def _label_of_staff(origin: str) -> Label:
    return Label(Integrity.CRM_VERIFIED, frozenset(), frozenset(), origin)


@dataclass(frozen=True)
class _Around:
    """What encloses a value. `columns`: of a table, what its cells hold, by their keys."""

    record_id: str | None = None
    object_name: str | None = None
    columns: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    made_of: tuple[str, ...] = ()

    def inside(self, value: Mapping[str, Any]) -> "_Around":
        name = value.get("object")
        is_object = isinstance(name, str) and name in OBJECT_INFO
        sources = tuple(filter(None, map(normalise_id, value.get(_MADE_OF) or ())))
        record_id = _record_in(value)
        columns = value.get("columns")
        named = [one for one in columns if isinstance(one, Mapping)] if isinstance(columns, list) else []
        return _Around(
            record_id or self.record_id,
            name if is_object else self.object_name,
            {str(one.get("key")): one for one in named} or self.columns,
            sources or (() if record_id else self.made_of),
        )

    def cell(self, path: Path, key: str, value: Any, row: Mapping[str, Any]) -> _Value | None:
        """The value as its column declares it: the name of a record, its id, or what a field holds."""
        for_id = key.removesuffix("_id")
        if for_id != key and for_id in self.columns and _is_record_id(value):
            return _Value(path, value, Declared.BY_FIELD, normalise_id(value), None, "id")
        column = self.columns.get(key)
        if column is None or isinstance(value, Mapping | list):
            return None
        if column.get("field") is None:
            return _Value(path, value, Declared.SYSTEM, None, None, key)
        record = row.get(f"{key}_id")
        if isinstance(record, str) and _is_record_id(record):
            return _Value(path, value, Declared.BY_FIELD, normalise_id(record), None, "name")
        return _Value(path, value, Declared.BY_FIELD, None, column["object"], column["field"])


def _walk(
    value: Any, model: type[BaseModel] | None, path: Path, declared: Declared, around: _Around, key: str
) -> Iterator[_Value]:
    """Every value of a result with the record that it belongs to: the nearest one that names an id around it."""
    if isinstance(value, Mapping):
        around = around.inside(value)
        for name, inner in value.items():
            part_model, part_declared = _declared(model, name, declared)
            cell = around.cell((*path, name), name, inner, value) if around.columns else None
            if cell is not None:
                yield cell
            elif key == "names" and _is_record_id(name):
                yield _Value((*path, name), inner, Declared.BY_FIELD, normalise_id(name), None, "name")
            else:
                yield from _walk(inner, part_model, (*path, name), part_declared, around, name)
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _walk(inner, model, (*path, place), declared, around, key)
    else:
        yield _Value(path, value, declared, around.record_id, around.object_name, key, around.made_of)


def _declared(model: type[BaseModel] | None, name: str, inherited: Declared) -> tuple[type[BaseModel] | None, Declared]:
    field = model.model_fields.get(name) if model is not None else None
    if field is None:
        return None, inherited
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    return _model_in(field.annotation), Declared(str(extra.get("integrity", Declared.EXTERNAL)))


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part)) is not None), None)


def _record_in(value: Mapping[str, Any]) -> str | None:
    for name in ("Id", "id"):
        if _is_record_id(value.get(name)):
            return normalise_id(value[name])
    return None


def _is_record_id(value: Any) -> bool:
    return isinstance(value, str) and normalise_id(value) is not None and object_of(value) is not None
