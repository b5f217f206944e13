"""Ledger rows: one per intended write, told apart by a key that the database keeps unique."""

from typing import cast

from sqlalchemy import select

from crm.database import TenantSession
from crm.repositories.inserting import insert_if_absent
from crm.work import LedgerEntry


async def claim(session: TenantSession, entry: LedgerEntry) -> LedgerEntry | None:
    """Enter a pending write under its key. None: the key is taken, and this write is not yours to do."""
    values = {
        column.key: getattr(entry, column.key)
        for column in LedgerEntry.__table__.columns
        if getattr(entry, column.key) is not None
    }
    return await insert_if_absent(session, LedgerEntry, values, key=["tenant", "key"])


async def find_by_key(session: TenantSession, key: str) -> LedgerEntry | None:
    return cast("LedgerEntry | None", await session.scalar(select(LedgerEntry).where(LedgerEntry.key == key)))


async def list_entries(
    session: TenantSession, *, run_id: str | None = None, thread_id: str | None = None, limit: int = 100
) -> list[LedgerEntry]:
    """Newest first."""
    statement = select(LedgerEntry)
    if run_id is not None:
        statement = statement.where(LedgerEntry.run_id == run_id)
    if thread_id is not None:
        statement = statement.where(LedgerEntry.thread_id == thread_id)
    return list(await session.scalars(statement.order_by(LedgerEntry.created_at.desc()).limit(limit)))
