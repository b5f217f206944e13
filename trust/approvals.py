"""Held actions: proposed once, shown exactly, decided by people who may, bound to what they saw."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from crm.connector import Change, Connector
from crm.database import TenantSession
from crm.errors import CrmError
from crm.fields import to_json
from crm.repositories import approvals as rows
from crm.schema import OBJECT_INFO
from crm.work import Approval, Vote
from trust import audit
from trust.actions import Action, Input
from trust.bound_labels import write_labels
from trust.decisions import Hold
from trust.digests import digest_of
from trust.invisible import one_line
from trust.labels import Integrity, Label
from trust.policy import policy_version
from trust.principal import Principal
from trust.scopes import APPROVALS_DECIDE

EXPIRES_AFTER = timedelta(days=7)
MAX_REASON = 2_000

DecisionKind = Literal["approve", "reject", "edit", "recall"]

VERBS: Final[dict[str, str]] = {
    "create": "Create",
    "update": "Change",
    "delete": "Delete",
    "confirm": "Confirm",
    "restore": "Restore",
    "unconfirm": "No longer confirm",
}
"""What a card calls each kind of change."""


class ApprovalError(Exception):
    """Base: a decision could not be taken. Nothing was changed."""


class ApprovalNotFoundError(ApprovalError):
    """There is no such approval, or it is none of the caller's business: no difference from outside."""

    def __init__(self, approval_id: str) -> None:
        super().__init__(f"no approval {approval_id!r} that you can see")


class ApprovalClosedError(ApprovalError):
    """It was decided, recalled or expired before."""


class DigestMismatchError(ApprovalError):
    """What the caller was shown is not what would be done."""


class NotEntitledError(ApprovalError):
    """The caller may see the request but not decide it."""


@dataclass(frozen=True)
class Origin:
    """Where a proposal comes from. `key` is its business identity: the same key twice is one request."""

    key: str
    thread_id: str
    run_id: str
    call_id: str
    replaces: str | None = None


@dataclass(frozen=True)
class Verdict:
    """A person's word on one approval. `digest` is that of the card they were shown."""

    kind: DecisionKind
    digest: str
    reason: str | None = None
    edited_arguments: Mapping[str, Any] | None = None


async def propose(
    session: TenantSession, action: Action, principal: Principal, hold: Hold, *, origin: Origin, at: datetime
) -> Approval:
    """Write the request down, or return the one that stands under the same key."""
    existing = await rows.find_by_key(session, origin.key)
    if existing is not None:
        return existing
    changes = [change.to_json() for change in action.changes or ()]
    approval = Approval(
        approval_id=str(uuid.uuid4()),
        key=origin.key,
        thread_id=origin.thread_id,
        run_id=origin.run_id,
        call_id=origin.call_id,
        agent=action.agent,
        tool=action.tool,
        requester=principal.id,
        arguments=dict(action.arguments),
        changes=changes,
        card=_card(action),
        labels=write_labels(action),
        rule={
            "guard": hold.guard,
            "reason": hold.reason,
            "permission": hold.permission,
            "self_approval": hold.self_approval,
            "votes": hold.votes,
        },
        schema_hash=action.schema_hash,
        policy_version=policy_version(principal),
        digest="",
        status="pending",
        replaces=origin.replaces,
        expires_at=(at + EXPIRES_AFTER).replace(microsecond=0),
        created_at=at,
    )
    approval.digest = compute_digest(session, approval)
    await rows.add(session, approval)
    await audit.record(
        session,
        at=at,
        kind="approval.requested",
        actor=principal.id,
        subject=approval.approval_id,
        payload={
            "tool": action.tool,
            "agent": action.agent,
            "run": origin.run_id,
            "digest": approval.digest,
            "fields": {field: labels.new.integrity.word for (_, field), labels in action.field_labels.items()},
        },
    )
    return approval


async def propose_preapproved(
    session: TenantSession, action: Action, principal: Principal, *, origin: Origin, at: datetime
) -> Approval:
    """Write down an action of a kind that the tenant has approved in advance: it may be carried out at once.

    The votes that it needs are none; whoever carries it out asks the guards again whether that still holds.
    """
    rule = Hold("preapproved", "the tenant has approved this kind in advance", None, self_approval=True, votes=0)
    approval = await propose(session, action, principal, rule, origin=origin, at=at)
    if approval.status == "pending":
        await rows.move(session, approval, expected="pending", to="approved", decided_by="preapproved", decided_at=at)
    return await _reload(session, approval.approval_id)


def is_preapproved(approval: Approval) -> bool:
    """Whether no person was to decide on it."""
    return bool(approval.rule["votes"] == 0)


def compute_digest(session: TenantSession, approval: Approval) -> str:
    """The fingerprint of everything a decision is about, worked out from the row as it stands."""
    return digest_of(
        {
            "tenant": session.tenant,
            "approval": approval.approval_id,
            "key": approval.key,
            "replaces": approval.replaces,
            "thread": approval.thread_id,
            "run": approval.run_id,
            "call": approval.call_id,
            "agent": approval.agent,
            "on_behalf_of": approval.requester,
            "tool": approval.tool,
            "schema": approval.schema_hash,
            "arguments": approval.arguments,
            "changes": approval.changes,
            "card": approval.card,
            "labels": approval.labels,
            "rule": approval.rule,
            "policy": approval.policy_version,
            "expires": to_json(approval.expires_at),
        }
    )


def _card(action: Action) -> dict[str, Any]:
    """What a person is shown, made by code from the changes alone; no text of a model gets in as a caption."""
    lines = [f"{VERBS[c.operation]} {c.object_name} {one_line(c.name)}" for c in action.changes or ()]
    card = {
        "title": "; ".join(lines),
        "tool": action.tool,
        "changes": [_change_on_card(change, action) for change in action.changes or ()],
        "warnings": warnings_about(action),
    }
    if action.outgoing is None:
        return card
    names = ", ".join(one.name or one.address for one in action.outgoing.recipients)
    return card | {"title": f"Send an e-mail to {names}", "message": action.outgoing.to_json()}


def _change_on_card(change: Change, action: Action) -> dict[str, Any]:
    """The change, and for each field who wrote what stands there and what would stand there."""
    shown = change.to_json()
    for field in shown["fields"]:
        labels = action.field_labels.get((change.record_id, field["field"]))
        if labels is not None:
            field["source"] = _source(labels.new)
            if change.operation != "create":
                field["old_source"] = _source(labels.old)
    return shown


def _source(label: Label) -> dict[str, Any]:
    return {"integrity": label.integrity.word, "origin": label.origin, "writers": sorted(label.writers)}


def warnings_about(action: Action) -> list[str]:
    """What a person should look at twice, in the card's own words."""
    found = []
    if action.is_tainted:
        found.append("The copilot had read text from outside before it asked for this.")
    outside = sorted(
        field for (_, field), labels in action.field_labels.items() if labels.new.integrity is Integrity.EXTERNAL
    )
    if outside:
        found.append(f"Written by somebody outside: {', '.join(outside)}.")
    replaced = sorted(
        field
        for (_, field), labels in action.field_labels.items()
        if labels.new.integrity is Integrity.EXTERNAL and labels.old.integrity >= Integrity.CRM_VERIFIED
    )
    if replaced and any(change.operation != "create" for change in action.changes or ()):
        found.append(f"Would replace what staff had entered: {', '.join(replaced)}.")
    if any(
        one.role in ("target", "recipient") and not one.is_reference and _says_something(one) for one in action.inputs
    ):
        found.append("Names a record that was not looked up in this conversation.")
    return found


def _says_something(one: Input) -> bool:
    return one.label.origin != ""


async def decide(
    session: TenantSession,
    approval_id: str,
    verdict: Verdict,
    principal: Principal,
    crm: Connector,
    *,
    at: datetime,
) -> Approval:
    """Take one person's decision, inside the caller's transaction.

    `crm` is bound to the deciding person: what they may not see, they may not decide.
    Raises: ApprovalError and its kinds.
    """
    approval = await rows.find(session, approval_id, for_update=True)
    if approval is None or not await can_see(approval, principal, crm):
        raise ApprovalNotFoundError(approval_id)
    if approval.status != "pending":
        raise ApprovalClosedError(f"this request is already {approval.status}")
    if verdict.reason is not None and len(verdict.reason) > MAX_REASON:
        raise ApprovalError(f"reason: at most {MAX_REASON} characters")
    if verdict.kind == "recall":
        return await _recall(session, approval, principal, at=at)
    if approval.expires_at <= at:
        await lapse(session, approval, "expired", at=at)
        return await _reload(session, approval_id)
    if APPROVALS_DECIDE not in principal.scopes:
        raise NotEntitledError(f"deciding needs a token with scope {APPROVALS_DECIDE!r}")
    _require_entitled(approval, principal)
    if verdict.digest != approval.digest:
        raise DigestMismatchError("the digest is not that of this request: look at it again before deciding")
    return await _take(session, approval, verdict, principal, at=at)


async def _take(
    session: TenantSession, approval: Approval, verdict: Verdict, principal: Principal, *, at: datetime
) -> Approval:
    if any(vote.voter == principal.id for vote in await rows.list_votes(session, approval.approval_id)):
        raise ApprovalClosedError("you have voted on this request already")
    await rows.add(
        session,
        Vote(
            approval_id=approval.approval_id,
            voter=principal.id,
            decision=verdict.kind,
            digest=verdict.digest,
            created_at=at,
        ),
    )
    votes = [v for v in await rows.list_votes(session, approval.approval_id) if v.decision == "approve"]
    status = {"approve": "approved", "reject": "rejected", "edit": "edited"}[verdict.kind]
    if verdict.kind != "approve" or len(votes) >= approval.rule["votes"]:
        won = await rows.move(
            session,
            approval,
            expected="pending",
            to=status,
            decided_by=principal.id,
            decided_at=at,
            told={
                "reason": verdict.reason,
                "edited_arguments": None if verdict.edited_arguments is None else dict(verdict.edited_arguments),
            },
        )
        if not won:
            raise ApprovalClosedError("this request was decided by somebody else a moment ago")
    await audit.record(
        session,
        at=at,
        kind=f"approval.{status}",
        actor=principal.id,
        subject=approval.approval_id,
        payload={"digest": verdict.digest, "has_reason": verdict.reason is not None},
    )
    return await _reload(session, approval.approval_id)


async def _recall(session: TenantSession, approval: Approval, principal: Principal, *, at: datetime) -> Approval:
    if principal.id != approval.requester:
        raise NotEntitledError("only the requester can recall a request")
    await rows.move(session, approval, expected="pending", to="recalled", decided_by=principal.id, decided_at=at)
    await audit.record(
        session, at=at, kind="approval.recalled", actor=principal.id, subject=approval.approval_id, payload={}
    )
    return await _reload(session, approval.approval_id)


async def lapse(
    session: TenantSession, approval: Approval, to: Literal["expired", "recalled"], *, at: datetime, why: str = "time"
) -> None:
    """Close a request that nobody decided, without anybody's word; nothing happens to one that was decided."""
    told = {"reason": why} if to == "recalled" else {}
    if not await rows.move(session, approval, expected="pending", to=to, told=told, decided_at=at):
        return
    await audit.record(
        session,
        at=at,
        kind=f"approval.{to}",
        actor=audit.SERVICE,
        subject=approval.approval_id,
        payload={"why": why, "requester": approval.requester, "digest": approval.digest},
    )


async def _reload(session: TenantSession, approval_id: str) -> Approval:
    approval = await rows.find(session, approval_id, for_update=True)
    if approval is None:
        raise ApprovalNotFoundError(approval_id)
    return approval


def is_entitled(approval: Approval, principal: Principal) -> bool:
    """Whether this person may decide, by the rule that the guard wrote into the request."""
    rule = approval.rule
    if principal.id == approval.requester:
        return bool(rule["self_approval"])
    needed = frozenset((rule["permission"] or "").split())
    return bool(needed) and needed <= principal.access.permissions


def _require_entitled(approval: Approval, principal: Principal) -> None:
    if is_entitled(approval, principal):
        return
    if principal.id == approval.requester:
        raise NotEntitledError("this change needs a second person: you cannot approve your own request")
    raise NotEntitledError(f"deciding needs the permission {approval.rule['permission']!r}")


async def can_see(approval: Approval, principal: Principal, crm: Connector) -> bool:
    """A request is seen by its requester, and by those entitled who may read every value on its card."""
    if principal.id == approval.requester:
        return True
    if not is_entitled(approval, principal):
        return False
    for change in (Change.from_json(one) for one in approval.changes):
        fields = [field.field for field in change.fields]
        try:
            if change.operation == "create":
                for field in fields:
                    principal.access.require_readable(change.object_name, field)
            else:
                name_fields = OBJECT_INFO[change.object_name].name_fields
                await crm.get(change.object_name, change.record_id, [*fields, *name_fields])
            await _require_references(change, crm)
        except CrmError:
            return False
    return await _may_read_message(approval, crm)


async def _may_read_message(approval: Approval, crm: Connector) -> bool:
    """Whether the text and the addresses of a message on the card may be read where they come from."""
    message = approval.card.get("message")
    if message is None:
        return True
    try:
        for change in approval.changes:
            await crm.get(change["object"], change["id"], ["Subject", "TextBody", "ToIds", "CcAddress"])
        for one in message["recipients"]:
            object_name, _, record_id = one["record"].partition(":")
            await crm.get(object_name, record_id, ["Email"])
    except CrmError:
        return False
    return True


async def _require_references(change: Change, crm: Connector) -> None:
    """Raises: CrmError if the record would come to point at one that `crm` does not show."""
    specs = OBJECT_INFO[change.object_name].fields
    wanted = [str(f.new) for f in change.fields if f.new and specs[f.field].targets and f.field != "OwnerId"]
    seen = await crm.names_of(wanted)
    for one in wanted:
        if one not in seen:
            raise CrmError("a record behind this request is hidden from you")
