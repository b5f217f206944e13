"""The one way to a write: once, exactly as countersigned, in one transaction with the approval it uses up."""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crm.connector import Change, Connector, Effect
from crm.database import TenantSession
from crm.errors import CrmError, ErasedError, StaleError
from crm.repositories import approvals, ledger
from crm.repositories.access import UnknownCallerError
from crm.sealing import SealError
from crm.work import Approval, LedgerEntry, Vote
from trust import audit, notices, telemetry
from trust.actions import UNDO, UNDOER, Action
from trust.approvals import compute_digest, is_preapproved
from trust.bound_labels import labels_of_change
from trust.decisions import Deny, Hold
from trust.entitlement import asked_at, persons_of, still_counts
from trust.guards.heed_switches import heed_switches
from trust.letters import post
from trust.policy import Grant, redeem
from trust.policy_changes import put_in
from trust.preapprovals import give_back
from trust.principal import Principal, load_principal, refresh
from trust.provenance import Sources, confirm, keep_labels, read_sources, restore_sources

UNKNOWN: dict[str, Any] = {
    "kind": "unknown",
    "message": "whether it was done is not known: the line was cut before there was an answer. It is not tried again; "
    "look there before you ask for it once more",
}


@dataclass(frozen=True)
class Outcome:
    """What became of a countersigned action. `result` is what the model and the caller are told."""

    applied: bool
    result: dict[str, Any]
    is_repeat: bool = False
    """Whether it had been settled before and this is the stored answer."""

    @property
    def said(self) -> str:
        """In a word: applied, or why not."""
        kind = "applied" if self.applied else str(self.result.get("kind", "refused"))
        return f"{kind}.again" if self.is_repeat else kind


class UnsettledError(Exception):
    """The approval is not one that can be carried out now: pending, rejected, recalled or unknown."""


@telemetry.step_of("ledger", lambda outcome: {telemetry.OUTCOME: outcome.said})
async def settle(
    session: TenantSession,
    approval_id: str,
    principal: Principal,
    crm: Connector,
    build_action: Callable[[Approval], Awaitable[Action | Deny]],
    *,
    at: datetime,
) -> Outcome:
    """Carry out an approved action, or refuse it for good; either way the approval is used up.

    Runs inside the caller's transaction, which holds the approval's row: of many settlers one acts and the others
    read what it did. `principal` and `crm` are the requester's, with the rights they have now.
    Raises: UnsettledError.
    """
    approval = await find_approved(session, approval_id, principal)
    if isinstance(approval, Outcome):
        return approval
    entry = await ledger.claim(session, new_entry(session, approval, at))
    if entry is None:
        raise UnsettledError("the ledger holds this write already, but its approval was not used up")
    principal = await refresh(session, principal, at=at)
    checked = await check_again(session, approval, principal, build_action)
    if isinstance(checked, dict):
        return await refuse(session, approval, entry, checked, at=at)
    grant, action = checked
    if action.call is not None:
        raise UnsettledError("a call of another's tool is no write of this service: trust.foreign_ledger makes it")
    try:
        async with session.begin_nested():
            effects, sources = await _carry_out(session, grant, action, principal, crm, at=at)
            await _keep_labels(session, approval, effects, at=at)
            posted = await _post(session, approval, action, at=at)
    except StaleError as stale:
        conflicts = [{"field": c.field, "seen": c.seen, "current": c.current} for c in stale.conflicts]
        error = {"kind": "stale", "message": str(stale), "conflicts": conflicts}
        return await refuse(session, approval, entry, error, at=at)
    except CrmError as error:
        return await refuse(session, approval, entry, {"kind": "failed", "message": str(error)}, at=at)
    return await _apply(session, approval, entry, _as_kept(approval, effects, sources), _result(effects, posted), at=at)


async def abandon(session: TenantSession, approval: Approval, *, why: str, at: datetime) -> None:
    """Use up an approval that will not be carried out any more, so that it never is. Raises: UnsettledError."""
    entry = await ledger.claim(session, new_entry(session, approval, at))
    if entry is None:
        await close_unknown(session, approval, at=at)
        return
    await refuse(session, approval, entry, {"kind": "failed", "message": why}, at=at)


async def close_unknown(session: TenantSession, approval: Approval, *, at: datetime) -> Outcome:
    """Use up an approval for a call of another's tool that was begun, and of which nobody knows whether it was made.

    Raises: UnsettledError unless it was.
    """
    entry = await find_begun(session, approval)
    entry.status = "unknown"
    await close(session, approval, entry, "refused", UNKNOWN, at=at)
    return Outcome(applied=False, result=UNKNOWN)


async def find_begun(session: TenantSession, approval: Approval) -> LedgerEntry:
    """The entry of a call that was begun and not ended. Raises: UnsettledError."""
    entry = await ledger.find_by_key(session, f"approval:{approval.approval_id}")
    if entry is None or entry.status != "pending":
        raise UnsettledError("the ledger holds this write already, but its approval was not used up")
    return entry


def changes_of(approval: Approval) -> list[Change]:
    """What an approval is about, as the changes it was written down with."""
    return [Change.from_json(change) for change in approval.changes]


def undone_by(session: TenantSession, approval: Approval) -> str | None:
    """The entry that a request would take back; None if it is about something else, or is not as it was written."""
    if approval.tool != UNDO or approval.agent != UNDOER or not _is_as_written(session, approval):
        return None
    return str(approval.arguments["entry_id"])


async def find_approved(session: TenantSession, approval_id: str, principal: Principal) -> Approval | Outcome:
    """The requester's approval, its row locked; what became of it if it was used up. Raises: UnsettledError."""
    approval = await approvals.find(session, approval_id, for_update=True)
    if approval is None or approval.requester != principal.id:
        raise UnsettledError("there is no such approval")
    if approval.status in ("applied", "refused"):
        return Outcome(approval.status == "applied", approval.result or {}, is_repeat=True)
    if approval.status != "approved":
        raise UnsettledError(f"the approval is {approval.status}")
    return approval


def new_entry(session: TenantSession, approval: Approval, at: datetime) -> LedgerEntry:
    undoes = undone_by(session, approval)
    return LedgerEntry(
        entry_id=str(uuid.uuid4()),
        key=f"approval:{approval.approval_id}" if undoes is None else approval.key,
        undoes=undoes,
        status="pending",
        approval_id=approval.approval_id,
        thread_id=approval.thread_id,
        run_id=approval.run_id,
        agent=approval.agent,
        tool=approval.tool,
        on_behalf_of=approval.requester,
        effects=[],
        created_at=at,
    )


async def check_again(
    session: TenantSession,
    approval: Approval,
    principal: Principal,
    build_action: Callable[[Approval], Awaitable[Action | Deny]],
) -> tuple[Grant, Action] | dict[str, Any]:
    """The grant and what it is for; or why there is none, as it is told."""
    action = await _recheck(session, approval, build_action)
    grant = action if isinstance(action, Deny) else _redeem(approval, action, principal)
    if isinstance(action, Deny) or isinstance(grant, Deny):
        reason = grant.reason if isinstance(grant, Deny) else "the request no longer stands"
        kind = "paused" if isinstance(grant, Deny) and grant.guard == heed_switches.__name__ else "denied"
        return {"kind": kind, "message": reason}
    return grant, action


async def _recheck(
    session: TenantSession, approval: Approval, build_action: Callable[[Approval], Awaitable[Action | Deny]]
) -> Action | Deny:
    """The action as the row and its votes warrant it, or why they do not."""
    if not _is_as_written(session, approval):
        return Deny("digest", "the request was changed after it was written down")
    votes = await approvals.list_votes(session, approval.approval_id)
    counted = persons_of(
        [
            vote
            for vote in votes
            if vote.decision == "approve" and vote.digest == approval.digest and await _counts(session, approval, vote)
        ]
    )
    if len(counted) < approval.rule["votes"] or not (counted or is_preapproved(approval)):
        return Deny("votes", "the request lacks the votes it needs")
    return await build_action(approval)


def _is_as_written(session: TenantSession, approval: Approval) -> bool:
    try:
        return compute_digest(session, approval) == approval.digest
    except (SealError, ErasedError):
        return False


def _redeem(approval: Approval, action: Action, principal: Principal) -> Grant | Deny:
    """Rules about hours go by when it was asked for, and an approval in advance counts only if it is still the same."""
    rule = Hold.from_json(approval.rule)
    asking = principal.as_of(asked_at(approval))
    if is_preapproved(approval):
        asking = asking.with_preapprovals(rule.drawn.preapproval_id if rule.drawn else "")
    return redeem(action, asking, approval_id=approval.approval_id, rule=rule)


async def _counts(session: TenantSession, approval: Approval, vote: Vote) -> bool:
    """Whether the vote still stands: who gave it, or for whom, may have left or lost what it takes since."""
    try:
        voter = await load_principal(session, vote.voter, frozenset(), at=vote.created_at)
    except UnknownCallerError:
        return False
    return still_counts(approval, vote, voter)


async def _carry_out(
    session: TenantSession, grant: Grant, action: Action, principal: Principal, crm: Connector, *, at: datetime
) -> tuple[list[Effect], list[Sources]]:
    """The effects, and for each where the values that it replaced had come from. Raises: GrantError, CrmError."""
    grant.require_cover(action, principal)
    effects: list[Effect] = []
    sources: list[Sources] = []
    for change in action.changes or ():
        sources.append(await read_sources(session, change))
        effects.append(await crm.apply(change))
        await put_in(session, change, principal, at=at)
    return effects, sources


async def _keep_labels(session: TenantSession, approval: Approval, effects: Sequence[Effect], *, at: datetime) -> None:
    """What was written keeps the labels it came with, what was restored those it had; a confirmation raises them."""
    undoes = undone_by(session, approval)
    if undoes is not None:
        undone = await ledger.find(session, undoes)
        for place, effect in zip(approval.arguments["effects"], effects, strict=True):
            former = None if undone is None else undone.effects[place].get("sources")
            await restore_sources(session, effect.change, effect.version, former, at=at)
        return
    for effect in effects:
        change = effect.change
        if change.operation == "confirm":
            votes = await approvals.list_votes(session, approval.approval_id)
            by = frozenset(vote.voter for vote in votes if vote.decision == "approve")
            await confirm(session, change, effect.version, by, at=at)
        else:
            labels = labels_of_change(approval.labels, change.record_id)
            await keep_labels(session, change, effect.version, labels, at=at)


def _as_kept(approval: Approval, effects: Sequence[Effect], sources: Sequence[Sources]) -> list[dict[str, Any]]:
    """The effects as the ledger keeps them."""
    kept = [effect.to_json() | {"sources": source} for effect, source in zip(effects, sources, strict=True)]
    if approval.tool == UNDO:
        return [one | {"undoes": place} for one, place in zip(kept, approval.arguments["effects"], strict=True)]
    return kept


async def _post(session: TenantSession, approval: Approval, action: Action, *, at: datetime) -> list[str]:
    """Enter the message that goes with the change, if there is one, into the outbox. Raises: LetterError."""
    if action.outgoing is None or not action.changes:
        return []
    return await post(
        session,
        action.outgoing,
        approval_id=approval.approval_id,
        record_id=action.changes[0].record_id,
        requester=approval.requester,
        at=at,
    )


async def _apply(
    session: TenantSession,
    approval: Approval,
    entry: LedgerEntry,
    effects: list[dict[str, Any]],
    result: dict[str, Any],
    *,
    at: datetime,
) -> Outcome:
    entry.status = "applied"
    entry.effects = effects
    await ledger.keep_effects(session, entry)
    await close(session, approval, entry, "applied", result, at=at)
    return Outcome(applied=True, result=result)


async def refuse(
    session: TenantSession, approval: Approval, entry: LedgerEntry, error: dict[str, Any], *, at: datetime
) -> Outcome:
    entry.status = "refused"
    await give_back(session, Hold.from_json(approval.rule).drawn)
    await close(session, approval, entry, "refused", error, at=at)
    return Outcome(applied=False, result=error)


async def close(
    session: TenantSession, approval: Approval, entry: LedgerEntry, status: str, result: dict[str, Any], *, at: datetime
) -> None:
    entry.result = result
    await session.flush()
    if not await approvals.move(session, approval, expected="approved", to=status, told={"result": result}):
        raise UnsettledError("the approval was used up by somebody else")
    await audit.record(
        session,
        at=at,
        kind=f"effect.{status}",
        actor=approval.requester,
        subject=approval.approval_id,
        payload={"entry": entry.entry_id, "tool": approval.tool, "records": _records(entry)}
        | ({} if entry.undoes is None else {"undoes": entry.undoes}),
    )
    event: notices.Event = "approval.applied" if status == "applied" else "approval.refused"
    await notices.tell_of_approval(session, approval, event, at=at, status=status)


def _records(entry: LedgerEntry) -> list[dict[str, Any]]:
    return [{"object": e["object"], "id": e["id"], "version": e["version"]} for e in entry.effects]


def _result(effects: Sequence[Effect], posted: Sequence[str]) -> dict[str, Any]:
    """What a tool's caller is told of the first record, which is the one the tool is about, and of all changes."""
    first = effects[0]
    result = {
        "status": "applied",
        "object": first.change.object_name,
        "id": first.change.record_id,
        "name": first.change.name,
        "changes": [
            {"field": field, "old": effect.before.get(field), "new": value}
            for effect in effects
            for field, value in effect.after.items()
            if field != "Id"
        ],
    }
    several = {"outbox_ids": list(posted)} if len(posted) > 1 else {}
    return result | {"outbox_id": posted[0]} | several if posted else result
