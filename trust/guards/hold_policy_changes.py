"""Who may change the policy decides on every change to it: nothing is approved in advance, and nobody decides alone."""

from trust.actions import Action
from trust.decisions import Allow, Decision, Hold
from trust.principal import Principal

MANAGE_PERMISSION = "manage_policy"
_POLICY = "PolicyChange__c"


def hold_policy_changes(action: Action, principal: Principal) -> Decision:
    if any(change.object_name == _POLICY for change in action.changes or ()):
        return Hold("hold_policy_changes", "it changes the policy of everybody", MANAGE_PERMISSION, self_approval=False)
    return Allow()
