"""A key opens what it sealed, in its place, for its tenant, until it is shredded: then nothing does, anywhere."""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from crm.database import Database, DatabaseConfig, TenantSession
from crm.errors import ErasedError
from crm.ids import TenantId
from crm.repositories import keys as rows
from crm.sealing import DataKey, MasterKeys, SealError, new_secret
from tests.conftest import MASTER_KEY
from trust import keys

ACME, GLOBEX = TenantId("acme"), TenantId("globex")
ANN = "003CS00000000000AA"
NEWER = b"a key that came after the first one"


@asynccontextmanager
async def opened(config: DatabaseConfig, *masters: bytes) -> AsyncIterator[Database]:
    """What another process with these master keys has."""
    database = Database(replace(config, master_keys=masters))
    try:
        yield database
    finally:
        await database.close()


def make_key(*owner: str) -> DataKey:
    return DataKey(new_secret(), owner)


class TestSealing:
    def test_what_was_sealed_opens_in_its_place(self) -> None:
        key = make_key("acme", "thread", "t1")
        assert key.open(key.seal(b"Ann Poe", "message", "7"), "message", "7") == b"Ann Poe"

    @pytest.mark.parametrize("purpose", [(), ("message",), ("message", "8"), ("message7",), ("message", "7", "")])
    def test_elsewhere_it_does_not(self, purpose: tuple[str, ...]) -> None:
        key = make_key("acme", "thread", "t1")
        with pytest.raises(SealError):
            key.open(key.seal(b"Ann Poe", "message", "7"), *purpose)

    @pytest.mark.parametrize("owner", [("acme", "thread", "t2"), ("globex", "thread", "t1"), ("acme", "threadt1")])
    def test_the_owner_is_sealed_in(self, owner: tuple[str, ...]) -> None:
        key = make_key("acme", "thread", "t1")
        with pytest.raises(SealError):
            DataKey(key.secret, owner).open(key.seal(b"Ann Poe"))

    def test_no_bit_may_change(self) -> None:
        key = make_key("acme")
        sealed = key.seal(b"Ann Poe")
        for place in range(len(sealed) * 8):
            damaged = bytearray(sealed)
            damaged[place // 8] ^= 1 << place % 8
            with pytest.raises(SealError):
                key.open(bytes(damaged))

    @pytest.mark.parametrize("plain", [b"", b"\x01", b"Ann Poe", b'{"messages": []}', b"\x01" + b"a" * 40])
    def test_what_was_never_sealed_is_refused(self, plain: bytes) -> None:
        with pytest.raises(SealError):
            make_key("acme").open(plain)

    def test_a_key_does_not_show_itself(self) -> None:
        key = make_key("acme")
        assert repr(key.secret) not in repr(key)
        assert repr(MASTER_KEY) not in repr(DatabaseConfig(url="sqlite://", master_keys=(MASTER_KEY,)))

    @pytest.mark.parametrize("masters", [[], [b"short"], [MASTER_KEY, b"short"]])
    def test_a_master_key_is_long(self, masters: list[bytes]) -> None:
        with pytest.raises(ValueError, match="32 bytes"):
            MasterKeys(masters)


Maker = Callable[[TenantSession], Awaitable[DataKey]]
MAKERS: list[Maker] = [
    lambda session: keys.get_thread_key(session, "t1"),
    lambda session: keys.get_person_key(session, ANN),
    keys.get_tenant_key,
]


@pytest.mark.parametrize("get", MAKERS)
async def test_a_key_is_the_same_for_each_process_and_another_for_each_tenant(
    get: Maker, database: Database, database_config: DatabaseConfig
) -> None:
    async with database.session(ACME, write=True) as session:
        sealed = (await get(session)).seal(b"Ann Poe")
    async with opened(database_config, MASTER_KEY) as other:
        async with other.session(ACME) as session:
            assert (await get(session)).open(sealed) == b"Ann Poe"
        async with other.session(GLOBEX, write=True) as session:
            with pytest.raises(SealError):
                (await get(session)).open(sealed)


async def test_a_shredded_key_is_gone_here_and_in_other_processes(
    database: Database, database_config: DatabaseConfig
) -> None:
    async with opened(database_config, MASTER_KEY) as other:
        for one in (database, other):
            for tenant in (ACME, GLOBEX):
                async with one.session(tenant, write=True) as session:
                    await keys.get_thread_key(session, "t1")
                    await keys.get_thread_key(session, "t2")
        async with database.session(ACME, write=True) as session:
            assert await keys.shred_thread_key(session, "t1")
            with pytest.raises(ErasedError, match="conversation has been erased"):
                await keys.get_thread_key(session, "t1")
            assert not await keys.shred_thread_key(session, "t1")
        for one in (database, other):
            async with one.session(ACME, write=True) as session:
                with pytest.raises(ErasedError):
                    await keys.get_thread_key(session, "t1")
                assert await keys.find_thread_key(session, "t1") is None
                assert await keys.find_thread_key(session, "t2") is not None
            async with one.session(GLOBEX) as session:
                assert await keys.find_thread_key(session, "t1") is not None


async def test_what_was_erased_before_it_began_never_begins(database: Database) -> None:
    async with database.session(ACME, write=True) as session:
        assert await keys.find_person_key(session, ANN) is None
        assert await keys.shred_person_key(session, ANN)
    async with database.session(ACME, write=True) as session:
        with pytest.raises(ErasedError):
            await keys.get_person_key(session, ANN)


async def test_with_the_tenant_everything_of_the_tenant_is_lost(database: Database) -> None:
    for tenant in (ACME, GLOBEX):
        async with database.session(tenant, write=True) as session:
            await keys.get_thread_key(session, "t1")
            await keys.get_person_key(session, ANN)
    async with database.session(ACME, write=True) as session:
        assert await keys.shred_tenant_key(session)
    async with database.session(ACME, write=True) as session:
        for get in (*MAKERS, lambda session: keys.get_thread_key(session, "new")):
            with pytest.raises(ErasedError, match="has been erased"):
                await get(session)
        assert not await keys.shred_tenant_key(session)
    async with database.session(GLOBEX) as session:
        assert await keys.find_thread_key(session, "t1") is not None


@pytest.mark.parametrize(
    "change",
    ["UPDATE data_key SET wrapped = :old WHERE scope_id = 't1'", "DELETE FROM data_key WHERE scope_id = 't1'"],
)
async def test_a_tombstone_stays(database: Database, change: str) -> None:
    checked = {"tenant_checked": "tries what the database refuses"}
    async with database.session(ACME, write=True) as session:
        await keys.get_thread_key(session, "t1")
        old = await session.scalar(
            text("SELECT wrapped FROM data_key WHERE scope_id = 't1'"), execution_options=checked
        )
        await keys.shred_thread_key(session, "t1")
    with pytest.raises(DBAPIError):
        async with database.session(ACME, write=True) as session:
            await session.execute(text(change), {"old": old} if ":old" in change else {}, execution_options=checked)
    async with database.session(ACME, write=True) as session:
        with pytest.raises(ErasedError):
            await keys.get_thread_key(session, "t1")


async def test_reading_makes_no_key(database: Database) -> None:
    async with database.session(ACME) as session:
        assert await keys.find_thread_key(session, "t1") is None


class TestMasterKeys:
    async def test_another_master_key_opens_nothing(self, database: Database, database_config: DatabaseConfig) -> None:
        async with database.session(ACME, write=True) as session:
            await keys.get_thread_key(session, "t1")
        async with opened(database_config, NEWER) as other, other.session(ACME, write=True) as session:
            with pytest.raises(SealError, match="not configured"):
                await keys.get_thread_key(session, "t1")

    async def test_without_a_master_key_nothing_is_sealed(self, database_config: DatabaseConfig) -> None:
        async with opened(database_config) as keyless, keyless.session(ACME, write=True) as session:
            with pytest.raises(SealError, match="no master key"):
                await keys.get_thread_key(session, "t1")

    async def test_after_rotation_the_newer_key_alone_opens(
        self, database: Database, database_config: DatabaseConfig
    ) -> None:
        async with database.session(ACME, write=True) as session:
            sealed = (await keys.get_thread_key(session, "t1")).seal(b"Ann Poe")
            assert not await rows.rewrap(session)
        async with opened(database_config, NEWER, MASTER_KEY) as both, both.session(ACME, write=True) as session:
            assert (await keys.get_thread_key(session, "t1")).open(sealed) == b"Ann Poe"
            assert await rows.rewrap(session)
            assert not await rows.rewrap(session)
        async with opened(database_config, NEWER) as newer, newer.session(ACME) as session:
            assert (await keys.get_thread_key(session, "t1")).open(sealed) == b"Ann Poe"
        async with database.session(ACME) as session:
            with pytest.raises(SealError):
                await keys.get_thread_key(session, "t1")


async def test_a_wrapped_key_moved_to_another_name_is_refused(database: Database) -> None:
    async with database.session(ACME, write=True) as session:
        await keys.get_thread_key(session, "t1")
        await keys.get_thread_key(session, "t2")
        swap = (
            "UPDATE data_key SET wrapped = (SELECT wrapped FROM data_key WHERE scope_id = 't1') WHERE scope_id = 't2'"
        )
        await session.execute(text(swap), execution_options={"tenant_checked": "plays the database's owner"})
    async with database.session(ACME) as session:
        with pytest.raises(SealError):
            await keys.get_thread_key(session, "t2")


async def test_a_key_stands_in_no_file_in_clear_and_leaves_it_when_shredded(
    sqlite_templates: object, database: Database, database_config: DatabaseConfig
) -> None:
    if database_config.file is None:
        return
    async with database.session(ACME, write=True) as session:
        key = await keys.get_thread_key(session, "t1")
    with closing(sqlite3.connect(database_config.file)) as file:
        ((wrapped,),) = file.execute("SELECT wrapped FROM data_key WHERE scope_id = 't1'")
        async with database.session(ACME, write=True) as session:
            await keys.shred_thread_key(session, "t1")
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw = database_config.file.read_bytes()
    assert key.secret not in raw
    assert wrapped not in raw
