"""The ledger over HTTP: what was written, by which run, and taking it back."""

import uuid
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from api._ledger_wire import (
    LedgerWire,
    PreviewWire,
    UndoneWire,
    entry_wires,
    preview_wire,
    undone_wire,
)
from api.callers import LedgerReaderOf, ServiceOf, UndoerOf, is_auditor
from api.errors import ForbiddenError, InputError, problems
from api.wire import Body, Instant
from crm.repositories import approvals as approval_rows
from crm.repositories import ledger as rows
from crm.repositories import outbox as outbox_rows
from crm.repositories.ledger import Criteria
from trust import approvals, undo
from trust.undo import MAX_ENTRIES, EntryNotFoundError

router = APIRouter(tags=["ledger"])

Status = Literal["pending", "applied", "refused", "unknown"]
_DIGEST = "^[0-9a-f]{64}$"


def get_criteria(
    run_id: uuid.UUID | None = None,
    thread_id: uuid.UUID | None = None,
    record_id: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9]{18}$")] = None,
    object_name: Annotated[str | None, Query(alias="object", pattern=r"^[A-Za-z0-9_]{1,40}$")] = None,
    agent: Annotated[str | None, Query(pattern=r"^[a-z_]{1,40}$")] = None,
    tool: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_.-]{1,60}$")] = None,
    person: Annotated[
        str | None, Query(pattern=r"^[A-Za-z0-9]{18}$", description="Who asked for it or agreed to it.")
    ] = None,
    status: Status | None = None,
    undoes: Annotated[uuid.UUID | None, Query(description="Entries that take this one back.")] = None,
    since: Annotated[Instant | None, Query(description="From this instant on.")] = None,
    until: Annotated[Instant | None, Query(description="Before this instant.")] = None,
) -> Criteria:
    return Criteria(
        run_id=None if run_id is None else str(run_id),
        thread_id=None if thread_id is None else str(thread_id),
        record_id=record_id,
        object_name=object_name,
        agent=agent,
        tool=tool,
        person=person,
        status=status,
        undoes=None if undoes is None else str(undoes),
        since=since,
        until=until,
    )


@router.get("/ledger", responses=problems(403, 404))
async def list_ledger(
    principal: LedgerReaderOf,
    service: ServiceOf,
    response: Response,
    criteria: Annotated[Criteria, Depends(get_criteria)],
    before: Annotated[uuid.UUID | None, Query(description="X-Pagination-Next of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> list[LedgerWire]:
    """What was written, newest first; `X-Pagination-Next` says where the next page begins.

    Auditors see all of it. Others name themselves as the `person`: what they asked for or agreed to.
    """
    audits = is_auditor(principal)
    if not audits and criteria.person != principal.id:
        raise ForbiddenError(
            "the whole ledger needs the permission 'read_audit' and a token with scope 'audit:read'; "
            f"what you asked for or agreed to: person={principal.id}"
        )
    async with service.database.session(principal.tenant) as session:
        last = None if before is None else await rows.find(session, str(before))
        now = service.runner.clock()
        crm = service.runner.desk.crm_for(session, principal, now)
        if before is not None and (
            last is None or not await undo.can_see(session, last, principal, crm, is_auditor=audits, at=now)
        ):
            raise EntryNotFoundError(str(before))
        found = await rows.list_entries(session, criteria, limit=limit + 1, before=last)
        page = found[:limit]
        if len(found) > limit:
            response.headers["X-Pagination-Next"] = page[-1].entry_id
        return await entry_wires(page, principal, crm, is_auditor=audits)


@router.get("/ledger/{entry_id}", responses=problems(403, 404))
async def get_entry(entry_id: uuid.UUID, principal: LedgerReaderOf, service: ServiceOf) -> LedgerWire:
    """One entry, for auditors and for those who asked for the write or agreed to it."""
    audits = is_auditor(principal)
    async with service.database.session(principal.tenant) as session:
        entry = await rows.find(session, str(entry_id))
        now = service.runner.clock()
        crm = service.runner.desk.crm_for(session, principal, now)
        if entry is None or not await undo.can_see(session, entry, principal, crm, is_auditor=audits, at=now):
            raise EntryNotFoundError(str(entry_id))
        [wire] = await entry_wires([entry], principal, crm, is_auditor=audits)
        return wire


class ProposedWire(BaseModel):
    """A change that the run asked for, whatever became of it."""

    approval_id: str
    tool: str
    status: str
    records: list[str] | None = Field(description="As in `Opportunity:006…`; null if the conversation was erased.")


class SentWire(BaseModel):
    """A message that the run's writes put on its way."""

    entry_id: str
    outbox_id: str
    status: str | None


class TouchedWire(BaseModel):
    """What came of a run. What it read is in the audit of its turn, by tool and without values."""

    run_id: str
    proposed: list[ProposedWire]
    written: list[LedgerWire]
    sent: list[SentWire]


@router.get("/runs/{run_id}/touched", responses=problems(403, 404))
async def list_touched(run_id: uuid.UUID, principal: LedgerReaderOf, service: ServiceOf) -> TouchedWire:
    """What a run asked for, wrote and sent, as far as the caller may know of it."""
    audits, run = is_auditor(principal), str(run_id)
    async with service.database.session(principal.tenant) as session:
        now = service.runner.clock()
        crm = service.runner.desk.crm_for(session, principal, now)
        proposed = [
            ProposedWire(
                approval_id=one.approval_id,
                tool=one.tool,
                status=one.status,
                records=None if one.is_erased else [f"{c['object']}:{c['id']}" for c in one.changes],
            )
            for one in await approval_rows.list_approvals(session, run_id=run, limit=MAX_ENTRIES)
            if audits or (not one.is_erased and await approvals.can_see(one, principal, crm, at=now))
        ]
        entries = [
            one
            for one in await rows.list_entries(session, Criteria(run_id=run), limit=MAX_ENTRIES)
            if await undo.can_see(session, one, principal, crm, is_auditor=audits, at=now)
        ]
        if not proposed and not entries:
            raise EntryNotFoundError(run)
        sent = []
        for entry in entries:
            outbox_id = (entry.result or {}).get("outbox_id")
            if outbox_id is not None:
                mail = await outbox_rows.find(session, outbox_id)
                status = None if mail is None else mail.status
                sent.append(SentWire(entry_id=entry.entry_id, outbox_id=outbox_id, status=status))
        written = await entry_wires(entries, principal, crm, is_auditor=audits)
    return TouchedWire(run_id=run, proposed=proposed, written=written, sent=sent)


class PreviewBody(Body):
    """Either an entry or a run."""

    entry_id: uuid.UUID | None = None
    run_id: uuid.UUID | None = None


class UndoBody(Body):
    """Agreement to what the preview of this digest showed."""

    digest: str = Field(pattern=_DIGEST)


class UndoRunBody(UndoBody):
    run_id: uuid.UUID


@router.post("/ledger/undo/preview", responses=problems(403, 404, 409))
async def preview_undo(body: PreviewBody, principal: UndoerOf, service: ServiceOf) -> PreviewWire:
    """What would be taken back of an entry or of all that a run wrote, and what stays and why. Changes nothing."""
    if (body.entry_id is None) == (body.run_id is None):
        raise InputError("entry_id", "name either an entry_id or a run_id")
    entry_id = None if body.entry_id is None else str(body.entry_id)
    run_id = None if body.run_id is None else str(body.run_id)
    undoing, audits = service.conversations.undoing, is_auditor(principal)
    return preview_wire(await undoing.preview(principal, entry_id=entry_id, run_id=run_id, is_auditor=audits))


@router.post("/ledger/undo", responses=problems(403, 404, 409))
async def undo_run(body: UndoRunBody, principal: UndoerOf, service: ServiceOf) -> UndoneWire:
    """Take back all that a run wrote and that nobody has changed since; each entry by itself. A sent message stays."""
    undoing, audits = service.conversations.undoing, is_auditor(principal)
    return undone_wire(await undoing.undo(principal, body.digest, run_id=str(body.run_id), is_auditor=audits))


@router.post("/ledger/{entry_id}/undo", responses=problems(403, 404, 409))
async def undo_entry(entry_id: uuid.UUID, body: UndoBody, principal: UndoerOf, service: ServiceOf) -> UndoneWire:
    """Take back what one entry wrote. Taking back the entry that this makes does the write again."""
    undoing, audits = service.conversations.undoing, is_auditor(principal)
    return undone_wire(await undoing.undo(principal, body.digest, entry_id=str(entry_id), is_auditor=audits))
