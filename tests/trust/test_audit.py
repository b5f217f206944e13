"""Whatever is done to the audit behind its back, reading it finds the first entry that is not right."""

from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import replace

import psycopg
import pytest
from sqlalchemy import delete, make_url, update
from sqlalchemy.exc import DBAPIError

from crm.database import Database, DatabaseConfig
from crm.ids import TenantId
from crm.work import AuditEntry
from tests.conftest import Templates
from tests.oracle import raw_rows
from tests.trust.forging import ENTRIES, HERE, MINE, NOW, PERSON, THERE, copy_of, enter, fill, forge, make_fit, restored
from trust import audit, audit_check, keys
from trust.audit_check import Verdict
from trust.merkle import EMPTY_ROOT, is_consistent, is_included


@pytest.fixture
def config(templates: Templates) -> Iterator[DatabaseConfig]:
    templates.build("audited", fill)
    with templates.copied("audited") as copy:
        yield copy


@pytest.fixture
async def log(config: DatabaseConfig) -> AsyncIterator[Database]:
    opened = Database(config)
    yield opened
    await opened.close()


async def check(database: Database, tenant: TenantId = HERE) -> Verdict:
    async with database.session(tenant) as session:
        return await audit_check.verify(session)


async def first_bad(database: Database, tenant: TenantId = HERE) -> int | None:
    return (await check(database, tenant)).first_bad


async def test_an_untouched_log_holds(log: Database) -> None:
    for tenant in (HERE, THERE):
        verdict = await check(log, tenant)
        assert (verdict.size, verdict.first_bad, verdict.reason) == (ENTRIES, None, "")


async def test_an_empty_log_holds(log: Database) -> None:
    assert await check(log, TenantId("nobody")) == Verdict(0, EMPTY_ROOT.hex())


CHANGES = {
    "kind": ("UPDATE audit_entry SET kind = 'x' WHERE leaf_index = 3", 3),
    "actor": ("UPDATE audit_entry SET actor = 'x' WHERE leaf_index = 0", 0),
    "subject": ("UPDATE audit_entry SET subject = 'x' WHERE leaf_index = 7", 7),
    "payload": ("UPDATE audit_entry SET payload = {bytes} WHERE leaf_index = 4", 4),
    "payload's hash": ("UPDATE audit_entry SET payload_hash = 'x' WHERE leaf_index = 4", 4),
    "whose key": ("UPDATE audit_entry SET sealed_for = '' WHERE leaf_index = 5", 5),
    "second": ("UPDATE audit_entry SET at = '2026-11-02 09:00:01{zone}' WHERE leaf_index = 5", 5),
    "part of a second": ("UPDATE audit_entry SET at = '2026-11-02 09:00:00.400000{zone}' WHERE leaf_index = 5", 5),
    "hashes": ("UPDATE audit_entry SET hashes = {bytes} WHERE leaf_index = 6", 6),
    "number in the middle": ("UPDATE audit_entry SET leaf_index = 100 WHERE leaf_index = 3", 3),
    "number at the end": ("UPDATE audit_entry SET leaf_index = 100 WHERE leaf_index = 7", 7),
    "first gone": ("DELETE FROM audit_entry WHERE leaf_index = 0", 0),
    "middle gone": ("DELETE FROM audit_entry WHERE leaf_index = 5", 5),
    "last gone": ("DELETE FROM audit_entry WHERE leaf_index = 7", 7),
    "end gone": ("DELETE FROM audit_entry WHERE leaf_index > 2", 3),
    "all gone": ("DELETE FROM audit_entry WHERE leaf_index >= 0", 0),
    "head's size": ("UPDATE audit_head SET size = 7 WHERE size = 8", 7),
    "head's peaks": ("UPDATE audit_head SET peaks = {bytes} WHERE size = 8", 8),
    "head gone": ("DELETE FROM audit_head WHERE size = 8", 0),
    "one more": (copy_of(7, 8), 8),
}


async def test_each_kind_of_tampering_is_found_where_it_is(log: Database, config: DatabaseConfig) -> None:
    is_sqlite = config.file is not None
    some_bytes = "x'00'" if is_sqlite else "'\\x00'::bytea"
    for name, (statement, bad) in CHANGES.items():
        statement = statement.replace("{bytes}", some_bytes).replace("{zone}", "" if is_sqlite else "+00")
        with restored(config):
            forge(config, statement if MINE in statement else f"{statement} AND {MINE}")
            verdict = await check(log)
            assert (name, verdict.first_bad) == (name, bad)
            assert "\n" not in verdict.reason
            assert await first_bad(log, THERE) is None, "the other tenant's log is its own"
    assert await first_bad(log) is None


FORGERIES = {
    "changed": (["UPDATE audit_entry SET kind = 'x' WHERE leaf_index = 3"], 3),
    "changed for the tenant's key": (["UPDATE audit_entry SET subject = 'x' WHERE leaf_index = 2"], 2),
    "earlier": (["UPDATE audit_entry SET at = '2026-11-02 08:00:00{zone}' WHERE leaf_index = 6"], 6),
    "hash of what is sealed": (["UPDATE audit_entry SET payload_hash = 'x' WHERE leaf_index = 4"], 4),
    "first gone": (["DELETE FROM audit_entry WHERE leaf_index = 0"], 0),
    "middle gone": (["DELETE FROM audit_entry WHERE leaf_index = 5"], 5),
    "put in between": (
        [
            "UPDATE audit_entry SET leaf_index = leaf_index + 100 WHERE leaf_index > 4",
            "UPDATE audit_entry SET leaf_index = leaf_index - 99 WHERE leaf_index > 104",
            copy_of(2, 5),
        ],
        5,
    ),
    "places changed": (
        [
            "UPDATE audit_entry SET leaf_index = 100 WHERE leaf_index = 2",
            "UPDATE audit_entry SET leaf_index = 2 WHERE leaf_index = 4",
            "UPDATE audit_entry SET leaf_index = 4 WHERE leaf_index = 100",
        ],
        2,
    ),
    "one more": ([copy_of(7, 8)], 8),
}


async def test_hashes_made_to_fit_do_not_help_without_the_keys(log: Database, config: DatabaseConfig) -> None:
    zone = "" if config.file is not None else "+00"
    for name, (statements, bad) in FORGERIES.items():
        with restored(config):
            forge(config, *(one if MINE in one else f"{one} AND {MINE}".replace("{zone}", zone) for one in statements))
            make_fit(config)
            verdict = await check(log)
            assert (name, verdict.first_bad, verdict.reason) == (
                name,
                bad,
                f"entry {bad} was not written by this service: its payload does not open",
            )
            assert await first_bad(log, THERE) is None


async def test_an_entry_of_another_tenant_does_not_fit(log: Database, config: DatabaseConfig) -> None:
    forge(
        config,
        f"DELETE FROM audit_entry WHERE leaf_index = 2 AND {MINE}",
        f"UPDATE audit_entry SET tenant = '{HERE}' WHERE leaf_index = 2 AND tenant = '{THERE}'",
    )
    assert await first_bad(log) == 2
    assert await first_bad(log, THERE) == 2
    make_fit(config)
    assert await first_bad(log) == 2


async def test_nothing_of_a_payload_is_in_the_database_in_clear(log: Database, config: DatabaseConfig) -> None:
    for row in raw_rows(config, "audit_entry"):
        assert b"nested" not in bytes(row["payload"])
    async with log.session(HERE) as session:
        entry = await session.get_one(AuditEntry, (HERE, 3))
        opened = await audit.open_payload(session, entry)
        assert opened is not None
        assert opened.payload == {"number": 3, "of": HERE, "nested": {"é": [1.5, None, True]}}


async def test_shredding_a_key_loses_payloads_and_keeps_every_proof(log: Database) -> None:
    async with log.session(HERE) as session:
        before = await audit.prove_inclusion(session, 3)
    async with log.session(HERE, write=True) as session:
        assert await keys.shred_person_key(session, PERSON)
    assert await first_bad(log) is None
    async with log.session(HERE) as session:
        assert await audit.prove_inclusion(session, 3) == before
        opened = [await audit.open_payload(session, await session.get_one(AuditEntry, (HERE, n))) for n in range(8)]
    assert [one is None for one in opened] == [False, True] * 4
    async with log.session(THERE) as session:
        other = await session.get_one(AuditEntry, (THERE, 3))
        assert await audit.open_payload(session, other) is not None, "the same person's key of the other tenant"


async def test_entries_about_an_erased_person_are_still_entered(log: Database) -> None:
    async with log.session(HERE, write=True) as session:
        await keys.shred_person_key(session, PERSON)
    assert await enter(log, HERE, 9) == ENTRIES
    async with log.session(HERE) as session:
        entry = await session.get_one(AuditEntry, (HERE, ENTRIES))
        assert entry.sealed_for == ""
    assert await first_bad(log) is None


async def test_the_service_proves_what_is_in_the_log(log: Database) -> None:
    for number in range(ENTRIES, 21):
        await enter(log, HERE, number)
    async with log.session(HERE) as session:
        size, root = await audit.get_root(session)
        assert size == 21
        for index in (0, 7, 8, 15, 20):
            proof = await audit.prove_inclusion(session, index)
            assert proof.root == root
            assert is_included(proof.leaf, index, size, root, proof.hashes)
        early = await audit.prove_inclusion(session, 3, size=6)
        assert is_included(early.leaf, 3, 6, early.root, early.hashes)
        for first in (0, 1, 6, 8, 16, 20, 21):
            found = await audit.prove_continuation(session, first)
            assert found.second_root == root
            assert is_consistent(first, found.first_root, size, root, found.hashes)
        assert (await audit.prove_continuation(session, 6)).first_root == early.root
    for wanted in ((21, None), (3, 22), (6, 6)):
        async with log.session(HERE) as session:
            with pytest.raises(audit.NoSuchEntryError):
                await audit.prove_inclusion(session, wanted[0], size=wanted[1])
    async with log.session(THERE) as session:
        with pytest.raises(audit.NoSuchEntryError):
            await audit.prove_inclusion(session, ENTRIES)
        with pytest.raises(audit.NoSuchEntryError):
            await audit.prove_continuation(session, 9, 8)


async def test_a_damaged_log_proves_nothing(log: Database, config: DatabaseConfig) -> None:
    forge(config, f"DELETE FROM audit_entry WHERE leaf_index = 5 AND {MINE}")
    async with log.session(HERE) as session:
        with pytest.raises(audit.NoSuchEntryError, match="damaged"):
            await audit.prove_inclusion(session, 4)


async def test_the_service_itself_cannot_change_an_entry(log: Database) -> None:
    plain = {"synchronize_session": False}
    for statement in (update(AuditEntry).values(kind="x"), delete(AuditEntry)):
        with pytest.raises(DBAPIError):
            async with log.session(HERE, write=True) as session:
                await session.execute(statement, execution_options=plain)
    assert await first_bad(log) is None


async def test_an_entry_stands_or_falls_with_what_it_tells_of(log: Database) -> None:
    async def fail_after_recording() -> None:
        async with log.session(HERE, write=True) as session:
            await audit.record(session, at=NOW, kind="k", actor="a", subject="s", payload={})
            raise LookupError

    with pytest.raises(LookupError):
        await fail_after_recording()
    assert (await check(log)).size == ENTRIES


async def test_another_master_key_opens_nothing_and_says_so(config: DatabaseConfig) -> None:
    stranger = Database(replace(config, master_keys=(b"a master key that has sealed nothing",)))
    try:
        assert await first_bad(stranger) == 0
    finally:
        await stranger.close()


@pytest.mark.parametrize("templates", ["postgresql"], indirect=True)  # SQLite has no roles
async def test_the_owner_of_the_tables_is_no_superuser(log: Database, config: DatabaseConfig) -> None:
    url = make_url(config.owner_url or "")
    place = f"host={url.query['host']} user={url.username} dbname={url.database}"
    with closing(psycopg.connect(place)) as connection:
        assert connection.execute("SELECT count(*) FROM audit_entry").fetchone() == (0,)
