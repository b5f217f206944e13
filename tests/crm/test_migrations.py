"""A migrated database is what the program declares, and what the search and the operator rely on."""

import dataclasses
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, NullPool, create_engine, delete, make_url, text
from sqlalchemy.exc import DBAPIError

from crm import migrate
from crm.database import Database, DatabaseConfig, DatabaseNotReadyError, TenantSession
from crm.ids import numbered_id
from crm.migrations.history import is_declared
from crm.records import Account, Knowledge__kav, Record
from crm.searchable import NAMED, TEXTS, joined, table_of
from tests.conftest import APP, OWNER, PostgresTemplates, SqliteTemplates
from tests.crm.test_database import GLOBEX, opened
from tests.crm.writing import ACME, NOW, make_account
from tests.oracle import raw_connection, raw_rows
from tests.processes import fresh


@contextmanager
def connect_as_owner(config: DatabaseConfig) -> Iterator[Connection]:
    url = make_url(config.owner_url or config.url.replace("+aiosqlite", ""))
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_the_migrated_schema_is_the_declared_one(database_config: DatabaseConfig) -> None:
    with connect_as_owner(database_config) as connection:
        options = {"include_name": is_declared, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Record.metadata) == []


def test_migrating_again_changes_nothing(database_config: DatabaseConfig) -> None:
    assert migrate.current_revision(database_config) == migrate.head_revision()
    migrate.upgrade(database_config)
    assert migrate.current_revision(database_config) == migrate.head_revision()


@pytest.mark.slow
def test_processes_that_start_together_take_turns(tmp_path: Path, postgresql_templates: PostgresTemplates) -> None:
    with postgresql_templates.empty() as on_postgresql:
        on_sqlite = DatabaseConfig(url=f"sqlite+aiosqlite:///{tmp_path / 'new.db'}")
        with ProcessPoolExecutor(3, mp_context=fresh) as processes:
            list(processes.map(migrate.upgrade, [on_sqlite, on_postgresql] * 3))
        for config in (on_sqlite, on_postgresql):
            assert migrate.current_revision(config) == migrate.head_revision()


async def test_a_database_that_was_not_migrated_is_not_ready(
    tmp_path: Path, postgresql_templates: PostgresTemplates
) -> None:
    with postgresql_templates.empty() as on_postgresql:
        for config in (DatabaseConfig(url=f"sqlite+aiosqlite:///{tmp_path / 'new.db'}"), on_postgresql):
            await expect_fault(config, "run the migrations")


async def expect_fault(config: DatabaseConfig, message: str) -> None:
    async with opened(config) as database:
        with pytest.raises(DatabaseNotReadyError, match=message):
            await database.check()


class TestOnPostgresql:
    @pytest.fixture
    def config(self, postgresql_templates: PostgresTemplates) -> Iterator[DatabaseConfig]:
        with postgresql_templates.copied("migrated") as copied:
            yield copied

    @pytest.mark.parametrize(
        ("fault", "message"),
        [
            ("ALTER TABLE account NO FORCE ROW LEVEL SECURITY", "table account"),
            ("ALTER TABLE checkpoint DISABLE ROW LEVEL SECURITY", "table checkpoint"),
            (f"GRANT CREATE ON SCHEMA public TO {APP}", "create objects in schema public"),
        ],
    )
    async def test_a_hole_in_the_wall_is_named(self, config: DatabaseConfig, fault: str, message: str) -> None:
        with connect_as_owner(config) as owner:
            owner.execute(text(fault))
            owner.commit()
        await expect_fault(config, message)

    async def test_temporary_tables_are_a_fault(
        self, config: DatabaseConfig, postgresql_templates: PostgresTemplates
    ) -> None:
        name = make_url(config.url).database
        postgresql_templates.run_as_superuser(f"GRANT TEMPORARY ON DATABASE {name} TO PUBLIC")
        await expect_fault(config, "temporary tables")

    @pytest.mark.parametrize(
        ("grant", "revoke", "message"),
        [
            (f"ALTER ROLE {APP} BYPASSRLS", f"ALTER ROLE {APP} NOBYPASSRLS", "bypasses"),
            (f"ALTER ROLE {APP} SUPERUSER", f"ALTER ROLE {APP} NOSUPERUSER", "is a superuser"),
        ],
    )
    async def test_a_role_that_is_too_mighty_is_a_fault(
        self, config: DatabaseConfig, postgresql_templates: PostgresTemplates, grant: str, revoke: str, message: str
    ) -> None:
        postgresql_templates.run_as_superuser(grant)
        try:
            await expect_fault(config, message)
        finally:
            postgresql_templates.run_as_superuser(revoke)

    async def test_the_owner_cannot_serve(self, config: DatabaseConfig) -> None:
        assert config.owner_url is not None
        await expect_fault(dataclasses.replace(config, url=config.owner_url), f"may act as {OWNER}")

    async def test_another_context_key_is_a_fault_until_it_is_migrated_in(self, config: DatabaseConfig) -> None:
        changed = dataclasses.replace(config, context_key=b"k" * 80)
        await expect_fault(changed, "another context key")
        migrate.upgrade(changed)
        async with opened(changed) as database:
            await database.check()

    @pytest.mark.parametrize("key", [None, b"", b"k" * 31])
    def test_a_short_context_key_is_refused(self, config: DatabaseConfig, key: bytes | None) -> None:
        short = dataclasses.replace(config, context_key=key)
        with pytest.raises(ValueError, match="32 bytes"):
            migrate.upgrade(short)
        with pytest.raises(ValueError, match="32 bytes"):
            Database(short)

    def test_the_services_role_is_created_with_its_password(self, postgresql_templates: PostgresTemplates) -> None:
        role = "countersign_newcomer"
        rights = "SELECT rolcanlogin, rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = :role"
        with postgresql_templates.empty() as config:
            url = make_url(config.url).set(username=role, password="it's :secret")
            migrate.upgrade(dataclasses.replace(config, url=url.render_as_string(hide_password=False)))
            with connect_as_owner(config) as owner:
                found = owner.execute(text(rights), {"role": role}).one()
        postgresql_templates.run_as_superuser(f"DROP ROLE {role}")
        assert tuple(found) == (True, False, False, False)


async def find_names(session: TenantSession, object_name: str, name: str) -> list[str]:
    if session.get_bind().dialect.name == "postgresql":
        sql = "SELECT record_id FROM countersign.find_names(:object, countersign.grams(:name))"
    else:
        sql = "SELECT record_id FROM name_index WHERE name MATCH :name AND (tenant, object) = (:tenant, :object)"
    return await ids(session, sql, object=object_name, name=name)


async def find_texts(session: TenantSession, object_name: str, words: str) -> list[str]:
    if session.get_bind().dialect.name == "postgresql":
        sql = "SELECT record_id FROM countersign.find_texts(:object, :words)"
    else:
        sql = "SELECT record_id FROM text_index WHERE text_index MATCH :words AND (tenant, object) = (:tenant, :object)"
    return await ids(session, sql, object=object_name, words=words)


async def ids(session: TenantSession, sql: str, **values: str) -> list[str]:
    values |= {"tenant": session.tenant} if ":tenant" in sql else {}
    checked = {"tenant_checked": "filters by tenant, or calls a function that does"}
    return sorted((await session.scalars(text(sql), values, execution_options=checked)).all())


class TestSearch:
    async def test_names_follow_the_records_of_their_tenant(self, database: Database) -> None:
        for tenant in (ACME, GLOBEX):
            async with database.session(tenant, write=True) as session:
                session.add_all([make_account(account_id(1), "Initech"), make_account(account_id(2), "Umbrella")])
        async with database.session(ACME, write=True) as session:
            (await session.get_one(Account, ("acme", account_id(1)))).Name = "Vandelay"
            await session.delete(await session.get_one(Account, ("acme", account_id(2))))
        async with database.session(ACME) as session:
            assert await find_names(session, "Account", "Vandelay") == [account_id(1)]
            assert await find_names(session, "Account", "Initech") == []
            assert await find_names(session, "Account", "Umbrella") == []
        async with database.session(GLOBEX) as session:
            assert await find_names(session, "Account", "Initech") == [account_id(1)]
            assert await find_names(session, "Contact", "Initech") == []

    async def test_texts_follow_the_records_of_their_tenant(self, database: Database) -> None:
        article_id = numbered_id("ka0", 1)
        for tenant, body in ((ACME, "Restart the printers."), (GLOBEX, "Call us.")):
            async with database.session(tenant, write=True) as session:
                stamps = {"CreatedDate": NOW, "LastModifiedDate": NOW, "SystemModstamp": NOW}
                session.add(Knowledge__kav(Id=article_id, Title="Paper jams", FAQ_Answer__c=body, **stamps))
        async with database.session(ACME, write=True) as session:
            assert await find_texts(session, "Knowledge__kav", "printer") == [article_id]
            assert await find_names(session, "Knowledge__kav", "Paper jams") == [article_id]
            (await session.get_one(Knowledge__kav, ("acme", article_id))).Summary = "For scanners too"
            await session.flush()
            assert await find_texts(session, "Knowledge__kav", "scanner") == [article_id]
            assert await find_texts(session, "Case", "scanner") == []
        async with database.session(GLOBEX) as session:
            assert await find_texts(session, "Knowledge__kav", "printer") == []
            assert await find_texts(session, "Knowledge__kav", "jam") == [article_id]

    async def test_vacuum_does_not_mix_up_what_is_found(self, sqlite_templates: SqliteTemplates) -> None:
        """It renumbers the rows of a table whose key is not an integer, such as every record table."""
        with sqlite_templates.copied("migrated") as config:
            async with opened(config) as database, database.session(ACME, write=True) as session:
                session.add_all(make_account(account_id(number), f"Company {number}") for number in range(10))
                await session.flush()
                await session.execute(delete(Account).where(Account.Id < account_id(5)))
            with closing(sqlite3.connect(config.file or "")) as file:
                file.execute("VACUUM")
            async with opened(config) as database, database.session(ACME, write=True) as session:
                (await session.get_one(Account, ("acme", account_id(7)))).Name = "Vandelay"
                await session.flush()
                assert await find_names(session, "Account", "Company") == [account_id(n) for n in (5, 6, 8, 9)]
                assert await find_names(session, "Account", "Vandelay") == [account_id(7)]


class TestSearchOnPostgresql:
    @pytest.fixture
    def config(self, postgresql_templates: PostgresTemplates) -> Iterator[DatabaseConfig]:
        with postgresql_templates.copied("migrated") as copied:
            yield copied

    @pytest.mark.parametrize("object_name", NAMED)
    def test_names_are_indexed_as_they_are_asked_for(self, config: DatabaseConfig, object_name: str) -> None:
        condition = f"countersign.grams({joined(NAMED[object_name])}) && countersign.grams('x')"
        assert f"search_name_{object_name.lower()}" in explain_as_owner(config, object_name, condition)

    @pytest.mark.parametrize("object_name", TEXTS)
    def test_texts_are_indexed_as_they_are_asked_for(self, config: DatabaseConfig, object_name: str) -> None:
        fields = (*TEXTS[object_name].title, *TEXTS[object_name].body)
        condition = f"to_tsvector('english', {joined(fields)}) @@ websearch_to_tsquery('english', 'x')"
        assert f"search_text_{object_name.lower()}" in explain_as_owner(config, object_name, condition)

    async def test_only_the_functions_can_use_the_index(self, config: DatabaseConfig) -> None:
        """A policy goes before operators that are not leakproof: the reason why there are functions at all."""
        async with opened(config) as database:
            await self.compare_scans(config, database)

    async def compare_scans(self, config: DatabaseConfig, database: Database) -> None:
        async with database.session(ACME, write=True) as session:
            session.add_all(make_account(account_id(number), scattered_name(number)) for number in range(2_000))
        with connect_as_owner(config) as owner:
            owner.execute(text("ANALYZE account"))
            owner.commit()
        scans = "SELECT pg_stat_get_xact_numscans('search_name_account'::regclass)"
        async with database.session(ACME) as session:

            async def ask(sql: str) -> Any:
                return await session.scalar(text(sql), execution_options={"tenant_checked": "the policy confines it"})

            wanted, name = f"countersign.grams('{scattered_name(1234)}')", joined(NAMED["Account"])
            await ask("SELECT set_config('enable_seqscan', 'off', true)")
            assert await ask(f"SELECT count(*) FROM account WHERE countersign.grams({name}) && {wanted}") > 0
            assert await ask(scans) == 0
            assert await ask(f"SELECT record_id FROM countersign.find_names('Account', {wanted})") == account_id(1234)
            assert await ask(scans) > 0


def account_id(number: int) -> str:
    return f"001CS{number:010}AAA"


def scattered_name(number: int) -> str:
    """Names that have little in common, so that an index is worth using."""
    return sha256(str(number).encode()).hexdigest()[:12]


def explain_as_owner(config: DatabaseConfig, object_name: str, condition: str) -> str:
    """The plan of somebody whom no policy binds, once sequential scans are priced out."""
    with connect_as_owner(config) as owner:
        owner.execute(text("SET enable_seqscan = off"))
        plan = owner.execute(text(f"EXPLAIN SELECT 1 FROM {table_of(object_name)} WHERE {condition}"))
        return "\n".join(plan.scalars())


CHAIN_ROWS = """
INSERT INTO audit_head (tenant, size, head) VALUES ('acme', 1, 'h');
INSERT INTO audit_head (tenant, size, head) VALUES ('globex', 1, 'h');
INSERT INTO audit_entry (tenant, seq, at, kind, actor, subject, payload, previous, hash)
VALUES ('acme', 1, '2026-11-02 09:00:00', 'k', 'a', 's', '{"of": "acme"}', '', 'h');
INSERT INTO audit_entry (tenant, seq, at, kind, actor, subject, payload, previous, hash)
VALUES ('globex', 1, '2026-11-02 09:00:00', 'k', 'a', 's', '{"of": "globex"}', '', 'h')
"""


@pytest.fixture
def chained(
    tmp_path: Path, request: pytest.FixtureRequest, postgresql_templates: PostgresTemplates
) -> Iterator[DatabaseConfig]:
    """A database of the schema before the audit was a tree, with an entry of each of two tenants."""
    with postgresql_templates.empty() as on_postgresql:
        on_sqlite = DatabaseConfig(url=f"sqlite+aiosqlite:///{tmp_path / 'old.db'}")
        config = on_sqlite if request.param == "sqlite" else on_postgresql
        migrate.upgrade(config, to="0004")
        with raw_connection(config) as connection:
            for statement in CHAIN_ROWS.split(";"):
                connection.execute(statement)
        yield config


@pytest.mark.parametrize("chained", ["sqlite", "postgresql"], indirect=True)
async def test_a_former_audit_is_put_aside_and_stays_unchangeable(chained: DatabaseConfig) -> None:
    migrate.upgrade(chained)
    test_the_migrated_schema_is_the_declared_one(chained)
    kept = {row["tenant"]: row for row in raw_rows(chained, "audit_chain")}
    assert sorted(kept) == ["acme", "globex"]
    assert raw_rows(chained, "audit_entry") == []
    async with opened(chained) as database:
        await database.check()
        mine = "SELECT payload FROM audit_chain" + (" WHERE tenant = 'acme'" if chained.file else "")
        async with database.session(ACME) as session:
            option = {"tenant_checked": "SQLite has no wall, so the statement filters"}
            assert len((await session.execute(text(mine), execution_options=option)).all()) == 1
        for change in ("UPDATE audit_chain SET kind = 'x'", "DELETE FROM audit_chain"):
            with pytest.raises(DBAPIError):
                async with database.session(ACME, write=True) as session:
                    await session.execute(text(change), execution_options={"tenant_checked": "must fail"})


LEDGER_ROWS = (
    (
        "acme",
        "e",
        "applied",
        '[{"object": "Task", "id": "00T1", "version": 2}, {"object": "Lead", "id": "00Q1", "version": 5}]',
    ),
    ("globex", "e", "applied", '[{"object": "Task", "id": "00T1", "version": 7}]'),
    ("globex", "f", "refused", "[]"),
)


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_entries_of_before_are_found_by_their_records(
    tmp_path: Path, postgresql_templates: PostgresTemplates, backend: str
) -> None:
    with postgresql_templates.empty() as on_postgresql:
        on_sqlite = DatabaseConfig(url=f"sqlite+aiosqlite:///{tmp_path / 'old.db'}")
        config = on_sqlite if backend == "sqlite" else on_postgresql
        migrate.upgrade(config, to="0011")
        with raw_connection(config) as connection:
            for tenant, entry, status, effects in LEDGER_ROWS:
                connection.execute(
                    "INSERT INTO ledger_entry (tenant, entry_id, key, status, thread_id, run_id, agent, tool,"
                    f" on_behalf_of, effects, created_at) VALUES ('{tenant}', '{entry}', '{entry}', '{status}', 't',"
                    f" 'r', 'sales', 'update_record', 'u', '{effects}', '2026-11-02 09:00:00')"
                )
        migrate.upgrade(config)
        rows = raw_rows(config, "ledger_effect")
        found = sorted(
            (row["tenant"], row["place"], row["object_name"], row["record_id"], row["version"]) for row in rows
        )
        assert found == [
            ("acme", 0, "Task", "00T1", 2),
            ("acme", 1, "Lead", "00Q1", 5),
            ("globex", 0, "Task", "00T1", 7),
        ]
        test_the_migrated_schema_is_the_declared_one(config)
