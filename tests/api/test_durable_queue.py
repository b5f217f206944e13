"""The durable queue: what it holds, whom it lets begin, and that it never decides what is done."""

import asyncio
import base64
import contextlib
import pickle
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from api.durable_queue import QUEUE, DurableQueue, JsonOnly, make_queue_tables
from crm.database import DatabaseConfig, DatabaseNotReadyError
from crm.ids import TenantId
from crm.queue_database import queue_url
from graphs.queue import Place
from tests.conftest import PostgresTemplates

ACME, GLOBEX = TenantId("acme"), TenantId("globex")
SOON_S = 20


@dataclass
class Worker:
    """Takes what it is handed and holds it until it is let go."""

    taken: list[Place] = field(default_factory=list)
    holds: asyncio.Event = field(default_factory=asyncio.Event)
    free: bool = False
    _came: asyncio.Event = field(default_factory=asyncio.Event)

    async def carry(self, place: Place) -> None:
        self.taken.append(place)
        self._came.set()
        await self.holds.wait()

    async def find_free(self, places: Collection[Place]) -> list[Place]:
        return list(places) if self.free else []

    async def until(self, count: int) -> None:
        async with asyncio.timeout(SOON_S):
            while len(self.taken) < count:
                self._came.clear()
                await self._came.wait()


@contextlib.asynccontextmanager
async def working(config: DatabaseConfig, folder: Path, worker: Worker, **more: int) -> AsyncIterator[DurableQueue]:
    make_queue_tables(config, folder)
    queue = DurableQueue(config, folder, executor="one", lease=timedelta(seconds=1.5), poll_s=0.05, **more)
    await queue.open(worker)
    try:
        yield queue
    finally:
        worker.holds.set()
        await queue.close(patience_s=2)


def place(tenant: TenantId, name: str, ticket: int = 0) -> Place:
    return Place(tenant, f"thread-{name}", f"run-{name}", ticket)


async def test_a_place_is_handed_out_once_however_often_it_is_put(
    database_config: DatabaseConfig, tmp_path: Path
) -> None:
    worker = Worker()
    async with working(database_config, tmp_path, worker) as queue:
        for _ in range(3):
            await queue.put(place(ACME, "a"))
        await worker.until(1)
        worker.holds.set()
        await queue.put(place(ACME, "a", ticket=1))
        await worker.until(2)
    assert worker.taken == [place(ACME, "a"), place(ACME, "a", ticket=1)]


async def test_a_tenant_that_floods_the_queue_leaves_room_for_another(
    database_config: DatabaseConfig, tmp_path: Path
) -> None:
    worker = Worker()
    async with working(database_config, tmp_path, worker, slots=4, per_tenant=2) as queue:
        for number in range(20):
            await queue.put(place(ACME, f"a{number}"))
        await worker.until(2)
        await queue.put(place(GLOBEX, "b"))
        await worker.until(3)
        assert [one.tenant for one in worker.taken] == [ACME, ACME, GLOBEX]


async def test_what_the_queue_does_not_hold_is_told_from_what_waits(
    database_config: DatabaseConfig, tmp_path: Path
) -> None:
    worker = Worker()
    async with working(database_config, tmp_path, worker, slots=1, per_tenant=1) as queue:
        running, waiting, never = place(ACME, "r"), place(ACME, "w"), place(ACME, "n")
        await queue.put(running)
        await worker.until(1)
        await queue.put(waiting)
        assert await queue.find_lost([running, waiting, never]) == {never.key}
        worker.holds.set()
        async with asyncio.timeout(SOON_S):
            while True:
                if await queue.find_lost([running, waiting]) == {running.key, waiting.key}:
                    break
                await asyncio.sleep(0.05)


async def test_what_nobody_works_on_is_handed_out_again(database_config: DatabaseConfig, tmp_path: Path) -> None:
    worker = Worker()
    async with working(database_config, tmp_path, worker) as queue:
        await queue.put(place(ACME, "a"))
        await worker.until(1)
        await asyncio.sleep(2.5)
        assert len(worker.taken) == 1  # somebody has a lease on it
        worker.free = True
        await worker.until(2)
        worker.free = False
    assert set(worker.taken) == {place(ACME, "a")}


async def test_a_process_without_slots_only_puts_in(database_config: DatabaseConfig, tmp_path: Path) -> None:
    make_queue_tables(database_config, tmp_path)
    outside = DurableQueue(database_config, tmp_path, executor="two", slots=0)
    await outside.open(Worker())
    worker = Worker()
    async with working(database_config, tmp_path, worker):
        await outside.put(place(ACME, "a"))
        await worker.until(1)
    await outside.close()


async def test_there_is_one_engine_in_a_process(database_config: DatabaseConfig, tmp_path: Path) -> None:
    async with working(database_config, tmp_path, Worker()):
        second = DurableQueue(database_config, tmp_path, executor="two")
        with pytest.raises(RuntimeError, match="open in this process"):
            await second.open(Worker())


@pytest.mark.parametrize("slots", [0, 2])
async def test_a_database_without_the_queues_tables_is_not_ready(
    postgresql_templates: PostgresTemplates, tmp_path: Path, slots: int
) -> None:
    """On SQLite the queue's file is made when it is opened."""
    with postgresql_templates.copied("migrated") as config:
        queue = DurableQueue(config, tmp_path, executor="one", slots=slots)
        with pytest.raises(DatabaseNotReadyError, match="run the migrations"):
            await queue.open(Worker())


class Exploit:
    def __init__(self, file: Path) -> None:
        self._file = file

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self._file,))


async def test_a_row_that_somebody_forged_runs_no_code_and_stops_nobody(
    database_config: DatabaseConfig, tmp_path: Path
) -> None:
    proof = tmp_path / "proof"
    pickled = base64.b64encode(pickle.dumps({"args": (Exploit(proof),), "kwargs": {}})).decode()
    worker = Worker()
    async with working(database_config, tmp_path, worker) as queue:
        for number, kind in enumerate(("py_pickle", "countersign_json", "portable_json")):
            _forge(database_config, tmp_path, f"forged-{number}", pickled, kind)
        await queue.put(place(ACME, "a"))
        await worker.until(1)
        await asyncio.sleep(0.5)
    assert worker.taken == [place(ACME, "a")]
    assert not proof.exists()


def _forge(config: DatabaseConfig, folder: Path, key: str, inputs: str, serialization: str) -> None:
    url = queue_url(config, folder)
    schema = "" if config.file is not None else "dbos."
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(
            text(
                f"INSERT INTO {schema}workflow_status (workflow_uuid, status, name, queue_name, queue_partition_key, "
                "application_version, application_name, inputs, serialization, created_at, updated_at, priority, "
                "recovery_attempts) VALUES (:key, 'ENQUEUED', 'carry_run', :queue, 'acme', '1', 'countersign', :inputs,"
                " :kind, 1, 1, 0, 0)"
            ),
            {"key": key, "queue": QUEUE, "inputs": inputs, "kind": serialization},
        )
    engine.dispose()


def test_what_is_stored_is_json() -> None:
    given = {"args": ("acme", "thread", "run", 3), "kwargs": {}}
    assert JsonOnly().deserialize(JsonOnly().serialize(given)) == given
    assert "secret" not in JsonOnly().serialize(ValueError("secret"))
