"""How long a browser stays signed in, and who ends that: each beginning and each end is in the audit."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from crm.database import TenantSession
from crm.repositories import sessions as rows
from crm.sign_in import SignInSession
from trust import audit
from trust.credentials import Credential, make_credential

KEPT_FOR = timedelta(days=30)
"""How long the row of a session is kept after its end."""
_BROWSER_CHARS = 120
_TOUCH_EVERY = timedelta(minutes=1)


class SessionNotFoundError(Exception):
    """The person has no such session, or it has ended."""


@dataclass(frozen=True)
class Lifetimes:
    """A session ends when it was left alone for `idle`, and after `longest` in any case."""

    idle: timedelta
    longest: timedelta


async def begin(
    session: TenantSession, member_id: str, *, provider: str, browser: str, at: datetime, lifetimes: Lifetimes
) -> tuple[Credential, SignInSession]:
    """A new session with a secret of its own, whatever the browser has shown so far. The secret is not kept."""
    credential = make_credential("session", session.tenant)
    row = SignInSession(
        session_id=str(uuid.uuid4()),
        secret_hash=credential.hash,
        member_id=member_id,
        provider=provider,
        browser="".join(char for char in browser if char.isprintable())[:_BROWSER_CHARS],
        created_at=at,
        seen_at=at,
        expires_at=at + lifetimes.longest,
    )
    await rows.forget(session, before=at - KEPT_FOR)
    await rows.add(session, row)
    await _note(session, "session.begun", member_id, row.session_id, at, provider=provider)
    return credential, row


async def find(
    session: TenantSession, credential: Credential, *, at: datetime, lifetimes: Lifetimes
) -> SignInSession | None:
    """The session behind a credential, if it is alive."""
    return await rows.find_alive(session, credential.hash, at=at, idle_since=at - lifetimes.idle)


def is_to_touch(row: SignInSession, *, at: datetime) -> bool:
    """Whether it is time to note that a session is in use: not at every request."""
    return at - row.seen_at >= _TOUCH_EVERY


async def touch(session: TenantSession, row: SignInSession, *, at: datetime) -> None:
    await rows.touch(session, row.session_id, at=at)


async def list_alive(
    session: TenantSession, member_id: str, *, at: datetime, lifetimes: Lifetimes
) -> list[SignInSession]:
    """The sessions of a person, last used first."""
    return await rows.list_alive(session, member_id, at=at, idle_since=at - lifetimes.idle)


async def end(session: TenantSession, member_id: str, session_id: str, *, by: str, at: datetime) -> None:
    """Raises: SessionNotFoundError."""
    if not await rows.end(session, member_id, session_id, by=by, at=at):
        raise SessionNotFoundError("there is no such session, or it has ended")
    await _note(session, "session.ended", by, session_id, at, member=member_id)


async def end_all(session: TenantSession, member_id: str, *, by: str, at: datetime, but: str | None = None) -> int:
    """End the sessions of a person, maybe except one; how many that were."""
    count = await rows.end_all(session, member_id, by=by, at=at, but=[] if but is None else [but])
    if count:
        await _note(session, "session.all_ended", by, member_id, at, count=count)
    return count


async def _note(session: TenantSession, kind: str, actor: str, subject: str, at: datetime, **payload: object) -> None:
    await audit.record(session, at=at, kind=kind, actor=actor, subject=subject, payload=payload)
