"""A change needs the rights of the person behind it, as they stand at this moment."""

from trust.actions import Action
from trust.decisions import Allow, Decision, Deny
from trust.principal import Principal
from trust.rights import find_missing_right


def require_rights(action: Action, principal: Principal) -> Decision:
    missing = find_missing_right(action, principal)
    return Allow() if missing is None else Deny("require_rights", missing)
