"""Where the durable engine keeps its tables, and connections to it. Nothing of a tenant is in there but ids."""

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url

from crm.database import BUSY_TIMEOUT_S, DatabaseConfig


def queue_url(config: DatabaseConfig, folder: Path) -> str:
    """The service's own database on PostgreSQL, in a schema of its own; a file beside it for SQLite."""
    if config.file is None:
        return _for_engine(config.url)
    return f"sqlite:///{folder / 'queue.db'}"


def owner_queue_url(config: DatabaseConfig) -> tuple[str, str]:
    """PostgreSQL: the same as the owner of the tables, and the role of the service. Raises: ValueError."""
    role = make_url(config.url).username
    if config.owner_url is None or role is None:
        raise ValueError("the queue's tables are made by the owner of the database: its URL is missing")
    return _for_engine(config.owner_url), role


def open_queue_database(url: str, *, size: int) -> Engine:
    """Connections for one process."""
    engine = create_engine(url, pool_size=size, max_overflow=4, pool_timeout=30, pool_pre_ping=True)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
    return engine


def _for_engine(url: str) -> str:
    return make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def _configure_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = "IMMEDIATE"
    busy = f"busy_timeout = {3 * BUSY_TIMEOUT_S * 1000}"
    for setting in (busy, "journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {setting}")
