"""What is noted of a request so that it can be found and judged without being opened: ids and names, no values."""

from collections.abc import Iterator, Mapping
from typing import Any

from crm.database import TenantSession
from crm.ids import normalise_id
from crm.inbox import ApprovalRecord
from crm.schema import OBJECT_INFO, object_of
from crm.work import Approval

MESSAGE_FIELDS = ["Subject", "TextBody", "ToIds", "CcAddress"]
UNKNOWN_OBJECT = "-"


def note_facts(session: TenantSession, approval: Approval) -> None:
    """Enter the facts of a request that has its key and is not indexed yet."""
    if approval.is_erased:
        approval.object_name, approval.is_external, approval.is_tainted = UNKNOWN_OBJECT, True, True
        return
    approval.object_name = approval.changes[0]["object"] if approval.changes else UNKNOWN_OBJECT
    approval.is_external = rests_on_outsiders(approval.labels)
    approval.is_tainted = approval.labels.get("plan") is not None
    for place, record in enumerate(_records_of(approval)):
        session.add(ApprovalRecord(approval_id=approval.approval_id, place=place, **record))


def rests_on_outsiders(labels: Mapping[str, Any]) -> bool:
    """Whether any label that a request was written down with is of an outsider's making."""
    found = [one["label"] for one in labels.get("inputs", ())]
    found += [one[side] for one in labels.get("fields", ()) for side in ("old", "new")]
    return any(label["integrity"] == "external" for label in found)


def _records_of(approval: Approval) -> Iterator[dict[str, Any]]:
    message = approval.card.get("message")
    to_come = {one["id"] for one in approval.changes if one["operation"] == "create"}
    for change in approval.changes:
        fields = [one["field"] for one in change["fields"]]
        yield _record(change["object"], change["id"], change["operation"], fields)
        specs = OBJECT_INFO[change["object"]].fields
        for one in change["fields"]:
            if one["new"] and specs[one["field"]].targets and one["field"] != "OwnerId":
                pointed_at = normalise_id(str(one["new"])) or str(one["new"])
                if pointed_at in to_come:
                    continue
                yield _record(object_of(pointed_at) or UNKNOWN_OBJECT, pointed_at, "refers", [])
        if message is not None and change["object"] == "EmailMessage" and change["operation"] != "create":
            yield _record(change["object"], change["id"], "message", MESSAGE_FIELDS)
    for one in (message or {}).get("recipients", ()):
        object_name, _, record_id = one["record"].partition(":")
        yield _record(object_name, record_id, "recipient", ["Email"])


def _record(object_name: str, record_id: str, role: str, fields: list[str]) -> dict[str, Any]:
    return {"object_name": object_name, "record_id": record_id[:18], "role": role, "fields": fields}
