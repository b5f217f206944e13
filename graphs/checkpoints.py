"""Where conversations rest between two messages: sealed with their own key, each call confined to one tenant.

LangGraph's savers know no tenants: whoever names a thread gets it. Here a thread's key begins with its tenant, a call
is refused unless a tenant is bound to the running task and the key is that tenant's, and the rows stand behind the same
wall as all others. A row that is not sealed, or was sealed for another place, is refused.

Messages are kept once, as items of the conversation, and a checkpoint names those that it has: what a conversation
takes up grows with what is said in it, not with how often that is repeated.
"""

from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    PendingWrite,
    get_checkpoint_id,
    get_checkpoint_metadata,
)

from crm.conversation import StoredCheckpoint, StoredWrite
from crm.database import Database, TenantSession
from crm.errors import ErasedError, TenantContextError
from crm.ids import TenantId
from crm.repositories import checkpoints as rows
from crm.repositories import items, threads
from crm.sealing import DataKey
from graphs._codec import decode, encode
from graphs.lease import require_lease
from trust.keys import find_thread_key, get_thread_key

ITEM_CHANNEL = "messages"
"""The part of a state that only grows, message by message."""

_bound: ContextVar[TenantId | None] = ContextVar("tenant of checkpoints", default=None)
_version: ContextVar[int | None] = ContextVar("version of the graph that stores them", default=None)


@contextmanager
def acting_for(tenant: TenantId, *, version: int | None = None) -> Iterator[None]:
    """Bind checkpoint calls to a tenant, in this task and those it starts meanwhile.

    `version` is that of the graph: what it stores is stored with it.
    """
    tokens = _bound.set(tenant), _version.set(version)
    try:
        yield
    finally:
        _bound.reset(tokens[0])
        _version.reset(tokens[1])


def checkpoint_thread_id(tenant: TenantId, thread_id: str) -> str:
    """The key that a thread's checkpoints are kept under; put it into `configurable` as `thread_id`."""
    if not tenant or not thread_id or ":" in tenant or ":" in thread_id:
        raise TenantContextError(f"cannot make a checkpoint key of tenant {tenant!r} and thread {thread_id!r}")
    return f"{tenant}:{thread_id}"


async def forget_past(session: TenantSession, thread_id: str) -> None:
    """Forget how a thread came to where it is, in the open transaction; for a thread that no run is working on.

    Per namespace the newest checkpoint stays, unless the conversation has moved past the call that it belongs to.
    """
    newest: dict[str, StoredCheckpoint] = {}
    for row in await rows.list_newest_first(session, thread_id):
        newest.setdefault(row.namespace, row)
    root = newest.get("")
    for namespace, head in newest.items():
        is_current = head is root or root is None or await _began_at(session, head) == root.checkpoint_id
        await rows.keep_only(session, thread_id, namespace, head.checkpoint_id if is_current else None)


def _own_thread(thread_key: object) -> tuple[TenantId, str]:
    """The bound tenant and the thread that the key names. Raises: TenantContextError."""
    tenant = _bound.get()
    if tenant is None:
        raise TenantContextError("checkpoints need a tenant: wrap the call in acting_for(tenant)")
    owner, separator, thread_id = thread_key.partition(":") if isinstance(thread_key, str) else ("", "", "")
    if not separator or not thread_id or owner != tenant:
        raise TenantContextError("the checkpoint's thread is not one of the tenant's")
    return tenant, thread_id


def _thread_of(config: RunnableConfig | None) -> tuple[TenantId, str]:
    return _own_thread((config or {}).get("configurable", {}).get("thread_id"))


class SealedSaver(BaseCheckpointSaver[int]):
    """Checkpoints in the records' database. Asynchronous calls only, as the service makes no others.

    Raises, from every call: TenantContextError; SealError for rows that are not what was stored; ErasedError.
    """

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database

    def with_allowlist(self, extra_allowlist: Collection[tuple[str, ...]]) -> BaseCheckpointSaver[int]:
        """Unchanged: a graph's state holds JSON values, so its schema has no say in what may be read back."""
        return self

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        tenant, thread_id = _thread_of(config)
        namespace = config["configurable"].get("checkpoint_ns", "")
        async with self._database.session(tenant) as session:
            row = await rows.find(session, thread_id, namespace, get_checkpoint_id(config))
            return None if row is None else await _open(session, row)

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        tenant, thread_id = _thread_of(config)
        place = (config or {})["configurable"]
        async with self._database.session(tenant) as session:
            stored = await rows.list_newest_first(
                session,
                thread_id,
                namespace=place.get("checkpoint_ns"),
                checkpoint_id=place.get("checkpoint_id"),
                before=None if before is None else get_checkpoint_id(before),
            )
            found: list[CheckpointTuple] = []
            for row in stored:
                if limit is not None and len(found) >= limit:
                    break
                one = await _open(session, row)
                if all(one.metadata.get(key) == value for key, value in (filter or {}).items()):
                    found.append(one)
        for one in found:
            yield one

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        tenant, thread_id = _thread_of(config)
        place = config["configurable"]
        namespace = place.get("checkpoint_ns", "")
        values = dict(checkpoint["channel_values"])
        said = values.pop(ITEM_CHANNEL, None)
        async with self._database.session(tenant, write=True) as session:
            await threads.lock(session, thread_id)
            await require_lease(session)
            version = _version.get()
            if version is not None:
                await threads.keep_graph_version(session, thread_id, version)
            key = await get_thread_key(session, thread_id)
            kept = None if said is None else await items.store(session, thread_id, key, said)
            state = [
                {**checkpoint, "channel_values": values},
                kept,
                get_checkpoint_metadata(config, metadata),
            ]
            sealed = key.seal(encode(state), "checkpoint", namespace, checkpoint["id"])
            row = StoredCheckpoint(
                tenant=tenant,
                thread_id=thread_id,
                namespace=namespace,
                checkpoint_id=checkpoint["id"],
                parent_id=place.get("checkpoint_id"),
                sealed=sealed,
            )
            await rows.put(session, row)
        return _config_of(tenant, row, row.checkpoint_id)

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        tenant, thread_id = _thread_of(config)
        place = config["configurable"]
        where = {
            "tenant": tenant,
            "thread_id": thread_id,
            "namespace": place.get("checkpoint_ns", ""),
            "checkpoint_id": place["checkpoint_id"],
            "task_id": task_id,
        }
        async with self._database.session(tenant, write=True) as session:
            await require_lease(session)
            key = await get_thread_key(session, thread_id)
            found = [StoredWrite(**where, place=WRITES_IDX_MAP.get(write[0], n)) for n, write in enumerate(writes)]
            for row, write in zip(found, writes, strict=True):
                row.sealed = key.seal(encode([*write, task_path]), *_purpose_of_write(row))
            await rows.put_writes(session, found)

    async def adelete_thread(self, thread_id: str) -> None:
        tenant, own_id = _own_thread(thread_id)
        async with self._database.session(tenant, write=True) as session:
            await rows.remove(session, own_id)

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        if strategy != "keep_latest":
            raise ValueError(f"unknown prune strategy: {strategy!r}")
        for tenant, thread_id in map(_own_thread, thread_ids):
            async with self._database.session(tenant, write=True) as session:
                await forget_past(session, thread_id)

    async def aget_delta_channel_history(self, *, config: RunnableConfig, channels: Sequence[str]) -> Mapping[str, Any]:
        _thread_of(config)
        return await super().aget_delta_channel_history(config=config, channels=channels)


async def _began_at(session: TenantSession, row: StoredCheckpoint) -> str | None:
    """The conversation's checkpoint that a sub-graph's call began at."""
    return (await _open(session, row)).metadata.get("parents", {}).get("")


async def _open(session: TenantSession, row: StoredCheckpoint) -> CheckpointTuple:
    key = await find_thread_key(session, row.thread_id)
    if key is None:
        raise ErasedError("thread")
    state = decode(key.open(row.sealed, "checkpoint", row.namespace, row.checkpoint_id))
    checkpoint, kept, metadata = cast("tuple[Checkpoint, items.Spans | None, CheckpointMetadata]", state)
    if kept is not None:
        (said,) = await items.load(session, row.thread_id, key, [kept])
        checkpoint["channel_values"][ITEM_CHANNEL] = said
    return CheckpointTuple(
        config=_config_of(session.tenant, row, row.checkpoint_id),
        checkpoint=checkpoint,
        metadata=metadata,
        parent_config=None if row.parent_id is None else _config_of(session.tenant, row, row.parent_id),
        pending_writes=[_open_write(key, write) for write in await rows.list_writes(session, row)],
    )


def _open_write(key: DataKey, row: StoredWrite) -> PendingWrite:
    channel, value, _path = decode(key.open(row.sealed, *_purpose_of_write(row)))
    return (row.task_id, channel, value)


def _purpose_of_write(row: StoredWrite) -> tuple[str, ...]:
    return ("write", row.namespace, row.checkpoint_id, row.task_id, str(row.place))


def _config_of(tenant: TenantId, row: StoredCheckpoint, checkpoint_id: str) -> RunnableConfig:
    return {
        "configurable": {
            "thread_id": checkpoint_thread_id(tenant, row.thread_id),
            "checkpoint_ns": row.namespace,
            "checkpoint_id": checkpoint_id,
        }
    }
