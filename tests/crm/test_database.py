"""A session is one tenant's transaction, on both databases."""

from datetime import UTC, datetime

from sqlalchemy import select

from crm.database import Database
from crm.ids import TenantId
from crm.records import Account

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
ACME, GLOBEX = TenantId("acme"), TenantId("globex")


def make_account(record_id: str = "001CS00000000000AA", name: str = "Initech") -> Account:
    return Account(Id=record_id, Name=name, CreatedDate=NOW, LastModifiedDate=NOW, SystemModstamp=NOW)


async def test_what_a_session_wrote_is_there_for_the_next(database: Database) -> None:
    async with database.session(ACME, write=True) as session:
        session.add(make_account())
    async with database.session(ACME) as session:
        account = await session.scalar(select(Account))
    assert account is not None
    assert (account.tenant, account.Name, account.version) == ("acme", "Initech", 1)


async def test_the_database_is_ready(database: Database) -> None:
    await database.check()
