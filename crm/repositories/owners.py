"""Who owns records, and who stands above those people: asked for the service itself, whatever the caller may see."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import select

from crm.connector import Change
from crm.database import TenantSession
from crm.records import OBJECTS, User
from crm.schema import object_of

_DEEPEST = 5
_LONGEST_CHAIN = 20


async def find_managers(session: TenantSession, changes: Collection[Change], *, requester: str) -> frozenset[str]:
    """Active users who manage, directly or from further up, the owner of every record that would change.

    A record without an owner of its own is its parent's. What is new is owned by whom it names, or by the requester.
    """
    shared: frozenset[str] | None = None
    for owner in {await _owner_of(session, change, requester) for change in changes}:
        above = await _chain_above(session, owner)
        shared = above if shared is None else shared & above
    return shared or frozenset()


async def _owner_of(session: TenantSession, change: Change, requester: str) -> str | None:
    if change.operation != "create":
        return await _owner_of_record(session, change.object_name, change.record_id)
    given: Mapping[str, Any] = {one.field: one.new for one in change.fields}
    if given.get("OwnerId"):
        return str(given["OwnerId"])
    record_type = OBJECTS.get(change.object_name)
    parents = [given[one] for one in (record_type.parents if record_type else ()) if given.get(one)]
    if parents:
        return await _owner_of_record(session, object_of(str(parents[0])) or "", str(parents[0]))
    return requester


async def _owner_of_record(session: TenantSession, object_name: str, record_id: str) -> str | None:
    for _ in range(_DEEPEST):
        record_type = OBJECTS.get(object_name)
        if record_type is None:
            return None
        columns = [record_type.OwnerId, *(getattr(record_type, one) for one in record_type.parents)]
        found = (await session.execute(select(*columns).where(record_type.Id == record_id))).first()
        if found is None or found[0]:
            return None if found is None else str(found[0])
        parent = next((str(one) for one in found[1:] if one), None)
        if parent is None:
            return None
        object_name, record_id = object_of(parent) or "", parent
    return None


async def _chain_above(session: TenantSession, user_id: str | None) -> frozenset[str]:
    """A loop among managers ends the walk. Those who have left pass it on and are not among them."""
    found: dict[str, bool] = {}
    current = user_id
    while current is not None and len(found) < _LONGEST_CHAIN:
        statement = select(User.Id, User.IsActive, User.ManagerId).where(User.Id == current)
        user = (await session.execute(statement)).first()
        if user is None or user.Id in found:
            break
        found[user.Id] = bool(user.IsActive)
        current = user.ManagerId
    return frozenset(name for name, is_active in found.items() if is_active and name != user_id)
