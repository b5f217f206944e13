"""The people of an organisation, as whoever manages users sees and changes them."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from api.callers import PersonEntranceOf, ServiceOf, UserAdminOf
from api.errors import problems
from api.wire import Body
from crm.database import TenantSession
from crm.records import User
from crm.repositories import directory as sets
from crm.repositories.people import is_service, list_users
from crm.repositories.records import display_name
from trust import directory, provisioning

router = APIRouter(prefix="/admin", tags=["sign-in"])

PersonId = Annotated[str, Path(max_length=18)]


class PersonPatch(Body):
    """What is to be other than it is."""

    is_active: bool | None = Field(
        default=None,
        description="False signs them out everywhere, revokes keys that act as them, and ends their rights.",
    )
    permission_sets: Annotated[list[Annotated[str, Field(max_length=80)]], Field(max_length=20)] | None = Field(
        default=None, description="All that they are to have, by name. What groups give comes back with the groups."
    )


class PersonOfTenantWire(BaseModel):
    """A user."""

    id: str
    username: str
    name: str
    kind: Literal["person", "service"]
    is_active: bool
    permission_sets: list[str]


@router.get("/people", responses=problems(403))
async def list_people(
    principal: UserAdminOf,
    service: ServiceOf,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> list[PersonOfTenantWire]:
    """Users of the organisation, active or not, with their permission sets, by id."""
    async with service.database.session(principal.tenant) as session:
        return [await _wire(session, one) for one in await list_users(session, offset=offset, limit=limit)]


@router.patch("/people/{person_id}", responses=problems(403, 404))
async def change_person(
    person_id: PersonId, body: PersonPatch, principal: UserAdminOf, _: PersonEntranceOf, service: ServiceOf
) -> PersonOfTenantWire:
    """Let somebody in or shut them out, or say what they may do. Entered in the audit."""
    now = service.runner.clock()
    async with service.database.session(principal.tenant, write=True) as session:
        user = await provisioning.get_user(session, person_id)
        if body.permission_sets is not None:
            await directory.put_sets(session, person_id, body.permission_sets, by=principal.id, at=now)
        if body.is_active is not None:
            await provisioning.set_active(session, user, body.is_active, by=principal.id, at=now)
        return await _wire(session, user)


async def _wire(session: TenantSession, user: User) -> PersonOfTenantWire:
    return PersonOfTenantWire(
        id=user.Id,
        username=user.Username,
        name=display_name(user),
        kind="service" if is_service(user) else "person",
        is_active=user.IsActive,
        permission_sets=sorted(await sets.list_sets_of(session, user.Id)),
    )
