"""Keys for programs, and the service principals that they act as, for administrators."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from api.callers import PersonEntranceOf, ServiceOf, UserAdminOf
from api.errors import ForbiddenError, problems
from api.wire import Body
from crm.fields import to_json
from crm.repositories.access import UnknownCallerError
from crm.repositories.people import find_active
from crm.repositories.records import display_name
from crm.sign_in import ApiKey
from trust import api_keys
from trust.api_keys import LONGEST_DAYS, KeyWish
from trust.directory import add_service_principal

router = APIRouter(prefix="/admin", tags=["sign-in"])

Scope = Literal[
    "crm:read",
    "crm:write",
    "crm:send",
    "knowledge:read",
    "approvals:decide",
    "audit:read",
    "code:run",
    "policy:manage",
    "gateway:manage",
    "data:erase",
    "directory:write",
]


class ApiKeyBody(Body):
    """A key that is to be made."""

    name: Annotated[str, Field(min_length=1, max_length=80)] = Field(description="What it is for.")
    acts_as: Annotated[str, Field(max_length=18)] = Field(
        default="",
        description="User that it acts as: a service principal, or yourself if left out; others only to read.",
    )
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=20)] = Field(
        description="What it may be used for, within the rights of whom it acts as. None of them follows from another."
    )
    days: Annotated[int, Field(ge=1, le=LONGEST_DAYS)] = Field(default=90, description="After how many it runs out.")


class ApiKeyWire(BaseModel):
    """A key, without its secret."""

    key_id: str
    name: str
    prefix: str = Field(description="How it begins.")
    acts_as: str
    scopes: list[str]
    state: Literal["good", "expired", "revoked"]
    created_by: str
    created_at: str
    expires_at: str | None
    used_at: str | None = Field(description="To within a minute.")
    revoked_at: str | None
    revoked_by: str | None


class NewApiKeyWire(ApiKeyWire):
    """A key that was just made."""

    key: str = Field(description="The key itself. It is not kept: nobody can show it again.")


class ServicePrincipalBody(Body):
    """A user that stands for a program."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    permission_sets: Annotated[list[Annotated[str, Field(max_length=80)]], Field(max_length=20)] = Field(
        default=[], description="By name. None: it may do nothing."
    )


class ServicePrincipalWire(BaseModel):
    """A user that stands for a program; nobody signs in as it."""

    id: str
    name: str
    permission_sets: list[str]


@router.get("/api-keys", responses=problems(403))
async def list_api_keys(principal: UserAdminOf, service: ServiceOf) -> list[ApiKeyWire]:
    """All keys of the organisation, good or not, newest first."""
    async with service.database.session(principal.tenant) as session:
        found = await api_keys.list_keys(session)
    return [ApiKeyWire(**_wire(one, service)) for one in found]


@router.post("/api-keys", responses=problems(403, 404))
async def make_api_key(
    body: ApiKeyBody, principal: UserAdminOf, _: PersonEntranceOf, service: ServiceOf
) -> NewApiKeyWire:
    """Make a key. The answer is the only place where it is shown."""
    further = sorted(frozenset(body.scopes) - principal.scopes)
    if further:
        raise ForbiddenError(f"a key reaches no further than the token that makes it: not {further[0]!r}")
    wish = KeyWish(body.name, body.acts_as or principal.id, frozenset(body.scopes), body.days)
    async with service.database.session(principal.tenant, write=True) as session:
        credential, row = await api_keys.make(session, wish, by=principal.id, at=service.runner.clock())
    return NewApiKeyWire(**_wire(row, service), key=str(credential))


@router.delete("/api-keys/{key_id}", responses=problems(403, 404))
async def revoke_api_key(
    key_id: Annotated[str, Path(max_length=36)], principal: UserAdminOf, _: PersonEntranceOf, service: ServiceOf
) -> list[ApiKeyWire]:
    """Revoke a key. It counts from the next request on, at every process."""
    async with service.database.session(principal.tenant, write=True) as session:
        await api_keys.revoke(session, key_id, by=principal.id, at=service.runner.clock())
    return await list_api_keys(principal, service)


@router.post("/service-principals", responses=problems(403))
async def make_service_principal(
    body: ServicePrincipalBody, principal: UserAdminOf, _: PersonEntranceOf, service: ServiceOf
) -> ServicePrincipalWire:
    """Make a user for a program. It has the rights of its permission sets, and no other way in than keys."""
    now = service.runner.clock()
    async with service.database.session(principal.tenant, write=True) as session:
        user_id = await add_service_principal(session, body.name, body.permission_sets, by=principal.id, at=now)
        user = await find_active(session, user_id)
        if user is None:
            raise UnknownCallerError("the service principal is gone")
    return ServicePrincipalWire(id=user.Id, name=display_name(user), permission_sets=sorted(set(body.permission_sets)))


def _wire(row: ApiKey, service: ServiceOf) -> dict[str, object]:
    is_expired = row.expires_at is not None and row.expires_at <= service.runner.clock()
    return {
        "key_id": row.key_id,
        "name": row.name,
        "prefix": row.prefix,
        "acts_as": row.member_id,
        "scopes": row.scopes,
        "state": "revoked" if row.revoked_at is not None else "expired" if is_expired else "good",
        "created_by": row.created_by,
        "created_at": to_json(row.created_at),
        "expires_at": to_json(row.expires_at),
        "used_at": to_json(row.used_at),
        "revoked_at": to_json(row.revoked_at),
        "revoked_by": row.revoked_by,
    }
