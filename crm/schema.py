"""What the kinds of record are made of: read once from the declarations, for everything that works on any object."""

from dataclasses import dataclass
from functools import cache

from sqlalchemy import inspect as mapper_of

from crm.base import Record
from crm.fields import FieldSpec, spec_of
from crm.ids import normalise_id
from crm.records import OBJECTS


@dataclass(frozen=True)
class ObjectInfo:
    """One kind of record. `children` are (object, reference field) pairs that point here."""

    name: str
    description: str
    prefix: str
    name_fields: tuple[str, ...]
    fields: dict[str, FieldSpec]
    children: tuple[tuple[str, str], ...]
    record_type: type[Record]


def _fields_of(record_type: type[Record]) -> dict[str, FieldSpec]:
    found = {}
    for column in mapper_of(record_type).columns:
        spec = spec_of(column)
        if spec is not None:
            found[column.name] = spec
    return found


def _describe() -> dict[str, ObjectInfo]:
    specs = {name: _fields_of(record_type) for name, record_type in OBJECTS.items()}
    children: dict[str, list[tuple[str, str]]] = {name: [] for name in OBJECTS}
    for name, fields in specs.items():
        for field, spec in fields.items():
            if field == "OwnerId":
                continue
            for target in spec.targets:
                children[target].append((name, field))
    return {
        name: ObjectInfo(
            name=name,
            description=(record_type.__doc__ or "").strip(),
            prefix=record_type.prefix,
            name_fields=record_type.name_fields,
            fields=specs[name],
            children=tuple(children[name]),
            record_type=record_type,
        )
        for name, record_type in OBJECTS.items()
    }


OBJECT_INFO = _describe()
_BY_PREFIX = {info.prefix: name for name, info in OBJECT_INFO.items()}


def object_of(record_id: str) -> str | None:
    """The object that an id belongs to, by its prefix; None if the id is malformed or of no known object."""
    normal = normalise_id(record_id)
    return _BY_PREFIX.get(normal[:3]) if normal else None


@cache
def relations_of(object_name: str) -> dict[str, tuple[str, str]]:
    """What leads from one kind of record to another: `Account` -> (`AccountId`, `Account`), by the CRM's own names."""
    found = {}
    for field, spec in OBJECT_INFO[object_name].fields.items():
        if len(spec.targets) != 1:
            continue
        name = f"{field.removesuffix('__c')}__r" if field.endswith("__c") else field.removesuffix("Id")
        found[name] = (field, spec.targets[0])
    return found


@cache
def hidden_with(object_name: str, field: str) -> frozenset[str]:
    """Fields, as `Object.Field`, from which this one could be worked out, however indirectly."""
    found: set[str] = set()
    waiting = [f"{object_name}.{field}"]
    while waiting:
        current = waiting.pop()
        for name, info in OBJECT_INFO.items():
            for other, spec in info.fields.items():
                if current in spec.gives_away and f"{name}.{other}" not in found:
                    found.add(f"{name}.{other}")
                    waiting.append(f"{name}.{other}")
    return frozenset(found)
