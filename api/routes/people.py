"""The people of an organisation, as whoever manages users sees, adds and changes them."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from api.callers import PersonEntranceOf, RightsReaderOf, ServiceOf, UserAdminOf
from api.errors import problems
from api.wire import Body
from crm.database import TenantSession
from crm.records import User
from crm.repositories import staff as rows
from crm.repositories.people import is_service
from crm.repositories.records import display_name
from trust import directory, provisioning, staff

router = APIRouter(prefix="/admin", tags=["sign-in"])

_ID = r"^[0-9A-Za-z]{1,18}$"
PersonId = Annotated[str, Path(pattern=_ID)]


def _check_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("expected one line of plain text")
    return text


Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255), AfterValidator(_check_line)
]
Address = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=254, pattern=r"^[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+$"),
    AfterValidator(_check_line),
]
UserId = Annotated[str, Field(pattern=_ID)]
Sets = Annotated[list[Annotated[str, Field(max_length=80)]], Field(max_length=20)]


class PersonBody(Body):
    """Somebody who is to come in."""

    username: Address = Field(description="Login name, in the form of an e-mail address.")
    first_name: Line | None = None
    last_name: Line
    email: Address | None = Field(
        default=None, description="Where letters go; an identity provider may vouch for it instead of the login name."
    )
    manager: UserId | None = Field(default=None, description="Id of the person whom they answer to.")
    role: Line | None = Field(default=None, description="Place in the role tree, by name.")
    permission_sets: Sets = Field(default=[], description="By name. None: they may do nothing.")


class PersonPatch(Body):
    """What is to be other than it is; what is left out stays."""

    is_active: bool | None = Field(
        default=None,
        description="False signs them out everywhere, revokes keys that act as them, and ends their rights.",
    )
    permission_sets: Sets | None = Field(
        default=None, description="All that they are to have, by name. What groups give comes back with the groups."
    )
    manager: UserId | None = Field(
        default=None, description="Id of the person whom they answer to; null: nobody. It says who may decide for them."
    )
    role: Line | None = Field(default=None, description="Place in the role tree, by name; null: none.")


class PersonOfTenantWire(BaseModel):
    """A user."""

    id: str
    username: str
    name: str
    email: str | None
    kind: Literal["person", "service"]
    is_active: bool
    role: str = Field(description="Place in the role tree; empty if there is none.")
    manager: str | None = Field(description="Id of the person whom they answer to.")
    manager_name: str | None
    permission_sets: list[str]
    permissions: list[str] = Field(description="Beyond records, of all their permission sets together.")
    groups: list[str] = Field(description="Of the organisation's directory, that they are in.")


class RoleWire(BaseModel):
    """A place in the role tree. People see what people below own."""

    name: str
    under: str | None = Field(description="The place above.")


@router.get("/people", responses=problems(403))
async def list_people(
    principal: RightsReaderOf,
    service: ServiceOf,
    text: Annotated[
        str, Query(max_length=100, description="Part of a name or of a login name."), AfterValidator(_check_line)
    ] = "",
    kind: Literal["person", "service"] | None = None,
    is_active: bool | None = None,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> list[PersonOfTenantWire]:
    """Users of the organisation with what they may do, by family name."""
    wanted = rows.Wanted(text.strip(), kind, is_active)
    async with service.database.session(principal.tenant) as session:
        return await _wires(session, await rows.find_users(session, wanted, offset=offset, limit=limit))


@router.get("/people/{person_id}", responses=problems(403, 404))
async def get_person(person_id: PersonId, principal: RightsReaderOf, service: ServiceOf) -> PersonOfTenantWire:
    """One user with what they may do."""
    async with service.database.session(principal.tenant) as session:
        return await _wire(session, await provisioning.get_user(session, person_id))


@router.post("/people", responses=problems(403, 409))
async def add_person(
    body: PersonBody, principal: UserAdminOf, _: PersonEntranceOf, service: ServiceOf
) -> PersonOfTenantWire:
    """Add somebody. They sign in with the organisation's identity provider, which vouches for their address."""
    wish = staff.PersonWish(**body.model_dump())
    async with service.database.session(principal.tenant, write=True) as session:
        user = await staff.add(session, wish, by=principal.id, at=service.runner.clock())
        return await _wire(session, user)


@router.patch("/people/{person_id}", responses=problems(403, 404))
async def change_person(
    person_id: PersonId, body: PersonPatch, principal: UserAdminOf, _: PersonEntranceOf, service: ServiceOf
) -> PersonOfTenantWire:
    """Let somebody in or shut them out, say what they may do and whom they answer to. Entered in the audit."""
    now = service.runner.clock()
    async with service.database.session(principal.tenant, write=True) as session:
        user = await provisioning.get_user(session, person_id)
        if body.permission_sets is not None:
            await directory.put_sets(session, user.Id, body.permission_sets, by=principal.id, at=now)
        if "manager" in body.model_fields_set:
            await staff.set_manager(session, user, body.manager, by=principal.id, at=now)
        if "role" in body.model_fields_set:
            await staff.set_role(session, user, body.role, by=principal.id, at=now)
        if body.is_active is not None:
            await provisioning.set_active(session, user, body.is_active, by=principal.id, at=now, field="is_active")
        return await _wire(session, user)


@router.get("/roles", responses=problems(403))
async def list_roles(principal: RightsReaderOf, service: ServiceOf) -> list[RoleWire]:
    """The places of the role tree, by name."""
    async with service.database.session(principal.tenant) as session:
        found = await rows.list_roles(session)
    names = {one.role_id: one.name for one in found}
    return [RoleWire(name=one.name, under=names.get(one.parent_id or "")) for one in found]


async def _wire(session: TenantSession, user: User) -> PersonOfTenantWire:
    [found] = await _wires(session, [user])
    return found


async def _wires(session: TenantSession, users: list[User]) -> list[PersonOfTenantWire]:
    standings = await rows.load_standings(session, users)
    return [
        PersonOfTenantWire(
            id=one.Id,
            username=one.Username,
            name=display_name(one),
            email=one.Email,
            kind="service" if is_service(one) else "person",
            is_active=one.IsActive,
            role=standings[one.Id].role,
            manager=one.ManagerId,
            manager_name=standings[one.Id].manager,
            permission_sets=list(standings[one.Id].permission_sets),
            permissions=list(standings[one.Id].permissions),
            groups=list(standings[one.Id].groups),
        )
        for one in users
    ]
