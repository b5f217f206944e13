"""Writers of one tenant's audit take turns, from the very first entry on."""

import asyncio
from datetime import UTC, datetime

from crm.database import Database
from crm.ids import TenantId
from trust import audit, audit_check

NORTH, SOUTH = TenantId("north"), TenantId("south")
AT = datetime(2026, 11, 2, 9, tzinfo=UTC)


async def append(database: Database, tenant: TenantId, number: int) -> int:
    async with database.session(tenant, write=True) as session:
        return await audit.record(
            session, at=AT, kind="test", actor="somebody", subject=str(number), payload={"number": number}
        )


async def test_many_first_entries_at_once_make_one_log_per_tenant(database: Database) -> None:
    numbers = await asyncio.gather(*(append(database, tenant, n) for n in range(12) for tenant in (NORTH, SOUTH)))
    assert sorted(numbers) == sorted(list(range(12)) * 2)
    for tenant in (NORTH, SOUTH):
        async with database.session(tenant) as session:
            verdict = await audit_check.verify(session)
        assert (verdict.size, verdict.first_bad) == (12, None)
