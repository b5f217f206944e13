"""Keys of programs. That one is good is asked of its row each time, so that revoking it counts at once."""

from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, and_, or_, select, update

from crm.database import TenantSession
from crm.records import User
from crm.repositories.people import SERVICE
from crm.sign_in import ApiKey

_PLAIN = {"synchronize_session": False}


async def add(session: TenantSession, row: ApiKey) -> None:
    session.add(row)
    await session.flush()


async def find_good(session: TenantSession, secret_hash: bytes, *, at: datetime) -> ApiKey | None:
    """The key with this secret; None if there is none, or it was revoked or has run out."""
    statement = select(ApiKey).where(ApiKey.secret_hash == secret_hash, _is_good(at))
    return cast("ApiKey | None", await session.scalar(statement))


async def list_keys(session: TenantSession) -> list[ApiKey]:
    """All of the tenant, good or not, newest first."""
    return list(await session.scalars(select(ApiKey).order_by(ApiKey.created_at.desc(), ApiKey.key_id)))


async def count_good(session: TenantSession, *, at: datetime) -> int:
    return len(list(await session.scalars(select(ApiKey.key_id).where(_is_good(at)))))


async def touch(session: TenantSession, key_id: str, *, at: datetime) -> None:
    statement = update(ApiKey).where(ApiKey.key_id == key_id)
    await session.execute(statement.values(used_at=at), execution_options=_PLAIN)


async def are_one(session: TenantSession, one: str, other: str) -> bool:
    """Whether one of two is a program, and the other has ever made a key for it: what it does may be their doing."""
    programs = select(User.Id).where(User.UserType == SERVICE)
    made = or_(
        and_(ApiKey.member_id == one, ApiKey.created_by == other),
        and_(ApiKey.member_id == other, ApiKey.created_by == one),
    )
    statement = select(ApiKey.key_id).where(made, ApiKey.member_id.in_(programs)).limit(1)
    return await session.scalar(statement) is not None


async def revoke(session: TenantSession, key_id: str, *, by: str, at: datetime) -> bool:
    """False if there is no such key, or it was revoked before."""
    return await _revoke(session, ApiKey.key_id == key_id, by=by, at=at) == 1


async def revoke_all(session: TenantSession, member_id: str, *, by: str, at: datetime) -> int:
    """Revoke the keys that act as a user, and those that the user has made for other people's names; how many."""
    people = select(User.Id).where(or_(User.UserType.is_(None), User.UserType != SERVICE))
    for_others = and_(ApiKey.created_by == member_id, ApiKey.member_id.in_(people))
    return await _revoke(session, or_(ApiKey.member_id == member_id, for_others), by=by, at=at)


async def _revoke(session: TenantSession, which: ColumnElement[bool], *, by: str, at: datetime) -> int:
    statement = update(ApiKey).where(which, ApiKey.revoked_at.is_(None))
    result = await session.execute(statement.values(revoked_at=at, revoked_by=by), execution_options=_PLAIN)
    return cast("CursorResult[Any]", result).rowcount


def _is_good(at: datetime) -> ColumnElement[bool]:
    return and_(ApiKey.revoked_at.is_(None), or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > at))
