"""Which values of a change are money, and how much they come to."""

from decimal import Decimal

from crm.connector import Change, FieldChange
from crm.fields import Kind
from crm.schema import OBJECT_INFO
from trust.actions import Action


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
