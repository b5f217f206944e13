"""What was used of capped pre-approvals, per period."""

from datetime import date
from typing import Any, cast

from sqlalchemy import CursorResult, select, update

from crm.database import TenantSession
from crm.policies import PreapprovalUse
from crm.repositories.inserting import insert_if_absent


async def add(
    session: TenantSession,
    preapproval_id: str,
    period_start: date,
    *,
    amount: int,
    count_cap: int | None,
    sum_cap: int | None,
) -> bool:
    """Count one action of this amount, if both caps leave room for it; False and nothing if they do not."""
    start = {"preapproval_id": preapproval_id, "period_start": period_start, "count": 0, "amount": 0}
    await insert_if_absent(session, PreapprovalUse, start, key=["tenant", "preapproval_id", "period_start"])
    statement = _of(preapproval_id, period_start).values(
        count=PreapprovalUse.count + 1, amount=PreapprovalUse.amount + amount
    )
    if count_cap is not None:
        statement = statement.where(PreapprovalUse.count < count_cap)
    if sum_cap is not None:
        statement = statement.where(PreapprovalUse.amount + amount <= sum_cap)
    result = await session.execute(statement.execution_options(synchronize_session=False))
    return cast("CursorResult[Any]", result).rowcount == 1


async def take_back(session: TenantSession, preapproval_id: str, period_start: date, *, amount: int) -> None:
    statement = _of(preapproval_id, period_start).values(
        count=PreapprovalUse.count - 1, amount=PreapprovalUse.amount - amount
    )
    await session.execute(statement.execution_options(synchronize_session=False))


async def find(session: TenantSession, preapproval_id: str, period_start: date) -> PreapprovalUse | None:
    statement = select(PreapprovalUse).where(
        PreapprovalUse.preapproval_id == preapproval_id, PreapprovalUse.period_start == period_start
    )
    return await session.scalar(statement.execution_options(populate_existing=True))


def _of(preapproval_id: str, period_start: date) -> Any:
    return update(PreapprovalUse).where(
        PreapprovalUse.preapproval_id == preapproval_id, PreapprovalUse.period_start == period_start
    )
