"""What records are called, for pages that know their ids."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from api.callers import ReaderOf, ServiceOf
from api.errors import problems
from crm.ids import normalise_id
from crm.schema import object_of

router = APIRouter(tags=["records"])

RecordId = Annotated[str, Query(pattern=r"^[A-Za-z0-9]{15,18}$")]


class NameWire(BaseModel):
    """A record that the caller may see."""

    id: str
    object: str
    name: str


@router.get("/names", responses=problems(403))
async def list_names(
    record: Annotated[list[RecordId], Query(min_length=1, max_length=200)], principal: ReaderOf, service: ServiceOf
) -> list[NameWire]:
    """What these records are called; those that are not there or that the caller may not see are left out."""
    wanted = sorted({found for found in map(normalise_id, record) if found is not None})
    async with service.database.session(principal.tenant) as session:
        crm = service.runner.desk.crm_for(session, principal, service.runner.clock())
        names = await crm.names_of(wanted)
    return [NameWire(id=one, object=object_of(one) or "", name=name) for one, name in sorted(names.items())]
