"""A session is one tenant's transaction, on both databases, however many there are at once."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager, closing

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm.exc import StaleDataError

from crm import rights
from crm.database import Database, DatabaseConfig
from crm.ids import TenantId
from crm.records import Account, Contact
from tests.conftest import SqliteTemplates
from tests.crm.writing import ACME, NOW, make_account, write_accounts
from tests.processes import fresh

GLOBEX = TenantId("globex")
CHECKED = {"tenant_checked": "asks the database about itself"}


def make_contact(account_id: str) -> Contact:
    stamps = {"CreatedDate": NOW, "LastModifiedDate": NOW, "SystemModstamp": NOW}
    return Contact(Id="003CS00000000000AA", LastName="Bolton", AccountId=account_id, **stamps)


@asynccontextmanager
async def opened(config: DatabaseConfig) -> AsyncIterator[Database]:
    database = Database(config)
    try:
        yield database
    finally:
        await database.close()


async def count_accounts(database: Database, tenant: TenantId = ACME) -> int:
    async with database.session(tenant) as session:
        return await session.scalar(select(func.count()).select_from(Account)) or 0


class TestOneTransaction:
    async def test_what_a_session_wrote_is_there_for_the_next(self, database: Database) -> None:
        async with database.session(ACME, write=True) as session:
            session.add(make_account())
        async with database.session(ACME) as session:
            account = await session.scalar(select(Account))
        assert account is not None
        assert (account.tenant, account.Name, account.version) == ("acme", "Initech", 1)
        assert account.CreatedDate == NOW

    async def test_an_exception_takes_everything_back(self, database: Database) -> None:
        async def fail() -> None:
            async with database.session(ACME, write=True) as session:
                session.add(make_account())
                await session.flush()
                raise LookupError

        with pytest.raises(LookupError):
            await fail()
        assert await count_accounts(database) == 0

    async def test_a_cancelled_writer_takes_everything_back_and_lets_the_next_one_in(self, database: Database) -> None:
        is_writing = asyncio.Event()

        async def write_slowly() -> None:
            async with database.session(ACME, write=True) as session:
                session.add(make_account())
                await session.flush()
                is_writing.set()
                await asyncio.sleep(60)

        writer = asyncio.create_task(write_slowly())
        await is_writing.wait()
        writer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writer
        async with database.session(ACME, write=True) as session:
            session.add(make_account("001CS00000000001AA"))
        assert await count_accounts(database) == 1

    async def test_a_savepoint_can_be_taken_back_alone(self, database: Database) -> None:
        async with database.session(ACME, write=True) as session:
            session.add(make_account())
            savepoint = await session.begin_nested()
            session.add(make_account("001CS00000000001AA"))
            await session.flush()
            await savepoint.rollback()
            assert await session.scalar(select(func.count()).select_from(Account)) == 1
        assert await count_accounts(database) == 1

    async def test_a_reference_to_nothing_is_refused_at_the_end(self, database: Database) -> None:
        """Only at the end: records that point at each other may be written in any order."""
        async with database.session(ACME, write=True) as session:
            session.add(make_contact("001CS00000000000AA"))
            await session.flush()
            session.add(make_account())
        with pytest.raises(DBAPIError):
            async with database.session(GLOBEX, write=True) as session:
                session.add(make_contact("001CS00000000000AA"))

    async def test_of_two_changes_to_one_version_the_second_is_refused(self, database: Database) -> None:
        async with database.session(ACME, write=True) as session:
            session.add(make_account())
        async with database.session(ACME) as session:
            stale = await session.get_one(Account, ("acme", "001CS00000000000AA"))
        async with database.session(ACME, write=True) as session:
            (await session.get_one(Account, ("acme", "001CS00000000000AA"))).Name = "first"
        stale.Name = "second"
        with pytest.raises(StaleDataError):
            async with database.session(ACME, write=True) as session:
                session.add(stale)


class TestManyAtOnce:
    async def test_twenty_writers_all_get_their_turn(self, database: Database) -> None:
        async def write(number: int) -> None:
            async with database.session(ACME, write=True) as session:
                before = await session.scalar(select(func.count()).select_from(Account))
                session.add(make_account(f"001CS{number:010}AAA", f"Company {before}"))

        await asyncio.gather(*(write(number) for number in range(20)))
        assert await count_accounts(database) == 20

    async def test_more_readers_than_connections_get_their_turn(self, database: Database) -> None:
        assert await asyncio.gather(*(count_accounts(database) for _ in range(40))) == [0] * 40

    async def test_a_reader_is_not_kept_waiting_by_a_writer(self, database: Database) -> None:
        async with database.session(ACME, write=True) as session:
            session.add(make_account())
            await session.flush()
            assert await count_accounts(database) == 0

    async def test_two_databases_on_one_file_take_turns(self, database_config: DatabaseConfig) -> None:
        async def write(database: Database, number: int) -> None:
            async with database.session(ACME, write=True) as session:
                session.add(make_account(f"001CS{number:010}AAA"))

        async with opened(database_config) as one, opened(database_config) as other:
            await asyncio.gather(*(write((one, other)[number % 2], number) for number in range(20)))
            assert await count_accounts(one) == 20

    @pytest.mark.slow
    async def test_processes_write_at_the_same_time(self, database_config: DatabaseConfig) -> None:
        with ProcessPoolExecutor(3, mp_context=fresh) as processes:
            list(processes.map(write_accounts, [database_config] * 3, range(3)))
        async with opened(database_config) as database:
            assert await count_accounts(database) == 3 * 20


class TestOperating:
    async def test_the_database_is_ready(self, database: Database) -> None:
        await database.check()

    async def test_the_operator_sees_the_tenants_ids(self, database: Database) -> None:
        assert await database.tenants() == []
        for tenant in (GLOBEX, ACME):
            async with database.session(tenant, write=True) as session:
                session.add(rights.Tenant(tenant=tenant, name=tenant.title()))
        assert await database.tenants() == ["acme", "globex"]

    async def test_a_config_keeps_its_key_to_itself(self) -> None:
        config = DatabaseConfig(url="postgresql+psycopg://app@/x", context_key=b"never shown anywhere, not in logs")
        assert "never shown" not in repr(config)


class TestOnSqlite:
    async def test_the_file_is_opened_as_documented(self, sqlite_templates: SqliteTemplates) -> None:
        with sqlite_templates.copied("migrated") as config:
            async with opened(config) as database, database.session(ACME) as session:
                found = [
                    await session.scalar(text(f"PRAGMA {name}"), execution_options=CHECKED)
                    for name in ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")
                ]
        assert found == ["wal", 1, 1, 10_000]

    async def test_a_writer_excludes_other_processes_from_its_start(self, sqlite_templates: SqliteTemplates) -> None:
        """Otherwise two readers that both go on to write would fail each other at once, whatever the time-out."""
        with sqlite_templates.copied("migrated") as config:
            async with opened(config) as database, database.session(ACME, write=True) as session:
                await session.scalar(select(func.count()).select_from(Account))
                other = sqlite3.connect(str(config.file), timeout=0)
                with closing(other), pytest.raises(sqlite3.OperationalError, match="locked"):
                    other.execute("BEGIN IMMEDIATE")

    async def test_a_writer_inside_a_writer_gives_up(
        self, sqlite_templates: SqliteTemplates, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("crm.database.BUSY_TIMEOUT_S", 0.1)
        with sqlite_templates.copied("migrated") as config:
            async with opened(config) as database, database.session(ACME, write=True):
                with pytest.raises(TimeoutError):
                    async with database.session(ACME, write=True):
                        pass
