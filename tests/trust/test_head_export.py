"""With heads outside of the database, its owner can change nothing unseen, keys or no keys."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from crm.database import Database, DatabaseConfig
from crm.ids import TenantId
from tests.conftest import Templates
from tests.trust.forging import ENTRIES, HERE, MINE, NOW, PERSON, THERE, copy_of, enter, fill, forge, make_fit, restored
from trust import audit_check, head_export, keys
from trust.audit_check import BrokenLogError, Verdict
from trust.head_export import HeadExporter
from trust.head_sinks import FolderSink
from trust.tree_heads import HeadSigner, new_signing_key, read_known

SIGNER = HeadSigner.from_pem(new_signing_key().encode())


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


@pytest.fixture
def exporter(log: Database, tmp_path: Path) -> HeadExporter:
    return exporter_of(log, tmp_path)


def exporter_of(database: Database, folder: Path, every_s: float = 60) -> HeadExporter:
    return HeadExporter(database, FolderSink(folder), SIGNER, SIGNER.public, lambda: NOW, every_s=every_s)


async def check(database: Database, exporter: HeadExporter, tenant: TenantId = HERE) -> Verdict:
    known, faults = read_known(exporter.sink.read(tenant), tenant, exporter.verifier)
    assert faults == []
    async with database.session(tenant) as session:
        return await audit_check.verify(session, known)


async def test_heads_cover_the_log_as_it_grows(
    log: Database, exporter: HeadExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(head_export, "LINE_ENTRIES", 3)
    for tenant in (HERE, THERE):
        await exporter.export(tenant)
        await exporter.export(tenant)
        assert len(list(exporter.sink.read(tenant))) == 3, "nothing new, nothing said"
    for number in range(ENTRIES, 11):
        await enter(log, HERE, number)
    assert (await check(log, exporter)).covered == ENTRIES
    await exporter.export(HERE)
    verdict = await check(log, exporter)
    assert (verdict.covered, verdict.size, verdict.first_bad) == (11, 11, None)
    last = exporter.sink.last(HERE)
    assert last is not None
    assert (last.signed.head.root, last.signed.head.at) == (verdict.root, "2026-11-02T09:00:00Z")
    assert (await check(log, exporter, THERE)).covered == ENTRIES


CUTS = {
    "last": ([f"DELETE FROM audit_entry WHERE leaf_index = 7 AND {MINE}"], 7),
    "end": ([f"DELETE FROM audit_entry WHERE leaf_index > 2 AND {MINE}"], 3),
    "all": ([f"DELETE FROM audit_entry WHERE {MINE}"], 0),
}


async def test_an_end_that_was_cut_off_is_found_by_the_exported_heads(
    log: Database, config: DatabaseConfig, exporter: HeadExporter
) -> None:
    await exporter.export(HERE)
    for statements, bad in CUTS.values():
        with restored(config):
            forge(config, *statements)
            make_fit(config)
            async with log.session(HERE) as session:
                assert (await audit_check.verify(session)).first_bad is None, "the table alone cannot tell"
            verdict = await check(log, exporter)
            assert verdict.first_bad == bad
            assert verdict.reason == (
                f"entry {bad} and all after it are missing: a head of 8 entries was signed at 2026-11-02T09:00:00Z"
            )
            with pytest.raises(BrokenLogError, match=f"entry {bad} and all after it are missing"):
                await exporter.export(HERE)
            assert (await check(log, exporter, THERE)).first_bad is None


async def test_table_and_head_deleted_together_are_missed(
    log: Database, config: DatabaseConfig, exporter: HeadExporter
) -> None:
    await exporter.export(HERE)
    forge(config, f"DELETE FROM audit_entry WHERE {MINE}", f"DELETE FROM audit_head WHERE {MINE}")
    assert (await check(log, exporter)).first_bad == 0
    await enter(log, HERE, 0)  # and the service goes on without knowing
    verdict = await check(log, exporter)
    assert (verdict.first_bad, verdict.reason) == (0, "entry 0 is not the one whose hash was exported")


REWRITES = {
    "changed": ([f"UPDATE audit_entry SET kind = 'x' WHERE leaf_index = 3 AND {MINE}"], 3),
    "gone": ([f"DELETE FROM audit_entry WHERE leaf_index = 5 AND {MINE}"], 5),
    "swapped": (
        [
            f"UPDATE audit_entry SET leaf_index = 100 WHERE leaf_index = 1 AND {MINE}",
            f"UPDATE audit_entry SET leaf_index = 1 WHERE leaf_index = 3 AND {MINE}",
            f"UPDATE audit_entry SET leaf_index = 3 WHERE leaf_index = 100 AND {MINE}",
        ],
        1,
    ),
    "put in": (
        [
            f"UPDATE audit_entry SET leaf_index = leaf_index + 100 WHERE leaf_index > 4 AND {MINE}",
            f"UPDATE audit_entry SET leaf_index = leaf_index - 99 WHERE leaf_index > 104 AND {MINE}",
            copy_of(1, 5),
        ],
        5,
    ),
}


async def test_a_history_rewritten_where_keys_are_gone_is_found_at_its_first_entry(
    log: Database, config: DatabaseConfig, exporter: HeadExporter
) -> None:
    """The tenant's key gone, no payload can vouch for its entry; the exported leaves still do."""
    await exporter.export(HERE)
    async with log.session(HERE, write=True) as session:
        await keys.shred_tenant_key(session)
    assert (await check(log, exporter)).first_bad is None
    for statements, bad in REWRITES.values():
        with restored(config):
            forge(config, *statements)
            make_fit(config)
            async with log.session(HERE) as session:
                assert (await audit_check.verify(session)).first_bad is None, "the table alone cannot tell"
            verdict = await check(log, exporter)
            assert (verdict.first_bad, verdict.reason) == (
                bad,
                f"entry {bad} is not the one whose hash was exported",
            )


async def test_a_rewritten_history_is_never_signed(
    log: Database, config: DatabaseConfig, exporter: HeadExporter, caplog: pytest.LogCaptureFixture
) -> None:
    await exporter.export(HERE)
    lines = list(exporter.sink.read(HERE))
    async with log.session(HERE, write=True) as session:
        await keys.shred_person_key(session, PERSON)
    forge(config, f"UPDATE audit_entry SET kind = 'x' WHERE leaf_index = 3 AND {MINE}")
    make_fit(config)
    with caplog.at_level(logging.CRITICAL):
        await exporter.export_all()
    assert [record.message for record in caplog.records] == [
        "the audit of tenant 'northwind' is broken: its head is not the one of 8 entries that was exported"
    ]
    assert list(exporter.sink.read(HERE)) == lines
    assert len(list(exporter.sink.read(THERE))) == 1, "the other tenant's log goes on"


async def test_what_was_changed_before_it_was_exported_is_not_signed(
    log: Database, config: DatabaseConfig, exporter: HeadExporter
) -> None:
    forge(config, f"UPDATE audit_entry SET kind = 'x' WHERE leaf_index = 4 AND {MINE}")
    make_fit(config)
    with pytest.raises(BrokenLogError, match="entry 4 was not written by this service"):
        await exporter.export(HERE)
    assert exporter.sink.last(HERE) is None


async def test_a_head_that_somebody_else_signed_is_not_gone_on_from(log: Database, tmp_path: Path) -> None:
    stranger = HeadSigner.from_pem(new_signing_key().encode())
    sink = FolderSink(tmp_path)
    await HeadExporter(log, sink, stranger, stranger.public, lambda: NOW, every_s=60).export(HERE)
    await enter(log, HERE, 9)
    with pytest.raises(BrokenLogError, match="not signed by a key of this service"):
        await exporter_of(log, tmp_path).export(HERE)
    believed = SIGNER.public.joined(stranger.public)
    await HeadExporter(log, sink, SIGNER, believed, lambda: NOW, every_s=60).export(HERE)
    known, faults = read_known(sink.read(HERE), HERE, believed)
    assert (faults, known.size) == ([], ENTRIES + 1)


async def test_many_exporters_and_writers_at_once_make_one_history(log: Database, tmp_path: Path) -> None:
    exporters = [exporter_of(log, tmp_path) for _ in range(3)]
    for number in range(6):
        await asyncio.gather(
            *(one.export(HERE) for one in exporters),
            *(enter(log, HERE, number) for _ in range(2)),
            check(log, exporters[0]),
        )
    await exporters[0].export(HERE)
    verdict = await check(log, exporters[0])
    assert (verdict.size, verdict.covered, verdict.first_bad) == (ENTRIES + 12, ENTRIES + 12, None)


async def test_heads_are_exported_now_and_then_and_at_the_end(log: Database, tmp_path: Path) -> None:
    exporter = exporter_of(log, tmp_path, every_s=0.01)
    await exporter.start()
    async with asyncio.timeout(20):
        while exporter.sink.last(HERE) is None or exporter.sink.last(THERE) is None:  # noqa: ASYNC110 - a folder
            await asyncio.sleep(0.01)
    slow = exporter_of(log, tmp_path, every_s=600)
    await exporter.stop()
    await slow.start()
    await enter(log, HERE, 9)
    await slow.stop()
    assert (await check(log, slow)).covered == ENTRIES + 1


async def test_a_folder_that_is_away_stops_nothing(
    log: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("no folder")
    exporter = exporter_of(log, tmp_path / "file")
    await exporter.export_all()
    assert len(caplog.records) == 2
    assert "could not be exported" in caplog.text
