"""The tenant's staff as those who look after it find them: by name, with place, superior and permission sets."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import ColumnElement, func, or_, select

from crm.database import TenantSession
from crm.directory import DirectoryGroup, DirectoryMember
from crm.records import User
from crm.repositories.people import SERVICE
from crm.repositories.records import display_name
from crm.rights import PermissionSet, PermissionSetAssignment, UserRole

Kind = Literal["person", "service"]
_LONGEST_CHAIN = 200


@dataclass(frozen=True)
class Wanted:
    """Which users. `text` is a part of a name or of a login name."""

    text: str = ""
    kind: Kind | None = None
    is_active: bool | None = None


@dataclass(frozen=True)
class Standing:
    """Where a user's rights come from, and whom they answer to."""

    role: str
    manager: str | None
    permission_sets: tuple[str, ...]
    permissions: tuple[str, ...]
    groups: tuple[str, ...]
    """Of the tenant's directory."""


async def find_users(session: TenantSession, wanted: Wanted, *, offset: int, limit: int) -> list[User]:
    """Users at these places, by family name, given name and id."""
    given = func.coalesce(User.FirstName, "")
    chosen: list[ColumnElement[bool]] = []
    if wanted.text:
        named = given + " " + User.LastName
        lower = wanted.text.lower()
        chosen.append(
            or_(
                func.lower(named).contains(lower, autoescape=True),
                named.contains(wanted.text, autoescape=True),  # SQLite knows the small letters of ASCII only
                func.lower(User.Username).contains(lower, autoescape=True),
            )
        )
    if wanted.kind is not None:
        is_service = func.coalesce(User.UserType, "") == SERVICE
        chosen.append(is_service if wanted.kind == "service" else ~is_service)
    if wanted.is_active is not None:
        chosen.append(User.IsActive.is_(wanted.is_active))
    order = (func.lower(User.LastName), func.lower(given), User.Id)
    return list(await session.scalars(select(User).where(*chosen).order_by(*order).offset(offset).limit(limit)))


async def load_standings(session: TenantSession, users: Collection[User]) -> dict[str, Standing]:
    """By id of the user."""
    ids = [one.Id for one in users]
    roles = {one.role_id: one.name for one in await list_roles(session)}
    given = {one.name: one.permissions for one in await session.scalars(select(PermissionSet))}
    sets: defaultdict[str, set[str]] = defaultdict(set)
    for assigned in await session.scalars(
        select(PermissionSetAssignment).where(PermissionSetAssignment.user_id.in_(ids))
    ):
        sets[assigned.user_id].add(assigned.permission_set)
    groups: defaultdict[str, set[str]] = defaultdict(set)
    names = {one.group_id: one.display_name for one in await session.scalars(select(DirectoryGroup))}
    for member in await session.scalars(select(DirectoryMember).where(DirectoryMember.user_id.in_(ids))):
        groups[member.user_id].add(names.get(member.group_id, member.group_id))
    superiors = {one.ManagerId for one in users if one.ManagerId}
    managers = {one.Id: one for one in await session.scalars(select(User).where(User.Id.in_(sorted(superiors))))}
    return {
        one.Id: Standing(
            role=roles.get(one.UserRoleId or "", ""),
            manager=display_name(managers[one.ManagerId]) if one.ManagerId in managers else None,
            permission_sets=tuple(sorted(sets[one.Id])),
            permissions=tuple(sorted({may for name in sets[one.Id] for may in given.get(name, ())})),
            groups=tuple(sorted(groups[one.Id])),
        )
        for one in users
    }


async def list_roles(session: TenantSession) -> list[UserRole]:
    """The places of the role tree, by name."""
    return list(await session.scalars(select(UserRole).order_by(UserRole.name, UserRole.role_id)))


async def list_superiors(session: TenantSession, user_id: str) -> list[str]:
    """Who stands above a user by their managers, nearest first; a loop ends the walk."""
    found: list[str] = []
    current: str | None = user_id
    while current is not None and len(found) <= _LONGEST_CHAIN:
        current = await session.scalar(select(User.ManagerId).where(User.Id == current))
        if current is None or current in found or current == user_id:
            break
        found.append(current)
    return found


async def list_group_names(session: TenantSession) -> list[str]:
    """Groups that the tenant's directory has told of."""
    return sorted(await session.scalars(select(DirectoryGroup.display_name)))
