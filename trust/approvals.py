"""Held actions: proposed once, shown exactly, decided by people who may, bound to what they saw."""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from crm.connector import Change, Connector
from crm.database import TenantSession
from crm.errors import CrmError
from crm.fields import to_json
from crm.repositories import api_keys as key_rows
from crm.repositories import approvals as rows
from crm.repositories import inbox as inbox_rows
from crm.schema import OBJECT_INFO
from crm.work import Approval, Vote
from trust import audit, notices
from trust.actions import Action, Input
from trust.bound_labels import write_labels
from trust.decisions import Hold
from trust.digests import digest_of
from trust.entitlement import persons_of, settle_rule, speakers, wait_of
from trust.invisible import one_line
from trust.labels import Integrity, Label
from trust.policy import policy_version
from trust.preapprovals import draw, drawn_by, list_preapprovals
from trust.principal import Principal
from trust.scopes import APPROVALS_DECIDE
from trust.tenant_policy import Preapproval

MAX_REASON = 2_000
_MOST_NAMED = 10
"""How many records of a kind the title of a card names."""
MAX_ANSWER = 20_000

DecisionKind = Literal["approve", "reject", "edit", "answer", "recall"]
STATUS_AFTER: dict[DecisionKind, str] = {
    "approve": "approved",
    "reject": "rejected",
    "edit": "edited",
    "answer": "answered",
    "recall": "recalled",
}

VERBS: Final[dict[str, str]] = {
    "create": "Create",
    "update": "Change",
    "delete": "Delete",
    "confirm": "Confirm",
    "restore": "Restore",
    "unconfirm": "No longer confirm",
    "convert": "Convert",
    "unconvert": "No longer convert",
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
    rule = await settle_rule(session, hold, action, principal, at=at)
    escalations = rule.escalations
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
        rule=rule.to_json(),
        schema_hash=action.schema_hash,
        policy_version=policy_version(principal),
        digest="",
        status="pending",
        replaces=origin.replaces,
        expires_at=(at + wait_of(rule)).replace(microsecond=0),
        escalates_at=escalations[0][1] if escalations else None,
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
    if not is_preapproved(approval):
        await notices.tell_of_approval(session, approval, "approval.requested", at=at)
    return approval


async def propose_preapproved(
    session: TenantSession, action: Action, principal: Principal, *, origin: Origin, at: datetime
) -> Approval | None:
    """Write down an action of a kind that the tenant has approved in advance: it is to be carried out at once, in the
    same transaction. None, and nothing written, if the caps of what was approved leave no room for it.

    The votes that it needs are none; whoever carries it out asks the guards again whether that still holds.
    """
    for one in sorted(list_preapprovals(action, principal), key=lambda one: one.is_capped):
        known = dict(session.keys)
        try:
            async with session.begin_nested():
                return await _propose_drawing(session, action, principal, one, origin=origin, at=at)
        except _NoRoomError:  # keys that were made for what is taken back are gone with it
            session.keys.clear()
            session.keys.update(known)
    return None


class _NoRoomError(Exception):
    """The caps of a pre-approval leave no room: what was written for it is taken back."""


async def _propose_drawing(
    session: TenantSession, action: Action, principal: Principal, given: Preapproval, *, origin: Origin, at: datetime
) -> Approval:
    """Raises: _NoRoomError."""
    standing = await rows.find_by_key(session, origin.key)
    if standing is not None:
        return standing
    drawn = drawn_by(given, action, at=at)
    why = "the tenant has approved this kind in advance"
    rule = Hold("preapproved", why, None, self_approval=True, votes=0, drawn=drawn)
    approval = await propose(session, action, principal, rule, origin=origin, at=at)
    if not await draw(session, given, drawn):
        raise _NoRoomError
    await rows.move(session, approval, expected="pending", to="approved", decided_by="preapproved", decided_at=at)
    return await reload(session, approval.approval_id)


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
    card = {
        "title": _title(action.changes or ()),
        "tool": action.tool,
        "changes": [_change_on_card(change, action) for change in action.changes or ()],
        "warnings": warnings_about(action),
    }
    if action.call is not None:
        title = f"Have {action.call.server} carry out {one_line(action.call.tool)}"
        return card | {"title": title, "call": action.call.to_json()}
    if action.outgoing is None:
        return card
    names = ", ".join(one.name or one.address for one in action.outgoing.recipients)
    return card | {"title": f"Send an e-mail to {names}", "message": action.outgoing.to_json()}


def _title(changes: Sequence[Change]) -> str:
    """Every record by its name; of many that are treated alike, how many they are."""
    alike = Counter((one.operation, one.object_name) for one in changes)
    lines = [
        f"{VERBS[one.operation]} {one.object_name} {one_line(one.name)}"
        for one in changes
        if alike[one.operation, one.object_name] <= _MOST_NAMED
    ]
    many = [(key, count) for key, count in alike.items() if count > _MOST_NAMED]
    return "; ".join([*lines, *(f"{VERBS[operation]} {count} {name}" for (operation, name), count in many)])


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
    if action.call is not None:
        found.append(f"Leaves the house for {action.call.server}. What it does there cannot be taken back here.")
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
    approval = await find_seen(session, approval_id, principal, crm, at=at, for_update=True)
    if approval.status != "pending":
        raise ApprovalClosedError(f"this request is already {approval.status}")
    _check_words(verdict, principal)
    if verdict.kind == "recall":
        return await _recall(session, approval, principal, at=at)
    if approval.expires_at <= at:
        await lapse(session, approval, "expired", at=at)
        return await reload(session, approval_id)
    is_own_answer = verdict.kind == "answer" and principal.id == approval.requester
    if not is_own_answer:  # who asked may say something else instead, as they may recall
        if APPROVALS_DECIDE not in principal.scopes:
            raise NotEntitledError(f"deciding needs a token with scope {APPROVALS_DECIDE!r}")
        _require_entitled(approval, principal, at=at)
        await _require_other(session, approval, verdict, principal)
    if verdict.digest != approval.digest:
        raise DigestMismatchError("the digest is not that of this request: look at it again before deciding")
    return await _take(session, approval, verdict, principal, at=at)


async def _require_other(session: TenantSession, approval: Approval, verdict: Verdict, principal: Principal) -> None:
    """That it is somebody else than who asked, and than who has agreed, if that matters: a program and whoever has a
    key of its are one. Raises: NotEntitledError."""
    if verdict.kind == "reject":
        return
    others = [] if approval.rule["self_approval"] else [approval.requester]
    if verdict.kind == "approve" and others and (editor := await _editor_of(session, approval)) is not None:
        others.append(editor)
        if principal.id == editor:
            raise NotEntitledError("this change needs a second person: you have edited it, somebody else approves it")
    if approval.rule["votes"] > 1:
        others += [vote.voter for vote in await rows.list_votes(session, approval.approval_id)]
    for one in others:
        if await key_rows.are_one(session, principal.id, one):
            raise NotEntitledError("this change needs another person: a program and whoever made a key for it are one")


async def is_own_edit(session: TenantSession, approval: Approval, principal: Principal) -> bool:
    """Whether somebody else has to approve it because this person has put in what it says."""
    return not approval.rule["self_approval"] and await _editor_of(session, approval) == principal.id


async def _editor_of(session: TenantSession, approval: Approval) -> str | None:
    """Who has put in what stands in this request, if it took the place of one that somebody edited."""
    earlier: Approval | None = approval
    while earlier is not None and earlier.replaces is not None:
        earlier = await rows.find(session, earlier.replaces)
        if earlier is not None and earlier.status == "edited":
            return earlier.decided_by
    return None


def _check_words(verdict: Verdict, principal: Principal) -> None:
    """Raises: ApprovalError."""
    limit = MAX_ANSWER if verdict.kind == "answer" else MAX_REASON
    if verdict.reason is not None and len(verdict.reason) > limit:
        raise ApprovalError(f"reason: at most {limit} characters")
    if verdict.kind == "answer" and not (verdict.reason or "").strip():
        raise ApprovalError("reason: an answer needs words")
    if verdict.kind == "answer" and principal.is_customer:
        raise NotEntitledError("customers say what they have to say in a message of their own")


async def find_seen(
    session: TenantSession,
    approval_id: str,
    principal: Principal,
    crm: Connector,
    *,
    at: datetime,
    for_update: bool = False,
) -> Approval:
    """The request, for those who may see it at that time. Raises: ApprovalNotFoundError for everybody else."""
    approval = await rows.find(session, approval_id, for_update=for_update)
    if approval is None:
        raise ApprovalNotFoundError(approval_id)
    is_superior = approval.requester in await inbox_rows.list_below(session, principal.access)
    if not await can_see(approval, principal, crm, at=at, is_superior=is_superior):
        raise ApprovalNotFoundError(approval_id)
    return approval


async def _take(
    session: TenantSession, approval: Approval, verdict: Verdict, principal: Principal, *, at: datetime
) -> Approval:
    if any(vote.voter == principal.id for vote in await rows.list_votes(session, approval.approval_id)):
        raise ApprovalClosedError("you have voted on this request already")
    in_stead_of = _stead_of(approval, principal, at=at)
    stead = {} if in_stead_of is None else {"in_stead_of": in_stead_of}
    await rows.add(
        session,
        Vote(
            approval_id=approval.approval_id,
            voter=principal.id,
            decision=verdict.kind,
            digest=verdict.digest,
            in_stead_of=in_stead_of,
            created_at=at,
        ),
    )
    votes = [v for v in await rows.list_votes(session, approval.approval_id) if v.decision == "approve"]
    status = STATUS_AFTER[verdict.kind]
    if verdict.kind != "approve" or len(persons_of(votes)) >= approval.rule["votes"]:
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
        await notices.tell_of_approval(session, approval, "approval.decided", at=at, status=status)
    await audit.record(
        session,
        at=at,
        kind=f"approval.{status}",
        actor=principal.id,
        subject=approval.approval_id,
        payload={"digest": verdict.digest, "has_reason": verdict.reason is not None, **stead},
    )
    return await reload(session, approval.approval_id)


async def _recall(session: TenantSession, approval: Approval, principal: Principal, *, at: datetime) -> Approval:
    if principal.id != approval.requester:
        raise NotEntitledError("only the requester can recall a request")
    await rows.move(session, approval, expected="pending", to="recalled", decided_by=principal.id, decided_at=at)
    await audit.record(
        session, at=at, kind="approval.recalled", actor=principal.id, subject=approval.approval_id, payload={}
    )
    await notices.tell_of_approval(session, approval, "approval.decided", at=at, status="recalled")
    return await reload(session, approval.approval_id)


async def lapse(
    session: TenantSession, approval: Approval, to: Literal["expired", "recalled"], *, at: datetime, why: str = "time"
) -> bool:
    """Close a request that nobody decided, without anybody's word; False, and nothing done, if it was decided."""
    told = {"reason": why} if to == "recalled" else {}
    if not await rows.move(session, approval, expected="pending", to=to, told=told, decided_at=at):
        return False
    await audit.record(
        session,
        at=at,
        kind=f"approval.{to}",
        actor=audit.SERVICE,
        subject=approval.approval_id,
        payload={"why": why, "requester": approval.requester, "digest": approval.digest},
    )
    event: notices.Event = "approval.expired" if to == "expired" else "approval.decided"
    await notices.tell_of_approval(session, approval, event, at=at, status=to)
    return True


async def reload(session: TenantSession, approval_id: str) -> Approval:
    """The row as it is now, held until the end. Raises: ApprovalNotFoundError."""
    approval = await rows.find(session, approval_id, for_update=True)
    if approval is None:
        raise ApprovalNotFoundError(approval_id)
    return approval


def stands_alone(approval: Approval) -> bool:
    """Whether no conversation waits for it: who approves it has it carried out there and then."""
    return approval.key.startswith(rows.ALONE)


def key_again(approval: Approval) -> str:
    """The key of the request that repeats this one: there is one at most."""
    return f"{rows.AGAIN}{approval.approval_id}"


def key_edited(approval: Approval) -> str:
    """The key of the request that takes the place of this one when a person has edited it."""
    return f"{rows.AGAIN if stands_alone(approval) else ''}{approval.approval_id}:edited"


def require_reproposable(approval: Approval, principal: Principal, *, at: datetime) -> None:
    """Raises: ApprovalClosedError, NotEntitledError."""
    if principal.id != approval.requester:
        if APPROVALS_DECIDE not in principal.scopes:
            raise NotEntitledError(f"proposing another's request again needs a token with scope {APPROVALS_DECIDE!r}")
        if not is_entitled(approval, principal, at=at):
            raise NotEntitledError("only its requester, and those who may decide it, can propose a request again")
    is_stale = approval.status == "refused" and (approval.result or {}).get("kind") == "stale"
    if not is_stale and approval.status != "expired":
        raise ApprovalClosedError(
            f"this request is {approval.status}; what expired, or was refused because a record had changed, can be"
            " proposed again"
        )


def is_entitled(approval: Approval, principal: Principal, *, at: datetime) -> bool:
    """Whether this person may decide at that time, by the rule that was written into the request."""
    return bool(speakers(approval, principal, at=at))


def _stead_of(approval: Approval, principal: Principal, *, at: datetime) -> str | None:
    """For whom somebody decides who may not do so in their own name."""
    first = next(iter(speakers(approval, principal, at=at)), principal.id)
    return None if first == principal.id else first


def _require_entitled(approval: Approval, principal: Principal, *, at: datetime) -> None:
    if is_entitled(approval, principal, at=at):
        return
    if principal.id == approval.requester and not approval.rule["self_approval"]:
        raise NotEntitledError("this change needs a second person: you cannot approve your own request")
    asked = [one.words for one in Hold.from_json(approval.rule).requirements]
    named = [f"the permission {approval.rule['permission']!r}"] if approval.rule["permission"] else []
    raise NotEntitledError("deciding needs " + (", and ".join([*named, *asked]) or "to be the requester"))


async def can_see(
    approval: Approval, principal: Principal, crm: Connector, *, at: datetime, is_superior: bool = False
) -> bool:
    """A request is seen by its requester, and by those entitled who may read every value on its card.

    So it is by whoever stands above its requester in the role tree. `trust.inbox.find_seen_among` asks this of many.
    """
    if principal.id == approval.requester:
        return True
    if not is_superior and not is_entitled(approval, principal, at=at):
        return False
    changes = [Change.from_json(one) for one in approval.changes]
    to_come = frozenset(change.record_id for change in changes if change.operation == "create")
    for change in changes:
        fields = [field.field for field in change.fields]
        try:
            if change.operation == "create":
                for field in fields:
                    principal.access.require_readable(change.object_name, field)
            else:
                name_fields = OBJECT_INFO[change.object_name].name_fields
                await crm.get(change.object_name, change.record_id, [*fields, *name_fields])
            await _require_references(change, crm, to_come=to_come)
        except CrmError:
            return False
    return await _may_read_message(approval, crm)


async def _may_read_message(approval: Approval, crm: Connector) -> bool:
    """Whether the text and the addresses of a message on the card may be read where they come from."""
    message = approval.card.get("message")
    if message is None:
        return True
    try:
        for change in approval.changes:  # of one that is new, the card's fields were looked at already
            if change["object"] == "EmailMessage" and change["operation"] != "create":
                await crm.get(change["object"], change["id"], ["Subject", "TextBody", "ToIds", "CcAddress"])
        for one in message["recipients"]:
            object_name, _, record_id = one["record"].partition(":")
            await crm.get(object_name, record_id, ["Email"])
    except CrmError:
        return False
    return True


async def _require_references(change: Change, crm: Connector, *, to_come: frozenset[str]) -> None:
    """Raises: CrmError if the record would come to point at one that `crm` does not show and the request not make."""
    specs = OBJECT_INFO[change.object_name].fields
    wanted = [str(f.new) for f in change.fields if f.new and specs[f.field].targets and f.field != "OwnerId"]
    seen = await crm.names_of(wanted)
    for one in wanted:
        if one not in seen and one not in to_come:
            raise CrmError("a record behind this request is hidden from you")
