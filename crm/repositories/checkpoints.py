"""Rows of checkpoints and of what was written since them; what they hold is sealed."""

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import delete, select, update

from crm.conversation import StoredCheckpoint, StoredItem, StoredWrite
from crm.database import TenantSession
from crm.repositories.inserting import insert_or_replace, insert_where_absent


async def find(
    session: TenantSession, thread_id: str, namespace: str, checkpoint_id: str | None = None
) -> StoredCheckpoint | None:
    """The named one, or the newest of the namespace."""
    statement = select(StoredCheckpoint).where(
        StoredCheckpoint.thread_id == thread_id, StoredCheckpoint.namespace == namespace
    )
    if checkpoint_id is not None:
        statement = statement.where(StoredCheckpoint.checkpoint_id == checkpoint_id)
    newest = statement.order_by(StoredCheckpoint.checkpoint_id.desc()).limit(1)
    return cast("StoredCheckpoint | None", await session.scalar(newest))


async def list_newest_first(
    session: TenantSession,
    thread_id: str,
    *,
    namespace: str | None = None,
    checkpoint_id: str | None = None,
    before: str | None = None,
) -> list[StoredCheckpoint]:
    statement = select(StoredCheckpoint).where(StoredCheckpoint.thread_id == thread_id)
    if namespace is not None:
        statement = statement.where(StoredCheckpoint.namespace == namespace)
    if checkpoint_id is not None:
        statement = statement.where(StoredCheckpoint.checkpoint_id == checkpoint_id)
    if before is not None:
        statement = statement.where(StoredCheckpoint.checkpoint_id < before)
    return list(await session.scalars(statement.order_by(StoredCheckpoint.checkpoint_id.desc())))


async def list_writes(session: TenantSession, checkpoint: StoredCheckpoint) -> list[StoredWrite]:
    """By task, and in the order in which each wrote."""
    statement = select(StoredWrite).where(
        StoredWrite.thread_id == checkpoint.thread_id,
        StoredWrite.namespace == checkpoint.namespace,
        StoredWrite.checkpoint_id == checkpoint.checkpoint_id,
    )
    return list(await session.scalars(statement.order_by(StoredWrite.task_id, StoredWrite.place)))


async def put(session: TenantSession, row: StoredCheckpoint) -> None:
    """Store a checkpoint; the same one again takes the place of the earlier."""
    await insert_or_replace(session, StoredCheckpoint, _values_of(row), key=_key_of(type(row)))


async def put_writes(session: TenantSession, rows: Sequence[StoredWrite]) -> None:
    """Store what a task wrote. What stands in the same place stays, except below zero: there the newer counts."""
    for row in rows:
        if row.place < 0:
            await insert_or_replace(session, StoredWrite, _values_of(row), key=_key_of(type(row)))
    added = [_values_of(row) for row in rows if row.place >= 0]
    await insert_where_absent(session, StoredWrite, added, key=_key_of(StoredWrite))


def _values_of(row: StoredCheckpoint | StoredWrite) -> dict[str, Any]:
    return {column.key: getattr(row, column.key) for column in row.__table__.columns if column.key != "tenant"}


def _key_of(kind: type[StoredCheckpoint | StoredWrite]) -> list[str]:
    return [column.key for column in kind.__table__.columns if column.primary_key]


async def remove(session: TenantSession, thread_id: str) -> None:
    """Everything that a conversation rests on."""
    for table in (StoredCheckpoint, StoredWrite, StoredItem):
        await session.execute(
            delete(table).where(table.thread_id == thread_id), execution_options={"synchronize_session": False}
        )


async def keep_only(session: TenantSession, thread_id: str, namespace: str, checkpoint_id: str | None) -> None:
    """Forget the other checkpoints of a namespace, or all of them, and that there was anything before."""
    plain = {"synchronize_session": False}
    for table in (StoredCheckpoint, StoredWrite):
        statement = delete(table).where(table.thread_id == thread_id, table.namespace == namespace)
        if checkpoint_id is not None:
            statement = statement.where(table.checkpoint_id != checkpoint_id)
        await session.execute(statement, execution_options=plain)
    mine = (StoredCheckpoint.thread_id == thread_id) & (StoredCheckpoint.namespace == namespace)
    await session.execute(update(StoredCheckpoint).where(mine).values(parent_id=None), execution_options=plain)
