"""Many requests at once: which of them somebody sees, whom one is put before, and which may be decided together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, get_args

from crm.access import Access
from crm.connector import Connector
from crm.database import TenantSession
from crm.repositories import approvals as approval_rows
from crm.repositories import inbox as rows
from crm.repositories import inbox_counts as counts
from crm.repositories.access import UnknownCallerError
from crm.repositories.approval_facts import rests_on_outsiders
from crm.repositories.inbox import Filter, Noted, RecordFact
from crm.repositories.inbox_counts import Group
from crm.schema import OBJECT_INFO
from crm.work import Approval
from trust import audit, notices
from trust.approvals import (
    MAX_REASON,
    ApprovalClosedError,
    ApprovalError,
    NotEntitledError,
    can_see,
    find_seen,
    is_entitled,
)
from trust.decisions import Hold
from trust.digests import digest_of
from trust.entitlement import Judge
from trust.principal import Principal, load_principal
from trust.scopes import APPROVALS_DECIDE

MAX_BATCH = 100

WhileWaiting = Literal["queue", "supersede", "answer"]
WHILE_WAITING: tuple[WhileWaiting, ...] = get_args(WhileWaiting)


class AssigneeError(ApprovalError):
    """The person cannot be the one to look at a request."""


# Seeing


async def find_seen_among(
    session: TenantSession, notes: Sequence[Noted], principal: Principal, crm: Connector, judge: Judge
) -> list[Noted]:
    """Those of the requests that the principal may see at that time, in order: `can_see` of many, in a few statements.

    Nothing of the rows is opened but of those that an earlier version wrote down. `judge` is the principal's.
    """
    at = judge.at
    below = await rows.list_below(session, principal.access)
    decidable = await judge.find_decidable(session, notes)
    candidates = [
        one for one in notes if one.requester == principal.id or one.requester in below or one.approval_id in decidable
    ]
    foreign = [one for one in candidates if one.requester != principal.id and one.object_name is not None]
    records = await rows.load_records(session, [one.approval_id for one in foreign])
    visible = await rows.find_visible(session, principal.access, _ids_by_object(records))
    readable = {
        (record.object_name, record.role, record.fields): _may_read(record, principal.access)
        for some in records.values()
        for record in some
    }
    seen = {
        one.approval_id
        for one in foreign
        if all(
            readable[record.object_name, record.role, record.fields]
            and (record.role == "create" or record.record_id in visible)
            for record in records.get(one.approval_id, ())
        )
    }
    for one in candidates:
        if one.requester == principal.id:
            seen.add(one.approval_id)
        elif one.object_name is None:
            whole = await approval_rows.find(session, one.approval_id)
            if whole is not None and await can_see(whole, principal, crm, at=at, is_superior=one.requester in below):
                seen.add(one.approval_id)
    return [one for one in candidates if one.approval_id in seen]


async def count_seen(session: TenantSession, wanted: Filter, principal: Principal) -> list[Group] | None:
    """How many requests the principal would see if they may decide or stand above all of them, in groups.

    None where that cannot be told without opening some.
    """
    if await counts.has_unnoted(session, wanted):
        return None
    kinds = await counts.list_kinds(session, wanted)
    readable = [
        one
        for one in kinds
        if _may_read(RecordFact(one.object_name, "", one.role, one.fields), principal.access)
        and (one.role == "create" or principal.access.may("read", one.object_name))
    ]
    return await counts.count_seen(session, wanted, principal.access, readable)


def _ids_by_object(records: Mapping[str, Sequence[RecordFact]]) -> dict[str, set[str]]:
    wanted: dict[str, set[str]] = {}
    for some in records.values():
        for one in some:
            if one.role != "create":
                wanted.setdefault(one.object_name, set()).add(one.record_id)
    return wanted


def _may_read(record: RecordFact, access: Access) -> bool:
    """Whether the fields that are on the card may be read, whichever record it is."""
    if record.object_name not in OBJECT_INFO:
        return False
    names = OBJECT_INFO[record.object_name].name_fields
    fields = [*record.fields, *(names if record.role not in ("create", "message", "recipient") else ())]
    return all(access.can_read(record.object_name, field) for field in fields)


# Putting before somebody


async def reassign(
    session: TenantSession,
    approval_id: str,
    assignee: str,
    principal: Principal,
    crm: Connector,
    assignee_crm: Any,
    *,
    reason: str | None,
    at: datetime,
) -> Approval:
    """Put a request before a person who may decide it. It narrows nobody's right to decide, and widens nobody's.

    `assignee_crm` gives the CRM as a principal sees it: who cannot see all of a request is not given it to decide.
    Raises: ApprovalNotFoundError, ApprovalClosedError, NotEntitledError, AssigneeError.
    """
    approval = await find_seen(session, approval_id, principal, crm, at=at, for_update=True)
    if approval.status != "pending":
        raise ApprovalClosedError(f"this request is already {approval.status}")
    if reason is not None and len(reason) > MAX_REASON:
        raise ApprovalError(f"reason: at most {MAX_REASON} characters")
    if principal.id != approval.requester:
        if APPROVALS_DECIDE not in principal.scopes:
            raise NotEntitledError(f"reassigning needs a token with scope {APPROVALS_DECIDE!r}")
        if not is_entitled(approval, principal, at=at):
            raise NotEntitledError("only those who may decide a request, and its requester, can reassign it")
    await _require_able(session, approval, assignee, assignee_crm, at=at)
    former = approval.assignee
    if not await approval_rows.assign(session, approval_id, assignee):
        raise ApprovalClosedError("this request was decided by somebody else a moment ago")
    await audit.record(
        session,
        at=at,
        kind="approval.reassigned",
        actor=principal.id,
        subject=approval_id,
        payload={"from": former, "to": assignee, "reason": reason},
    )
    if former != assignee:
        await notices.tell_of_approval(session, approval, "approval.reassigned", at=at)
    return approval


async def _require_able(
    session: TenantSession, approval: Approval, assignee: str, assignee_crm: Any, *, at: datetime
) -> None:
    """Raises: AssigneeError, in the same words whatever stands in the way."""
    try:
        person = await load_principal(session, assignee, frozenset(), at=at)
    except UnknownCallerError:
        person = None
    is_able = (
        person is not None
        and is_entitled(approval, person, at=at)
        and await can_see(approval, person, assignee_crm(person), at=at)
    )
    if not is_able:
        raise AssigneeError("assignee: expected somebody who may decide this request and see all of it")


# Deciding together


@dataclass(frozen=True)
class Misfit:
    """Why a request does not belong into a batch."""

    approval_id: str
    reason: str


@dataclass(frozen=True)
class Batch:
    """Requests that may be decided together, and the digest over what each of them shows."""

    approvals: tuple[Approval, ...]
    digest: str


class BatchError(ApprovalError):
    """The requests cannot be decided together; `misfits` names those that do not belong, and why."""

    def __init__(self, misfits: Sequence[Misfit]) -> None:
        super().__init__("; ".join(f"{one.approval_id}: {one.reason}" for one in misfits)[:2_000])
        self.misfits = tuple(misfits)


def form_batch(
    session: TenantSession, approvals: Sequence[Approval], principal: Principal, *, at: datetime, is_open: bool = True
) -> Batch:
    """Judge by the requests themselves, never by what was noted of them.

    They share tool, object, policy and rule, rest on nothing that an outsider could have written, and the principal
    may decide each. With `is_open` they also have to be pending still. Raises: BatchError.
    """
    first = approvals[0]
    misfits = []
    for one in approvals:
        reason = _why_not_together(one, first) or _why_not_in_any(one) or _why_not_by(one, principal, at)
        if reason is None and is_open:
            reason = _why_not_now(one, at)
        if reason is not None:
            misfits.append(Misfit(one.approval_id, reason))
    if misfits:
        raise BatchError(misfits)
    members = [[one.approval_id, one.digest] for one in approvals]
    return Batch(tuple(approvals), digest_of({"tenant": session.tenant, "batch": members}))


def _why_not_together(one: Approval, first: Approval) -> str | None:
    if one.tool != first.tool:
        return f"its tool is {one.tool!r}, not {first.tool!r}"
    if _objects(one) != _objects(first) or len(_objects(one)) != 1:
        return "it is not about the same one kind of record as the first"
    if one.policy_version != first.policy_version:
        return "it was held under another version of the policy"
    if _without_moments(one.rule) != _without_moments(first.rule):
        return "it was held by another rule"
    return None


def _without_moments(rule: Mapping[str, Any]) -> dict[str, Any]:
    """The rule without when each request escalates, which depends on when it was made."""
    hold = Hold.from_json(rule)
    asked = [replace(one, escalation=one.escalation and replace(one.escalation, at=None)) for one in hold.requirements]
    return replace(hold, requirements=tuple(asked)).to_json()


def _objects(approval: Approval) -> set[str]:
    return {change["object"] for change in approval.changes}


def _why_not_in_any(one: Approval) -> str | None:
    if one.labels.get("plan") is not None:
        return "the copilot had read text from outside before it asked"
    if rests_on_outsiders(one.labels):
        return "somebody outside may have written a value in it"
    return None


def _why_not_by(one: Approval, principal: Principal, at: datetime) -> str | None:
    return None if is_entitled(one, principal, at=at) else "you may not decide it"


def _why_not_now(one: Approval, at: datetime) -> str | None:
    if one.status != "pending":
        return f"it is already {one.status}"
    return "it has expired" if one.expires_at <= at else None


# The tenant's way


async def get_while_waiting(session: TenantSession) -> WhileWaiting:
    """What becomes of a message to a conversation that waits, unless caller or conversation say otherwise."""
    found = await rows.find_rules(session)
    return known_way(found.while_waiting if found is not None else None) or "queue"


def known_way(given: object) -> WhileWaiting | None:
    return next((one for one in WHILE_WAITING if one == given), None)


async def set_while_waiting(session: TenantSession, way: WhileWaiting, principal: Principal, *, at: datetime) -> None:
    before = await get_while_waiting(session)
    await rows.put_rules(session, while_waiting=way, changed_by=principal.id, changed_at=at)
    await audit.record(
        session,
        at=at,
        kind="inbox.changed",
        actor=principal.id,
        subject=session.tenant,
        payload={"while_waiting": way, "was": before},
    )
