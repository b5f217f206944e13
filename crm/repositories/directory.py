"""Whom the tenant's directory knows, what its groups may do here, and which permission sets people have."""

from collections.abc import Collection
from datetime import datetime
from typing import cast

from sqlalchemy import delete, func, or_, select

from crm.database import TenantSession
from crm.records import User
from crm.repositories.inserting import insert_if_absent
from crm.repositories.people import SERVICE
from crm.rights import PermissionSet, PermissionSetAssignment, Tenant
from crm.sign_in import ExternalIdentity, GroupRight

_PLAIN = {"synchronize_session": False}


async def find_sets(session: TenantSession) -> frozenset[str]:
    """The names of all permission sets."""
    return frozenset(await session.scalars(select(PermissionSet.name)))


async def find_permissions(session: TenantSession, sets: Collection[str]) -> frozenset[str]:
    """What permission sets permit beyond records."""
    found = await session.scalars(select(PermissionSet).where(PermissionSet.name.in_(list(sets))))
    return frozenset(permission for one in found for permission in one.permissions)


async def list_sets_of(session: TenantSession, user_id: str) -> frozenset[str]:
    statement = select(PermissionSetAssignment.permission_set).where(PermissionSetAssignment.user_id == user_id)
    return frozenset(await session.scalars(statement))


async def assign(session: TenantSession, user_id: str, sets: Collection[str]) -> None:
    key = ("tenant", "user_id", "permission_set")
    for name in sets:
        await insert_if_absent(session, PermissionSetAssignment, {"user_id": user_id, "permission_set": name}, key=key)


async def unassign(session: TenantSession, user_id: str, sets: Collection[str]) -> None:
    given = delete(PermissionSetAssignment).where(
        PermissionSetAssignment.user_id == user_id, PermissionSetAssignment.permission_set.in_(list(sets))
    )
    await session.execute(given, execution_options=_PLAIN)


async def list_group_rights(session: TenantSession, *, given_by: str | None = None) -> dict[str, frozenset[str]]:
    """Group -> permission sets; groups that are not in it give nothing. `given_by`: only what this person has said."""
    found: dict[str, frozenset[str]] = {}
    for row in await session.scalars(select(GroupRight)):
        if given_by in (None, row.given_by):
            found[row.group_name] = found.get(row.group_name, frozenset()) | {row.permission_set}
    return found


async def wait_for_others(session: TenantSession) -> None:
    """Those who change what groups give take turns on the tenant's row."""
    await session.scalar(select(Tenant.name).where(Tenant.tenant == session.tenant).with_for_update())


async def put_group_rights(session: TenantSession, rights: dict[str, frozenset[str]], *, by: str) -> None:
    """What groups may do, all of it. What stays as it was stays the word of whoever said it."""
    wanted = {(group, name) for group, sets in rights.items() for name in sets}
    for row in await session.scalars(select(GroupRight)):
        if (row.group_name, row.permission_set) in wanted:
            wanted.remove((row.group_name, row.permission_set))
        else:
            await session.delete(row)
    session.add_all(GroupRight(group_name=group, permission_set=name, given_by=by) for group, name in sorted(wanted))
    await session.flush()


async def find_identity(session: TenantSession, issuer: str, subject: str) -> str | None:
    """The user that a provider's subject stands for."""
    statement = select(ExternalIdentity.user_id).where(
        ExternalIdentity.issuer == issuer, ExternalIdentity.subject == subject
    )
    return cast("str | None", await session.scalar(statement))


async def has_identity(session: TenantSession, issuer: str, user_id: str) -> bool:
    """Whether some subject of the provider stands for the user."""
    statement = select(ExternalIdentity.user_id).where(
        ExternalIdentity.issuer == issuer, ExternalIdentity.user_id == user_id
    )
    return await session.scalar(statement) is not None


async def bind_identity(session: TenantSession, issuer: str, subject: str, user_id: str, *, at: datetime) -> bool:
    """False if the subject stands for somebody already."""
    values = {"issuer": issuer, "subject": subject, "user_id": user_id, "bound_at": at}
    made = await insert_if_absent(session, ExternalIdentity, values, key=("tenant", "issuer", "subject"))
    return made is not None


async def unbind_identities(session: TenantSession, user_id: str) -> None:
    """Have no provider's subject stand for the user any more."""
    mine = delete(ExternalIdentity).where(ExternalIdentity.user_id == user_id)
    await session.execute(mine, execution_options=_PLAIN)


async def find_people_by_address(session: TenantSession, address: str) -> list[User]:
    """Active users, no service principals, whose login name or e-mail address it is, compared without case."""
    wanted = address.lower()
    is_theirs = or_(func.lower(User.Username) == wanted, func.lower(User.Email) == wanted)
    is_person = or_(User.UserType.is_(None), User.UserType != SERVICE)
    return list(await session.scalars(select(User).where(User.IsActive, is_theirs, is_person)))
