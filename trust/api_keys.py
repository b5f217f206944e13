"""Keys for programs: whom one may act as, how far it reaches, and that everything about it is in the audit.

A key is no way around a second person. It acts as whoever made it or as a service principal; as somebody else it may
only read, or an administrator could ask in another's name and approve it in their own. It decides on nothing unless the
scope for that was named, and it never makes keys or says who comes in.
"""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from crm.database import TenantSession
from crm.repositories import api_keys as rows
from crm.repositories.people import find_active, is_service
from crm.sign_in import ApiKey
from trust import audit
from trust.credentials import Credential, make_credential
from trust.scopes import ALL_SCOPES, CRM_READ, KNOWLEDGE_READ, USERS_MANAGE

LONGEST_DAYS = 366
MAX_KEYS = 200
"""Of a tenant, good ones."""
GRANTABLE = ALL_SCOPES - {USERS_MANAGE}
AS_OTHERS = frozenset({CRM_READ, KNOWLEDGE_READ})
"""What a key may do in the name of a person who did not make it."""
_TOUCH_EVERY = timedelta(minutes=1)


class ApiKeyError(Exception):
    """A key cannot be made like this. `field` says what to change."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class ApiKeyNotFoundError(Exception):
    """The tenant has no such key, or it was revoked before."""


@dataclass(frozen=True)
class KeyWish:
    """A key as it is asked for."""

    name: str
    member_id: str
    scopes: frozenset[str]
    days: int


async def make(session: TenantSession, wish: KeyWish, *, by: str, at: datetime) -> tuple[Credential, ApiKey]:
    """A new key; its secret is in the answer and nowhere else. Raises: ApiKeyError."""
    await _check(session, wish, by, at)
    credential = make_credential("key", session.tenant)
    row = ApiKey(
        key_id=str(uuid.uuid4()),
        secret_hash=credential.hash,
        name=wish.name,
        prefix=credential.prefix,
        member_id=wish.member_id,
        scopes=sorted(wish.scopes),
        created_by=by,
        created_at=at,
        expires_at=at + timedelta(days=wish.days),
    )
    await rows.add(session, row)
    await audit.record(
        session,
        at=at,
        kind="api_key.made",
        actor=by,
        subject=row.key_id,
        payload={"name": row.name, "acts_as": row.member_id, "scopes": row.scopes, "days": wish.days},
    )
    return credential, row


async def _check(session: TenantSession, wish: KeyWish, by: str, at: datetime) -> None:
    """Raises: ApiKeyError."""
    strange = sorted(wish.scopes - GRANTABLE)
    if strange:
        raise ApiKeyError("scopes", f"a key cannot have {', '.join(map(repr, strange))}")
    if not wish.scopes:
        raise ApiKeyError("scopes", "expected at least one")
    user = await find_active(session, wish.member_id)
    if user is None:
        raise ApiKeyError("acts_as", "there is no active user of this id")
    more = sorted(wish.scopes - AS_OTHERS)
    if user.Id != by and not is_service(user) and more:
        raise ApiKeyError("scopes", f"in another person's name a key may only read, not {', '.join(map(repr, more))}")
    if await rows.count_good(session, at=at) >= MAX_KEYS:
        raise ApiKeyError("name", f"there are {MAX_KEYS} keys already; revoke some")


async def find(session: TenantSession, credential: Credential, *, at: datetime) -> ApiKey | None:
    """The key behind a credential, if it is good."""
    return await rows.find_good(session, credential.hash, at=at)


def scopes_of(row: ApiKey) -> frozenset[str]:
    """What a key may be used for today, whatever its row says."""
    return frozenset(row.scopes) & GRANTABLE


def is_to_touch(row: ApiKey, *, at: datetime) -> bool:
    return row.used_at is None or at - row.used_at >= _TOUCH_EVERY


async def touch(session: TenantSession, row: ApiKey, *, at: datetime) -> None:
    await rows.touch(session, row.key_id, at=at)


async def list_keys(session: TenantSession) -> Collection[ApiKey]:
    """All of the tenant, newest first."""
    return await rows.list_keys(session)


async def revoke(session: TenantSession, key_id: str, *, by: str, at: datetime) -> None:
    """Raises: ApiKeyNotFoundError."""
    if not await rows.revoke(session, key_id, by=by, at=at):
        raise ApiKeyNotFoundError("there is no such key, or it was revoked before")
    await audit.record(session, at=at, kind="api_key.revoked", actor=by, subject=key_id, payload={})
