"""The audit's rows: appended in turn, each bound to the one before it by its hash."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from crm.database import TenantSession
from crm.repositories.inserting import insert_if_absent
from crm.work import AuditEntry, AuditHead


async def lock_head(session: TenantSession) -> AuditHead:
    """The tenant's head row, held until the transaction ends; appends of one tenant take turns on it."""
    statement = select(AuditHead).with_for_update().execution_options(populate_existing=True)
    head = await session.scalar(statement)
    if head is None:
        await insert_if_absent(session, AuditHead, {"size": 0, "head": ""}, key=["tenant"])
        head = (await session.scalars(statement)).one()
    return head


async def append_entry(session: TenantSession, entry: AuditEntry) -> None:
    session.add(entry)
    await session.flush()


async def list_entries(
    session: TenantSession, *, after: int = 0, limit: int = 100, kind: str | None = None, subject: str | None = None
) -> list[AuditEntry]:
    """In order of their number, from the one that follows `after`."""
    statement = select(AuditEntry).where(AuditEntry.seq > after)
    if kind is not None:
        statement = statement.where(AuditEntry.kind == kind)
    if subject is not None:
        statement = statement.where(AuditEntry.subject == subject)
    return list(await session.scalars(statement.order_by(AuditEntry.seq).limit(limit)))


async def get_head(session: TenantSession) -> tuple[int, str]:
    """How many entries there are, and the hash of the last one."""
    head = await session.scalar(select(AuditHead))
    return (head.size, head.head) if head else (0, "")


def entry_of(
    *, seq: int, at: datetime, kind: str, actor: str, subject: str, payload: dict[str, Any], previous: str, digest: str
) -> AuditEntry:
    return AuditEntry(
        seq=seq, at=at, kind=kind, actor=actor, subject=subject, payload=payload, previous=previous, hash=digest
    )
