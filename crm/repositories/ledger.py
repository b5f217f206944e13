"""Ledger rows: one per intended write, told apart by a key that the database keeps unique."""

from typing import cast

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from crm.database import TenantSession
from crm.work import LedgerEntry


async def claim(session: TenantSession, entry: LedgerEntry) -> LedgerEntry | None:
    """Enter a pending write under its key. None: the key is taken, and this write is not yours to do."""
    insert = pg_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    values = {
        column.key: getattr(entry, column.key)
        for column in LedgerEntry.__table__.columns
        if getattr(entry, column.key) is not None
    }
    statement = (
        insert(LedgerEntry)
        .values(**{**values, "tenant": session.tenant, "effects": entry.effects or []})
        .on_conflict_do_nothing(index_elements=["tenant", "key"])
        .returning(LedgerEntry)
    )
    found = await session.scalars(
        statement, execution_options={"tenant_checked": "the row carries the session's own tenant"}
    )
    return found.one_or_none()


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
