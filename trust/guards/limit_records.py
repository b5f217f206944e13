"""One action touches a handful of records, or as many of one kind as its tool was made for."""

from trust.actions import Action
from trust.decisions import Allow, Decision, Deny
from trust.principal import Principal

MAX_RECORDS = 10
MAX_IN_BULK = 100
"""What no tool is allowed to go beyond."""


def limit_records(action: Action, principal: Principal) -> Decision:
    touched = {(change.object_name, change.record_id) for change in action.changes or ()}
    most = MAX_RECORDS if action.most_records is None else min(action.most_records, MAX_IN_BULK)
    if len(touched) <= most:
        return Allow()
    return Deny("limit_records", f"{len(touched)} records at once; at most {most} in one action")
