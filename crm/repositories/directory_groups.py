"""Users and groups as a tenant's directory looks them up and changes them. Service principals are none of its."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, delete, func, or_, select

from crm.database import TenantSession
from crm.directory import DirectoryGroup, DirectoryMember, DirectoryUser
from crm.ids import new_id
from crm.records import User
from crm.repositories.inserting import insert_if_absent, insert_or_replace
from crm.repositories.people import SERVICE, add_user

_PLAIN = {"synchronize_session": False}
_IS_PERSON = or_(User.UserType.is_(None), User.UserType != SERVICE)


async def find_person(session: TenantSession, user_id: str) -> User | None:
    """Active or not."""
    return cast("User | None", await session.scalar(select(User).where(User.Id == user_id, _IS_PERSON)))


async def find_people(
    session: TenantSession, *, wanted: tuple[str, str] | None, offset: int, limit: int
) -> tuple[int, list[User]]:
    """How many people there are, and those at these places, by id. `wanted`: username, email, id or external_id."""
    chosen: list[ColumnElement[bool]] = [_IS_PERSON]
    if wanted is not None:
        name, value = wanted
        if name == "external_id":
            known = select(DirectoryUser.user_id).where(DirectoryUser.external_id == value)
            chosen.append(User.Id.in_(known))
        elif name == "id":
            chosen.append(User.Id == value)
        else:
            column = {"username": User.Username, "email": User.Email}[name]
            chosen.append(func.lower(column) == value.lower())
    return await _page(session, select(User).where(*chosen).order_by(User.Id), User.Id, chosen, offset, limit)


async def is_taken(session: TenantSession, username: str, *, but: str | None) -> bool:
    """Whether another user, active or not, has this login name, compared without case."""
    statement = select(User.Id).where(func.lower(User.Username) == username.lower(), User.Id != (but or ""))
    return await session.scalar(statement.limit(1)) is not None


async def add_person(session: TenantSession, values: dict[str, Any], *, by: str, at: datetime) -> User:
    return await add_user(session, {"Id": new_id(User.prefix), "UserType": "Standard", **values}, by=by, at=at)


async def change_person(session: TenantSession, user: User, values: dict[str, Any], *, by: str, at: datetime) -> None:
    """Write what is other than before."""
    changed = {name: value for name, value in values.items() if getattr(user, name) != value}
    for name, value in changed.items():
        setattr(user, name, value)
    if changed:
        user.LastModifiedById, user.LastModifiedDate, user.SystemModstamp = by, at, at
        await session.flush()


async def list_external_ids(session: TenantSession, user_ids: Collection[str]) -> dict[str, str]:
    found = await session.scalars(select(DirectoryUser).where(DirectoryUser.user_id.in_(list(user_ids))))
    return {one.user_id: one.external_id for one in found}


async def put_external_id(session: TenantSession, user_id: str, external_id: str) -> None:
    values = {"user_id": user_id, "external_id": external_id}
    await insert_or_replace(session, DirectoryUser, values, key=("tenant", "user_id"))


async def find_group(session: TenantSession, group_id: str) -> DirectoryGroup | None:
    statement = select(DirectoryGroup).where(DirectoryGroup.group_id == group_id)
    return cast("DirectoryGroup | None", await session.scalar(statement))


async def find_groups(
    session: TenantSession, *, wanted: tuple[str, str] | None, offset: int, limit: int
) -> tuple[int, list[DirectoryGroup]]:
    """How many groups there are, and those at these places. `wanted`: display_name, id or external_id."""
    chosen: list[ColumnElement[bool]] = []
    if wanted is not None:
        name, value = wanted
        columns = {
            "display_name": DirectoryGroup.display_name,
            "id": DirectoryGroup.group_id,
            "external_id": DirectoryGroup.external_id,
        }
        chosen.append(columns[name] == value)
    statement = select(DirectoryGroup).where(*chosen).order_by(DirectoryGroup.group_id)
    return await _page(session, statement, DirectoryGroup.group_id, chosen, offset, limit)


async def add_group(session: TenantSession, row: DirectoryGroup) -> None:
    session.add(row)
    await session.flush()


async def remove_group(session: TenantSession, group_id: str) -> None:
    """With its memberships."""
    for table in (DirectoryMember, DirectoryGroup):
        await session.execute(delete(table).where(table.group_id == group_id), execution_options=_PLAIN)


async def list_members(session: TenantSession, group_id: str) -> list[str]:
    """Ids of users, sorted."""
    statement = select(DirectoryMember.user_id).where(DirectoryMember.group_id == group_id)
    return sorted(await session.scalars(statement))


async def add_members(session: TenantSession, group_id: str, user_ids: Iterable[str]) -> None:
    key = ("tenant", "group_id", "user_id")
    for user_id in user_ids:
        await insert_if_absent(session, DirectoryMember, {"group_id": group_id, "user_id": user_id}, key=key)


async def remove_members(session: TenantSession, group_id: str, user_ids: Collection[str]) -> None:
    those = delete(DirectoryMember).where(
        DirectoryMember.group_id == group_id, DirectoryMember.user_id.in_(list(user_ids))
    )
    await session.execute(those, execution_options=_PLAIN)


async def list_groups_of(session: TenantSession, user_id: str) -> list[DirectoryGroup]:
    mine = select(DirectoryMember.group_id).where(DirectoryMember.user_id == user_id)
    statement = select(DirectoryGroup).where(DirectoryGroup.group_id.in_(mine)).order_by(DirectoryGroup.display_name)
    return list(await session.scalars(statement))


async def _page(
    session: TenantSession, statement: Select[Any], key: Any, chosen: list[Any], offset: int, limit: int
) -> tuple[int, list[Any]]:
    total = len(list(await session.scalars(select(key).where(*chosen))))
    found = list(await session.scalars(statement.offset(offset).limit(limit))) if limit else []
    return total, found
