"""The wall between tenants on PostgreSQL, as SQL: roles, signed tenant context, policies, grants.

How the context works. A transaction of the service sets `countersign.context` to a tenant's name behind an HMAC
over the backend's process id, the transaction's start in microseconds and the name. `countersign.current_tenant()`
computes the HMAC again, with a key that only the owner of the tables can read, and every policy compares a row's
tenant with its answer. SQL that runs as the service can set the variable to anything, but cannot sign.

Why these two identify the transaction. A process id has one backend at a time, and a backend starts a transaction when
the client's next message arrives, so two transactions of one backend never start in the same microsecond, except those
that the client chains inside a single message (`COMMIT; BEGIN`): they share their caller and thus their tenant. A
transaction number would serve as well, but asking for it consumes one per read, and a read-only load of a thousand
transactions a second would force a wraparound vacuum every few days.

What it does not stop: a process that holds the key, whoever reads the key's table in a backup, the owner of the
tables, a superuser. The service's role may also change its own password and defaults, as any PostgreSQL role may.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine import URL

ALL_ROWS = "SELECT, INSERT, UPDATE, DELETE"
"""What the service's role may do with the rows of an ordinary table."""

_BLOCK = 64
"""Block size of SHA-256 in bytes, to which HMAC pads its key."""

_FUNCTIONS = """
CREATE TABLE countersign.context_key (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    inner_pad bytea NOT NULL,
    outer_pad bytea NOT NULL
);

CREATE FUNCTION countersign.current_tenant() RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    context text := current_setting('countersign.context', true);
    claimed text := substr(context, 65);
    pads countersign.context_key;
    expected bytea;
BEGIN
    IF claimed IS NULL OR claimed = '' THEN
        RETURN NULL;
    END IF;
    SELECT * INTO pads FROM countersign.context_key;
    expected := sha256(pads.outer_pad || sha256(
        pads.inner_pad || int4send(pg_backend_pid()) || timestamptz_send(transaction_timestamp())
        || convert_to(claimed, 'UTF8')
    ));
    -- Digests of both sides are compared, so that the time it takes says nothing about the expected value.
    IF sha256(pads.outer_pad || convert_to(left(context, 64), 'UTF8'))
        = sha256(pads.outer_pad || convert_to(encode(expected, 'hex'), 'UTF8')) THEN
        RETURN claimed;
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION countersign.list_tenants() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT t.tenant::text FROM public.tenant AS t $$;

CREATE FUNCTION countersign.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$ BEGIN RAISE EXCEPTION '% of % is refused: the table only grows', TG_OP, TG_TABLE_NAME; END $$;
"""


def prepare(connection: Connection, app: URL) -> None:
    """Create what the migrations expect to find: the service's role, the schema of the functions, a closed database."""
    role = _require_role(app)
    if not connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}):
        password = f" PASSWORD {_literal(connection, app.password)}" if app.password else ""
        connection.exec_driver_sql(
            f"CREATE ROLE {quote(connection, role)} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS{password}"
        )
    connection.exec_driver_sql("CREATE SCHEMA IF NOT EXISTS countersign")
    database = quote(connection, str(connection.scalar(text("SELECT current_database()"))))
    connection.exec_driver_sql(f"REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC")
    connection.exec_driver_sql(f"REVOKE TEMPORARY ON DATABASE {database} FROM {quote(connection, role)}")
    connection.exec_driver_sql(f"GRANT CONNECT ON DATABASE {database} TO {quote(connection, role)}")
    connection.exec_driver_sql("REVOKE CREATE ON SCHEMA public FROM PUBLIC")


def build(connection: Connection, app_role: str) -> None:
    """The functions, and what the service's role may call."""
    role = quote(connection, app_role)
    connection.exec_driver_sql(_FUNCTIONS.replace("%", "%%"))
    connection.exec_driver_sql("REVOKE ALL ON countersign.context_key FROM PUBLIC")
    connection.exec_driver_sql("REVOKE ALL ON ALL FUNCTIONS IN SCHEMA countersign FROM PUBLIC")
    connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA public, countersign TO {role}")
    connection.exec_driver_sql(f"GRANT SELECT ON alembic_version TO {role}")
    for function in ("current_tenant()", "list_tenants()"):
        connection.exec_driver_sql(f"GRANT EXECUTE ON FUNCTION countersign.{function} TO {role}")


def store_key(connection: Connection, key: bytes) -> None:
    """Put the key where only the owner reads it, as the two blocks that HMAC makes of it."""
    block = (key if len(key) <= _BLOCK else hashlib.sha256(key).digest()).ljust(_BLOCK, b"\0")
    pads = {"inner": bytes(b ^ 0x36 for b in block), "outer": bytes(b ^ 0x5C for b in block)}
    connection.execute(
        text(
            "INSERT INTO countersign.context_key (inner_pad, outer_pad) VALUES (:inner, :outer)"
            " ON CONFLICT (only_row) DO UPDATE SET inner_pad = :inner, outer_pad = :outer"
        ),
        pads,
    )


def protect(connection: Connection, table: str, app_role: str, *, tenant: str = "tenant", may: str = ALL_ROWS) -> None:
    """Let the service's role into a table, and let everybody, its owner included, see one tenant's rows only.

    `tenant` is an SQL expression for the tenant of a row.
    """
    name = quote(connection, table)
    mine = f"{tenant} = (SELECT countersign.current_tenant())"
    connection.exec_driver_sql(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
    connection.exec_driver_sql(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
    connection.exec_driver_sql(f"CREATE POLICY tenant_wall ON {name} USING ({mine}) WITH CHECK ({mine})")
    connection.exec_driver_sql(f"GRANT {may} ON {name} TO {quote(connection, app_role)}")


def open_to_owner(connection: Connection, table: str) -> None:
    """Let functions of the owner read all tenants' rows of a table; each of them then has to filter by itself."""
    connection.exec_driver_sql(
        f"CREATE POLICY owner_reads ON {quote(connection, table)} FOR SELECT TO CURRENT_USER USING (true)"
    )


@contextmanager
def looked_past(connection: Connection, table: str) -> Iterator[None]:
    """Let the owner of a table at all tenants' rows, for a migration that fills it, inside its transaction."""
    if connection.dialect.name != "postgresql":
        yield
        return
    name = quote(connection, table)
    connection.exec_driver_sql(f"ALTER TABLE {name} NO FORCE ROW LEVEL SECURITY")
    yield
    connection.exec_driver_sql(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")


def tenant_tables(connection: Connection) -> list[str]:
    """Tables that have a tenant column."""
    inspector = inspect(connection)
    return sorted(
        table
        for table in inspector.get_table_names()
        if any(column["name"] == "tenant" for column in inspector.get_columns(table))
    )


def quote(connection: Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote_identifier(name)


def _require_role(app: URL) -> str:
    if not app.username:
        raise ValueError("the database URL names no role")
    return app.username


def _literal(connection: Connection, value: Any) -> str:
    return str(connection.scalar(text("SELECT quote_literal(:value)"), {"value": str(value)}))
