"""A tenant's retention, and what has outlived it."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from crm.database import TenantSession
from crm.repositories.inserting import insert_or_replace
from crm.retention import Retention
from crm.work import Thread


async def get(session: TenantSession) -> Retention:
    """What the tenant has said; as long as it has said nothing, conversations stay and model texts are not stored."""
    found = await session.scalar(select(Retention))
    return found or Retention(tenant=session.tenant, conversation_days=None, prompt_days=0)


async def put(session: TenantSession, *, conversation_days: int | None, prompt_days: int, at: datetime) -> None:
    values: dict[str, Any] = {"conversation_days": conversation_days, "prompt_days": prompt_days, "changed_at": at}
    await insert_or_replace(session, Retention, values, key=["tenant"])


async def list_expired(session: TenantSession, *, before: datetime, limit: int = 50) -> list[str]:
    """Threads that nobody has touched since, oldest first; not those that are being worked on."""
    statement = select(Thread.thread_id).where(Thread.updated_at < before, Thread.status.not_in(("busy", "erased")))
    return list(await session.scalars(statement.order_by(Thread.updated_at).limit(limit)))
