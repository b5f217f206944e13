"""Taking back what was written: per entry or per run, by a person, through the same guards and the same ledger.

Whoever takes something back has seen a preview and sends its digest: that is their countersignature. Where the rules
want a second person, a request is made instead, like any other. Each entry is taken back in a transaction of its own,
by a new entry that names it; taking that one back does the write again.
"""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from crm.connector import Connector
from crm.database import Database, TenantSession
from crm.repositories import approvals as approval_rows
from crm.repositories import ledger as rows
from crm.repositories import runs, threads
from crm.repositories.ledger import Criteria
from crm.work import Approval, LedgerEntry, Run, Vote
from trust import approvals, audit, ledger
from trust.actions import UNDO, UNDOER, Action
from trust.approvals import DigestMismatchError, NotEntitledError, Origin
from trust.decisions import Deny, Hold
from trust.digests import digest_of
from trust.ledger import Outcome
from trust.principal import Principal, load_principal, refresh
from trust.scopes import APPROVALS_DECIDE
from trust.undo_plan import SCHEMA_HASH, Ahead, EntryPlan, Refusal, Step, plan_entry

MAX_ENTRIES = 500
"""Entries that are taken back at once."""

CrmFor = Callable[[TenantSession, Principal, datetime], Connector]
Json = dict[str, Any]


class EntryNotFoundError(Exception):
    """The ledger has no such entry, or nothing of such a run, or it is none of the caller's business."""

    def __init__(self, what: str) -> None:
        super().__init__(f"the ledger has nothing of {what!r} that you can see")


class TooManyEntriesError(Exception):
    """The run has written more than is taken back at once."""


@dataclass(frozen=True)
class Preview:
    """What would happen, newest entry first, and the digest by which a person agrees to it."""

    plans: tuple[EntryPlan, ...]
    digest: str


@dataclass(frozen=True)
class Refused:
    """An effect that stays, and why."""

    entry_id: str
    step: Step
    refusal: Refusal


@dataclass(frozen=True)
class Undone:
    """What came of it. `done` names the entry taken back and the one that did it, `asked` the request that waits."""

    run_id: str | None
    thread_id: str | None
    done: tuple[tuple[str, str], ...]
    asked: tuple[tuple[str, str], ...]
    refused: tuple[Refused, ...]


async def can_see(
    session: TenantSession, entry: LedgerEntry, person: Principal, crm: Connector, *, is_auditor: bool, at: datetime
) -> bool:
    """Auditors see all entries; others those that they asked for or agreed to, and those that they could have decided.

    The last have to be able to read every value that was written, as with requests. `crm` is bound to the person.
    """
    if is_auditor or entry.on_behalf_of == person.id:
        return True
    votes = await approval_rows.list_votes(session, entry.approval_id or "")
    if any(vote.voter == person.id and vote.decision == "approve" for vote in votes):
        return True
    approval = await approval_rows.find(session, entry.approval_id or "")
    if approval is None or not entry.effects or not approvals.is_entitled(approval, person, at=at):
        return False
    seen = await crm.names_of(sorted({effect["id"] for effect in entry.effects}))
    return all(
        effect["id"] in seen
        and all(person.access.can_read(effect["object"], name) for name in (*effect["before"], *effect["after"]))
        for effect in entry.effects
    )


@dataclass(frozen=True)
class Undoing:
    """What callers can do about what was written. `crm_for` gives the records as one person sees them."""

    database: Database
    crm_for: CrmFor
    clock: Callable[[], datetime]

    async def preview(
        self, person: Principal, *, entry_id: str | None = None, run_id: str | None = None, is_auditor: bool
    ) -> Preview:
        """Raises: EntryNotFoundError, TooManyEntriesError."""
        now = self.clock()
        async with self.database.session(person.tenant) as session:
            person = await refresh(session, person, at=now)
            crm = self.crm_for(session, person, now)
            found = await self._entries(session, entry_id=entry_id, run_id=run_id)
            entries = [one for one in found if await can_see(session, one, person, crm, is_auditor=is_auditor, at=now)]
            if not entries:
                raise EntryNotFoundError(entry_id or run_id or "")
            if len(entries) > MAX_ENTRIES:
                raise TooManyEntriesError(f"more than {MAX_ENTRIES} entries: take them back one by one")
            ahead = Ahead()
            plans: list[EntryPlan] = []
            for entry in entries:
                plans.append(await plan_entry(session, entry, person, crm, at=now, ahead=ahead))
                ahead.take(plans[-1])
        subject = [person.tenant, person.id, entry_id, run_id]
        return Preview(tuple(plans), digest_of({"for": subject, "plans": [plan.digest for plan in plans]}))

    async def _entries(self, session: TenantSession, *, entry_id: str | None, run_id: str | None) -> list[LedgerEntry]:
        """Newest first."""
        if entry_id is None:
            return await rows.list_entries(session, Criteria(run_id=run_id, status="applied"), limit=MAX_ENTRIES + 1)
        one = await rows.find(session, entry_id)
        return [] if one is None else [one]

    async def undo(
        self,
        person: Principal,
        digest: str,
        *,
        entry_id: str | None = None,
        run_id: str | None = None,
        is_auditor: bool,
    ) -> Undone:
        """Take back what the preview of this digest showed.

        Raises: EntryNotFoundError, TooManyEntriesError, NotEntitledError, DigestMismatchError.
        """
        if APPROVALS_DECIDE not in person.scopes:
            raise NotEntitledError(f"taking back needs a token with scope {APPROVALS_DECIDE!r}")
        preview = await self.preview(person, entry_id=entry_id, run_id=run_id, is_auditor=is_auditor)
        if digest != preview.digest:
            raise DigestMismatchError("this is not what would be taken back now: look at the preview again")
        refused = [
            Refused(plan.entry_id, step, step.refusal)
            for plan in preview.plans
            for step in plan.steps
            if step.refusal is not None
        ]
        doable = [plan for plan in preview.plans if plan.way != "refused"]
        if not doable:
            return Undone(None, None, (), (), tuple(refused))
        run = await self._open(person, entry_id=entry_id, run_id=run_id)
        done: list[tuple[str, str]] = []
        asked: list[tuple[str, str]] = []
        for plan in doable:
            approval = await self._undo_one(person, plan, run)
            if isinstance(approval, Approval) and approval.status == "applied":
                done.append((plan.entry_id, await self._entry_of(person, approval)))
            elif isinstance(approval, Approval) and approval.status == "pending":
                asked.append((plan.entry_id, approval.approval_id))
            else:
                refused += _all_refused(plan, approval)
        return Undone(run.run_id, run.thread_id, tuple(done), tuple(asked), tuple(refused))

    async def _open(self, person: Principal, *, entry_id: str | None, run_id: str | None) -> Run:
        """A conversation of the person's own, and in it the run that the new entries belong to."""
        now = self.clock()
        thread_id, new_run = str(uuid.uuid4()), str(uuid.uuid4())
        details = {"kind": UNDO, **{key: value for key, value in (("entry", entry_id), ("run", run_id)) if value}}
        async with self.database.session(person.tenant, write=True) as session:
            await threads.create(session, thread_id, owner=person.id, details=details, at=now)
            run = Run(
                run_id=new_run,
                thread_id=thread_id,
                assistant_id=UNDOER,
                on_behalf_of=person.id,
                status="success",
                request={"kind": UNDO, "scopes": sorted(person.scopes), "context": {}, "stream_mode": ["values"]},
                details=details,
                created_at=now,
                updated_at=now,
            )
            await runs.add(session, run)
        return run

    async def _undo_one(self, person: Principal, plan: EntryPlan, run: Run) -> Approval | Refusal:
        """The request, carried out or waiting; or why there is none. One transaction."""
        now = self.clock()
        async with self.database.session(person.tenant, write=True) as session:
            person = await refresh(session, person, at=now)
            crm = self.crm_for(session, person, now)
            # As everywhere, the conversation is locked before the entry, and the entry before its records.
            await threads.lock(session, run.thread_id)
            planned = await _plan_locked(session, plan.entry_id, person, crm, at=now)
            if planned is None or planned.digest != plan.digest or planned.action is None or planned.hold is None:
                return Refusal("moved_on", "it has changed since the preview: look at it again")
            approval = await _request(session, planned.action, planned.hold, person, run, at=now)
            if planned.way == "now" and approval.requester == person.id:
                await _countersign(session, approval, person, at=now)
                await ledger.settle(
                    session, approval.approval_id, person, crm, _rebuild(session, person, crm, now), at=now
                )
            settled = await approval_rows.find(session, approval.approval_id, for_update=True)
        return settled or Refusal("moved_on", "the request is gone")

    async def _entry_of(self, person: Principal, approval: Approval) -> str:
        async with self.database.session(person.tenant) as session:
            entry = await rows.find_by_key(session, approval.key)
        return "" if entry is None else entry.entry_id

    async def carry_out(self, session: TenantSession, approval: Approval, scopes: frozenset[str]) -> Outcome:
        """Settle a request to take something back that others have approved, in the transaction of the last vote."""
        now = self.clock()
        requester = await load_principal(session, approval.requester, scopes, at=now)
        crm = self.crm_for(session, requester, now)
        rebuild = _rebuild(session, requester, crm, now)
        return await ledger.settle(session, approval.approval_id, requester, crm, rebuild, at=now)


async def _plan_locked(
    session: TenantSession,
    entry_id: str,
    person: Principal,
    crm: Connector,
    *,
    at: datetime,
    only: Sequence[int] | None = None,
) -> EntryPlan | None:
    """What can be taken back now, with the entry and its records held: whoever else wants it waits."""
    entry = await rows.find(session, entry_id, for_update=True)
    if entry is None:
        return None
    await rows.lock_records(session, [effect["id"] for effect in entry.effects])
    return await plan_entry(session, entry, person, crm, at=at, only=only)


async def _request(
    session: TenantSession, action: Action, hold: Hold, person: Principal, run: Run, *, at: datetime
) -> Approval:
    """The request under the entry's next free key; or the one that waits, whoever made it. The entry is held."""
    entry_id = action.arguments["entry_id"]
    number = 0
    while (standing := await approval_rows.find_by_key(session, f"{UNDO}:{entry_id}:{number}")) is not None:
        if standing.status == "pending" and standing.expires_at > at:
            return standing
        if standing.status == "pending":
            await approvals.lapse(session, standing, "expired", at=at)
        number += 1
    origin = Origin(
        key=f"{UNDO}:{entry_id}:{number}",
        thread_id=run.thread_id,
        run_id=run.run_id,
        call_id=f"{UNDO}-{entry_id}",
    )
    return await approvals.propose(session, action, person, hold, origin=origin, at=at)


async def _countersign(session: TenantSession, approval: Approval, person: Principal, *, at: datetime) -> None:
    """The person has agreed by the digest of the preview, which covers what this request says."""
    vote = Vote(
        approval_id=approval.approval_id, voter=person.id, decision="approve", digest=approval.digest, created_at=at
    )
    await approval_rows.add(session, vote)
    await approval_rows.move(session, approval, expected="pending", to="approved", decided_by=person.id, decided_at=at)
    await audit.record(
        session,
        at=at,
        kind="approval.approved",
        actor=person.id,
        subject=approval.approval_id,
        payload={"digest": approval.digest, "has_reason": False},
    )


def _rebuild(
    session: TenantSession, person: Principal, crm: Connector, at: datetime
) -> Callable[[Approval], Awaitable[Action | Deny]]:
    """How the ledger gets the action behind such a request: worked out anew, and the same as was countersigned."""

    async def rebuild(approval: Approval) -> Action | Deny:
        entry_id = ledger.undone_by(session, approval)
        if entry_id is None or approval.schema_hash != SCHEMA_HASH:
            return Deny(UNDO, "this is no request to take something back that can be carried out")
        wanted = approval.arguments["effects"]
        planned = await _plan_locked(session, entry_id, person, crm, at=at, only=wanted)
        if planned is None or planned.action is None:
            refusal = None if planned is None else next((one.refusal for one in planned.steps if one.refusal), None)
            return Deny(UNDO, "the entry is gone" if refusal is None else refusal.message)
        if list(planned.action.changes or ()) != ledger.changes_of(approval):
            stuck = next((one.refusal.message for one in planned.steps if one.refusal), "the record has moved on")
            return Deny(UNDO, stuck)
        return replace(planned.action, arguments=dict(approval.arguments))

    return rebuild


def _all_refused(plan: EntryPlan, reason: Approval | Refusal) -> list[Refused]:
    refusal = reason if isinstance(reason, Refusal) else Refusal("moved_on", (reason.result or {}).get("message", ""))
    return [Refused(plan.entry_id, step, refusal) for step in plan.steps if step.change is not None]
