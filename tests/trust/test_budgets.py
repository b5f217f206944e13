"""Budgets are counted for tenant, person and run, refuse by name, and start anew with the day."""

from datetime import UTC, datetime, timedelta

import pytest

from crm.database import Database
from crm.ids import TenantId
from crm.repositories.outgoing import list_usage
from tests.crm.test_database import ACME, GLOBEX
from trust.budgets import OverBudgetError, settle, spend
from trust.outgoing import Outgoing

AT = datetime(2026, 11, 27, 23, 30, tzinfo=UTC)
RULES = Outgoing(user_calls_per_day=2, tenant_calls_per_day=3, run_tokens=1_000)


async def ask(
    database: Database,
    *,
    tenant: TenantId = ACME,
    user: str = "ann",
    run: str = "r1",
    at: datetime = AT,
    tokens: int = 10,
) -> str:
    """`asked`, or why not."""
    try:
        async with database.session(tenant, write=True) as session:
            await spend(session, RULES, user=user, run=run, at=at, calls=1, tokens=tokens)
    except OverBudgetError as error:
        return str(error)
    return "asked"


async def test_each_budget_refuses_by_its_own_name_and_says_when_it_starts_anew(database: Database) -> None:
    assert [await ask(database) for _ in range(2)] == ["asked", "asked"]
    refused = "your model budget is used up (2 of 2 calls); it starts anew at 2026-11-28T00:00Z"
    assert await ask(database) == refused
    assert await ask(database) == refused  # a refusal is not counted
    assert await ask(database, user="otto", run="r2") == "asked"
    assert "your organisation's model budget is used up (3 of 3 calls)" in await ask(database, user="otto", run="r2")
    assert await ask(database, tenant=GLOBEX) == "asked"
    assert await ask(database, at=AT + timedelta(hours=1), run="r3") == "asked"
    async with database.session(ACME) as session:
        used = await list_usage(session, AT.date(), ["tenant", "user:ann", "user:otto", "run:r1"])
    assert used == {"tenant": (3, 30), "user:ann": (2, 20), "user:otto": (1, 10), "run:r1": (2, 20)}


async def test_tokens_are_put_right_when_the_provider_has_counted(database: Database) -> None:
    assert await ask(database, tokens=900) == "asked"
    async with database.session(ACME, write=True) as session:
        await settle(session, RULES, user="ann", run="r1", at=AT, tokens=-880)
    assert await ask(database, tokens=985) == "asked"
    message = await ask(database)
    assert "your model budget is used up" in message
    assert await ask(database, user="otto") == (
        "this request's model budget is used up (1,005 of 1,000 tokens); a new request starts a new one"
    )


@pytest.mark.parametrize("limit", [0, None])
async def test_nothing_and_no_limit_are_different_things(database: Database, limit: int | None) -> None:
    rules = Outgoing(tenant_calls_per_day=limit)

    async def once() -> None:
        async with database.session(ACME, write=True) as session:
            await spend(session, rules, user="ann", run="r1", at=AT, calls=1, tokens=1)

    if limit is None:
        await once()
    else:
        with pytest.raises(OverBudgetError, match="0 of 0 calls"):
            await once()
