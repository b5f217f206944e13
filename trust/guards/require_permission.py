"""Some tools are not for everybody who may see the records: whoever uses them was given a permission for it."""

from trust.actions import Action
from trust.decisions import Allow, Decision, Deny
from trust.principal import Principal


def require_permission(action: Action, principal: Principal) -> Decision:
    if action.permission is None or action.permission in principal.access.permissions:
        return Allow()
    return Deny("require_permission", f"{action.tool} needs the permission {action.permission!r}")
