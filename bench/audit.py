"""`python -m bench.audit`: what the audit costs, and that each kind of tampering is found at the right entry.

On both databases: appends a second next to a plain insert of the same row as the floor, the time to verify the whole
log, and one row for each kind of tampering with the entry that was touched and the entry that was named.
"""

import argparse
import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row
from sqlalchemy import make_url

from bench.databases import open_postgresql, open_sqlite
from crm.database import Database, DatabaseConfig
from crm.ids import TenantId, numbered_id
from crm.repositories import audit as rows
from crm.work import AuditEntry
from trust import audit, audit_check
from trust.audit_check import Known
from trust.head_export import HeadExporter
from trust.head_sinks import FolderSink
from trust.merkle import EMPTY
from trust.tree_heads import HeadSigner, new_signing_key, read_known

# tenant-id: tenants of measurements only
MINE, OTHER, FLOOR = TenantId("northwind"), TenantId("southridge"), TenantId("floor")
AT = datetime(2026, 11, 2, 9, tzinfo=UTC)
PAYLOAD = {"tool": "update_record", "agent": "sales", "run": "0" * 36, "digest": "0" * 64}
COLUMNS = "at, kind, actor, subject, payload, payload_hash, sealed_for, hashes"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the audit and tamper with it.")
    parser.add_argument("--entries", type=int, default=10_000)
    entries = parser.parse_args().entries
    found = True
    for name, opened in (("SQLite", open_sqlite), ("PostgreSQL", open_postgresql)):
        with opened(0.01) as config, tempfile.TemporaryDirectory() as folder:
            found &= asyncio.run(measure(name, config, Path(folder), entries))
    if not found:
        raise SystemExit("some tampering was not found where it was")


async def measure(name: str, config: DatabaseConfig, folder: Path, entries: int) -> bool:
    database = Database(config)
    signer = HeadSigner.from_pem(new_signing_key().encode())
    exporter = HeadExporter(
        database, FolderSink(folder), signer, signer.public, lambda: datetime.now(UTC), every_s=3_600
    )
    try:
        print(f"\n{name}, {entries} entries, and a tenth of them in a tenant that looks alike")
        await measure_appends(database, entries)
        took = await timed(lambda: exporter.export(MINE))
        await exporter.export(OTHER)
        print(f"  sign and export heads   {took:8.2f} s")
        known = read_exported(exporter, MINE)
        took = await timed(lambda: expect(database, known, None))
        print(f"  verify                  {took:8.2f} s {entries / took:10.0f} entries/s")
        return await tamper_all(database, config, exporter, entries)
    finally:
        await database.close()


async def measure_appends(database: Database, entries: int) -> None:
    """In turn, so that a busy machine slows both down alike; then the rest of the entries, many to a transaction."""
    each = min(500, entries // 4)
    floor_s = append_s = 0.0
    for start in range(0, each, 50):
        floor_s += await timed(lambda start=start: insert_plain(database, start, 50))  # type: ignore[misc]
        append_s += await timed(lambda start=start: append(database, MINE, start, 50, batch=1))  # type: ignore[misc]
    print(f"  plain insert (floor)    {each / floor_s:8.0f} /s, each in a transaction of its own")
    print(f"  append to the audit     {each / append_s:8.0f} /s, ratio {append_s / floor_s:.2f}")
    took = await timed(lambda: append(database, MINE, each, entries - each, batch=250))
    print(f"  append, 250 at a time   {(entries - each) / took:8.0f} /s")
    await append(database, OTHER, 0, entries // 10, batch=250)


async def insert_plain(database: Database, start: int, count: int) -> None:
    for number in range(start, start + count):
        async with database.session(FLOOR, write=True) as session:
            entry = AuditEntry(
                index=number,
                at=AT,
                kind="approval.requested",
                actor="somebody",
                subject=f"{number}",
                payload=bytes(220),
                payload_hash="0" * 64,
                sealed_for="",
                hashes=bytes(64),
            )
            await rows.append_entry(session, entry)


async def append(database: Database, tenant: TenantId, start: int, count: int, *, batch: int) -> None:
    for first in range(start, start + count, batch):
        async with database.session(tenant, write=True) as session:
            for number in range(first, min(first + batch, start + count)):
                actor = numbered_id("005", number % 20)
                payload = {**PAYLOAD, "number": number, "of": tenant}
                at = AT + timedelta(seconds=number)
                await audit.record(
                    session, at=at, kind="approval.requested", actor=actor, subject=f"{number}", payload=payload
                )


async def timed(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    await work()
    return time.perf_counter() - start


def read_exported(exporter: HeadExporter, tenant: TenantId) -> Known:
    known, faults = read_known(exporter.sink.read(tenant), tenant, exporter.verifier)
    if faults:
        raise SystemExit(faults[0])
    return known


async def expect(database: Database, known: Known, index: int | None) -> str:
    async with database.session(MINE) as session:
        verdict = await audit_check.verify(session, known)
    if verdict.first_bad != index:
        return f"WRONG: expected {index}, found {verdict.first_bad}: {verdict.reason}"
    return verdict.reason


@dataclass(frozen=True)
class Tampering:
    """What is done to the table, the first entry that is wrong then, and whether hashes and head are made to fit."""

    name: str
    statements: tuple[str, ...]
    first_bad: int
    is_fitted: bool = False


def tamperings(entries: int) -> list[Tampering]:
    third, half, last = entries // 3, entries // 2, entries - 1
    delete = "DELETE FROM audit_entry WHERE tenant = 'northwind' AND leaf_index"
    change = "UPDATE audit_entry SET {} WHERE tenant = 'northwind' AND leaf_index = {}"
    swap = tuple(change.format(f"leaf_index = {b}", a) for a, b in ((half, -1), (half + 9, half), (-1, half + 9)))
    shift = (
        f"UPDATE audit_entry SET leaf_index = -leaf_index WHERE tenant = 'northwind' AND leaf_index >= {half}",  # noqa: S608
        "UPDATE audit_entry SET leaf_index = 1 - leaf_index WHERE tenant = 'northwind' AND leaf_index < 0",
        f"INSERT INTO audit_entry (tenant, leaf_index, {COLUMNS}) SELECT tenant, {half}, {COLUMNS} FROM audit_entry"  # noqa: S608
        f" WHERE tenant = 'northwind' AND leaf_index = {third}",
    )
    everything = ("DELETE FROM audit_entry WHERE tenant = 'northwind'",)
    kinds = {
        "edit": ((change.format("kind = 'approval.approved'", third),), third),
        "delete": ((f"{delete} = {half}",), half),
        "reorder": (swap, half),
        "insert": (shift, half),
        "truncate": ((f"{delete} > {last - 10}",), last - 9),
        "delete all": (everything, 0),
    }
    found = [Tampering(name, statements, bad) for name, (statements, bad) in kinds.items()]
    found.append(
        Tampering("delete all and head", (*everything, "DELETE FROM audit_head WHERE tenant = 'northwind'"), 0)
    )
    return found + [Tampering(name, statements, bad, True) for name, (statements, bad) in kinds.items()]


async def tamper_all(database: Database, config: DatabaseConfig, exporter: HeadExporter, entries: int) -> bool:
    known = read_exported(exporter, MINE)
    is_right = True
    print(f"  {'tampering':<34}{'first bad':>9}  {'s':>6}  said")
    for one in tamperings(entries):
        with owning(config, one, entries) as run:
            run()
            start = time.perf_counter()
            said = await expect(database, known, one.first_bad)
            took = time.perf_counter() - start
        is_right &= not said.startswith("WRONG")
        name = one.name + (", hashes and head made to fit" if one.is_fitted else "")
        print(f"  {name:<42}{one.first_bad:>9}  {took:>6.2f}  {said}")
    is_right &= not await expect(database, known, None)
    async with database.session(OTHER) as session:
        other = await audit_check.verify(session, read_exported(exporter, OTHER))
    is_right &= other.first_bad is None and other.size == entries // 10
    print(f"  the other tenant's log {'holds' if other.first_bad is None else 'is broken'}, and so does this one again")
    return is_right


@contextmanager
def owning(config: DatabaseConfig, tampering: Tampering, entries: int) -> Iterator[Callable[[], None]]:
    """Work on the database as somebody with all rights; at the end everything is put back."""
    with connect(config) as connection:
        connection.execute("CREATE TABLE kept_entry AS SELECT * FROM audit_entry WHERE tenant = 'northwind'")
        connection.execute("CREATE TABLE kept_head AS SELECT * FROM audit_head WHERE tenant = 'northwind'")

    def run() -> None:
        with connect(config) as connection:
            for statement in tampering.statements:
                connection.execute(statement)
            if tampering.is_fitted:
                make_fit(connection, "?" if config.file is not None else "%s")

    try:
        yield run
    finally:
        with connect(config) as connection:
            for name in ("entry", "head"):
                connection.execute(f"DELETE FROM audit_{name} WHERE tenant = 'northwind'")  # noqa: S608
                connection.execute(f"INSERT INTO audit_{name} SELECT * FROM kept_{name}")  # noqa: S608
                connection.execute(f"DROP TABLE kept_{name}")


@contextmanager
def connect(config: DatabaseConfig) -> Iterator[Any]:
    """Without triggers and walls. Commits at the end."""
    if config.file is not None:
        with closing(sqlite3.connect(config.file, timeout=60)) as connection:
            connection.row_factory = sqlite3.Row
            for (trigger,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_entry'"
            ).fetchall():
                connection.execute(f'DROP TRIGGER "{trigger}"')
            yield connection
            connection.commit()
        return
    url = make_url(config.url)
    place = f"host={url.query['host']} user=postgres dbname={url.database}"
    with psycopg.connect(place, row_factory=dict_row) as found:
        found.execute("SET session_replication_role = replica")
        yield found


def make_fit(connection: Any, mark: str) -> None:
    """Number the entries anew, work out every hash as the service would, and write the head to match."""
    found = connection.execute("SELECT * FROM audit_entry WHERE tenant = 'northwind' ORDER BY leaf_index").fetchall()
    peaks = EMPTY
    for index, row in enumerate(map(dict, found)):
        at = row["at"]
        when = datetime.fromisoformat(at).replace(tzinfo=UTC) if isinstance(at, str) else at
        content = {name: row[name] for name in ("kind", "actor", "subject", "payload", "payload_hash", "sealed_for")}
        peaks, completed = peaks.append(audit.leaf_of(AuditEntry(index=index, at=when, **content), MINE))
        connection.execute(
            f"UPDATE audit_entry SET leaf_index = {mark}, hashes = {mark}"  # noqa: S608
            f" WHERE tenant = 'northwind' AND leaf_index = {mark}",
            (index, b"".join(completed), row["leaf_index"]),
        )
    connection.execute(
        f"UPDATE audit_head SET size = {mark}, peaks = {mark} WHERE tenant = 'northwind'",  # noqa: S608
        (peaks.size, peaks.to_bytes()),
    )


if __name__ == "__main__":
    main()
