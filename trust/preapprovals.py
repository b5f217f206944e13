"""Whether a tenant has approved exactly this kind of action in advance; what else speaks against it is not asked."""

from decimal import Decimal

from crm.connector import Change, FieldChange
from crm.fields import Kind
from crm.schema import OBJECT_INFO
from trust.actions import Action
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


def is_money(action: Action, change: Change, field: FieldChange) -> bool:
    """By the CRM's schema; elsewhere by the role of the argument that fills the field: without one, any number is."""
    info = OBJECT_INFO.get(change.object_name)
    if info is not None:
        return info.fields[field.field].kind is Kind.MONEY
    roles = {one.role for one in action.inputs if one.path == field.field}
    return "amount" in roles if roles else isinstance(field.new, int | float) and not isinstance(field.new, bool)


def amount_of(value: object) -> Decimal:
    """Nothing counts as zero. Raises: ArithmeticError for what is no number."""
    return Decimal(0) if value in (None, "") else Decimal(str(value))
