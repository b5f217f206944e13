"""Every write waits for a person: for a second one where it moves money, ownership, a commitment or a common rule.

What the tenant has pre-approved passes here; whether it may go without a person is then for `follow_policy` to say.
"""

from trust.actions import Action, Effect
from trust.decisions import Allow, Decision, Hold
from trust.gravity import find_grave_part
from trust.preapprovals import find_preapproval
from trust.principal import Principal

APPROVE_PERMISSION = "approve_writes"


def hold_writes(action: Action, principal: Principal) -> Decision:
    if action.effect is Effect.READ or action.is_proposal or find_preapproval(action, principal):
        return Allow()
    changes = action.changes or ()
    grave = sorted({part for change in changes if (part := find_grave_part(change, principal.id))})
    if action.effect is Effect.SEND or grave:
        what = ", ".join(grave) or "a message that leaves the house"
        return Hold("hold_writes", f"needs a second person: {what}", APPROVE_PERMISSION, self_approval=False)
    return Hold("hold_writes", "every write is countersigned", APPROVE_PERMISSION, self_approval=True)
