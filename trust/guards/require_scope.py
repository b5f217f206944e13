"""The caller's token must cover what the tool does."""

from trust.actions import Action
from trust.decisions import Allow, Decision, Deny
from trust.principal import Principal


def require_scope(action: Action, principal: Principal) -> Decision:
    if action.scope in principal.scopes:
        return Allow()
    return Deny("require_scope", f"{action.tool} needs a token with scope {action.scope!r}")
