"""What somebody can do to the audit who owns the database, but has none of the service's keys."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from crm.database import Database, DatabaseConfig
from crm.ids import TenantId
from crm.seed import create_tenant
from crm.seed.people import NORTHWIND, SOUTHRIDGE, staff_id
from crm.work import AuditEntry
from tests.oracle import raw_connection, raw_rows
from trust import audit
from trust.merkle import EMPTY

HERE, THERE = TenantId(NORTHWIND), TenantId(SOUTHRIDGE)
MINE = f"tenant = '{NORTHWIND}'"
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
PERSON = staff_id("dana")
"""Whose entries are sealed with a key of her own; the others with the tenant's."""
ENTRIES = 8


async def enter(database: Database, tenant: TenantId, number: int) -> int:
    async with database.session(tenant, write=True) as session:
        payload = {"number": number, "of": tenant, "nested": {"é": [1.5, None, True]}}
        actor = PERSON if number % 2 else "somebody"
        return await audit.record(session, at=NOW, kind="k", actor=actor, subject="s", payload=payload)


async def fill(database: Database) -> None:
    """Eight entries in each tenant, alike in all but the payload."""
    for tenant in (HERE, THERE):
        await create_tenant(database, tenant, tenant)
        for number in range(ENTRIES):
            assert await enter(database, tenant, number) == number


def forge(config: DatabaseConfig, *statements: str) -> None:
    """The triggers that refuse changes are dropped first."""
    with raw_connection(config) as connection:
        if config.file is not None:
            found = connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name LIKE 'audit%'"
            ).fetchall()
            for row in found:
                connection.execute(f'DROP TRIGGER "{row["name"]}"')
        for statement in statements:
            connection.execute(statement)


def make_fit(config: DatabaseConfig) -> None:
    """Number the tenant's entries anew, work out every hash as the service would, and write the head to match."""
    rows = sorted(
        (row for row in raw_rows(config, "audit_entry") if row["tenant"] == NORTHWIND),
        key=lambda row: int(row["leaf_index"]),
    )
    mark = "?" if config.file is not None else "%s"
    peaks = EMPTY
    with raw_connection(config) as connection:
        for index, row in enumerate(rows):
            peaks, completed = peaks.append(audit.leaf_of(_entry(row, index), NORTHWIND))
            connection.execute(
                f"UPDATE audit_entry SET leaf_index = {mark}, hashes = {mark} WHERE {MINE} AND leaf_index = {mark}",
                (index, b"".join(completed), row["leaf_index"]),
            )
        connection.execute(f"DELETE FROM audit_head WHERE {MINE}")
        connection.execute(
            f"INSERT INTO audit_head (tenant, size, peaks) VALUES ({mark}, {mark}, {mark})",
            (NORTHWIND, peaks.size, peaks.to_bytes()),
        )


def _entry(row: dict[str, Any], index: int) -> AuditEntry:
    at = row["at"]
    when = datetime.fromisoformat(at).replace(tzinfo=UTC) if isinstance(at, str) else at
    columns = ("kind", "actor", "subject", "payload", "payload_hash", "sealed_for")
    return AuditEntry(index=index, at=when, **{column: row[column] for column in columns})


def copy_of(index: int, place: int) -> str:
    """A statement that puts a copy of an entry at a place that is free."""
    columns = "at, kind, actor, subject, payload, payload_hash, sealed_for, hashes"
    return (
        f"INSERT INTO audit_entry (tenant, leaf_index, {columns})"
        f" SELECT tenant, {place}, {columns} FROM audit_entry WHERE leaf_index = {index} AND {MINE}"
    )


@contextmanager
def restored(config: DatabaseConfig) -> Iterator[None]:
    """Afterwards the audit is what it was before."""
    kept = {table: raw_rows(config, table) for table in ("audit_entry", "audit_head")}
    yield
    with raw_connection(config) as connection:
        for table, rows in kept.items():
            connection.execute(f"DELETE FROM {table}")
            for row in rows:
                marks = ", ".join(["?" if config.file is not None else "%s"] * len(row))
                connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))
