"""Erasing: keys are shredded, rows that hold nothing any more are cleared, and the audit tells that it was done.

What stays: records of the CRM, the ledger of what was done to them, the audit, and of an erased conversation a row that
says so. What was sealed is lost wherever it still stands, in backups too.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from crm.database import Database, TenantSession
from crm.ids import TenantId
from crm.repositories import retention, threads
from trust import audit, keys

RETENTION_ACTOR = "retention"
"""Who the audit names when nobody asked for it but the tenant's settings."""


async def erase_thread(session: TenantSession, thread_id: str, *, by: str, at: datetime) -> bool:
    """Within the open transaction. False if there is no such thread, or it was erased before."""
    if not await threads.can_be_erased(session, thread_id):
        return False
    await _record(session, "thread.erased", by, thread_id, at)
    await threads.erase(session, thread_id)
    return True


async def erase_person(session: TenantSession, person_id: str, *, by: str, at: datetime) -> int:
    """A user's or contact's conversations and whatever is sealed with their key. Returns how many conversations."""
    await _record(session, "person.erased", by, person_id, at)
    owned = await threads.list_ids(session, owner=person_id)
    for thread_id in owned:
        await erase_thread(session, thread_id, by=by, at=at)
    await keys.shred_person_key(session, person_id)
    return len(owned)


async def erase_tenant(session: TenantSession, *, by: str, at: datetime) -> int:
    """Everything sealed for the tenant, for good: it can hold no conversation any more. Returns how many there were."""
    await _record(session, "tenant.erased", by, session.tenant, at)
    all_of_them = await threads.list_ids(session)
    for thread_id in all_of_them:
        await threads.erase(session, thread_id)
    await keys.shred_tenant_key(session)
    return len(all_of_them)


async def erase_expired(session: TenantSession, *, at: datetime) -> int:
    """Some of the conversations that have outlived the tenant's retention; 0 when none are left."""
    days = (await retention.get(session)).conversation_days
    if days is None:
        return 0
    expired = await retention.list_expired(session, before=at - timedelta(days=days))
    for thread_id in expired:
        await erase_thread(session, thread_id, by=RETENTION_ACTOR, at=at)
    return len(expired)


async def purge_expired(database: Database, clock: Callable[[], datetime]) -> int:
    """Erase the conversations of all tenants that have outlived their retention. Returns how many."""
    count = 0
    for name in await database.tenants():
        tenant = TenantId(name)  # tenant-id: the service's own chores, for each tenant by itself
        found = -1
        while found:
            async with database.session(tenant, write=True) as session:
                found = await erase_expired(session, at=clock())
            count += found
    if count:
        await database.forget_freed()
    return count


async def change_retention(
    session: TenantSession, *, conversation_days: int | None, prompt_days: int, by: str, at: datetime
) -> None:
    payload = {"conversation_days": conversation_days, "prompt_days": prompt_days}
    await retention.put(session, conversation_days=conversation_days, prompt_days=prompt_days, at=at)
    await audit.record(
        session, at=at, kind="retention.changed", actor=by, subject=session.tenant, payload=dict(payload)
    )


async def _record(session: TenantSession, kind: str, by: str, subject: str, at: datetime) -> None:
    """Before the key is gone, in case the entry needs it."""
    await audit.record(session, at=at, kind=kind, actor=by, subject=subject, payload={})
