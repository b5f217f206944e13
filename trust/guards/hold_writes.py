"""Every write waits for a person: for a second one where the change moves money, ownership or a commitment."""

from crm.connector import Change, FieldChange
from trust.actions import Action, Effect
from trust.decisions import Allow, Decision, Hold
from trust.principal import Principal

APPROVE_PERMISSION = "approve_writes"

_WHOLE_OBJECT = frozenset({"Contract", "Order", "OrderItem", "Quote", "QuoteLineItem", "PricebookEntry", "User"})
_FIELDS = {
    "Opportunity": frozenset({"Amount", "CloseDate", "IsWon", "OwnerId", "Probability", "StageName"}),
    "OpportunityLineItem": frozenset({"Discount", "Quantity", "UnitPrice"}),
    "Account": frozenset({"AnnualRevenue", "OwnerId", "ParentId"}),
    "Campaign": frozenset({"ActualCost", "BudgetedCost", "OwnerId"}),
    "Case": frozenset({"OwnerId"}),
    "CaseComment": frozenset({"IsPublished"}),
    "Contact": frozenset({"HasOptedOutOfEmail", "OwnerId"}),
    "Knowledge__kav": frozenset({"IsVisibleInCsp", "IsVisibleInPkb", "OwnerId"}),
    "Lead": frozenset({"HasEmailConsent__c", "HasOptedOutOfEmail", "OwnerId"}),
}
"""Money, ownership, a commitment, a word to the public, and the wish not to be written to."""


def hold_writes(action: Action, principal: Principal) -> Decision:
    if action.effect is Effect.READ or action.is_proposal:
        return Allow()
    grave = sorted(reason for change in action.changes or () if (reason := _gravity(change, principal)))
    if action.effect is Effect.SEND or grave:
        what = ", ".join(grave) or "a message that leaves the house"
        return Hold("hold_writes", f"needs a second person: {what}", APPROVE_PERMISSION, self_approval=False)
    return Hold("hold_writes", "every write is countersigned", APPROVE_PERMISSION, self_approval=True)


def _gravity(change: Change, principal: Principal) -> str | None:
    if change.object_name in _WHOLE_OBJECT:
        return change.object_name
    watched = _FIELDS.get(change.object_name, frozenset())
    for field in change.fields:
        is_own_default = change.operation == "create" and field.new in (None, False, principal.id)
        if field.field in watched and not is_own_default and not _is_ordinary_start(change, field):
            return f"{change.object_name}.{field.field}"
    return None


def _is_ordinary_start(change: Change, field: FieldChange) -> bool:
    """A new opportunity has a first stage, a date and a hoped-for amount; changing them later is the grave part.

    One that starts out closed or won is no start.
    """
    if change.operation != "create" or change.object_name != "Opportunity":
        return False
    return field.field not in ("IsWon", "OwnerId") and (field.field, field.new) != ("StageName", "Closed")
