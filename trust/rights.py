"""Which right a change lacks. Asked by a guard of its own, and again as one of the facts that policies decide on."""

from typing import Final

from crm.access import Operation
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


def find_missing_right(action: Action, principal: Principal) -> str | None:
    """What the person may not do, in words for them; None if they may do all of it."""
    access = principal.access
    for change in action.changes or ():
        operation = RIGHT[change.operation]
        if not access.may(operation, change.object_name):
            return f"you may not {operation} records of {change.object_name}"
        for field in change.fields:
            is_own = change.operation == "create" and field.field == "OwnerId" and field.new == principal.id
            if not is_own and not access.can_edit(change.object_name, field.field):
                return f"you may not write {change.object_name}.{field.field}"
    return None
