"""How people of the tenant's own staff are reached."""

from typing import cast

from sqlalchemy import select

from crm.database import TenantSession
from crm.records import User


async def find_address(session: TenantSession, user_id: str) -> str | None:
    """The e-mail address of an active user; None if there is no such user, or none is kept."""
    statement = select(User.Email).where(User.Id == user_id, User.IsActive)
    return cast("str | None", await session.scalar(statement)) or None
