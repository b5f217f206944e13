"""Looks up a caller and resolves their rights from the tenant's tables."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import func, select

from crm.access import Access, Caller, Rule, Sharing, resolve_fields, resolve_objects
from crm.database import TenantSession
from crm.errors import CrmError
from crm.records import Contact, User
from crm.repositories.records import display_name
from crm.rights import GroupMember, PermissionSet, PermissionSetAssignment, SharingRule, Tenant, UserRole

CUSTOMER_SET = "customer"


class UnknownCallerError(CrmError):
    """The token's subject is no active member of the tenant."""


async def load_access(session: TenantSession, caller: Caller) -> Access:
    """Everything the caller may do, as it stands now. Raises: UnknownCallerError."""
    if caller.tenant != session.tenant:
        raise UnknownCallerError("no such caller")
    if caller.contact_id is not None:
        return await _contact_access(session, caller)
    return await _user_access(session, caller)


async def find_user_by_username(session: TenantSession, username: str) -> User | None:
    """The active user with this login name, compared without case."""
    found = await session.scalars(select(User).where(func.lower(User.Username) == username.lower(), User.IsActive))
    return found.first()


async def find_contact_by_email(session: TenantSession, address: str) -> Contact | None:
    """The contact with this address, compared without case; the first by id if several share it."""
    found = await session.scalars(
        select(Contact).where(func.lower(Contact.Email) == address.lower()).order_by(Contact.Id)
    )
    return found.first()


async def find_tenant_name(session: TenantSession) -> str:
    """What the session's organisation is called."""
    return str(await session.scalar(select(Tenant.name)) or session.tenant)


async def load_names(session: TenantSession) -> dict[str, frozenset[str]]:
    """What rules of the tenant may name: by kind, all that there is. Roles go by name, persons by the ids of users."""
    sets = list(await session.scalars(select(PermissionSet)))
    return {
        "role": frozenset(await session.scalars(select(UserRole.name))),
        "group": frozenset(await session.scalars(select(GroupMember.group_name).distinct())),
        "permission set": frozenset(one.name for one in sets),
        "permission": frozenset(permission for one in sets for permission in one.permissions),
        "person": frozenset(await session.scalars(select(User.Id).where(User.IsActive))),
    }


async def find_holders(session: TenantSession, permissions: frozenset[str]) -> list[User]:
    """Active users who have all of these permissions, by name."""
    if not permissions:
        return []
    sets = {one.name: frozenset(one.permissions) for one in await session.scalars(select(PermissionSet))}
    held: dict[str, frozenset[str]] = {}
    for assigned in await session.scalars(select(PermissionSetAssignment)):
        held[assigned.user_id] = held.get(assigned.user_id, frozenset()) | sets.get(
            assigned.permission_set, frozenset()
        )
    ids = [user_id for user_id, given in held.items() if permissions <= given]
    found = await session.scalars(select(User).where(User.Id.in_(ids), User.IsActive))
    return sorted(found, key=display_name)


async def find_staff(session: TenantSession, permissions: frozenset[str]) -> list[User]:
    """Active users who have all of these permissions, by name; everybody active if there are none."""
    if permissions:
        return await find_holders(session, permissions)
    return sorted(await session.scalars(select(User).where(User.IsActive)), key=display_name)


async def _user_access(session: TenantSession, caller: Caller) -> Access:
    user = await session.scalar(select(User).where(User.Id == caller.user_id, User.IsActive))
    if user is None:
        raise UnknownCallerError("no such caller")
    assigned = select(PermissionSetAssignment.permission_set).where(
        PermissionSetAssignment.tenant == session.tenant, PermissionSetAssignment.user_id == user.Id
    )
    sets = list(await session.scalars(select(PermissionSet).where(PermissionSet.name.in_(assigned))))
    groups = frozenset(await session.scalars(select(GroupMember.group_name).where(GroupMember.user_id == user.Id)))
    roles = list(await session.scalars(select(UserRole)))
    names = {role.role_id: role.name for role in roles}
    below = roles_below(roles, user.UserRoleId)
    own = names.get(user.UserRoleId or "", "")
    return Access(
        caller=caller,
        display_name=display_name(user),
        title=_title(user, roles, sets),
        objects=resolve_objects([s.objects for s in sets]),
        fields=resolve_fields([s.fields for s in sets]),
        permissions=frozenset(p for s in sets for p in s.permissions),
        sharing=await _sharing(session),
        roles_below=below,
        groups=groups,
        rules=_rules_for(list(await session.scalars(select(SharingRule))), roles, user.UserRoleId, groups),
        manager_id=user.ManagerId,
        role=own,
        roles_from_here=frozenset({own, *(names[one] for one in below)}) - {""},
        permission_sets=frozenset(s.name for s in sets),
    )


async def _contact_access(session: TenantSession, caller: Caller) -> Access:
    contact = await session.scalar(select(Contact).where(Contact.Id == caller.contact_id))
    granted = await session.scalar(select(PermissionSet).where(PermissionSet.name == CUSTOMER_SET))
    if contact is None or granted is None:
        raise UnknownCallerError("no such caller")
    return Access(
        caller=caller,
        display_name=display_name(contact),
        title="Customer",
        objects=resolve_objects([granted.objects]),
        fields=resolve_fields([granted.fields]),
        permissions=frozenset(granted.permissions),
        sharing=await _sharing(session),
        account_id=contact.AccountId,
    )


async def _sharing(session: TenantSession) -> Mapping[str, Sharing]:
    found = await session.scalar(select(Tenant.sharing_defaults))
    return cast("Mapping[str, Sharing]", found or {})


def _title(user: User, roles: Sequence[UserRole], sets: Sequence[PermissionSet]) -> str:
    named = {role.role_id: role.name for role in roles}
    return named.get(user.UserRoleId or "") or ", ".join(sorted(s.label for s in sets))


def roles_below(roles: Sequence[UserRole], role_id: str | None) -> frozenset[str]:
    """Every role under this one in the tree, itself excluded; a loop in the tree ends the walk."""
    children: dict[str | None, list[str]] = {}
    for role in roles:
        children.setdefault(role.parent_id, []).append(role.role_id)
    found: set[str] = set()
    waiting = list(children.get(role_id, ())) if role_id else []
    while waiting:
        current = waiting.pop()
        if current not in found and current != role_id:
            found.add(current)
            waiting.extend(children.get(current, ()))
    return frozenset(found)


def _rules_for(
    rules: Sequence[SharingRule], roles: Sequence[UserRole], role_id: str | None, groups: frozenset[str]
) -> tuple[Rule, ...]:
    def is_for_me(target: Mapping[str, Any]) -> bool:
        if target.get("group") in groups:
            return True
        role = target.get("role")
        return role is not None and role_id is not None and (role == role_id or role in roles_below(roles, role_id))

    return tuple(Rule(r.object_name, r.source, r.can_edit) for r in rules if is_for_me(r.target))


@dataclass(frozen=True)
class Member:
    """One of the tenant's staff, with what their rights come from."""

    user: User
    role: str
    permission_sets: tuple[str, ...]
    groups: tuple[str, ...]


async def list_members(session: TenantSession) -> list[Member]:
    """All of the staff, also those who are no longer active, by name."""
    roles = {one.role_id: one.name for one in await session.scalars(select(UserRole))}
    sets: defaultdict[str, set[str]] = defaultdict(set)
    for assigned in await session.scalars(select(PermissionSetAssignment)):
        sets[assigned.user_id].add(assigned.permission_set)
    groups: defaultdict[str, set[str]] = defaultdict(set)
    for member in await session.scalars(select(GroupMember)):
        groups[member.user_id].add(member.group_name)
    return [
        Member(user, roles.get(user.UserRoleId or "", ""), tuple(sorted(sets[user.Id])), tuple(sorted(groups[user.Id])))
        for user in sorted(await session.scalars(select(User)), key=display_name)
    ]


async def list_permission_sets(session: TenantSession) -> list[PermissionSet]:
    """All bundles of rights, by name."""
    return list(await session.scalars(select(PermissionSet).order_by(PermissionSet.name)))
