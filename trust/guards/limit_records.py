"""One action touches a handful of records; more is another kind of decision."""

from trust.actions import Action
from trust.decisions import Allow, Decision, Deny
from trust.principal import Principal

MAX_RECORDS = 10


def limit_records(action: Action, principal: Principal) -> Decision:
    touched = {(change.object_name, change.record_id) for change in action.changes or ()}
    if len(touched) <= MAX_RECORDS:
        return Allow()
    return Deny("limit_records", f"{len(touched)} records at once; at most {MAX_RECORDS} in one action")
