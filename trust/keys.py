"""Whose key seals what: each conversation has one, each person has one, and the tenant's key wraps them all.

Shredding a key is how things are erased: what it sealed stays where it is, in backups too, and says nothing any more.
Keys are made when they are first asked for, never again after they were shredded, and a key that one process has
shredded opens nothing in another from its next transaction on.
"""

from crm.database import TenantSession
from crm.repositories import keys as rows
from crm.sealing import DataKey


async def get_thread_key(session: TenantSession, thread_id: str) -> DataKey:
    """Making a key needs a session for writing. Raises: ErasedError, SealError."""
    return await rows.get(session, ("thread", thread_id))


async def get_person_key(session: TenantSession, person_id: str) -> DataKey:
    """The key of a user or contact, by record id. Raises: ErasedError, SealError."""
    return await rows.get(session, ("person", person_id))


async def get_tenant_key(session: TenantSession) -> DataKey:
    """For what belongs to no conversation and no person. Raises: ErasedError, SealError."""
    return await rows.get(session, rows.TENANT)


async def find_person_key(session: TenantSession, person_id: str) -> DataKey | None:
    """None if nothing was ever sealed for the person, or all of it was erased. Raises: SealError."""
    return (await rows.find(session, [("person", person_id)])).get(("person", person_id))


async def find_thread_key(session: TenantSession, thread_id: str) -> DataKey | None:
    """None if nothing was ever sealed in the conversation, or all of it was erased. Raises: SealError."""
    return (await rows.find(session, [("thread", thread_id)])).get(("thread", thread_id))


async def shred_thread_key(session: TenantSession, thread_id: str) -> bool:
    """Within the open transaction: lost when it commits. False if it was shredded before."""
    return await rows.shred(session, ("thread", thread_id))


async def shred_person_key(session: TenantSession, person_id: str) -> bool:
    """Within the open transaction: lost when it commits. False if it was shredded before."""
    return await rows.shred(session, ("person", person_id))


async def shred_tenant_key(session: TenantSession) -> bool:
    """All keys of the tenant, within the open transaction: lost when it commits. False if they were shredded before."""
    return await rows.shred(session, rows.TENANT)
