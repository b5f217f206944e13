"""Orders and articles go from state to state as their life allows. Taking back what was done goes the other way."""

from trust.actions import UNDO, UNDOER, Action
from trust.decisions import Allow, Decision, Deny
from trust.principal import Principal

_NEXT: dict[tuple[str, str], dict[str, frozenset[str]]] = {
    ("Order", "Status"): {
        "Draft": frozenset({"Activated", "Canceled"}),
        "Activated": frozenset({"Canceled"}),
        "Canceled": frozenset(),
    },
    ("Knowledge__kav", "PublishStatus"): {
        "Draft": frozenset({"Online"}),
        "Online": frozenset({"Draft", "Archived"}),
        "Archived": frozenset({"Draft"}),
    },
    ("EmailMessage", "Status"): {"Dismissed": frozenset()},
}
"""Object and field -> state -> the states that may follow. A state that is not listed leads anywhere."""


def keep_order_of_states(action: Action, principal: Principal) -> Decision:
    if (action.agent, action.tool) == (UNDOER, UNDO):
        return Allow()
    for change in action.changes or ():
        if change.operation != "update":
            continue
        for field in change.fields:
            following = _NEXT.get((change.object_name, field.field), {}).get(str(field.old))
            if following is not None and field.new not in following:
                allowed = " or ".join(sorted(following)) or "nothing else"
                return Deny(
                    "keep_order_of_states",
                    f"{change.object_name}.{field.field}: {field.old} is followed by {allowed}, not by {field.new}",
                )
    return Allow()
