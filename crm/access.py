"""The rights of one caller, resolved: which objects, fields and records, and what else they may do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from crm.errors import FieldError, HiddenFieldError, ObjectRightError
from crm.ids import ContactId, TenantId, UserId
from crm.schema import OBJECT_INFO, hidden_with

Operation = Literal["create", "read", "edit", "delete"]
_LETTER: dict[Operation, str] = {"create": "c", "read": "r", "edit": "e", "delete": "d"}
Sharing = Literal["Private", "Read", "ReadWrite", "ControlledByParent"]


@dataclass(frozen=True)
class Caller:
    """Who a request comes from: a member of staff or a verified contact of the tenant, never both."""

    tenant: TenantId
    user_id: UserId | None = None
    contact_id: ContactId | None = None

    def __post_init__(self) -> None:
        if (self.user_id is None) == (self.contact_id is None):
            raise ValueError("a caller is either a user or a contact")

    @property
    def id(self) -> str:
        """Record id of the user or contact."""
        return self.user_id or self.contact_id or ""


@dataclass(frozen=True)
class Rule:
    """A sharing rule that applies to this caller: `source` as in `crm.rights.SharingRule`."""

    object_name: str
    source: Mapping[str, Any]
    can_edit: bool


@dataclass(frozen=True)
class Access:
    """What a caller may do. Everything that is not granted here is refused."""

    caller: Caller
    display_name: str
    objects: Mapping[str, frozenset[str]] = field(default_factory=dict)
    fields: Mapping[str, Mapping[str, frozenset[str]]] = field(default_factory=dict)
    """Object -> field -> letters out of r and e."""
    permissions: frozenset[str] = frozenset()
    sharing: Mapping[str, Sharing] = field(default_factory=dict)
    roles_below: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    rules: tuple[Rule, ...] = ()
    account_id: str | None = None
    """The account of a contact who calls."""
    title: str = ""
    manager_id: str | None = None
    role: str = ""
    """The name of the caller's place in the role tree; empty if they have none."""
    roles_from_here: frozenset[str] = frozenset()
    """The names of that place and of all below it."""
    permission_sets: frozenset[str] = frozenset()

    def may(self, operation: Operation, object_name: str) -> bool:
        """Whether any record of the object may be touched this way; which ones is a matter of visibility."""
        return _LETTER[operation] in self.objects.get(object_name, frozenset())

    def sees_all(self, object_name: str) -> bool:
        return bool(self.objects.get(object_name, frozenset()) & {"v", "m"})

    def edits_all(self, object_name: str) -> bool:
        return "m" in self.objects.get(object_name, frozenset())

    def can_read(self, object_name: str, field_name: str) -> bool:
        return "r" in self.fields.get(object_name, {}).get(field_name, frozenset())

    def can_edit(self, object_name: str, field_name: str) -> bool:
        return "e" in self.fields.get(object_name, {}).get(field_name, frozenset())

    def readable(self, object_name: str) -> tuple[str, ...]:
        """Fields of the object that may be read, in order of declaration."""
        return tuple(name for name in OBJECT_INFO[object_name].fields if self.can_read(object_name, name))

    def require(self, operation: Operation, object_name: str) -> None:
        """Raises: ObjectRightError, also for an object that does not exist."""
        if object_name not in OBJECT_INFO or not self.may(operation, object_name):
            raise ObjectRightError(f"you may not {operation} records of {object_name!r}")

    def require_readable(self, object_name: str, field_name: str) -> None:
        """Raises: FieldError, in the same words whether the field is hidden or does not exist."""
        if not self.can_read(object_name, field_name):
            raise HiddenFieldError(field_name, f"{object_name} has no such field that you can read")

    def require_editable(self, object_name: str, field_name: str) -> None:
        """Raises: FieldError, in the same words whether the field is protected or does not exist."""
        if not self.can_edit(object_name, field_name):
            raise FieldError(field_name, f"{object_name} has no such field that you can write")


def resolve_objects(sets: list[Mapping[str, str]]) -> dict[str, frozenset[str]]:
    """The union of object rights over permission sets."""
    merged: dict[str, frozenset[str]] = {}
    for rights in sets:
        for name, letters in rights.items():
            merged[name] = merged.get(name, frozenset()) | frozenset(letters)
    return {name: letters for name, letters in merged.items() if name in OBJECT_INFO}


def resolve_fields(sets: list[Mapping[str, Mapping[str, str]]]) -> dict[str, dict[str, frozenset[str]]]:
    """The union of field rights, less every field that would give a hidden one away."""
    merged = {name: {f: _letters(sets, name, f) for f in info.fields} for name, info in OBJECT_INFO.items()}
    hidden = {
        telling
        for name, fields in merged.items()
        for field_name, letters in fields.items()
        if "r" not in letters
        for telling in hidden_with(name, field_name)
    }
    for telling in hidden:
        name, _, field_name = telling.partition(".")
        merged[name][field_name] = frozenset()
    return merged


def _letters(sets: list[Mapping[str, Mapping[str, str]]], object_name: str, field_name: str) -> frozenset[str]:
    granted: frozenset[str] = frozenset()
    for rights in sets:
        of_object = rights.get(object_name, {})
        granted |= frozenset(of_object.get(field_name, of_object.get("*", "")))
    if field_name == "Id" and any(object_name in rights for rights in sets):
        return frozenset("r")
    return granted if "r" in granted else frozenset()
