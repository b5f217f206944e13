"""Records over HTTP, for looking; all changes go through conversations and approvals."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from api._ledger_wire import entry_wires
from api._record_wire import (
    OverviewWire,
    RelatedWire,
    TimelineWire,
    WriteWire,
    happened_wire,
    overview_wire,
    related_wire,
)
from api.callers import ReaderOf, ServiceOf, is_auditor
from api.errors import InputError, problems
from api.overview import find_writes, look_at, look_at_related, look_back
from crm.errors import RecordNotFoundError
from crm.repositories import ledger
from crm.schema import object_of
from trust import undo

router = APIRouter()

_NAME = r"^[A-Za-z0-9_]{1,60}$"

ObjectName = Annotated[str, Path(pattern=_NAME)]
RecordId = Annotated[str, Path(pattern=r"^[A-Za-z0-9]{15,18}$")]


@router.get("/records/{object_name}/{record_id}", tags=["records"], responses=problems(403, 404))
async def get_record(
    object_name: ObjectName,
    record_id: RecordId,
    principal: ReaderOf,
    service: ServiceOf,
) -> dict[str, Any]:
    """One record with the fields that the caller may read."""
    async with service.database.session(principal.tenant) as session:
        crm = service.runner.desk.crm_for(session, principal, service.runner.clock())
        return await crm.get(object_name, record_id)


@router.get("/records/{object_name}", tags=["records"], responses=problems(403, 404))
async def find_record(
    object_name: ObjectName,
    name: Annotated[str, Query(min_length=1, max_length=200, description="Its exact name apart from case, or its id.")],
    principal: ReaderOf,
    service: ServiceOf,
) -> dict[str, Any]:
    """The one record of this name; 404 if there is none or the name stands for several."""
    async with service.database.session(principal.tenant) as session:
        crm = service.runner.desk.crm_for(session, principal, service.runner.clock())
        if object_of(name) == object_name:
            return await crm.get(object_name, name)
        exact = [match for match in await crm.find(name, [object_name], 10) if match.is_exact]
        if len(exact) != 1:
            raise RecordNotFoundError(object_name, name)
        return await crm.get(object_name, exact[0].record_id)


@router.get("/records/{object_name}/{record_id}/overview", tags=["records"], responses=problems(403, 404))
async def look_at_record(
    object_name: ObjectName,
    record_id: RecordId,
    principal: ReaderOf,
    service: ServiceOf,
    related: Annotated[int, Query(ge=0, le=50, description="How many records of each related kind.")] = 5,
) -> OverviewWire:
    """A record with where its values come from, and what hangs on it. Long texts are cut; `length` says so."""
    async with service.database.session(principal.tenant) as session:
        crm = service.runner.desk.crm_for(session, principal, service.runner.clock())
        return overview_wire(await look_at(session, crm, object_name, record_id, related=related))


@router.get(
    "/records/{object_name}/{record_id}/related/{child}/{field}", tags=["records"], responses=problems(403, 404)
)
async def list_related(
    object_name: ObjectName,
    record_id: RecordId,
    child: Annotated[str, Path(pattern=_NAME, description="The kind of record that points here.")],
    field: Annotated[str, Path(pattern=_NAME, description="The field by which it does.")],
    principal: ReaderOf,
    service: ServiceOf,
    response: Response,
    cursor: Annotated[str | None, Query(max_length=500, description="X-Pagination-Next of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> RelatedWire:
    """Records of one kind that point here, newest first; `X-Pagination-Next` says how to go on."""
    async with service.database.session(principal.tenant) as session:
        crm = service.runner.desk.crm_for(session, principal, service.runner.clock())
        described = await crm.describe(object_name)
        row = await crm.get(object_name, record_id, ["Id"])
        if (child, field) not in described.children:
            raise InputError("child", f"expected a kind of record and a field by which it points to {object_name}")
        found = await look_at_related(session, crm, row["Id"], child, field, limit=limit, cursor=cursor)
    if found is None:
        raise InputError("child", f"expected a kind of record and a field by which it points to {object_name}")
    if found.page.next_cursor is not None:
        response.headers["X-Pagination-Next"] = found.page.next_cursor
    return related_wire(found)


@router.get("/records/{object_name}/{record_id}/timeline", tags=["records"], responses=problems(403, 404))
async def get_timeline(
    object_name: ObjectName,
    record_id: RecordId,
    principal: ReaderOf,
    service: ServiceOf,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> TimelineWire:
    """Tasks, meetings, e-mails, comments, chats and calls around a record, newest first."""
    async with service.database.session(principal.tenant) as session:
        crm = service.runner.desk.crm_for(session, principal, service.runner.clock())
        found, total = await look_back(session, crm, object_name, record_id, limit=limit)
    return TimelineWire(entries=[happened_wire(one) for one in found], total=total)


@router.get("/records/{object_name}/{record_id}/writes", tags=["records"], responses=problems(403, 404))
async def list_writes(
    object_name: ObjectName,
    record_id: RecordId,
    principal: ReaderOf,
    service: ServiceOf,
    response: Response,
    before: Annotated[uuid.UUID | None, Query(description="X-Pagination-Next of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 20,
) -> list[WriteWire]:
    """What the copilot wrote to a record, newest first, as far as the caller may know of it: as with `/ledger`."""
    now, audits = service.runner.clock(), is_auditor(principal)
    async with service.database.session(principal.tenant) as session:
        crm = service.runner.desk.crm_for(session, principal, now)
        row = await crm.get(object_name, record_id, ["Id"])
        last = None if before is None else await ledger.find(session, str(before))
        if before is not None and last is None:
            raise undo.EntryNotFoundError(str(before))
        shown, going_on = await find_writes(
            session, crm, principal, row["Id"], before=last, limit=limit, is_auditor=audits, at=now
        )
        undone = {one.undoes: one.entry_id for one in await ledger.list_undoing(session, [e.entry_id for e in shown])}
        names = await crm.names_of(sorted({one.on_behalf_of for one in shown}))
        wires = await entry_wires(shown, principal, crm, is_auditor=audits)
    if going_on is not None:
        response.headers["X-Pagination-Next"] = going_on.entry_id
    return [
        WriteWire(entry=one, undone_by=undone.get(one.entry_id), asked_by=names.get(one.on_behalf_of)) for one in wires
    ]
