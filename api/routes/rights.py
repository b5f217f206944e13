"""The tenant's people and where their rights come from, for administrators. They change under `/admin/people`."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.callers import PolicyAdminOf, RightsReaderOf, ServiceOf
from api.errors import problems
from crm.repositories.access import list_members, list_permission_sets
from crm.repositories.records import display_name

router = APIRouter(prefix="/admin", tags=["rights"])

_WORDS = {"c": "create", "r": "read", "e": "edit", "d": "delete", "v": "view all", "m": "modify all"}


class MemberWire(BaseModel):
    """One of the staff."""

    id: str
    name: str
    username: str
    role: str = Field(description="Its place in the role tree; empty if there is none.")
    manager: str | None = Field(description="Record id.")
    is_active: bool = Field(description="Whether the service lets them in at all.")
    permission_sets: list[str]
    groups: list[str]
    permissions: list[str] = Field(description="Of all their permission sets together.")


class PermissionSetWire(BaseModel):
    """A bundle of rights. What somebody may do is the union of those that they have."""

    name: str
    label: str
    permissions: list[str]
    objects: dict[str, list[str]] = Field(description="Kind of record -> create, read, edit, delete, view all, ...")
    fields: dict[str, dict[str, list[str]]] = Field(
        description="Kind of record -> field or `*` for all others -> read, edit; what is not named cannot be seen."
    )
    members: int = Field(description="How many active people have it.")


@router.get("/rights", responses=problems(403))
async def list_rights(principal: PolicyAdminOf, service: ServiceOf) -> list[MemberWire]:
    """All of the staff by name, also those who are no longer active."""
    async with service.database.session(principal.tenant) as session:
        given = {one.name: one.permissions for one in await list_permission_sets(session)}
        return [
            MemberWire(
                id=one.user.Id,
                name=display_name(one.user),
                username=one.user.Username or "",
                role=one.role,
                manager=one.user.ManagerId,
                is_active=bool(one.user.IsActive),
                permission_sets=list(one.permission_sets),
                groups=list(one.groups),
                permissions=sorted({may for name in one.permission_sets for may in given.get(name, ())}),
            )
            for one in await list_members(session)
        ]


@router.get("/permission-sets", responses=problems(403))
async def list_sets(principal: RightsReaderOf, service: ServiceOf) -> list[PermissionSetWire]:
    """The tenant's bundles of rights by name."""
    async with service.database.session(principal.tenant) as session:
        members = [one for one in await list_members(session) if one.user.IsActive]
        return [
            PermissionSetWire(
                name=one.name,
                label=one.label,
                permissions=sorted(one.permissions),
                objects={name: _in_words(letters) for name, letters in one.objects.items()},
                fields={
                    name: {field: _in_words(letters) for field, letters in fields.items()}
                    for name, fields in one.fields.items()
                },
                members=sum(one.name in member.permission_sets for member in members),
            )
            for one in await list_permission_sets(session)
        ]


def _in_words(letters: str) -> list[str]:
    return [word for letter, word in _WORDS.items() if letter in letters]
