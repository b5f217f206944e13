"""Records and ledger over HTTP, for looking; all changes go through conversations and approvals."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from api.callers import AuditorOf, ReaderOf, ServiceOf
from api.errors import problems
from crm.errors import RecordNotFoundError
from crm.fields import to_json
from crm.repositories import ledger as ledger_rows
from crm.schema import object_of

router = APIRouter()

_NAME = r"^[A-Za-z0-9_]{1,60}$"


@router.get("/records/{object_name}/{record_id}", tags=["records"], responses=problems(403, 404))
async def get_record(
    object_name: Annotated[str, Path(pattern=_NAME)],
    record_id: Annotated[str, Path(pattern=r"^[A-Za-z0-9]{15,18}$")],
    principal: ReaderOf,
    service: ServiceOf,
) -> dict[str, Any]:
    """One record with the fields that the caller may read."""
    async with service.database.session(principal.tenant) as session:
        crm = service.runner.desk.crm_for(session, principal, service.runner.clock())
        return await crm.get(object_name, record_id)


@router.get("/records/{object_name}", tags=["records"], responses=problems(403, 404))
async def find_record(
    object_name: Annotated[str, Path(pattern=_NAME)],
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


class LedgerWire(BaseModel):
    """A write that was carried out or refused, with before and after per record as read back."""

    entry_id: str
    status: str
    approval_id: str | None
    thread_id: str
    run_id: str
    agent: str
    tool: str
    on_behalf_of: str
    effects: list[dict[str, Any]]
    created_at: str


@router.get("/ledger", tags=["audit"], responses=problems(403))
async def list_ledger(
    principal: AuditorOf,
    service: ServiceOf,
    run_id: Annotated[str | None, Query(pattern=r"^[0-9a-f-]{36}$")] = None,
    thread_id: Annotated[str | None, Query(pattern=r"^[0-9a-f-]{36}$")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> list[LedgerWire]:
    """What was written, newest first."""
    async with service.database.session(principal.tenant) as session:
        found = await ledger_rows.list_entries(session, run_id=run_id, thread_id=thread_id, limit=limit)
        return [
            LedgerWire(
                entry_id=one.entry_id,
                status=one.status,
                approval_id=one.approval_id,
                thread_id=one.thread_id,
                run_id=one.run_id,
                agent=one.agent,
                tool=one.tool,
                on_behalf_of=one.on_behalf_of,
                effects=one.effects,
                created_at=to_json(one.created_at),
            )
            for one in found
        ]
