"""Whatever is done to the audit behind its back, walking the chain finds the first entry that does not fit."""

import json
from contextlib import closing
from typing import Any

import psycopg
import pytest
from sqlalchemy import delete, make_url, update
from sqlalchemy.exc import DBAPIError

from crm.database import Database, DatabaseConfig
from crm.ids import TenantId
from crm.seed.people import NORTHWIND, SOUTHRIDGE
from crm.work import AuditEntry
from tests.oracle import raw_connection, raw_rows
from tests.trust.scene import NOW
from trust import audit

HERE, THERE = TenantId(NORTHWIND), TenantId(SOUTHRIDGE)
ENTRIES = 8


@pytest.fixture
async def chain(seeded: Database) -> Database:
    """Eight entries in each tenant, alike in all but the payload."""
    for tenant in (HERE, THERE):
        for number in range(1, ENTRIES + 1):
            async with seeded.session(tenant, write=True) as session:
                payload = {"number": number, "of": tenant, "nested": {"é": [1.5, None, True]}}
                seq = await audit.record(session, at=NOW, kind="k", actor="a", subject="s", payload=payload)
                assert seq == number
    return seeded


async def first_bad(database: Database, tenant: TenantId = HERE) -> int | None:
    async with database.session(tenant) as session:
        return (await audit.verify(session)).first_bad


def forge(config: DatabaseConfig, *statements: str) -> None:
    """As somebody who owns the database: the triggers that refuse changes are dropped first."""
    with raw_connection(config) as connection:
        if config.file is not None:
            found = connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name LIKE 'audit%'"
            ).fetchall()
            assert found
            for row in found:
                connection.execute(f'DROP TRIGGER "{row["name"]}"')
        for statement in statements:
            connection.execute(statement)


MINE = f"tenant = '{NORTHWIND}'"


async def test_an_untouched_chain_holds(chain: Database) -> None:
    for tenant in (HERE, THERE):
        async with chain.session(tenant) as session:
            verdict = await audit.verify(session)
        assert (verdict.size, verdict.first_bad) == (ENTRIES, None)


async def test_an_empty_chain_holds(seeded: Database) -> None:
    async with seeded.session(TenantId("nobody")) as session:
        assert await audit.verify(session) == audit.Verdict(0, "", None)


@pytest.mark.parametrize(
    ("statement", "bad"),
    [
        (f"UPDATE audit_entry SET kind = 'x' WHERE seq = 3 AND {MINE}", 3),
        (f"UPDATE audit_entry SET actor = 'x' WHERE seq = 1 AND {MINE}", 1),
        (f"UPDATE audit_entry SET subject = 'x' WHERE seq = 8 AND {MINE}", 8),
        (f"UPDATE audit_entry SET payload = '{{{{}}}}' WHERE seq = 4 AND {MINE}", 4),
        (
            "UPDATE audit_entry SET payload = replace(cast(payload AS TEXT), '1.5', '1.6'){json}"
            f" WHERE seq = 2 AND {MINE}",
            2,
        ),
        (f"UPDATE audit_entry SET at = '2026-11-02 09:00:01{{zone}}' WHERE seq = 5 AND {MINE}", 5),
        (f"UPDATE audit_entry SET at = '2026-11-02 09:00:00.400000{{zone}}' WHERE seq = 5 AND {MINE}", 5),
        (f"UPDATE audit_entry SET hash = 'x' WHERE seq = 6 AND {MINE}", 6),
        (f"UPDATE audit_entry SET previous = 'x' WHERE seq = 6 AND {MINE}", 6),
        (f"UPDATE audit_entry SET seq = 100 WHERE seq = 3 AND {MINE}", 3),
        (f"UPDATE audit_entry SET seq = 100 WHERE seq = 8 AND {MINE}", 8),
        (f"DELETE FROM audit_entry WHERE seq = 1 AND {MINE}", 1),
        (f"DELETE FROM audit_entry WHERE seq = 5 AND {MINE}", 5),
        (f"DELETE FROM audit_entry WHERE seq = 8 AND {MINE}", 8),
        (f"DELETE FROM audit_entry WHERE seq > 2 AND {MINE}", 3),
        (f"DELETE FROM audit_entry WHERE {MINE}", 1),
        (f"UPDATE audit_head SET size = 7 WHERE {MINE}", 9),
        (f"UPDATE audit_head SET head = 'x' WHERE {MINE}", 9),
        (f"DELETE FROM audit_head WHERE {MINE}", 9),
        (
            "INSERT INTO audit_entry (tenant, seq, at, kind, actor, subject, payload, previous, hash) SELECT tenant, 9,"
            f" at, kind, actor, subject, payload, hash, 'x' FROM audit_entry WHERE seq = 8 AND {MINE}",
            9,
        ),
    ],
    ids=[
        "kind",
        "actor",
        "subject",
        "payload",
        "a number in the payload",
        "second",
        "part of a second",
        "hash",
        "link",
        "number in the middle",
        "number at the end",
        "first gone",
        "middle gone",
        "last gone",
        "end gone",
        "all gone",
        "head's size",
        "head's hash",
        "head gone",
        "one more",
    ],
)
async def test_each_kind_of_tampering_is_found_where_it_is(
    chain: Database, seeded_config: DatabaseConfig, statement: str, bad: int
) -> None:
    is_sqlite = seeded_config.file is not None
    forge(seeded_config, statement.format(json="" if is_sqlite else "::json", zone="" if is_sqlite else "+00"))
    assert await first_bad(chain) == bad
    assert await first_bad(chain, THERE) is None, "the other tenant's chain is its own"


async def test_two_entries_that_change_places_are_found(chain: Database, seeded_config: DatabaseConfig) -> None:
    forge(
        seeded_config,
        f"UPDATE audit_entry SET seq = 100 WHERE seq = 3 AND {MINE}",
        f"UPDATE audit_entry SET seq = 3 WHERE seq = 4 AND {MINE}",
        f"UPDATE audit_entry SET seq = 4 WHERE seq = 100 AND {MINE}",
    )
    assert await first_bad(chain) == 3


async def test_an_entry_of_another_tenant_does_not_fit(chain: Database, seeded_config: DatabaseConfig) -> None:
    forge(
        seeded_config,
        f"DELETE FROM audit_entry WHERE seq = 2 AND {MINE}",
        f"UPDATE audit_entry SET tenant = '{NORTHWIND}' WHERE seq = 2 AND tenant = '{SOUTHRIDGE}'",
    )
    assert await first_bad(chain) == 2
    assert await first_bad(chain, THERE) == 2


async def test_a_hash_made_to_fit_breaks_at_the_next_entry(chain: Database, seeded_config: DatabaseConfig) -> None:
    rows: list[dict[str, Any]] = [r for r in raw_rows(seeded_config, "audit_entry") if r["tenant"] == NORTHWIND]
    [third] = [row for row in rows if row["seq"] == 3]
    payload = json.loads(third["payload"]) if isinstance(third["payload"], str) else third["payload"]
    forged = audit._hash(3, NOW, "x", third["actor"], third["subject"], payload, third["previous"])
    forge(seeded_config, f"UPDATE audit_entry SET kind = 'x', hash = '{forged}' WHERE seq = 3 AND {MINE}")
    assert await first_bad(chain) == 4


async def test_the_service_itself_cannot_change_an_entry(chain: Database, seeded_config: DatabaseConfig) -> None:
    plain = {"synchronize_session": False}
    for statement in (update(AuditEntry).values(kind="x"), delete(AuditEntry)):
        with pytest.raises(DBAPIError):
            async with chain.session(HERE, write=True) as session:
                await session.execute(statement, execution_options=plain)
    assert await first_bad(chain) is None


async def test_an_entry_stands_or_falls_with_what_it_tells_of(chain: Database) -> None:
    async def fail_after_recording() -> None:
        async with chain.session(HERE, write=True) as session:
            await audit.record(session, at=NOW, kind="k", actor="a", subject="s", payload={})
            raise LookupError

    with pytest.raises(LookupError):
        await fail_after_recording()
    async with chain.session(HERE) as session:
        assert (await audit.verify(session)).size == ENTRIES


@pytest.mark.parametrize("templates", ["postgresql"], indirect=True)  # SQLite has no roles
async def test_the_owner_of_the_tables_is_no_superuser(chain: Database, seeded_config: DatabaseConfig) -> None:
    url = make_url(seeded_config.owner_url or "")
    place = f"host={url.query['host']} user={url.username} dbname={url.database}"
    with closing(psycopg.connect(place)) as connection:
        assert connection.execute("SELECT count(*) FROM audit_entry").fetchone() == (0,)
