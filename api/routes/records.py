"""Records over HTTP, for looking; all changes go through conversations and approvals."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from api.callers import ReaderOf, ServiceOf
from api.errors import problems
from crm.errors import RecordNotFoundError
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
