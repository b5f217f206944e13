"""The keys of a tenant, made when they are first needed and lost for good when they are shredded.

A key is looked up anew in each transaction, so that one shredded by another process is gone here at once.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import cast

from sqlalchemy import or_, select, update

from crm.data_keys import StoredKey
from crm.database import TenantSession
from crm.errors import ErasedError
from crm.repositories.inserting import insert_if_absent
from crm.sealing import DataKey, Scope, new_secret
from crm.work import Approval, Run, Thread

Name = tuple[Scope, str]
"""What a key is for: its scope, and the id of the thread, user or contact; the tenant's own key has no id."""

TENANT: Name = ("tenant", "")

SealedOfThread = Thread | Run | Approval


async def get(session: TenantSession, name: Name) -> DataKey:
    """The key, made if there never was one. Raises: ErasedError, SealError."""
    found = await find(session, [name])
    if name not in found:
        tenant_key = await _get_tenant_key(session)
        found = {name: tenant_key} if name == TENANT else await _make(session, name, tenant_key)
    key = found[name]
    if key is None:
        whole_tenant = TENANT in session.keys and session.keys[TENANT] is None
        raise ErasedError("tenant" if whole_tenant else name[0])
    return key


async def find(session: TenantSession, names: Collection[Name]) -> dict[Name, DataKey | None]:
    """The keys that there are; None for those shredded, by themselves or with their tenant. Raises: SealError."""
    opened = session.keys
    missing = [name for name in names if name not in opened]
    if missing:
        rows = await _load(session, {TENANT, *missing})
        tenant_row = rows.pop(TENANT, None)
        if tenant_row is not None:
            opened[TENANT] = _unwrap_tenant_key(session, tenant_row)
        for name, row in rows.items():
            opened[name] = _unwrap(session, name, row, opened.get(TENANT))
    return {name: opened[name] for name in names if name in opened}


async def unlock(session: TenantSession, *rows: SealedOfThread) -> None:
    """Give rows of conversations their keys; those of erased conversations then refuse to be read."""
    if rows:
        found = await find(session, {("thread", row.thread_id) for row in rows})
        for row in rows:
            row.take_key(found.get(("thread", row.thread_id)))


async def seal(session: TenantSession, row: SealedOfThread) -> None:
    """Seal what a new row was given, before it is stored. Raises: ErasedError."""
    row.take_key(await get(session, ("thread", row.thread_id)))


async def shred(session: TenantSession, name: Name) -> bool:
    """Lose a key for good; with the tenant's own, all of them. False if it was shredded before.

    The row stays as a tombstone, also of a key that never was. Within the open transaction: it counts on commit.
    """
    row = await _add(session, name, None)
    if row is not None:
        return True
    lost = {"wrapped": None, "shredded_at": datetime.now(UTC)}
    which = (StoredKey.scope == name[0]) & (StoredKey.scope_id == name[1])
    statement = update(StoredKey).where(StoredKey.wrapped.is_not(None))
    if name != TENANT:
        statement = statement.where(which)
    changed = await session.execute(statement.values(**lost).returning(StoredKey.scope, StoredKey.scope_id))
    session.keys.clear()
    return name in {(scope, scope_id) for scope, scope_id in changed.all()}


async def rewrap(session: TenantSession) -> bool:
    """Wrap the tenant's key with the newest master key; False if that is so already or there is no key."""
    row = (await _load(session, {TENANT}, for_update=True)).get(TENANT)
    if row is None or row.wrapped is None or session.master_keys.is_newest(row.wrapped):
        return False
    row.wrapped = session.master_keys.wrap(session.master_keys.unwrap(row.wrapped, session.tenant), session.tenant)
    await session.flush()
    return True


async def _get_tenant_key(session: TenantSession) -> DataKey:
    """Raises: ErasedError, SealError."""
    if TENANT not in session.keys:
        secret = new_secret()
        await _add(session, TENANT, session.master_keys.wrap(secret, session.tenant))
        row = (await _load(session, {TENANT}))[TENANT]
        session.keys[TENANT] = _unwrap_tenant_key(session, row)
    key = session.keys[TENANT]
    if key is None:
        raise ErasedError("tenant")
    return key


async def _make(session: TenantSession, name: Name, tenant_key: DataKey) -> dict[Name, DataKey | None]:
    await _add(session, name, tenant_key.seal(new_secret(), *name))
    return await find(session, [name])


async def _add(session: TenantSession, name: Name, wrapped: bytes | None) -> StoredKey | None:
    """The row; None if another has put one there."""
    now = datetime.now(UTC)
    values = {"scope": name[0], "scope_id": name[1], "wrapped": wrapped, "created_at": now}
    if wrapped is None:
        values["shredded_at"] = now
    return await insert_if_absent(session, StoredKey, values, key=["tenant", "scope", "scope_id"])


async def _load(session: TenantSession, names: Collection[Name], *, for_update: bool = False) -> dict[Name, StoredKey]:
    wanted = or_(*((StoredKey.scope == scope) & (StoredKey.scope_id == scope_id) for scope, scope_id in names))
    statement = select(StoredKey).where(wanted).execution_options(populate_existing=True)
    found = await session.scalars(statement.with_for_update() if for_update else statement)
    return {(cast(Scope, row.scope), row.scope_id): row for row in found}


def _unwrap_tenant_key(session: TenantSession, row: StoredKey) -> DataKey | None:
    if row.wrapped is None:
        return None
    return DataKey(session.master_keys.unwrap(row.wrapped, session.tenant), (session.tenant, *TENANT))


def _unwrap(session: TenantSession, name: Name, row: StoredKey, tenant_key: DataKey | None) -> DataKey | None:
    if row.wrapped is None or tenant_key is None:
        return None
    return DataKey(tenant_key.open(row.wrapped, *name), (session.tenant, *name))
