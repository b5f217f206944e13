"""A change needs the rights of the person behind it, as they stand at this moment."""

from trust.actions import Action
from trust.decisions import Allow, Decision, Deny
from trust.principal import Principal

_RIGHT = {"create": "create", "update": "edit", "delete": "delete", "confirm": "edit"}


def require_rights(action: Action, principal: Principal) -> Decision:
    access = principal.access
    for change in action.changes or ():
        operation = _RIGHT[change.operation]
        if not access.may(operation, change.object_name):  # type: ignore[arg-type] # the table above holds operations
            return Deny("require_rights", f"you may not {operation} records of {change.object_name}")
        for field in change.fields:
            is_own = change.operation == "create" and field.field == "OwnerId" and field.new == principal.id
            if not is_own and not access.can_edit(change.object_name, field.field):
                return Deny("require_rights", f"you may not write {change.object_name}.{field.field}")
    return Allow()
