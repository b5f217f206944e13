"""Reads the JSON of tools by field: which text is a personal value, which is the CRM's own vocabulary, which is free.

A tool's result names its kind of record (`object`, `Id`), its fields, and people by id (`names`). What cannot be
placed counts as free text, and a field name that is personal anywhere counts as personal where the kind is unknown.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
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
_NAMED_PERSONALLY = frozenset(
    name for name, info in OBJECT_INFO.items() if any(info.fields[field].is_personal for field in info.name_fields)
)
_NO_FIELDS: Mapping[str, FieldSpec] = {}
_FREE_KEYS = frozenset({"excerpt", "subject", "title", "body", "text", "resolution"})
"""What tools call a record's text where they do not use the field's own name."""


@dataclass(slots=True)
class Place:
    """A text in JSON data, and what its surroundings say about it. Made by the thousand, so it is plain."""

    path: Path
    text: str
    key: str
    object_name: str | None
    record_id: str | None
    field: str | None
    spec: FieldSpec | None
    is_key: bool = False
    is_name: bool = False
    """What people call the record."""

    @property
    def personal(self) -> Kind | None:
        """The kind of personal value that it is; None if no field says so."""
        if self.spec is not None:
            return self.spec.kind if self.spec.is_personal else None
        if self.is_key:
            return None
        if self.is_name:
            return Kind.TEXT if self.object_name in _NAMED_PERSONALLY else None
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


def places(data: Any) -> list[Place]:
    """Every text in JSON data that is not the CRM's own vocabulary, with the path at which it stands.

    That vocabulary is the same for everybody: names of fields and kinds, allowed values, ids, dates. A path leads
    through a key by `(key, 0)` for the key itself and `(key, 1)` for its value.
    """
    found: list[Place] = []
    _walk(data, Place((), "", "", None, None, None, None), found)
    return found


def _walk(data: Any, at: Place, found: list[Place]) -> None:
    """`at` is the place of `data`, still without a text."""
    if isinstance(data, str):
        if data and not _is_structure(data, at):
            found.append(
                Place(at.path, data, at.key, at.object_name, at.record_id, at.field, at.spec, False, at.is_name)
            )
    elif isinstance(data, list | tuple):
        for place, one in enumerate(data):
            path = (*at.path, place)
            inside = Place(path, "", at.key, at.object_name, at.record_id, at.field, at.spec, False, at.is_name)
            _walk(one, inside, found)
    elif isinstance(data, Mapping):
        _walk_mapping(data, at, found)


def _walk_mapping(data: Mapping[Any, Any], at: Place, found: list[Place]) -> None:
    kind, record_id = _identify(data)
    if kind is None:
        kind, record_id = at.object_name, at.record_id
    neighbour = data.get("field")
    specs = OBJECT_INFO[kind].fields if kind is not None else _NO_FIELDS
    for raw, value in data.items():
        key = str(raw)
        if not _is_known_key(key):
            found.append(Place((*at.path, key, 0), key, "", kind, record_id, None, None, is_key=True))
        if not isinstance(value, str | list | tuple | Mapping):
            continue
        path = (*at.path, key, 1)
        if at.key == "names" and (named := object_of(key)) is not None:
            _walk(value, Place(path, "", key, named, key, None, None, is_name=True), found)
            continue
        answers = key in _ANSWERING_KEYS and isinstance(neighbour, str) and _NAMES_OF_THINGS.fullmatch(neighbour)
        name = str(neighbour) if answers else key
        spec = specs.get(name)
        is_text = spec is not None or isinstance(value, str)
        _walk(
            value, Place(path, "", key, kind, record_id, name if is_text else None, spec, False, key == "name"), found
        )


def _identify(data: Mapping[Any, Any]) -> tuple[str | None, str | None]:
    """The kind of record that an object of JSON tells of, and its id."""
    for key in ("Id", "id", "record_id"):
        value = data.get(key)
        if isinstance(value, str) and (kind := object_of(value)) is not None:
            return kind, value
    named = data.get("object")
    return (named, None) if isinstance(named, str) and named in OBJECT_INFO else (None, None)


def _is_known_key(key: str) -> bool:
    return key in _FIELD_NAMES or key.islower() or key in OBJECT_INFO or _is_id(key)


def _is_structure(text: str, at: Place) -> bool:
    if at.spec is not None and at.spec.kind is Kind.PICKLIST:
        return text in at.spec.values
    if at.personal is not None:
        return False
    if at.key in _NAMING_KEYS:
        return text in OBJECT_INFO or text.partition(".")[0] in _FIELD_NAMES or _STATUS.fullmatch(text) is not None
    if at.key in _STATUS_KEYS and at.spec is None:
        return (_STATUS if "cursor" not in at.key else _CURSOR).fullmatch(text) is not None
    return _INSTANT.fullmatch(text) is not None or _is_id(text)


def _is_id(text: str) -> bool:
    return len(text) in (15, 18) and _RECORD_ID.fullmatch(text) is not None and object_of(text) is not None
