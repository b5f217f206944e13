"""One action touches a handful of records, or as many of one kind as its tool was made for."""

from crm.connector import Change
from crm.schema import OBJECT_INFO
from trust.actions import Action
from trust.decisions import Allow, Decision, Deny
from trust.principal import Principal

MAX_RECORDS = 10
MAX_LINES = 60
MAX_IN_BULK = 100
"""What no tool is allowed to go beyond."""


def limit_records(action: Action, principal: Principal) -> Decision:
    changes = action.changes or ()
    touched = {(change.object_name, change.record_id) for change in changes}
    lines = _lines_among(changes)
    most = MAX_RECORDS if action.most_records is None else min(action.most_records, MAX_IN_BULK)
    if len(touched - lines) > most:
        return Deny("limit_records", f"{len(touched)} records at once; at most {most} in one action")
    if len(lines) > MAX_LINES:
        return Deny("limit_records", f"{len(lines)} lines at once; at most {MAX_LINES} in one action")
    return Allow()


def _lines_among(changes: tuple[Change, ...]) -> set[tuple[str, str]]:
    """Records that come or go together with the one that they are part of for good, as the lines of a quote do."""
    wholes = {(change.operation, change.record_id) for change in changes if change.operation in ("create", "delete")}
    return {
        (change.object_name, change.record_id)
        for change in changes
        if any((change.operation, whole) in wholes for whole in _wholes_of(change))
    }


def _wholes_of(change: Change) -> list[object]:
    info = OBJECT_INFO.get(change.object_name)
    specs = {} if info is None else info.fields
    return [
        one.new if change.operation == "create" else one.old
        for one in change.fields
        if one.field in specs and specs[one.field].is_create_only and specs[one.field].is_required
    ]
