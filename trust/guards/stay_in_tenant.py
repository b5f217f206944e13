"""Nothing crosses from one tenant to another."""

from trust.actions import Action
from trust.decisions import Allow, Decision, Deny
from trust.principal import Principal


def stay_in_tenant(action: Action, principal: Principal) -> Decision:
    if action.tenant == principal.tenant:
        return Allow()
    return Deny("stay_in_tenant", "there is no such record")
