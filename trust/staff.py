"""People as administrators add and place them: who stands above whom says who may decide, so all of it is audited."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crm.database import TenantSession
from crm.records import User
from crm.repositories import directory as sets
from crm.repositories.directory_groups import change_person
from crm.repositories.people import find_active, is_service
from crm.repositories.staff import list_roles, list_superiors
from trust import audit, directory
from trust.directory import DirectoryError
from trust.provisioning import TakenError, create_person


@dataclass(frozen=True)
class PersonWish:
    """Somebody who is to come in."""

    username: str
    last_name: str
    first_name: str | None = None
    email: str | None = None
    manager: str | None = None
    role: str | None = None
    permission_sets: Collection[str] = ()


async def add(session: TenantSession, wish: PersonWish, *, by: str, at: datetime) -> User:
    """A new person with what they may do. Raises: TakenError, DirectoryError.

    No address may be somebody else's: a provider vouches for addresses, and two people of one would both be shut out.
    """
    for field, address in (("username", wish.username), ("email", wish.email)):
        if address is not None and await sets.find_people_by_address(session, address):
            raise TakenError("an active person has this address already", field=field)
    values = {
        "Username": wish.username,
        "FirstName": wish.first_name,
        "LastName": wish.last_name,
        "Email": wish.email,
        "IsActive": True,
    }
    user = await create_person(session, values, None, by=by, at=at)
    await directory.put_sets(session, user.Id, wish.permission_sets, by=by, at=at)
    await set_manager(session, user, wish.manager, by=by, at=at)
    await set_role(session, user, wish.role, by=by, at=at)
    return user


async def set_manager(session: TenantSession, user: User, manager: str | None, *, by: str, at: datetime) -> None:
    """Say whom somebody answers to; None: nobody. Raises: DirectoryError."""
    if manager == user.ManagerId:
        return
    _require_placed(user, "manager", by)
    if manager is not None:
        found = await find_active(session, manager)
        if found is None or is_service(found):
            raise DirectoryError("manager", "there is no active person of this id")
        if manager == user.Id:
            raise DirectoryError("manager", "nobody is their own manager")
        if user.Id in await list_superiors(session, manager):
            raise DirectoryError("manager", "this person stands below the one whom they would manage")
    await _place(session, user, "ManagerId", manager, "user.manager", by=by, at=at)


async def set_role(session: TenantSession, user: User, role: str | None, *, by: str, at: datetime) -> None:
    """Say which place of the role tree somebody has, by its name; None: none. Raises: DirectoryError."""
    role_id = None
    if role is not None:
        found = [one.role_id for one in await list_roles(session) if one.name == role]
        if len(found) != 1:
            raise DirectoryError("role", f"there is no role {role!r}" if not found else "several roles have this name")
        [role_id] = found
    if role_id == user.UserRoleId:
        return
    _require_placed(user, "role", by)
    await _place(session, user, "UserRoleId", role_id, "user.role", by=by, at=at)


def _require_placed(user: User, field: str, by: str) -> None:
    """That it is somebody who has a place, and another than who gives it. Raises: DirectoryError."""
    if is_service(user):
        raise DirectoryError(field, "a service principal has none")
    if user.Id == by:
        raise DirectoryError(field, f"nobody chooses their own; {directory.SOMEBODY_ELSE}")


async def _place(
    session: TenantSession, user: User, column: str, value: Any, kind: str, *, by: str, at: datetime
) -> None:
    payload = {"before": getattr(user, column), "after": value}
    await change_person(session, user, {column: value}, by=by, at=at)
    await audit.record(session, at=at, kind=kind, actor=by, subject=user.Id, payload=payload)
