"""A customer who calls uses only the tools made for customers."""

from trust.actions import Action
from trust.decisions import Allow, Decision, Deny
from trust.principal import Principal


def bind_customers(action: Action, principal: Principal) -> Decision:
    if action.for_customers or not principal.is_customer:
        return Allow()
    return Deny("bind_customers", f"{action.tool} is for staff only")
