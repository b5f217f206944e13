"""Writes accounts in a process of its own."""

import asyncio
from datetime import UTC, datetime

from crm.database import Database, DatabaseConfig
from crm.ids import TenantId
from crm.records import Account

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
ACME = TenantId("acme")


def make_account(record_id: str = "001CS00000000000AA", name: str = "Initech") -> Account:
    return Account(Id=record_id, Name=name, CreatedDate=NOW, LastModifiedDate=NOW, SystemModstamp=NOW)


def write_accounts(config: DatabaseConfig, process: int) -> None:
    """Twenty at once, under ids that tell the process."""

    async def write(database: Database, number: int) -> None:
        async with database.session(ACME, write=True) as session:
            session.add(make_account(f"001CS{process:05}{number:05}AAA"))

    async def run() -> None:
        database = Database(config)
        try:
            await asyncio.gather(*(write(database, number) for number in range(20)))
        finally:
            await database.close()

    asyncio.run(run())
