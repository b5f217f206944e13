"""Rows of another tenant stay invisible and untouched, by every path through a session and by raw SQL on PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import errors
from sqlalchemy import delete, exists, func, insert, literal_column, make_url, select, text, union_all, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import aliased

from crm import work
from crm.database import CONTEXT_SQL, MARK_SQL, Database, DatabaseConfig, sign_context
from crm.errors import TenantContextError
from crm.ids import TenantId
from crm.records import Account, Contact, Record
from tests.conftest import CONTEXT_KEY, PostgresTemplates, Templates
from tests.crm.test_database import ACME, GLOBEX, NOW, make_account

TENANTS = (ACME, GLOBEX)
ACCOUNT, CONTACT = "001CS00000000000AA", "003CS00000000000AA"


async def seed_look_alikes(database: Database) -> None:
    """Both tenants get the same ids and names; only the description tells whose a row is."""
    for tenant in TENANTS:
        async with database.session(tenant, write=True) as session:
            session.add(work_head(tenant))
            account = make_account(ACCOUNT)
            account.Description = f"of {tenant}"
            session.add(account)
            stamps = {"CreatedDate": NOW, "LastModifiedDate": NOW, "SystemModstamp": NOW}
            session.add(Contact(Id=CONTACT, LastName="Bolton", AccountId=ACCOUNT, Title=f"of {tenant}", **stamps))
            session.add(
                work.AuditEntry(
                    seq=1, at=NOW, kind="k", actor="a", subject="s", payload={"of": tenant}, previous="", hash="h"
                )
            )


def work_head(tenant: TenantId) -> work.AuditHead:
    return work.AuditHead(tenant=tenant, size=1, head="h")


@pytest.fixture
def look_alikes(templates: Templates) -> Iterator[DatabaseConfig]:
    templates.build("look_alikes", seed_look_alikes)
    with templates.copied("look_alikes") as config:
        yield config


@pytest.fixture
async def database(look_alikes: DatabaseConfig) -> AsyncIterator[Database]:
    opened = Database(look_alikes)
    yield opened
    await opened.close()


async def descriptions(database: Database, tenant: TenantId) -> list[str | None]:
    async with database.session(tenant) as session:
        return list(await session.scalars(select(Account.Description)))


class TestReading:
    @pytest.mark.parametrize("tenant", TENANTS)
    @pytest.mark.parametrize(
        "statement",
        [
            pytest.param(select(Account.Description), id="column"),
            pytest.param(select(Contact.Title), id="another entity"),
            pytest.param(select(aliased(Account).Description), id="alias"),
            pytest.param(select(Account.Description).join(Contact, Contact.AccountId == Account.Id), id="join"),
            pytest.param(
                select(Contact.Title).select_from(Account).outerjoin(Contact, Contact.AccountId == Account.Id),
                id="outer join",
            ),
            pytest.param(select(select(Account.Description).subquery().c.Description), id="subquery"),
            pytest.param(select(select(Account.Description).cte().c.Description), id="cte"),
            pytest.param(select(Contact.Title, Account.Description).where(Account.Id == Contact.AccountId), id="pair"),
            pytest.param(select(select(Account.Description).scalar_subquery()).select_from(Contact), id="scalar"),
            pytest.param(select(func.max(Account.Description)), id="aggregate"),
            pytest.param(select(Account.Description).where(Account.tenant != "nobody"), id="own criteria"),
            pytest.param(select(Account.Description).where((Account.Id == ACCOUNT) | True), id="or true"),
        ],
    )
    async def test_every_statement_shows_one_tenant(self, database: Database, tenant: TenantId, statement: Any) -> None:
        async with database.session(tenant) as session:
            found = (await session.execute(statement)).all()
        assert [set(row) for row in found] == [{f"of {tenant}"}]

    async def test_existence_is_not_revealed(self, database: Database) -> None:
        async with database.session(TenantId("initech")) as session:
            assert not await session.scalar(select(exists(select(Account.Id).where(Account.Id == ACCOUNT))))
            assert await session.scalar(select(func.count()).select_from(Account)) == 0

    async def test_get_finds_nothing_under_another_tenants_key(self, database: Database) -> None:
        async with database.session(ACME) as session:
            assert await session.get(Account, ("globex", ACCOUNT)) is None
            mine = await session.get(Account, ("acme", ACCOUNT))
            assert mine is not None
            assert mine.Description == "of acme"
            assert await session.get(Account, ("globex", ACCOUNT)) is None

    async def test_an_object_of_another_session_is_not_taken_in(self, database: Database) -> None:
        async with database.session(GLOBEX) as session:
            foreign = await session.get_one(Account, ("globex", ACCOUNT))
        async with database.session(ACME) as session:
            with pytest.raises(TenantContextError):
                session.add(foreign)
        with pytest.raises(TenantContextError):
            async with database.session(ACME, write=True) as session:
                await session.merge(foreign)
        assert await descriptions(database, GLOBEX) == ["of globex"]

    async def test_a_union_is_confined_or_refused(self, database: Database) -> None:
        statement = union_all(select(Account.Description), select(Contact.Title))
        async with database.session(ACME) as session:
            try:
                found = set(await session.scalars(statement))
            except TenantContextError:
                return
        assert found == {"of acme"}

    async def test_records_in_the_bin_are_hidden_unless_asked_for(self, database: Database) -> None:
        async with database.session(ACME, write=True) as session:
            (await session.get_one(Account, ("acme", ACCOUNT))).IsDeleted = True
        async with database.session(ACME) as session:
            assert (await session.scalars(select(Account))).all() == []
            assert await session.scalar(select(func.count()).select_from(Contact)) == 1
            statement = select(Account.Description).execution_options(include_deleted=True)
            assert (await session.scalars(statement)).all() == ["of acme"]
        assert await descriptions(database, GLOBEX) == ["of globex"]

    async def test_a_record_put_into_the_bin_can_be_refreshed(self, database: Database) -> None:
        async with database.session(ACME, write=True) as session:
            account = await session.get_one(Account, ("acme", ACCOUNT))
            account.IsDeleted = True
            await session.flush()
            await session.refresh(account)
            assert account.IsDeleted

    async def test_interleaved_sessions_keep_their_tenants(self, database: Database) -> None:
        async def read(tenant: TenantId) -> None:
            for _ in range(20):
                assert await descriptions(database, tenant) == [f"of {tenant}"]

        await asyncio.gather(*(read(tenant) for tenant in TENANTS * 4))


class TestWriting:
    async def test_a_new_row_gets_the_sessions_tenant(self, database: Database) -> None:
        async with database.session(ACME, write=True) as session:
            account = make_account("001CS00000000001AA")
            session.add(account)
            await session.flush()
            assert account.tenant == "acme"

    async def test_a_row_of_another_tenant_is_not_inserted(self, database: Database) -> None:
        account = make_account("001CS00000000001AA")
        account.tenant = "globex"
        with pytest.raises(TenantContextError):
            async with database.session(ACME, write=True) as session:
                session.add(account)
        assert await descriptions(database, GLOBEX) == ["of globex"]

    async def test_a_row_is_not_moved_to_another_tenant(self, database: Database) -> None:
        with pytest.raises(TenantContextError):
            async with database.session(ACME, write=True) as session:
                (await session.get_one(Account, ("acme", ACCOUNT))).tenant = "globex"
        assert await descriptions(database, ACME) == ["of acme"]

    async def test_a_disguised_row_of_another_tenant_is_not_deleted(self, database: Database) -> None:
        async with database.session(GLOBEX) as session:
            foreign = await session.get_one(Account, ("globex", ACCOUNT))
        foreign.tenant = "acme"
        with pytest.raises(TenantContextError):
            async with database.session(ACME, write=True) as session:
                await session.delete(foreign)
        assert await descriptions(database, GLOBEX) == ["of globex"]

    async def test_a_bulk_update_changes_one_tenant(self, database: Database) -> None:
        async with database.session(ACME, write=True) as session:
            await session.execute(update(Account).values(Description="changed"))
        assert await descriptions(database, ACME) == ["changed"]
        assert await descriptions(database, GLOBEX) == ["of globex"]

    async def test_a_bulk_delete_empties_one_tenant(self, database: Database) -> None:
        async with database.session(ACME, write=True) as session:
            await session.execute(delete(Contact).where(Contact.tenant == "globex"))
            assert await session.scalar(select(func.count()).select_from(Contact)) == 1
            await session.execute(delete(Contact))
        async with database.session(GLOBEX) as session:
            assert await session.scalar(select(func.count()).select_from(Contact)) == 1

    async def test_a_reference_cannot_cross(self, database: Database) -> None:
        """The other tenant has the account; a foreign key that left out the tenant would accept it."""
        async with database.session(GLOBEX, write=True) as session:
            session.add(make_account("001CS00000000002AA"))
        with pytest.raises(DBAPIError):
            async with database.session(ACME, write=True) as session:
                (await session.get_one(Contact, ("acme", CONTACT))).AccountId = "001CS00000000002AA"

    async def test_a_reading_session_does_not_write(self, database: Database) -> None:
        async with database.session(ACME) as session:
            session.add(make_account("001CS00000000001AA"))
            with pytest.raises(TenantContextError, match="write=True"):
                await session.flush()
            session.expunge_all()
            with pytest.raises(TenantContextError, match="write=True"):
                await session.execute(update(Account).values(Description="changed"))


class TestRefusedStatements:
    @pytest.mark.parametrize(
        "statement",
        [
            pytest.param(text("SELECT * FROM account"), id="text"),
            pytest.param(select(Account.__table__), id="table"),
            pytest.param(select(Account.__table__.c.Name), id="column of a table"),
            pytest.param(select(Account.__table__.alias().c.Name), id="column of an alias"),
            pytest.param(select(Contact, Account.__table__), id="table beside an entity"),
            pytest.param(select(Contact).join(Account.__table__, text("true")), id="join with a table"),
            pytest.param(select(Contact).where(Contact.Id.in_(select(Account.__table__.c.Id))), id="nested table"),
            pytest.param(select(Account).where(text("1=1 OR 1=1")), id="raw criteria"),
            pytest.param(select(Account, literal_column("(SELECT 1)")), id="raw column"),
            pytest.param(select(Account).from_statement(text("SELECT * FROM account")), id="from statement"),
            pytest.param(insert(Account).values(Id="001", Name="x"), id="bulk insert"),
            pytest.param(insert(Account.__table__).values(Id="001"), id="insert into a table"),
            pytest.param(update(Account.__table__).values(Name="x"), id="update of a table"),
            pytest.param(delete(Account.__table__), id="delete from a table"),
            pytest.param(update(Account).values(tenant="globex"), id="move in bulk"),
            pytest.param(update(Account).values({Account.tenant: "globex"}), id="move in bulk by attribute"),
        ],
    )
    async def test_what_the_criteria_do_not_reach_is_refused(self, database: Database, statement: Any) -> None:
        async with database.session(ACME, write=True) as session:
            with pytest.raises(TenantContextError):
                await session.execute(statement)

    async def test_a_bulk_update_by_key_is_refused(self, database: Database) -> None:
        async with database.session(ACME, write=True) as session:
            with pytest.raises(TenantContextError):
                await session.execute(update(Account), [{"tenant": "globex", "Id": ACCOUNT, "Name": "x"}])

    async def test_a_reviewed_statement_is_let_through(self, database: Database) -> None:
        statement = text("SELECT count(*) FROM account WHERE tenant = :tenant")
        async with database.session(ACME) as session:
            found = await session.scalar(
                statement, {"tenant": session.tenant}, execution_options={"tenant_checked": "filters by tenant"}
            )
        assert found == 1

    async def test_a_session_lends_no_connection_and_needs_a_tenant(self, database: Database) -> None:
        async with database.session(ACME) as session:
            with pytest.raises(TenantContextError):
                await session.connection()
        with pytest.raises(TenantContextError):
            async with database.session(TenantId("")):
                pass


@pytest.mark.parametrize("change", ["UPDATE audit_entry SET kind = 'x'", "DELETE FROM audit_entry"])
async def test_the_audit_only_grows(database: Database, change: str) -> None:
    with pytest.raises(DBAPIError):
        async with database.session(ACME, write=True) as session:
            await session.execute(text(change), execution_options={"tenant_checked": "must fail whatever it touches"})
    async with database.session(ACME) as session:
        assert (await session.scalars(select(work.AuditEntry.kind))).all() == ["k"]
