"""The durable queue on DBOS: each tenant's runs in turn, over any number of processes, on SQLite or PostgreSQL.

The queue holds ids only. It may lose a place or hand one out twice: the run's own row, with its lease, decides. So
nothing of a run depends on the engine's recovery, and an engine's row that somebody forged starts nothing that was not
accepted.
"""

import asyncio
import json
import logging
import sys
from collections.abc import Awaitable, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import dbos._serialization as engine_formats
from dbos import DBOS, DBOSClient, DBOSConfig

from crm.database import DatabaseConfig, DatabaseNotReadyError
from crm.ids import TenantId
from crm.queue_database import open_queue_database, owner_queue_url, queue_url
from graphs.queue import Place

QUEUE = "runs"
APPLICATION = "countersign"
VERSION = "1"
"""Of the queue's entries. What a run may go on with is decided by its graph's version, not by the engine."""
KEEP = timedelta(hours=1)
"""How long the engine's record of a run that is done is kept."""
_TIDY_EVERY_S = 600.0
_SWITCH_S = 0.001
"""How long a thread of a process that works on runs keeps the interpreter while another wants it."""
_ACTIVE = ["ENQUEUED", "PENDING", "DELAYED"]

_log = logging.getLogger(__name__)


class Carrier(Protocol):
    """Works on runs: `graphs.runner.Runner`."""

    async def carry(self, place: Place) -> None: ...

    async def find_free(self, places: Collection[Place]) -> list[Place]: ...


class JsonOnly(engine_formats.Serializer):
    """What the engine stores, as JSON: reading a row must not run code, whoever wrote it."""

    def serialize(self, data: Any) -> str:
        return json.dumps(_plain(data), separators=(",", ":"))

    def deserialize(self, serialized_data: str) -> Any:
        return _as_inputs(json.loads(serialized_data))

    def name(self) -> str:
        return "countersign_json"


def _plain(data: Any) -> Any:
    if isinstance(data, datetime):
        return data.isoformat()
    if isinstance(data, BaseException):
        return {"error": type(data).__name__}
    if isinstance(data, list | tuple):
        return [_plain(one) for one in data]
    if isinstance(data, dict):
        return {str(name): _plain(one) for name, one in data.items()}
    return data


def _as_inputs(data: Any) -> Any:
    if isinstance(data, dict) and data.keys() == {"args", "kwargs"}:
        return {"args": tuple(data["args"]), "kwargs": data["kwargs"]}
    return data


def _refuse_pickle(_self: Any, _data: str) -> Any:
    raise TypeError("a row of the queue is in a format that is not read")


# The engine believes a row that says it is pickled, whatever the configuration says.
engine_formats.DefaultSerializer.deserialize = _refuse_pickle  # type: ignore[method-assign,assignment]

_carrier: Carrier | None = None


@DBOS.workflow(name="carry_run", max_recovery_attempts=1_000_000)
async def _carry_run(tenant: str, thread_id: str, run_id: str, ticket: int) -> None:
    if _carrier is not None:
        # tenant-id: as the process that accepted the run wrote it; the run's own row has to agree
        place = Place(TenantId(tenant), thread_id, run_id, ticket)
        try:
            await _carrier.carry(place)
        except Exception:  # the run's row still says that it is to be done; whoever looks for such runs finds it
            _log.exception("run %s left the queue undone", run_id)


class DurableQueue:
    """One process's part in the queue. `slots`: how many runs it takes at once, 0 if it only puts runs in;
    `per_tenant`: how many of them for one tenant; `per_minute`: how many runs of a tenant begin in a minute, anywhere.

    The engine is one per process; `open` fails if it is in use.
    """

    def __init__(
        self,
        config: DatabaseConfig,
        folder: Path,
        *,
        executor: str,
        slots: int = 16,
        per_tenant: int = 4,
        per_minute: int | None = None,
        poll_s: float = 0.1,
        lease: timedelta = timedelta(seconds=15),
    ) -> None:
        self._url = queue_url(config, folder)
        self._is_sqlite = config.file is not None
        self.executor = executor
        self._slots, self._per_tenant, self._per_minute = slots, per_tenant, per_minute
        self._poll_s = poll_s
        self._lease = lease
        self._engines: list[Any] = []
        self._client: DBOSClient | None = None
        self._chores: list[asyncio.Task[None]] = []

    async def open(self, carrier: Carrier) -> None:
        """Join in.

        Raises: DatabaseNotReadyError; RuntimeError if the engine is in use in this process.
        """
        global _carrier
        if self._slots:
            if _carrier is not None:
                raise RuntimeError("the durable queue is open in this process already")
            _carrier = carrier
            try:
                self._launch()
            except Exception as error:
                await self.close(patience_s=0)
                raise _not_ready(error) from error
            await DBOS.register_queue_async(QUEUE, **self._limits(), on_conflict="always_update")
        elif self._is_sqlite:
            await asyncio.to_thread(DBOS.migrate, self._url)
        engine = open_queue_database(self._url, size=4)
        self._engines.append(engine)
        self._client = DBOSClient(
            system_database_engine=engine, serializer=JsonOnly(), application_name=APPLICATION, lazy=True
        )
        try:
            await self._client.list_workflows_async(queue_name=QUEUE, limit=1)
        except Exception as error:
            await self.close(patience_s=0)
            raise _not_ready(error) from error
        if self._slots:
            self._chores = [
                asyncio.create_task(self._every(self._lease.total_seconds() / 3, self._hand_back)),
                asyncio.create_task(self._every(_TIDY_EVERY_S, self._tidy)),
            ]

    def _launch(self) -> None:
        """In the event loop, so that runs are worked on in it; it takes a moment, before anything else runs."""
        # The engine looks for runs in a thread. Its dozen statements would each wait 5 ms for the busy event loop.
        sys.setswitchinterval(_SWITCH_S)
        engine = open_queue_database(self._url, size=8)
        self._engines.append(engine)
        config: DBOSConfig = {
            "name": APPLICATION,
            "system_database_url": self._url,
            "system_database_engine": engine,
            "executor_id": self.executor,
            "application_version": VERSION,
            "serializer": JsonOnly(),
            "run_migrations": self._is_sqlite,
            "use_listen_notify": not self._is_sqlite,
            "log_level": "ERROR",
            "scheduler_polling_interval_sec": 3_600.0,
            "max_executor_threads": 16,
        }
        DBOS(config=config)
        DBOS.launch()

    def _limits(self) -> dict[str, Any]:
        limits: dict[str, Any] = {
            "worker_concurrency": self._slots,
            "partition_worker_concurrency": min(self._per_tenant, self._slots),
            "polling_interval_sec": self._poll_s,
        }
        if self._per_minute is not None:
            limits["partition_limiter"] = {"limit": self._per_minute, "period": 60.0}
        return limits

    async def close(self, *, patience_s: float = 10) -> None:
        """Take nothing more, let what was taken end within `patience_s`, and leave."""
        global _carrier
        for chore in self._chores:
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)
        if self._slots and _carrier is not None:
            loop = asyncio.get_running_loop()
            leave = partial(DBOS.destroy, workflow_completion_timeout_sec=int(patience_s))
            with ThreadPoolExecutor(1) as aside:
                await loop.run_in_executor(aside, leave)
            # The engine has put its own threads in the place of the loop's, and ended them by now.
            loop.set_default_executor(ThreadPoolExecutor())
            _carrier = None
        if self._client is not None:
            self._client.destroy()
        for engine in self._engines:
            engine.dispose()

    async def put(self, place: Place) -> None:
        """Add a place; nothing happens if it is there already."""
        await self._opened().enqueue_async(
            {
                "workflow_name": "carry_run",
                "queue_name": QUEUE,
                "workflow_id": place.key,
                "queue_partition_key": place.tenant,
                "app_version": VERSION,
            },
            place.tenant,
            place.thread_id,
            place.run_id,
            place.ticket,
        )

    async def find_lost(self, places: Collection[Place]) -> set[str]:
        """Keys of those places that the queue does not hold, or is through with."""
        keys = [place.key for place in places]
        found = await self._opened().list_workflows_async(
            workflow_ids=keys, status=_ACTIVE, load_input=False, load_output=False
        )
        return set(keys) - {one.workflow_id for one in found}

    def _opened(self) -> DBOSClient:
        if self._client is None:
            raise RuntimeError("the queue is not open")
        return self._client

    async def _every(self, seconds: float, chore: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await chore()
            except Exception:  # a chore that fails once is tried again
                _log.exception("chore of the queue failed")

    async def _hand_back(self) -> None:
        """Put places back that a process took and died over: nobody else would ever notice that it did."""
        taken = await self._opened().list_workflows_async(
            status="PENDING", queue_name=QUEUE, load_output=False, limit=1_000
        )
        before = (datetime.now(UTC) - self._lease).timestamp() * 1000
        places = {one.workflow_id: place for one in taken if (one.updated_at or 0) < before and (place := _read(one))}
        if not places or _carrier is None:
            return
        free = {place.key for place in await _carrier.find_free(list(places.values()))}
        stranded = [key for key, place in places.items() if place.key in free]
        if stranded:
            _log.warning("%d runs were handed back to the queue", len(stranded))
            await self._opened().resume_workflows_async(stranded, queue_name=QUEUE)

    async def _tidy(self) -> None:
        """Forget what is done: the run's own row tells what became of it."""
        before = (datetime.now(UTC) - KEEP).isoformat()
        while True:
            done = await self._opened().list_workflows_async(
                status=["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"],
                end_time=before,
                load_input=False,
                load_output=False,
                limit=500,
            )
            if not done:
                return
            await self._opened().delete_workflows_async([one.workflow_id for one in done])


def _read(workflow: Any) -> Place | None:
    """The place that an entry of the engine is about; None if it is not one of ours."""
    with suppress(TypeError, KeyError, ValueError):
        tenant, thread_id, run_id, ticket = workflow.input["args"]
        # tenant-id: as the process that accepted the run wrote it; the run's own row has to agree
        return Place(TenantId(tenant), thread_id, run_id, int(ticket))
    return None


def _not_ready(error: Exception) -> DatabaseNotReadyError:
    _log.warning("the queue did not open", exc_info=error)
    return DatabaseNotReadyError("the durable queue's tables are missing or of another version: run the migrations")


def make_queue_tables(config: DatabaseConfig, folder: Path) -> None:
    """Bring the engine's tables to the newest form; on PostgreSQL as their owner, with what the service needs."""
    if config.file is not None:
        DBOS.migrate(queue_url(config, folder))
        return
    url, role = owner_queue_url(config)
    DBOS.migrate(url, application_role=role)
