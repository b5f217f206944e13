"""Alerts that are due, and what looking at them found. Moving one on is a compare-and-set: each look happens once."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, and_, or_, select, update

from crm.database import TenantSession
from crm.metrics import AlertState
from crm.records import MetricAlert__c
from crm.repositories.inserting import insert_if_absent

_KEY = ("tenant", "alert_id")


async def list_due(
    session: TenantSession, *, at: datetime, limit: int = 200
) -> list[tuple[str, str | None, datetime | None]]:
    """(id, who set it, when it was due) of active alerts; None for when if nobody has looked yet."""
    state = AlertState
    statement = (
        select(MetricAlert__c.Id, MetricAlert__c.CreatedById, state.next_at)
        .outerjoin(state, and_(state.tenant == MetricAlert__c.tenant, state.alert_id == MetricAlert__c.Id))
        .where(MetricAlert__c.IsActive__c, or_(state.next_at.is_(None), state.next_at <= at))
        .order_by(MetricAlert__c.Id)
        .limit(limit)
    )
    return [(alert_id, by, due) for alert_id, by, due in await session.execute(statement)]


async def claim(session: TenantSession, alert_id: str, *, due: datetime | None, until: datetime) -> bool:
    """Whether this look is the caller's to make; if so, nobody else makes one before `until`."""
    if due is None:
        values = {"alert_id": alert_id, "next_at": until, "is_met": False}
        return await insert_if_absent(session, AlertState, values, key=_KEY) is not None
    statement = update(AlertState).where(AlertState.alert_id == alert_id, AlertState.next_at == due)
    options = {"synchronize_session": False}
    moved = await session.execute(statement.values(next_at=until), execution_options=options)
    return cast("CursorResult[Any]", moved).rowcount == 1


async def find(session: TenantSession, alert_id: str) -> AlertState | None:
    statement = select(AlertState).where(AlertState.alert_id == alert_id)
    return cast("AlertState | None", await session.scalar(statement.execution_options(populate_existing=True)))


async def list_states(session: TenantSession, alert_ids: Collection[str]) -> dict[str, AlertState]:
    found = await session.scalars(select(AlertState).where(AlertState.alert_id.in_(alert_ids)))
    return {one.alert_id: one for one in found}


async def note(session: TenantSession, alert_id: str, **values: Any) -> None:
    """Write down what a look found."""
    statement = update(AlertState).where(AlertState.alert_id == alert_id)
    await session.execute(statement.values(**values), execution_options={"synchronize_session": False})
