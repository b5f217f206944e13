"""Sessions of browsers. That one is alive is asked of its row each time, so that ending it counts at once."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, and_, delete, or_, select, update

from crm.database import TenantSession
from crm.sign_in import SignInSession

_PLAIN = {"synchronize_session": False}


async def add(session: TenantSession, row: SignInSession) -> None:
    session.add(row)
    await session.flush()


async def find_alive(
    session: TenantSession, secret_hash: bytes, *, at: datetime, idle_since: datetime
) -> SignInSession | None:
    """The session with this secret; None if there is none, or it has ended, run out, or was left alone since then."""
    statement = select(SignInSession).where(
        SignInSession.secret_hash == secret_hash, _is_alive(at=at, idle_since=idle_since)
    )
    return cast("SignInSession | None", await session.scalar(statement))


async def list_alive(
    session: TenantSession, member_id: str, *, at: datetime, idle_since: datetime
) -> list[SignInSession]:
    """Of one person, last used first."""
    statement = select(SignInSession).where(
        SignInSession.member_id == member_id, _is_alive(at=at, idle_since=idle_since)
    )
    return list(await session.scalars(statement.order_by(SignInSession.seen_at.desc(), SignInSession.session_id)))


async def touch(session: TenantSession, session_id: str, *, at: datetime) -> None:
    """Note that it was used; a session that has ended stays as it is."""
    statement = update(SignInSession).where(SignInSession.session_id == session_id, SignInSession.ended_at.is_(None))
    await session.execute(statement.values(seen_at=at), execution_options=_PLAIN)


async def end(session: TenantSession, member_id: str, session_id: str, *, by: str, at: datetime) -> bool:
    """End one session of a person; False if they have none of this id that has not ended."""
    return await _end(session, SignInSession.session_id == session_id, member_id, by=by, at=at) == 1


async def end_all(session: TenantSession, member_id: str, *, by: str, at: datetime, but: Collection[str] = ()) -> int:
    """End all sessions of a person, except those named; how many that were."""
    return await _end(session, SignInSession.session_id.not_in(list(but)), member_id, by=by, at=at)


async def forget(session: TenantSession, *, before: datetime) -> None:
    """Remove what ended or ran out before then."""
    over = or_(SignInSession.ended_at < before, SignInSession.expires_at < before)
    await session.execute(delete(SignInSession).where(over), execution_options=_PLAIN)


def _is_alive(*, at: datetime, idle_since: datetime) -> ColumnElement[bool]:
    return and_(SignInSession.ended_at.is_(None), SignInSession.expires_at > at, SignInSession.seen_at > idle_since)


async def _end(session: TenantSession, which: ColumnElement[bool], member_id: str, *, by: str, at: datetime) -> int:
    statement = update(SignInSession).where(
        which, SignInSession.member_id == member_id, SignInSession.ended_at.is_(None)
    )
    result = await session.execute(statement.values(ended_at=at, ended_by=by), execution_options=_PLAIN)
    return cast("CursorResult[Any]", result).rowcount
