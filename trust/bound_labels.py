"""The labels that an approval is bound to: written down with the request, read back when it is carried out."""

from collections.abc import Mapping
from typing import Any

from crm.schema import object_of
from crm.work import Approval
from trust.actions import Action, FieldLabels, Input
from trust.digests import canonical
from trust.handles import leaves
from trust.labels import Integrity, Label, join_all


def write_labels(action: Action) -> dict[str, Any]:
    """As JSON, for the request's row."""
    return {
        "plan": None if action.plan is None else sorted(action.plan),
        "inputs": [
            {"path": one.path, "role": one.role, "label": one.label.to_json(), "is_reference": one.is_reference}
            for one in action.inputs
        ],
        "fields": [
            {"record": record, "field": field, "old": labels.old.to_json(), "new": labels.new.to_json()}
            for (record, field), labels in action.field_labels.items()
        ],
    }


def read_labels(data: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of an action that `write_labels` wrote down."""
    plan = data.get("plan")
    return {
        "plan": None if plan is None else frozenset(plan),
        "inputs": tuple(
            Input(one["path"], one["role"], Label.from_json(one["label"]), one["is_reference"])
            for one in data.get("inputs", ())
        ),
        "field_labels": {
            (one["record"], one["field"]): FieldLabels(Label.from_json(one["old"]), Label.from_json(one["new"]))
            for one in data.get("fields", ())
        },
    }


def labels_of_change(data: Mapping[str, Any], record_id: str) -> dict[str, Label]:
    """The labels of the new values of one record's fields."""
    return {one["field"]: Label.from_json(one["new"]) for one in data.get("fields", ()) if one["record"] == record_id}


def labels_after_edit(approval: Approval, arguments: Mapping[str, Any], editor: str) -> dict[str, Any]:
    """Labels for arguments that a person has edited: theirs where they changed something, else as before."""
    kept = read_labels(approval.labels)
    before = {".".join(map(str, path)): canonical(value) for path, value in leaves(approval.arguments)}
    known = {one.path: one for one in kept["inputs"]}
    trusted = Integrity.EXTERNAL if object_of(editor) == "Contact" else Integrity.CRM_VERIFIED
    own = Label(trusted, frozenset({editor}), join_all(one.label for one in known.values()).readers, "a person's edit")
    inputs = []
    for path, value in leaves(dict(arguments)):
        where = ".".join(map(str, path))
        if where in known and before.get(where) == canonical(value):
            inputs.append(known[where])
        else:
            inputs.append(Input(where, known[where].role, own) if where in known else Input(where, "content", own))
    return {"plan": kept["plan"], "inputs": tuple(inputs)}
