"""What a kind of record looks like to one caller: what they may not see is not described."""

from dataclasses import dataclass

from crm.access import Access, Operation
from crm.fields import MAX_TEXT, FieldSpec
from crm.schema import OBJECT_INFO

_OPERATIONS: tuple[Operation, ...] = ("create", "read", "edit", "delete")


@dataclass(frozen=True)
class FieldDescription:
    """A field that the caller may read. `may_write`: whether they may ever put a value into it."""

    name: str
    spec: FieldSpec
    may_write: bool

    @property
    def max_length(self) -> int | None:
        return MAX_TEXT.get(self.spec.kind)


@dataclass(frozen=True)
class ObjectDescription:
    """A kind of record that the caller may read. `children` are (object, reference field) that point to it."""

    name: str
    description: str
    prefix: str
    name_fields: tuple[str, ...]
    may: tuple[Operation, ...]
    sharing: str
    """The tenant's default for records of others."""
    fields: tuple[FieldDescription, ...]
    children: tuple[tuple[str, str], ...]

    def field(self, name: str) -> FieldDescription | None:
        return next((one for one in self.fields if one.name == name), None)


def describe(access: Access, object_name: str) -> ObjectDescription:
    """Raises: ObjectRightError, also for an object that does not exist."""
    access.require("read", object_name)
    info = OBJECT_INFO[object_name]
    may_edit = access.may("create", object_name) or access.may("edit", object_name)
    shown = access.readable(object_name)
    return ObjectDescription(
        name=info.name,
        description=info.description,
        prefix=info.prefix,
        name_fields=tuple(name for name in info.name_fields if name in shown),
        may=tuple(one for one in _OPERATIONS if access.may(one, object_name)),
        sharing=access.sharing.get(object_name, "Private"),
        fields=tuple(_field(access, object_name, name, may_edit=may_edit) for name in shown),
        children=tuple(pair for pair in info.children if access.may("read", pair[0]) and access.can_read(*pair)),
    )


def _field(access: Access, object_name: str, name: str, *, may_edit: bool) -> FieldDescription:
    spec = OBJECT_INFO[object_name].fields[name]
    return FieldDescription(name, spec, may_edit and not spec.is_system and access.can_edit(object_name, name))


def list_objects(access: Access) -> list[str]:
    """Kinds of record that the caller may read at all, in order of declaration."""
    return [name for name in OBJECT_INFO if access.may("read", name)]
