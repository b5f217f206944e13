"""Whether a tenant has approved exactly this kind of action in advance; what else speaks against it is not asked."""

from crm.connector import Change, FieldChange
from trust.actions import Action
from trust.amounts import amount_of, is_money
from trust.principal import Principal
from trust.tenant_policy import Preapproval


def find_preapproval(action: Action, principal: Principal) -> Preapproval | None:
    """The first that covers every change of the action. Customers have none: what they say comes from outside."""
    if principal.is_customer or not action.changes:
        return None
    changes = action.changes

    def covers(one: Preapproval) -> bool:
        return one.tool == action.tool and all(_covers(one, action, change, principal.id) for change in changes)

    return next((one for one in principal.policy.preapprovals if covers(one)), None)


def _covers(one: Preapproval, action: Action, change: Change, requester: str) -> bool:
    if change.object_name != one.object_name or change.operation not in ("create", "update"):
        return False
    return all(_is_within(one, action, change, field, requester) for field in change.fields)


def _is_within(one: Preapproval, action: Action, change: Change, field: FieldChange, requester: str) -> bool:
    if change.operation == "create" and (field.field, field.new) == ("OwnerId", requester):
        return True  # the service fills it in
    if field.field not in one.fields:
        return False
    if not is_money(action, change, field):
        return True
    return one.amount_cap is not None and abs(amount_of(field.new)) <= one.amount_cap
