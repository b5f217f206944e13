"""People and groups as a tenant's directory wants them. Who leaves is out at once, with all that would let them in."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from crm.database import TenantSession
from crm.directory import DirectoryGroup
from crm.records import User
from crm.repositories import api_keys as key_rows
from crm.repositories import directory_groups as rows
from crm.repositories import sessions as session_rows
from crm.repositories.directory import list_sets_of
from crm.repositories.people import find_any
from trust import audit
from trust.directory import SOMEBODY_ELSE, DirectoryError, apply_groups, is_last_manager

MAX_MEMBERS = 5_000


class PersonNotFoundError(Exception):
    """The tenant has no such person."""


class GroupNotFoundError(Exception):
    """The tenant's directory has no such group."""


class TakenError(Exception):
    """Somebody else has this name already. `field` says which it is, where a request has it under a name of its own."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class GroupWish:
    """A group as the directory wants it."""

    display_name: str
    external_id: str | None = None
    members: Collection[str] = field(default_factory=tuple)


async def create_person(
    session: TenantSession, values: dict[str, Any], external_id: str | None, *, by: str, at: datetime
) -> User:
    """A new person without any right; groups give them theirs. Raises: TakenError."""
    if await rows.is_taken(session, values["Username"], but=None):
        raise TakenError("there is a user of this userName already", field="username")
    user = await rows.add_person(session, values, by=by, at=at)
    if external_id is not None:
        await rows.put_external_id(session, user.Id, external_id)
    await _note(session, "user.created", by, user.Id, at, fields=sorted(values))
    return user


async def change_person(
    session: TenantSession, user_id: str, values: dict[str, Any], external_id: str | None, *, by: str, at: datetime
) -> User:
    """Raises: PersonNotFoundError, TakenError, DirectoryError."""
    user = await get_person(session, user_id)
    username = values.get("Username")
    if username is not None and await rows.is_taken(session, username, but=user_id):
        raise TakenError("there is a user of this userName already")
    is_active = values.pop("IsActive", user.IsActive)
    await rows.change_person(session, user, values, by=by, at=at)
    if external_id is not None:
        await rows.put_external_id(session, user_id, external_id)
    await set_active(session, user, is_active, by=by, at=at)
    return user


async def set_active(
    session: TenantSession, user: User, is_active: bool, *, by: str, at: datetime, field: str = "active"
) -> None:
    """Let somebody in or shut them out, with all that would let them in. Raises: DirectoryError, for `field`."""
    if user.IsActive == is_active:
        return
    if not is_active and await is_last_manager(session, user.Id):
        raise DirectoryError(field, "this is the last person who may manage users")
    await rows.change_person(session, user, {"IsActive": is_active}, by=by, at=at)
    if is_active:
        await _note(session, "user.activated", by, user.Id, at)
    else:
        await _shut_out(session, user.Id, by=by, at=at)


async def get_user(session: TenantSession, user_id: str) -> User:
    """A person or service principal, active or not. Raises: PersonNotFoundError."""
    user = await find_any(session, user_id)
    if user is None:
        raise PersonNotFoundError("there is no such person")
    return user


async def get_person(session: TenantSession, user_id: str) -> User:
    """Active or not. Raises: PersonNotFoundError."""
    user = await rows.find_person(session, user_id)
    if user is None:
        raise PersonNotFoundError("there is no such person")
    return user


async def create_group(session: TenantSession, wish: GroupWish, *, by: str, at: datetime) -> DirectoryGroup:
    """Raises: TakenError, DirectoryError."""
    await _require_free(session, wish.display_name, but=None)
    row = DirectoryGroup(
        group_id=str(uuid.uuid4()),
        display_name=wish.display_name,
        external_id=wish.external_id,
        created_at=at,
        updated_at=at,
    )
    await rows.add_group(session, row)
    await _note(session, "directory.group_created", by, row.group_id, at, name=wish.display_name)
    await set_members(session, row, wish.members, by=by, at=at)
    return row


async def rename_group(session: TenantSession, row: DirectoryGroup, name: str, *, by: str, at: datetime) -> None:
    """What it gives follows from its name, so its members' rights may change. Raises: TakenError."""
    if row.display_name == name:
        return
    await _require_free(session, name, but=row.group_id)
    await _note(session, "directory.group_renamed", by, row.group_id, at, before=row.display_name, after=name)
    row.display_name, row.updated_at = name, at
    await session.flush()
    await _apply(session, await rows.list_members(session, row.group_id), by=by, at=at)


async def set_members(
    session: TenantSession, row: DirectoryGroup, members: Collection[str], *, by: str, at: datetime
) -> None:
    """Who is in a group from now on, all of them; rights follow. Raises: DirectoryError."""
    before, after = set(await rows.list_members(session, row.group_id)), set(members)
    if len(after) > MAX_MEMBERS:
        raise DirectoryError("members", f"at most {MAX_MEMBERS}")
    more, less = sorted(after - before), sorted(before - after)
    if not more and not less:
        return
    for user_id in more:
        if await rows.find_person(session, user_id) is None:
            raise DirectoryError("members", f"there is no person {user_id!r}")
    await rows.add_members(session, row.group_id, more)
    await rows.remove_members(session, row.group_id, less)
    row.updated_at = at
    await _note(session, "directory.members", by, row.group_id, at, name=row.display_name, added=more, removed=less)
    await _apply(session, [*more, *less], by=by, at=at)


async def remove_group(session: TenantSession, row: DirectoryGroup, *, by: str, at: datetime) -> None:
    members = await rows.list_members(session, row.group_id)
    await rows.remove_group(session, row.group_id)
    await _note(session, "directory.group_removed", by, row.group_id, at, name=row.display_name)
    await _apply(session, members, by=by, at=at)


async def get_group(session: TenantSession, group_id: str) -> DirectoryGroup:
    """Raises: GroupNotFoundError."""
    row = await rows.find_group(session, group_id)
    if row is None:
        raise GroupNotFoundError("there is no such group")
    return row


async def _apply(session: TenantSession, user_ids: Collection[str], *, by: str, at: datetime) -> None:
    """Give people what all their groups give now. Raises: DirectoryError, if somebody would give it to themselves."""
    for user_id in user_ids:
        groups = [one.display_name for one in await rows.list_groups_of(session, user_id)]
        before = await list_sets_of(session, user_id)
        after = await apply_groups(session, user_id, groups, by=by, at=at)
        if user_id == by and after - before:
            raise DirectoryError("members", f"nobody gives themselves more; {SOMEBODY_ELSE}, or a service principal")


async def _shut_out(session: TenantSession, user_id: str, *, by: str, at: datetime) -> None:
    """End what would let somebody in. What still runs for them asks for their rights at each step, and has none."""
    ended = await session_rows.end_all(session, user_id, by=by, at=at)
    revoked = await key_rows.revoke_all(session, user_id, by=by, at=at)
    await _note(session, "user.deactivated", by, user_id, at, sessions_ended=ended, keys_revoked=revoked)


async def _require_free(session: TenantSession, name: str, *, but: str | None) -> None:
    """Raises: TakenError."""
    _, found = await rows.find_groups(session, wanted=("display_name", name), offset=0, limit=1)
    if any(one.group_id != but for one in found):
        raise TakenError("there is a group of this displayName already")


async def _note(session: TenantSession, kind: str, actor: str, subject: str, at: datetime, **payload: Any) -> None:
    await audit.record(session, at=at, kind=kind, actor=actor, subject=subject, payload=payload)
