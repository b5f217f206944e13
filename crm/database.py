"""Sessions that cannot exist without a tenant, on SQLite or PostgreSQL.

Two walls between tenants are built here. Statements get the tenant's criteria added: a convenience that catches
mistakes. On PostgreSQL each transaction begins with a signed statement of whose it is, which row-level security
checks (`crm.migrations.wall`): this one also holds against hostile SQL.
"""

import asyncio
import hmac
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, cast

from sqlalchemy import Connection, event, inspect, make_url, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction, UOWTransaction, with_loader_criteria
from sqlalchemy.orm.context import FromStatement
from sqlalchemy.sql import Delete, Insert, Select, Update
from sqlalchemy.sql.elements import ClauseElement, ColumnClause, TextClause
from sqlalchemy.sql.selectable import FromClause, TableClause
from sqlalchemy.sql.visitors import HasTraverseInternals

from crm.base import Record, TenantRow
from crm.errors import TenantContextError
from crm.ids import TenantId
from crm.migrations.history import head_revision
from crm.repositories.personal_index import keep_index
from crm.sealing import DataKey, MasterKeys, Scope, SealError

BUSY_TIMEOUT_S = 10
"""How long a writer waits for its turn on SQLite."""

MARK_SQL = "SELECT int4send(pg_backend_pid()) || timestamptz_send(transaction_timestamp())"
"""What identifies a transaction of PostgreSQL without costing a transaction number: see `crm.migrations.wall`."""

CONTEXT_SQL = "SELECT set_config('countersign.context', %s, true)"


@dataclass(frozen=True)
class DatabaseConfig:
    """Where the records are and with whose rights the service reads them."""

    url: str
    """`sqlite+aiosqlite:///path`, or `postgresql+psycopg://role@host/name` with the role of the service."""
    owner_url: str | None = None
    """PostgreSQL: the role that owns the tables; used by migrations only."""
    context_key: bytes | None = field(default=None, repr=False)
    """PostgreSQL: the key that signs the tenant context, at least 32 bytes."""
    pool_size: int = 10
    master_keys: tuple[bytes, ...] = field(default=(), repr=False)
    """What seals conversations, each at least 32 bytes: the first wraps, the others still unwrap."""

    @property
    def file(self) -> Path | None:
        """The database file; None on PostgreSQL."""
        url = make_url(self.url)
        return Path(url.database or "") if url.get_backend_name() == "sqlite" else None

    @property
    def libpq_url(self) -> str:
        """The service's URL for PostgreSQL in the form that its own client library takes, password included."""
        return make_url(self.url).set(drivername="postgresql").render_as_string(hide_password=False)


class DatabaseNotReadyError(Exception):
    """The database cannot be used as it is; the message tells the operator what to change."""


def is_unreachable(error: BaseException) -> bool:
    """Whether it says that the database was not to be had, or too busy: the same may succeed in a moment."""
    return isinstance(error, OperationalError | InterfaceError | TimeoutError) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    )


def sign_context(key: bytes, tenant: str, mark: bytes) -> str:
    """The value of `countersign.context` that lets a transaction see a tenant's rows.

    `mark` is what `MARK_SQL` returns in that transaction; it has a fixed length, so no tenant's name can run into it.
    """
    return hmac.new(key, mark + tenant.encode(), "sha256").hexdigest() + tenant


class TenantSession(AsyncSession):
    """One transaction on one tenant's rows."""

    def __init__(
        self,
        engine: AsyncEngine,
        tenant: TenantId,
        *,
        write: bool = False,
        context_key: bytes | None = None,
        master_keys: MasterKeys | None = None,
    ) -> None:
        if not tenant:
            raise TenantContextError("a session needs a tenant")
        super().__init__(
            bind=engine,
            sync_session_class=_ConfinedSession,
            expire_on_commit=False,
            info={"confinement": _Confinement(tenant, write=write, context_key=context_key)},
        )
        self._master_keys = master_keys
        self.keys: dict[tuple[Scope, str], DataKey | None] = {}
        """Keys opened in this transaction; `crm.repositories.keys` fills it."""

    @property
    def tenant(self) -> TenantId:
        return _confinement_of(self.sync_session).tenant

    @property
    def master_keys(self) -> MasterKeys:
        """Raises: SealError if there are none."""
        if self._master_keys is None:
            raise SealError("no master key is configured")
        return self._master_keys

    async def connection(self, *args: Any, **kwargs: Any) -> AsyncConnection:
        """Refused: statements on a bare connection would escape the session's checks."""
        raise TenantContextError("a tenant's session lends out no connection; execute statements on the session")


class Database:
    """The records' database. One per process and event loop."""

    def __init__(self, config: DatabaseConfig) -> None:
        self._config = config
        url = make_url(config.url)
        self.dialect = cast(Literal["sqlite", "postgresql"], url.get_backend_name())
        if self.dialect == "postgresql" and (config.context_key is None or len(config.context_key) < 32):
            raise ValueError("PostgreSQL needs a context key of at least 32 bytes")
        self._master_keys = MasterKeys(config.master_keys) if config.master_keys else None
        self._engine = create_async_engine(
            url, pool_size=config.pool_size, max_overflow=0, pool_timeout=30, hide_parameters=True
        )
        self._writing_engine = self._engine
        self._write_turn = asyncio.Lock()
        if self.dialect == "sqlite":
            self._writing_engine = self._engine.execution_options(sqlite_begin="BEGIN IMMEDIATE")
            event.listen(self._engine.sync_engine, "connect", _configure_sqlite)
            event.listen(self._engine.sync_engine, "begin", _begin_sqlite)

    @asynccontextmanager
    async def session(self, tenant: TenantId, *, write: bool = False) -> AsyncIterator[TenantSession]:
        """One transaction: committed on a clean exit, rolled back on an exception.

        A session opened for reading refuses to flush. On SQLite the writers of a process take turns here, so that they
        queue in order instead of polling for the file's lock; a writer that waits too long gets a `TimeoutError`,
        and so does whoever waits too long for a connection.
        """
        engine = self._writing_engine if write else self._engine
        try:
            async with (
                self._turn_to_write() if write and self.dialect == "sqlite" else nullcontext(),
                TenantSession(
                    engine,
                    tenant,
                    write=write,
                    context_key=self._config.context_key,
                    master_keys=self._master_keys,
                ) as session,
                session.begin(),
            ):
                yield session
        except PoolTimeoutError as error:
            raise TimeoutError("no connection became free in time") from error

    @asynccontextmanager
    async def _turn_to_write(self) -> AsyncIterator[None]:
        async with asyncio.timeout(BUSY_TIMEOUT_S):
            await self._write_turn.acquire()
        try:
            yield
        finally:
            self._write_turn.release()

    async def tenants(self) -> list[str]:
        """The ids of all tenants, sorted; for the operator's chores, which then open a session for each."""
        sql = (
            "SELECT tenant FROM tenant ORDER BY tenant"
            if self.dialect == "sqlite"
            else "SELECT tenant FROM countersign.list_tenants() AS tenant ORDER BY tenant"
        )
        async with self._engine.connect() as connection:
            return list((await connection.execute(text(sql))).scalars())

    async def now(self) -> datetime | None:
        """The database's own time; None where it has no clock but the machine's."""
        if self.dialect == "sqlite":
            return None
        async with self._engine.connect() as connection:
            return cast(datetime, (await connection.execute(text("SELECT clock_timestamp()"))).scalar_one())

    async def forget_freed(self) -> None:
        """After something was erased: empty SQLite's log, in which the rows still stand as they were.

        PostgreSQL takes dead rows away by itself, those of keys at the next round of its vacuum.
        """
        if self.dialect == "sqlite":
            async with self._engine.connect() as connection:
                driver = (await connection.get_raw_connection()).driver_connection
                if driver is not None:
                    # Readers may keep the log from being emptied; then it is overwritten in its turn.
                    await driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    async def check(self) -> None:
        """Whether the service can work on this database.

        Raises:
            DatabaseNotReadyError: naming everything that has to be put right.
        """
        async with self._engine.connect() as connection:
            faults = await connection.run_sync(_find_faults, self._config.context_key)
        if faults:
            raise DatabaseNotReadyError("; ".join(faults))

    async def close(self) -> None:
        await self._engine.dispose()


def _configure_sqlite(connection: Any, _: object) -> None:
    """Settings of a new connection. Transactions are begun by `_begin_sqlite`: the driver knows only one kind."""
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_S * 1000}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA secure_delete = ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes the write lock at once: a reader that turns into a writer fails if somebody wrote meanwhile."""
    connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))


class _Confinement:
    """What a session is confined to, and the criteria that confine its statements."""

    def __init__(self, tenant: TenantId, *, write: bool, context_key: bytes | None) -> None:
        self.tenant = tenant
        self.write = write
        self.context_key = context_key
        self.to_tenant = with_loader_criteria(TenantRow, lambda cls: cls.tenant == tenant, include_aliases=True)


_NOT_IN_BIN = with_loader_criteria(Record, lambda cls: cls.IsDeleted.is_(False), include_aliases=True)


class _ConfinedSession(Session):
    """The synchronous session inside a `TenantSession`; the listeners below are bound to this class."""


def _confinement_of(session: Session) -> _Confinement:
    return cast(_Confinement, session.info["confinement"])


@event.listens_for(_ConfinedSession, "after_begin")
def _sign_in(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    confinement = _confinement_of(session)
    if transaction.nested or confinement.context_key is None:
        return
    _sign_in_as(connection, confinement.tenant, confinement.context_key)


def _sign_in_as(connection: Connection, tenant: TenantId, key: bytes) -> None:
    mark = bytes(connection.exec_driver_sql(MARK_SQL).scalar_one())
    connection.exec_driver_sql(CONTEXT_SQL, (sign_context(key, tenant, mark),))


@event.listens_for(_ConfinedSession, "do_orm_execute")
def _confine_statement(state: ORMExecuteState) -> None:
    confinement = _confinement_of(state.session)
    if not state.execution_options.get("tenant_checked"):
        _refuse_unconfined(state)
    if not confinement.write and (state.is_insert or state.is_update or state.is_delete):
        raise TenantContextError("the session was opened for reading; open it with write=True")
    if not state.is_orm_statement or state.is_insert:
        return
    options = [confinement.to_tenant]
    if not state.is_column_load and not state.execution_options.get("include_deleted"):
        options.append(_NOT_IN_BIN)
    state.statement = state.statement.options(*options)


def _refuse_unconfined(state: ORMExecuteState) -> None:
    """Loader criteria reach mapped entities only; what they do not reach is refused."""
    statement = state.statement
    if not state.is_orm_statement or isinstance(statement, FromStatement):
        raise TenantContextError(
            "only statements on mapped entities are confined to the tenant; for others, filter by tenant "
            "and say so with the execution option tenant_checked='<reason>'"
        )
    if isinstance(statement, Insert):
        raise TenantContextError("add objects to the session instead of inserting rows")
    if isinstance(statement, Update | Delete) and isinstance(state.parameters, list):
        raise TenantContextError("a bulk change by primary key is not confined to the tenant")
    if isinstance(statement, Update) and "tenant" in _assigned_columns(statement):
        raise TenantContextError("a row cannot be moved to another tenant")
    for element, entities in _walk(cast(ClauseElement, statement)):
        if _is_unconfined(element, entities):
            raise TenantContextError(f"{type(element).__name__} inside the statement is not confined to the tenant")


def _assigned_columns(statement: Update) -> set[str]:
    return {str(getattr(column, "key", column)) for column in statement._values or {}}


_Tables = frozenset[FromClause]


def _walk(statement: HasTraverseInternals) -> Iterator[tuple[HasTraverseInternals, _Tables]]:
    """Everything that was written into the statement, with the tables of the entities that its SELECT is about.

    The bare tables that a SELECT infers from its columns are left out.
    """
    found: list[tuple[HasTraverseInternals, _Tables]] = [(statement, _entity_tables(statement))]
    while found:
        element, entities = found.pop()
        yield element, entities
        if isinstance(element, Select):
            entities = _entity_tables(element)
            inside = HasTraverseInternals.get_children(element, omit_attrs=("_correlate", "_correlate_except"))
        else:
            inside = element.get_children()
        found.extend((child, entities) for child in inside)


def _entity_tables(element: HasTraverseInternals) -> _Tables:
    if isinstance(element, Select):
        columns: list[Any] = element._raw_columns
    elif isinstance(element, Update | Delete):
        columns = [element.table]
    else:
        return frozenset()
    entities = (column._annotations.get("parententity") for column in columns)
    return frozenset(entity.selectable for entity in entities if entity is not None)


def _is_unconfined(element: HasTraverseInternals, entities: _Tables) -> bool:
    """Raw SQL, a table without its entity, or a column of such a table."""
    if isinstance(element, TextClause):
        return True
    if isinstance(element, TableClause):
        return "parententity" not in element._annotations
    if not isinstance(element, ColumnClause) or "parententity" in element._annotations:
        return False
    if element.is_literal:
        return element.name != "*"  # count(*)
    return _is_bare_table(element.table, entities)


def _is_bare_table(source: Any, entities: _Tables) -> bool:
    while hasattr(source, "element") and not isinstance(source, TableClause):
        source = source.element
    if not isinstance(source, TableClause) or source in entities:
        return False
    return "parententity" not in source._annotations


@event.listens_for(_ConfinedSession, "before_attach")
def _refuse_foreign_object(session: Session, instance: object) -> None:
    if isinstance(instance, TenantRow):
        _check_tenant(instance, _confinement_of(session).tenant, or_unset=True)


@event.listens_for(_ConfinedSession, "before_flush")
def _stamp_tenant(session: Session, _flush: UOWTransaction, _instances: object) -> None:
    confinement = _confinement_of(session)
    for instance in session.new:
        if isinstance(instance, TenantRow) and instance.tenant is None:
            instance.tenant = confinement.tenant
    changed = [*session.new, *session.deleted, *(row for row in session.dirty if session.is_modified(row))]
    if changed and not confinement.write:
        raise TenantContextError("the session was opened for reading; open it with write=True")
    for instance in changed:
        _check_tenant(instance, confinement.tenant)


@event.listens_for(_ConfinedSession, "after_flush")
def _index_personal_values(session: Session, _flush: UOWTransaction) -> None:
    keep_index(session)


def _check_tenant(instance: object, tenant: TenantId, *, or_unset: bool = False) -> None:
    """The row must be the tenant's by its attribute and, if it was loaded, by the key it was loaded under."""
    if not isinstance(instance, TenantRow):
        raise TenantContextError(f"{type(instance).__name__} belongs to no tenant")
    known = [instance.__dict__.get("tenant")] if or_unset else [instance.tenant]
    identity = inspect(instance).identity
    if identity is not None:
        known.append(identity[0])
    if any(owner != tenant for owner in known if not (or_unset and owner is None)):
        raise TenantContextError(f"{type(instance).__name__} belongs to another tenant than the session")


def _find_faults(connection: Connection, context_key: bytes | None) -> list[str]:
    migrated = inspect(connection).has_table("alembic_version")
    revision = connection.scalar(text("SELECT version_num FROM alembic_version")) if migrated else None
    if revision != head_revision():
        return [f"the schema is at revision {revision}, not {head_revision()}: run the migrations"]
    if context_key is None:
        return []
    faults = [str(fault) for fault in connection.execute(text(_FAULTS_SQL)).scalars()]
    # tenant-id: a name that no tenant has, to see whether the database accepts our signature
    _sign_in_as(connection, TenantId("probe"), context_key)
    if connection.scalar(text("SELECT countersign.current_tenant()")) != "probe":
        faults.append("the database verifies with another context key: run the migrations with the key in use")
    return faults


_FAULTS_SQL = """
SELECT 'role ' || rolname || ' is a superuser' FROM pg_roles WHERE rolname = current_user AND rolsuper
UNION ALL
SELECT 'role ' || rolname || ' bypasses row-level security' FROM pg_roles WHERE rolname = current_user AND rolbypassrls
UNION ALL
SELECT 'role ' || current_user || ' may act as ' || rolname || ', which owns tables'
FROM pg_roles
WHERE pg_has_role(current_user, oid, 'MEMBER')
    AND oid IN (SELECT relowner FROM pg_class WHERE relnamespace = 'public'::regnamespace)
    AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
UNION ALL
SELECT 'table ' || c.relname || ' has no enforced row-level security'
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
    AND a.attname = 'tenant'
    AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
UNION ALL
SELECT 'role ' || current_user || ' may create temporary tables, which outlive a request'
WHERE has_database_privilege(current_user, current_database(), 'TEMPORARY')
UNION ALL
SELECT 'role ' || current_user || ' may create objects in schema ' || nspname
FROM pg_namespace WHERE has_schema_privilege(current_user, oid, 'CREATE') AND nspname NOT LIKE 'pg\\_temp%'
"""
