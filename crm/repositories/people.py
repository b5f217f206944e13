"""How people of the tenant's own staff are reached."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from sqlalchemy import select

from crm.database import TenantSession
from crm.ids import new_id
from crm.records import User

SERVICE = "Service"
"""The `UserType` of users that stand for programs."""


async def find_address(session: TenantSession, user_id: str) -> str | None:
    """The e-mail address of an active user; None if there is no such user, or none is kept."""
    statement = select(User.Email).where(User.Id == user_id, User.IsActive)
    return cast("str | None", await session.scalar(statement)) or None


async def find_active(session: TenantSession, user_id: str) -> User | None:
    """The active user of this id, person or service principal."""
    return cast("User | None", await session.scalar(select(User).where(User.Id == user_id, User.IsActive)))


def is_service(user: User) -> bool:
    """Whether the user stands for a program, which nobody signs in as."""
    return user.UserType == SERVICE


async def add_service(session: TenantSession, name: str, *, by: str, at: datetime) -> User:
    """A user that stands for a program: it has no address, and only keys act as it."""
    user_id = new_id(User.prefix)
    values = {
        "Id": user_id,
        "Username": f"{user_id.lower()}@service.invalid",
        "LastName": name,
        "IsActive": True,
        "UserType": SERVICE,
        "OwnerId": by,
    }
    return await add_user(session, values, by=by, at=at)


async def add_user(session: TenantSession, values: Mapping[str, Any], *, by: str, at: datetime) -> User:
    """A user of any kind; `values` say which, and have its id."""
    user = User(
        CreatedById=by,
        CreatedDate=at,
        LastModifiedById=by,
        LastModifiedDate=at,
        SystemModstamp=at,
        **values,
    )
    session.add(user)
    await session.flush()
    return user


async def find_any(session: TenantSession, user_id: str) -> User | None:
    """The user of this id, person or service principal, active or not."""
    return cast("User | None", await session.scalar(select(User).where(User.Id == user_id)))
