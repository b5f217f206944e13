"""Rows of what leaves the house: a tenant's rules, and what was used of its budgets on a day."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import cast

from sqlalchemy import or_, select

from crm.database import TenantSession
from crm.outgoing import GatewayRules, ModelUsage
from crm.repositories.inserting import insert_or_add


async def find_rules(session: TenantSession, *, for_update: bool = False) -> GatewayRules | None:
    statement = select(GatewayRules)
    if for_update:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return cast("GatewayRules | None", await session.scalar(statement))


async def list_usage(session: TenantSession, day: date, accounts: Sequence[str]) -> Mapping[str, tuple[int, int]]:
    """Account -> (calls, tokens) on that day; accounts that used nothing are left out."""
    statement = select(ModelUsage).where(ModelUsage.day == day, ModelUsage.account.in_(accounts))
    return {row.account: (row.calls, row.tokens) for row in await session.scalars(statement)}


async def list_usage_since(session: TenantSession, day: date) -> list[ModelUsage]:
    """What the tenant and its people used per day from that day on, the newest first, and the most of a day first.

    Single runs are left out.
    """
    people = or_(ModelUsage.account == "tenant", ModelUsage.account.startswith("user:"))
    newest = select(ModelUsage).where(ModelUsage.day >= day, people)
    return list(await session.scalars(newest.order_by(ModelUsage.day.desc(), ModelUsage.tokens.desc())))


async def add_usage(
    session: TenantSession, day: date, accounts: Sequence[str], *, calls: int, tokens: int
) -> Mapping[str, tuple[int, int]]:
    """Count for every account; account -> (calls, tokens) on that day, with what was added.

    In one order everywhere, so that two transactions never wait for each other.
    """
    rows = [{"day": day, "account": one, "calls": calls, "tokens": tokens} for one in sorted(accounts)]
    counted = await insert_or_add(
        session, ModelUsage, rows, key=("tenant", "day", "account"), added=("calls", "tokens"), told=("account",)
    )
    return {account: (in_all, of_tokens) for account, in_all, of_tokens in counted}
