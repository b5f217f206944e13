"""Which changes move money, ownership, a commitment or everybody's work, and so need a second person."""

from crm.connector import Change, FieldChange

_WHOLE_OBJECT = frozenset(
    {"Contract", "Order", "OrderItem", "Quote", "QuoteLineItem", "PricebookEntry", "User", "ValidationRule"}
)
_FIELDS = {
    "Opportunity": frozenset({"Amount", "CloseDate", "IsWon", "OwnerId", "Probability", "StageName"}),
    "OpportunityLineItem": frozenset({"Discount", "Quantity", "UnitPrice"}),
    "Account": frozenset({"AnnualRevenue", "OwnerId", "ParentId"}),
    "Campaign": frozenset({"ActualCost", "BudgetedCost", "OwnerId"}),
    "Case": frozenset({"OwnerId"}),
    "CaseComment": frozenset({"IsPublished"}),
    "Contact": frozenset({"HasOptedOutOfEmail", "OwnerId"}),
    "Knowledge__kav": frozenset({"IsVisibleInCsp", "IsVisibleInPkb", "OwnerId", "PublishStatus"}),
    "Lead": frozenset({"HasEmailConsent__c", "HasOptedOutOfEmail", "OwnerId"}),
}
"""Money, ownership, a commitment, a word to the public, and the wish not to be written to."""


def find_grave_part(change: Change, requester: str) -> str | None:
    """The object or field that makes a change grave; None if nothing does."""
    if change.object_name in _WHOLE_OBJECT:
        return change.object_name
    watched = _FIELDS.get(change.object_name, frozenset())
    for field in change.fields:
        is_own_default = change.operation == "create" and field.new in (None, False, requester)
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
