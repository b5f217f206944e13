"""Which right a change lacks. Asked by a guard of its own, and again as one of the facts that policies decide on."""

from typing import Final

from crm.access import Operation
from crm.connector import Change
from trust.actions import Action
from trust.principal import Principal

RIGHT: Final[dict[str, Operation]] = {
    "create": "create",
    "update": "edit",
    "delete": "delete",
    "confirm": "edit",
    "restore": "delete",
    "unconfirm": "edit",
    "convert": "edit",
    "unconvert": "edit",
}
"""What a change needs of the person, by what it does."""

_WHO = "User"
_WHO_SOMEBODY_IS: Final = frozenset(
    {"Email", "IsActive", "ManagerId", "ProfileId", "UserRoleId", "UserType", "Username"}
)
"""Whom a provider's address lets in, and what place they have: said where people are looked after, by other rules."""


def find_missing_right(action: Action, principal: Principal) -> str | None:
    """What the person may not do, in words for them; None if they may do all of it."""
    access = principal.access
    for change in action.changes or ():
        operation = RIGHT[change.operation]
        if not access.may(operation, change.object_name):
            return f"you may not {operation} records of {change.object_name}"
        if change.object_name == _WHO and (operation != "edit" or _placing(change)):
            return "who comes in, and which place they have, is said under people in the administration, and not here"
        for field in change.fields:
            is_own = change.operation == "create" and field.field == "OwnerId" and field.new == principal.id
            if not is_own and not access.can_edit(change.object_name, field.field):
                return f"you may not write {change.object_name}.{field.field}"
    return None


def _placing(change: Change) -> bool:
    """Whether it would write who somebody is; a confirmation writes nothing into the record."""
    is_written = change.operation not in ("confirm", "unconfirm")
    return is_written and any(one.field in _WHO_SOMEBODY_IS for one in change.fields)
