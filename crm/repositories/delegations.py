"""Delegations: who decides in whose stead, and when."""

from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, func, or_, select, update

from crm.database import TenantSession
from crm.policies import Delegation


async def list_for_delegate(session: TenantSession, delegate: str, *, at: datetime) -> list[Delegation]:
    """Those that were not withdrawn and are not over, in the order they were made."""
    statement = select(Delegation).where(
        Delegation.delegate == delegate, Delegation.ends_at > at, Delegation.withdrawn_at.is_(None)
    )
    return list(await session.scalars(statement.order_by(Delegation.created_at, Delegation.delegation_id)))


async def list_delegations(
    session: TenantSession, *, person: str | None = None, ends_after: datetime | None = None, limit: int = 100
) -> list[Delegation]:
    """Newest first; of one person only, on either side, if one is named."""
    statement = select(Delegation)
    if person is not None:
        statement = statement.where(or_(Delegation.delegator == person, Delegation.delegate == person))
    if ends_after is not None:
        statement = statement.where(Delegation.ends_at > ends_after, Delegation.withdrawn_at.is_(None))
    ordered = statement.order_by(Delegation.created_at.desc(), Delegation.delegation_id)
    return list(await session.scalars(ordered.limit(limit)))


async def count_open(session: TenantSession, delegator: str, *, at: datetime) -> int:
    statement = select(func.count()).where(
        Delegation.delegator == delegator, Delegation.ends_at > at, Delegation.withdrawn_at.is_(None)
    )
    return int(await session.scalar(statement.select_from(Delegation)) or 0)


async def find(session: TenantSession, delegation_id: str) -> Delegation | None:
    statement = select(Delegation).where(Delegation.delegation_id == delegation_id)
    return cast("Delegation | None", await session.scalar(statement.execution_options(populate_existing=True)))


async def add(session: TenantSession, row: Delegation) -> None:
    session.add(row)
    await session.flush()


async def withdraw(session: TenantSession, delegation_id: str, *, by: str, at: datetime) -> bool:
    """False if it was withdrawn before."""
    result = await session.execute(
        update(Delegation)
        .where(Delegation.delegation_id == delegation_id, Delegation.withdrawn_at.is_(None))
        .values(withdrawn_by=by, withdrawn_at=at)
        .execution_options(synchronize_session=False)
    )
    return cast("CursorResult[Any]", result).rowcount == 1
