"""Reads the JSON of tools by field: which text is a personal value, which is the CRM's own vocabulary, which is free.

A tool's result names its kind of record (`object`, `Id`), its fields, and people by id (`names`). What cannot be
placed counts as free text, and a field name that is personal anywhere counts as personal where the kind is unknown.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from crm.fields import FieldSpec, Kind
from crm.personal import PERSONAL
from crm.schema import OBJECT_INFO, object_of

Path = tuple[str | int, ...]

_RECORD_ID = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?")
_ANSWERING_KEYS = frozenset({"old", "new", "value", "before", "after"})
"""Keys whose value is that of the field that a neighbour names."""
_NAMING_KEYS = frozenset({"object", "objects", "field", "fields", "group_by", "types", "related", "function", "op"})
_STATUS_KEYS = frozenset({"kind", "status", "operation", "next_cursor", "cursor"})
_STATUS = re.compile(r"[a-z_]{1,20}")
_CURSOR = re.compile(r"[A-Za-z0-9_\-]{24,}={0,2}")
_NAMES_OF_THINGS = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)?")
_ANYWHERE = {field: OBJECT_INFO[name].fields[field] for name, fields in PERSONAL.items() for field in fields}
_FIELD_NAMES = frozenset(field for info in OBJECT_INFO.values() for field in info.fields)
_OUTSIDE = frozenset(
    name for name, info in OBJECT_INFO.items() if any(spec.external_text for spec in info.fields.values())
)
_FREE_KEYS = frozenset({"excerpt", "subject", "title", "body", "text", "resolution"})
"""What tools call a record's text where they do not use the field's own name."""


@dataclass(frozen=True)
class Place:
    """A text in JSON data, and what its surroundings say about it."""

    path: Path
    text: str
    key: str = ""
    object_name: str | None = None
    record_id: str | None = None
    field: str | None = None
    spec: FieldSpec | None = None
    is_key: bool = False
    is_name: bool = False
    """What people call the record."""

    @property
    def personal(self) -> Kind | None:
        """The kind of personal value that it is; None if no field says so."""
        if self.is_key:
            return None
        if self.is_name:
            return Kind.TEXT if self.object_name and _is_named_personally(self.object_name) else None
        if self.spec is not None:
            return self.spec.kind if self.spec.is_personal else None
        if self.object_name is None and self.field in _ANYWHERE:
            return _ANYWHERE[self.field].kind
        return None

    @property
    def is_outside(self) -> bool:
        """Whether somebody outside the tenant may have written it."""
        if self.spec is not None:
            return self.spec.external_text
        return self.object_name in _OUTSIDE and (self.key in _FREE_KEYS or self.is_name)

    @property
    def is_long(self) -> bool:
        return (self.spec is not None and self.spec.kind is Kind.LONG_TEXT) or self.key in ("excerpt", "body")

    @property
    def is_business_number(self) -> bool:
        """A number that its field says is a company's: hidden only if it is a person's as well."""
        return self.spec is not None and self.spec.kind is Kind.PHONE and not self.spec.is_personal


def places(data: Any) -> Iterator[Place]:
    """Every text in JSON data, keys included, with the path at which it stands.

    A path leads through a key's place by `(key, 0)` for the key itself and `(key, 1)` for its value.
    """
    return _walk(data, Place((), ""))


def is_structure(place: Place) -> bool:
    """Whether a text belongs to the CRM's own vocabulary, which is the same for everybody: names of fields and kinds,
    allowed values, ids, dates."""
    text = place.text
    if not text:
        return True
    if place.is_key:
        return text in _FIELD_NAMES or text in OBJECT_INFO or text.islower() or _is_id(text)
    if place.personal is not None:
        return False
    if _is_id(text) or _INSTANT.fullmatch(text) is not None:
        return True
    if place.key in _NAMING_KEYS:
        return text in OBJECT_INFO or text.partition(".")[0] in _FIELD_NAMES or _STATUS.fullmatch(text) is not None
    if place.key in _STATUS_KEYS and place.spec is None:
        return (_STATUS if "cursor" not in place.key else _CURSOR).fullmatch(text) is not None
    return place.spec is not None and place.spec.kind is Kind.PICKLIST and text in place.spec.values


def _is_id(text: str) -> bool:
    return _RECORD_ID.fullmatch(text) is not None and object_of(text) is not None


def _is_named_personally(object_name: str) -> bool:
    info = OBJECT_INFO[object_name]
    return any(info.fields[field].is_personal for field in info.name_fields)


def _walk(data: Any, at: Place) -> Iterator[Place]:
    if isinstance(data, str):
        yield replace(at, text=data)
    elif isinstance(data, list | tuple):
        for place, one in enumerate(data):
            yield from _walk(one, replace(at, path=(*at.path, place)))
    elif isinstance(data, Mapping):
        yield from _walk_mapping(data, at)


def _walk_mapping(data: Mapping[Any, Any], at: Place) -> Iterator[Place]:
    kind, record_id = _identify(data)
    here = replace(at, object_name=kind or at.object_name, record_id=record_id or (None if kind else at.record_id))
    for raw, value in data.items():
        key = str(raw)
        yield replace(here, path=(*at.path, key, 0), text=key, is_key=True, is_name=False)
        inside = replace(here, path=(*at.path, key, 1), key=key, is_name=False)
        if at.key == "names" and (named := object_of(key)) is not None:
            yield from _walk(
                value, replace(inside, object_name=named, record_id=key, field=None, spec=None, is_name=True)
            )
            continue
        name = _field_named(data, key)
        spec = _spec(here.object_name, name)
        if spec is None and isinstance(value, Mapping | list | tuple):
            yield from _walk(value, replace(inside, field=None, spec=None))
            continue
        is_name = key == "name" and spec is None
        yield from _walk(value, replace(inside, field=name, spec=spec, is_name=is_name))


def _identify(data: Mapping[Any, Any]) -> tuple[str | None, str | None]:
    """The kind of record that an object of JSON tells of, and its id."""
    for key in ("Id", "id", "record_id"):
        value = data.get(key)
        if isinstance(value, str) and (kind := object_of(value)) is not None:
            return kind, value
    named = data.get("object")
    return (named, None) if isinstance(named, str) and named in OBJECT_INFO else (None, None)


def _field_named(data: Mapping[Any, Any], key: str) -> str:
    """The field a value belongs to: its key, or the one that its neighbour `field` names."""
    neighbour = data.get("field")
    if key in _ANSWERING_KEYS and isinstance(neighbour, str) and _NAMES_OF_THINGS.fullmatch(neighbour):
        return neighbour
    return key


def _spec(object_name: str | None, field: str) -> FieldSpec | None:
    return None if object_name is None else OBJECT_INFO[object_name].fields.get(field)
