"""Where conversations rest between two messages: the library's savers, each call confined to one tenant.

The savers know no tenants: whoever names a thread gets it. Here a thread's key begins with its tenant, a call is
refused unless a tenant is bound to the running task and the key is that tenant's, and on PostgreSQL the same signed
context as everywhere opens the rows (`crm.migrations.wall`).
"""

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Any

import aiosqlite
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    DeltaChannelHistory,
)
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from crm.database import CONTEXT_SQL, MARK_SQL, DatabaseConfig, DatabaseNotReadyError, sign_context
from crm.errors import TenantContextError
from crm.ids import TenantId

_bound: ContextVar[TenantId | None] = ContextVar("tenant of checkpoints", default=None)
_in_snapshot: ContextVar[bool] = ContextVar("checkpoints in one snapshot", default=False)


@contextmanager
def acting_for(tenant: TenantId) -> Iterator[None]:
    """Bind checkpoint calls to a tenant, in this task and those it starts meanwhile."""
    token = _bound.set(tenant)
    try:
        yield
    finally:
        _bound.reset(token)


def checkpoint_thread_id(tenant: TenantId, thread_id: str) -> str:
    """The key that a thread's checkpoints are kept under; put it into `configurable` as `thread_id`."""
    if not tenant or not thread_id or ":" in tenant or ":" in thread_id:
        raise TenantContextError(f"cannot make a checkpoint key of tenant {tenant!r} and thread {thread_id!r}")
    return f"{tenant}:{thread_id}"


@asynccontextmanager
async def open_saver(config: DatabaseConfig) -> AsyncIterator[BaseCheckpointSaver[str]]:
    """A saver beside the records: `<database file>.checkpoints` on SQLite, tables of the same database on PostgreSQL.

    On PostgreSQL it opens up to `pool_size` connections of its own.

    Raises:
        DatabaseNotReadyError: the migrated tables are not those that the installed library expects.
    """
    async with AsyncExitStack() as stack:
        path = config.file
        if path is not None:
            yield await stack.enter_async_context(_open_on_sqlite(f"{path}.checkpoints"))
        else:
            yield await stack.enter_async_context(_open_on_postgresql(config))


async def keep_latest(saver: BaseCheckpointSaver[str], tenant: TenantId, thread_id: str) -> None:
    """Forget how a thread came to where it is: all checkpoints but the newest, and what belongs to them.

    For a thread that no run is working on.
    """
    with acting_for(tenant):
        await saver.aprune([checkpoint_thread_id(tenant, thread_id)], strategy="keep_latest")


class StrictSerializer(JsonPlusSerializer):
    """Reads back plain data, the library's own types and messages. Any other type a row names comes back as data.

    The library also reads two older formats, which can name constructors; nothing here ever wrote them.
    """

    def __init__(self) -> None:
        super().__init__(pickle_fallback=False, allowed_json_modules=None, allowed_msgpack_modules=None)

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        if data[0] not in ("null", "bytes", "bytearray", "msgpack"):
            raise ValueError(f"refused to read a checkpoint value of type {data[0]!r}")
        return super().loads_typed(data)


def _bound_tenant() -> TenantId:
    tenant = _bound.get()
    if tenant is None:
        raise TenantContextError("checkpoints need a tenant: wrap the call in acting_for(tenant)")
    return tenant


def _require_own(thread_key: object) -> None:
    tenant = _bound_tenant()
    owner, separator, thread_id = thread_key.partition(":") if isinstance(thread_key, str) else ("", "", "")
    if not separator or not thread_id or owner != tenant:
        raise TenantContextError("the checkpoint's thread is not one of the tenant's")


def _require_own_thread(config: RunnableConfig | None) -> None:
    _require_own((config or {}).get("configurable", {}).get("thread_id"))


class _ConfinedSaver(BaseCheckpointSaver[str]):
    """Checks every call before the saver it is mixed into sees it. The synchronous calls end up in these as well."""

    def with_allowlist(self, extra_allowlist: Collection[tuple[str, ...]]) -> BaseCheckpointSaver[str]:
        """Unchanged: a graph's state holds JSON values, so its schema has no say in what may be read back."""
        return self

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        _require_own_thread(config)
        return await super().aget_tuple(config)

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        _require_own_thread(config)
        async for found in super().alist(config, filter=filter, before=before, limit=limit):
            yield found

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        _require_own_thread(config)
        return await super().aput(config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        _require_own_thread(config)
        await super().aput_writes(config, writes, task_id, task_path)

    async def adelete_thread(self, thread_id: str) -> None:
        _require_own(thread_id)
        await super().adelete_thread(thread_id)

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        for thread_id in thread_ids:
            _require_own(thread_id)
        await super().aprune(thread_ids, strategy=strategy)

    async def aget_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        _require_own_thread(config)
        return await super().aget_delta_channel_history(config=config, channels=channels)


class _PruningSqliteSaver(AsyncSqliteSaver):
    """Adds what the library's saver for SQLite lacks: forgetting the past of a thread."""

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        if strategy != "keep_latest":
            raise ValueError(f"unknown prune strategy: {strategy!r}")
        for thread_id in thread_ids:
            async with self.lock:
                try:
                    await self._forget_past(thread_id)
                    await self.conn.commit()
                except BaseException:
                    await self.conn.rollback()
                    raise

    async def _forget_past(self, thread_id: str) -> None:
        for namespace, head in await self._find_heads(thread_id):
            for table in ("checkpoints", "writes"):
                await self.conn.execute(
                    f"DELETE FROM {table} WHERE thread_id = ? AND checkpoint_ns = ?"  # noqa: S608 - the names above
                    " AND checkpoint_id IS NOT ?",
                    (thread_id, namespace, head),
                )
        await self.conn.execute("UPDATE checkpoints SET parent_checkpoint_id = NULL WHERE thread_id = ?", (thread_id,))

    async def _find_heads(self, thread_id: str) -> list[tuple[str, str | None]]:
        """Per namespace the checkpoint to keep: the newest, or none if the conversation has moved past it.

        The conversation's own namespace is empty. A sub-graph's call has one with a colon in it, and remembers the
        checkpoint of the conversation that it began at.
        """
        cursor = await self.conn.execute(
            "SELECT checkpoint_ns, max(checkpoint_id), metadata FROM checkpoints WHERE thread_id = ?"
            " GROUP BY checkpoint_ns ORDER BY checkpoint_ns",
            (thread_id,),
        )
        newest = list(await cursor.fetchall())
        root = newest[0][1] if newest and not newest[0][0] else None
        return [
            (ns, head if ":" not in ns or json.loads(metadata).get("parents", {}).get("") == root else None)
            for ns, head, metadata in newest
        ]


class _SqliteSaver(_ConfinedSaver, _PruningSqliteSaver):
    """The saver of one SQLite file."""


@asynccontextmanager
async def _open_on_sqlite(path: str) -> AsyncIterator[_SqliteSaver]:
    async with aiosqlite.connect(path, timeout=10) as connection:
        saver = _SqliteSaver(connection, serde=StrictSerializer())
        await saver.setup()
        await connection.execute("PRAGMA synchronous = NORMAL")
        yield saver


class _SigningPostgresSaver(AsyncPostgresSaver):
    """Runs each operation in a transaction that begins with the signed tenant context."""

    def __init__(
        self, pool: AsyncConnectionPool[AsyncConnection[DictRow]], context_key: bytes, concurrency: int
    ) -> None:
        super().__init__(pool, serde=StrictSerializer())
        self._pool = pool
        self._context_key = context_key
        # The library serialises all operations by one lock, pool or not.
        self.lock = asyncio.Semaphore(concurrency)  # type: ignore[assignment]

    @asynccontextmanager
    async def _cursor(self, *, pipeline: bool = False) -> AsyncIterator[AsyncCursor[DictRow]]:
        """A cursor in a transaction of its own; always pipelined, to save the round trips that signing costs."""
        tenant = _bound_tenant()
        async with (
            self.lock,
            self._pool.connection() as connection,
            connection.pipeline(),
            connection.transaction(),
            connection.cursor(binary=True, row_factory=dict_row) as cursor,
        ):
            if _in_snapshot.get():
                await cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            await self._sign_in(cursor, tenant)
            yield cursor

    async def _sign_in(self, cursor: AsyncCursor[DictRow], tenant: TenantId) -> None:
        await cursor.execute(MARK_SQL.encode(), binary=True)
        (row,) = await cursor.fetchall()
        (mark,) = row.values()
        await cursor.execute(CONTEXT_SQL.encode(), (sign_context(self._context_key, tenant, mark),))

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Pruning reads one snapshot; its own attempt to ask for that comes too late, after the signature."""
        token = _in_snapshot.set(True)
        try:
            await super().aprune(thread_ids, strategy=strategy)
        finally:
            _in_snapshot.reset(token)


class _PostgresSaver(_ConfinedSaver, _SigningPostgresSaver):
    """The saver of one PostgreSQL database."""


@asynccontextmanager
async def _open_on_postgresql(config: DatabaseConfig) -> AsyncIterator[_PostgresSaver]:
    if config.context_key is None:
        raise ValueError("PostgreSQL needs a context key")
    pool: AsyncConnectionPool[AsyncConnection[DictRow]] = AsyncConnectionPool(
        config.libpq_url,
        min_size=1,
        max_size=config.pool_size,
        kwargs={"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row},
        open=False,
    )
    async with pool:
        await _require_known_tables(pool)
        yield _PostgresSaver(pool, config.context_key, config.pool_size)


async def _require_known_tables(pool: AsyncConnectionPool[AsyncConnection[DictRow]]) -> None:
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT max(v) AS version FROM checkpoint_migrations")
        row = await cursor.fetchone()
    known, expected = (row or {}).get("version"), len(AsyncPostgresSaver.MIGRATIONS) - 1
    if known != expected:
        raise DatabaseNotReadyError(
            f"the checkpoint tables are at version {known}, langgraph-checkpoint-postgres wants version {expected}"
        )
