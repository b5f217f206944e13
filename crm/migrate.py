"""Brings a database to the newest schema. Safe to run from several processes at once: they take turns."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, NullPool, create_engine, event, make_url, text
from sqlalchemy.engine import URL

from crm.database import DatabaseConfig
from crm.migrations import wall
from crm.migrations.history import SCRIPTS, head_revision
from crm.repositories import switches

__all__ = ["current_revision", "draft_revision", "head_revision", "throw_service_switch", "upgrade"]

_TURN = 0x636F756E746572
"""Key of the advisory lock that migrating processes take turns on."""


def upgrade(config: DatabaseConfig, *, to: str = "head") -> None:
    """Apply what is missing, all in one transaction.

    On PostgreSQL this runs as the owner of the tables, creates the service's role if it is missing and allowed,
    and stores the context key: running it again with another key replaces the key.

    Raises:
        ValueError: PostgreSQL without an owner or without a context key of at least 32 bytes.
    """
    with _connect(config) as connection:
        if connection.dialect.name == "postgresql":
            wall.prepare(connection, make_url(config.url))
        command.upgrade(_alembic(connection, config), to)
        if connection.dialect.name == "postgresql":
            wall.store_key(connection, _key_of(config))


def draft_revision(config: DatabaseConfig, message: str) -> None:
    """Write a new revision from the difference between a migrated database and the declared tables; for developers."""
    with _connect(config) as connection:
        command.revision(_alembic(connection, config), message, autogenerate=True)


def throw_service_switch(config: DatabaseConfig, values: dict[str, Any]) -> None:
    """Throw the operator's switch, as the owner of the tables: the service's own role may not. Raises: ValueError."""
    with _connect(config) as connection:
        switches.throw_service_switch(connection, values)


def current_revision(config: DatabaseConfig) -> str | None:
    """The revision a database is at; None if it was never migrated."""
    with _connect(config) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def _alembic(connection: Connection, config: DatabaseConfig) -> Config:
    alembic = Config()
    alembic.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    alembic.attributes["connection"] = connection
    alembic.attributes["app_role"] = make_url(config.url).username
    return alembic


def _key_of(config: DatabaseConfig) -> bytes:
    if config.context_key is None or len(config.context_key) < 32:
        raise ValueError("PostgreSQL needs a context key of at least 32 bytes")
    return config.context_key


def _owner_url(config: DatabaseConfig) -> URL:
    url = make_url(config.url)
    if url.get_backend_name() == "sqlite":
        return url.set(drivername="sqlite")
    if config.owner_url is None:
        raise ValueError("migrating PostgreSQL needs the owner's URL")
    return make_url(config.owner_url).set(drivername="postgresql+psycopg")


@contextmanager
def _connect(config: DatabaseConfig) -> Iterator[Connection]:
    """One connection in one transaction that no other migrating process is in."""
    engine = create_engine(_owner_url(config), poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _leave_transactions_to_us)
        event.listen(engine, "begin", _begin_immediate)
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _TURN})
            yield connection
    finally:
        engine.dispose()


def _leave_transactions_to_us(connection: Any, _: object) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA busy_timeout = 60000")
    connection.execute("PRAGMA journal_mode = WAL")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
