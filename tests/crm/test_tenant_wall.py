"""Rows of another tenant stay invisible and untouched, by every path through a session and by raw SQL on PostgreSQL."""

import asyncio
import dataclasses
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
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
from tests.conftest import CONTEXT_KEY, PostgresTemplates, SqliteTemplates, Templates
from tests.crm.test_database import GLOBEX
from tests.crm.writing import ACME, NOW, make_account

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
                    index=0,
                    at=NOW,
                    kind="k",
                    actor="a",
                    subject="s",
                    payload=f"of {tenant}".encode(),
                    payload_hash="h",
                    hashes=b"h",
                )
            )


def work_head(tenant: TenantId) -> work.AuditHead:
    return work.AuditHead(tenant=tenant, size=1, peaks=b"h")


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


async def test_an_entry_of_the_audit_is_not_replaced(sqlite_templates: SqliteTemplates) -> None:
    """On SQLite a replacement removes the old row past the trigger for DELETE."""
    sqlite_templates.build("look_alikes", seed_look_alikes)
    replace = (
        "REPLACE INTO audit_entry SELECT tenant, leaf_index, at, 'x', actor, subject, payload, payload_hash,"
        " sealed_for, hashes FROM audit_entry"
    )
    with (
        sqlite_templates.copied("look_alikes") as config,
        closing(sqlite3.connect(str(config.file))) as file,
        pytest.raises(sqlite3.IntegrityError, match="only grows"),
    ):
        file.execute(replace)


@pytest.fixture
def postgresql_config(postgresql_templates: PostgresTemplates) -> Iterator[DatabaseConfig]:
    postgresql_templates.build("look_alikes", seed_look_alikes)
    with postgresql_templates.copied("look_alikes") as config:
        yield config


@pytest.fixture
def service(postgresql_config: DatabaseConfig) -> Iterator[psycopg.Connection]:
    """A bare connection with the rights of the service: what injected SQL has."""
    with connect(postgresql_config.url) as connection:
        yield connection


def connect(url: str) -> psycopg.Connection:
    return psycopg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))


def sign_in(connection: psycopg.Connection, tenant: str, *, key: bytes = CONTEXT_KEY) -> str:
    """Set the context the way the service does; returns it, as an eavesdropper would have it."""
    row = connection.execute(MARK_SQL.encode()).fetchone()
    assert row is not None
    context = sign_context(key, tenant, row[0])
    connection.execute(CONTEXT_SQL.encode(), (context,))
    return context


def whose_accounts(connection: psycopg.Connection) -> list[str]:
    return [row[0] for row in connection.execute('SELECT "Description" FROM account ORDER BY 1')]


class TestForgedContext:
    def test_a_signed_context_shows_its_tenant_and_no_context_shows_nothing(self, service: psycopg.Connection) -> None:
        assert whose_accounts(service) == []
        sign_in(service, "acme")
        assert whose_accounts(service) == ["of acme"]

    @pytest.mark.parametrize("setting", ["", "globex", "globex" * 20, "0" * 64 + "globex", "%s", "\\x"])
    def test_an_unsigned_context_shows_nothing(self, service: psycopg.Connection, setting: str) -> None:
        service.execute("SELECT set_config('countersign.context', %s, true)", (setting,))
        assert whose_accounts(service) == []

    def test_a_signature_is_good_for_one_tenant(self, service: psycopg.Connection) -> None:
        context = sign_in(service, "acme")
        other = "1" if context[0] == "0" else "0"
        for forged in (context[:64] + "globex", context + "x", other + context[1:], context.upper()[:64] + "acme"):
            service.execute(CONTEXT_SQL.encode(), (forged,))
            assert whose_accounts(service) == [], forged

    def test_a_signature_with_another_key_is_worthless(self, service: psycopg.Connection) -> None:
        sign_in(service, "acme", key=b"another key that is just as long as")
        assert whose_accounts(service) == []

    def test_a_context_is_worthless_in_the_next_transaction(self, service: psycopg.Connection) -> None:
        context = sign_in(service, "acme")
        service.rollback()
        assert whose_accounts(service) == []
        service.execute(CONTEXT_SQL.encode(), (context,))
        assert whose_accounts(service) == []

    def test_a_context_is_worthless_in_a_chained_transaction(self, service: psycopg.Connection) -> None:
        sign_in(service, "acme")
        service.execute("SELECT set_config('countersign.context', current_setting('countersign.context'), false)")
        service.execute("COMMIT AND CHAIN")
        assert whose_accounts(service) == []

    def test_a_context_is_worthless_on_another_backend(
        self, service: psycopg.Connection, postgresql_config: DatabaseConfig
    ) -> None:
        context = sign_in(service, "acme")
        with connect(postgresql_config.url) as other:
            other.execute(CONTEXT_SQL.encode(), (context,))
            assert whose_accounts(other) == []

    async def test_a_setting_left_in_the_pool_opens_nothing(self, postgresql_config: DatabaseConfig) -> None:
        """One connection, so that the second session gets what the first one left behind."""
        database = Database(dataclasses.replace(postgresql_config, pool_size=1))
        checked = {"tenant_checked": "plays an attacker"}
        async with database.session(GLOBEX) as session:
            leave = text("SELECT set_config('countersign.context', current_setting('countersign.context'), false)")
            await session.execute(leave, execution_options=checked)
        async with database.session(ACME) as session:
            assert (await session.scalars(select(Account.Description))).all() == ["of acme"]
        async with database._engine.connect() as connection:
            assert (await connection.execute(text("SELECT count(*) FROM account"))).scalar() == 0
        await database.close()


class TestPrivileges:
    @pytest.mark.parametrize(
        "statement",
        [
            pytest.param("SELECT * FROM countersign.context_key", id="read the key"),
            pytest.param("UPDATE countersign.context_key SET inner_pad = ''", id="replace the key"),
            pytest.param("ALTER TABLE account DISABLE ROW LEVEL SECURITY", id="disable the wall"),
            pytest.param("ALTER TABLE account NO FORCE ROW LEVEL SECURITY", id="weaken the wall"),
            pytest.param("DROP POLICY tenant_wall ON account", id="drop the policy"),
            pytest.param("ALTER POLICY tenant_wall ON account USING (true)", id="alter the policy"),
            pytest.param("CREATE POLICY mine ON account USING (true)", id="add a policy"),
            pytest.param("TRUNCATE account CASCADE", id="truncate"),
            pytest.param("TRUNCATE audit_entry", id="truncate the audit"),
            pytest.param("UPDATE audit_entry SET kind = 'x'", id="change the audit"),
            pytest.param("DELETE FROM audit_entry", id="shorten the audit"),
            pytest.param("DROP TRIGGER only_grows ON audit_entry", id="drop the audit's trigger"),
            pytest.param("SET session_replication_role = replica", id="switch triggers off"),
            pytest.param("SET row_security = off; SELECT * FROM account", id="ask for no security"),
            pytest.param("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", id="create a function"),
            pytest.param("CREATE FUNCTION countersign.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", id="beside ours"),
            pytest.param(
                "CREATE OR REPLACE FUNCTION countersign.current_tenant() RETURNS text LANGUAGE sql AS $$SELECT 'me'$$",
                id="replace ours",
            ),
            pytest.param("ALTER FUNCTION countersign.current_tenant() SECURITY INVOKER", id="change ours"),
            pytest.param("CREATE TABLE stash (t text)", id="create a table"),
            pytest.param("CREATE TEMPORARY TABLE stash (t text)", id="create a temporary table"),
            pytest.param("CREATE SCHEMA stash", id="create a schema"),
            pytest.param("CREATE ROLE helper", id="create a role"),
            pytest.param("SET ROLE countersign_owner", id="become the owner"),
            pytest.param("ALTER ROLE countersign_app BYPASSRLS", id="promote itself"),
            pytest.param("CREATE EXTENSION vector", id="create an extension"),
            pytest.param("COPY account TO PROGRAM 'cat'", id="run a program"),
            pytest.param("COPY account FROM '/etc/passwd'", id="read a file"),
            pytest.param("SELECT pg_read_file('postgresql.conf')", id="read the configuration"),
            pytest.param("INSERT INTO alembic_version VALUES ('x')", id="change the revision"),
        ],
    )
    def test_the_service_may_not(self, service: psycopg.Connection, statement: str) -> None:
        sign_in(service, "acme")
        with pytest.raises((errors.InsufficientPrivilege, errors.RaiseException)):
            service.execute(statement.encode())

    @pytest.mark.parametrize("statement", ["UPDATE audit_entry SET kind = 'x'", "TRUNCATE audit_entry"])
    def test_not_even_the_owner_changes_the_audit(self, postgresql_config: DatabaseConfig, statement: str) -> None:
        assert postgresql_config.owner_url is not None
        with connect(postgresql_config.owner_url) as owner:
            sign_in(owner, "acme")
            with pytest.raises(errors.RaiseException, match="only grows"):
                owner.execute(statement.encode())

    @pytest.mark.parametrize(
        "statement",
        [
            pytest.param("INSERT INTO audit_head VALUES ('initech', 1, '')", id="insert"),
            pytest.param("UPDATE audit_head SET tenant = 'initech'", id="move"),
            pytest.param(
                "INSERT INTO audit_head VALUES ('globex', 1, '') ON CONFLICT (tenant) DO UPDATE SET size = 9",
                id="upsert",
            ),
        ],
    )
    def test_rows_of_another_tenant_cannot_be_made(self, service: psycopg.Connection, statement: str) -> None:
        sign_in(service, "acme")
        with pytest.raises(errors.InsufficientPrivilege):
            service.execute(statement.encode())

    def test_only_known_functions_are_open_to_the_service(self, service: psycopg.Connection) -> None:
        found = service.execute(
            "SELECT proname FROM pg_proc WHERE pronamespace = 'countersign'::regnamespace"
            " AND has_function_privilege(oid, 'EXECUTE') ORDER BY 1"
        )
        assert [row[0] for row in found] == [
            "current_tenant",
            "find_names",
            "find_texts",
            "grams",
            "list_tenants",
            "padded",
        ]

    def test_functions_of_the_owner_fix_their_search_path(self, service: psycopg.Connection) -> None:
        found = service.execute(
            "SELECT proname FROM pg_proc WHERE pronamespace = 'countersign'::regnamespace AND prosecdef"
            " AND NOT coalesce(proconfig, '{}') @> ARRAY['search_path=pg_catalog, pg_temp']"
        )
        assert found.fetchall() == []


class TestCatalog:
    def test_every_table_of_tenants_is_walled(self, service: psycopg.Connection) -> None:
        found = service.execute(
            "SELECT relname, relrowsecurity AND relforcerowsecurity"
            " AND EXISTS (SELECT 1 FROM pg_policies WHERE tablename = relname)"
            " FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        )
        tables = dict(found.fetchall())
        open_to_all = {name for name, is_walled in tables.items() if not is_walled}
        assert open_to_all == {"alembic_version", "service_switch"}
        assert set(Record.metadata.tables) <= tables.keys()

    @pytest.mark.parametrize(
        "statement",
        [
            "INSERT INTO service_switch VALUES (1, false, '', '', now(), NULL)",
            "UPDATE service_switch SET is_on = false",
            "DELETE FROM service_switch",
        ],
    )
    def test_the_service_cannot_throw_the_operators_switch(self, service: psycopg.Connection, statement: str) -> None:
        assert service.execute("SELECT count(*) FROM service_switch").fetchone() == (0,)
        with pytest.raises(errors.InsufficientPrivilege):
            service.execute(statement.encode())

    def test_no_uniqueness_spans_tenants(self, service: psycopg.Connection) -> None:
        """A unique key without the tenant tells one tenant which values another one has."""
        found = service.execute(
            "SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class ON pg_class.oid = indrelid"
            " WHERE indisunique AND relnamespace = 'public'::regnamespace AND NOT EXISTS ("
            "   SELECT 1 FROM pg_attribute WHERE attrelid = indrelid AND attnum = ANY (indkey)"
            "   AND attname IN ('tenant', 'thread_id'))"
        )
        assert {row[0] for row in found} == {"alembic_version_pkc", "pk_service_switch"}

    def test_views_do_not_look_around_the_wall(self, service: psycopg.Connection) -> None:
        found = service.execute(
            "SELECT relname FROM pg_class WHERE relkind IN ('v', 'm')"
            " AND relnamespace IN ('public'::regnamespace, 'countersign'::regnamespace)"
        )
        assert found.fetchall() == []
