"""Conversations, found only by the caller who opened them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, cast

from sqlalchemy import delete, func, select

from crm.database import TenantSession
from crm.repositories.inserting import insert_if_absent
from crm.work import Approval, Run, RunEvent, Thread

SortKey = Literal["created_at", "updated_at", "status", "thread_id"]


async def find(session: TenantSession, thread_id: str, *, owner: str, for_update: bool = False) -> Thread | None:
    """None if there is no such thread, or it is somebody else's."""
    statement = select(Thread).where(Thread.thread_id == thread_id, Thread.owner == owner)
    if for_update:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return cast("Thread | None", await session.scalar(statement))


async def get_for_service(session: TenantSession, thread_id: str) -> Thread | None:
    """The thread whoever owns it; for runs that continue it on the owner's behalf."""
    statement = select(Thread).where(Thread.thread_id == thread_id).with_for_update()
    return cast("Thread | None", await session.scalar(statement.execution_options(populate_existing=True)))


async def lock(session: TenantSession, thread_id: str) -> None:
    """Hold the thread until the transaction ends; it is locked before everything else of it."""
    await session.execute(select(Thread.thread_id).where(Thread.thread_id == thread_id).with_for_update())


async def create(
    session: TenantSession, thread_id: str, *, owner: str, details: Mapping[str, Any], at: datetime
) -> Thread | None:
    """None if anybody in the tenant has a thread under this id."""
    values = {
        "thread_id": thread_id,
        "owner": owner,
        "status": "idle",
        "details": dict(details),
        "values": {},
        "interrupts": {},
        "created_at": at,
        "updated_at": at,
    }
    return await insert_if_absent(session, Thread, values, key=["tenant", "thread_id"])


async def search(
    session: TenantSession,
    *,
    owner: str,
    status: str | None = None,
    ids: Sequence[str] | None = None,
    details: Mapping[str, Any] | None = None,
    values: Mapping[str, Any] | None = None,
    sort_by: SortKey = "updated_at",
    descending: bool = True,
    limit: int = 10,
    offset: int = 0,
) -> list[Thread]:
    """The caller's threads. `details` and `values` must be contained, key by key, in what the thread has."""
    statement = select(Thread).where(Thread.owner == owner)
    if status is not None:
        statement = statement.where(Thread.status == status)
    if ids is not None:
        statement = statement.where(Thread.thread_id.in_(ids))
    plain = {key: value for key, value in (details or {}).items() if isinstance(value, str) and key.isidentifier()}
    for key, value in plain.items():
        statement = statement.where(Thread.details[key].as_string() == value)
    details = {key: value for key, value in (details or {}).items() if key not in plain}
    column = getattr(Thread, sort_by)
    statement = statement.order_by(column.desc() if descending else column.asc(), Thread.thread_id)
    if not details and not values:
        return list(await session.scalars(statement.offset(offset).limit(limit)))
    matching = [
        thread
        for thread in await session.scalars(statement)
        if _contains(thread.details, details) and _contains(thread.values, values)
    ]
    return matching[offset : offset + limit]


def _contains(have: Mapping[str, Any], wanted: Mapping[str, Any] | None) -> bool:
    return all(have.get(key) == value for key, value in (wanted or {}).items())


async def count(session: TenantSession, *, owner: str, status: str | None = None) -> int:
    statement = select(func.count()).select_from(Thread).where(Thread.owner == owner)
    if status is not None:
        statement = statement.where(Thread.status == status)
    return await session.scalar(statement) or 0


async def remove(session: TenantSession, thread_id: str) -> None:
    """The thread, its runs and their events, and approvals that nobody has decided. Ledger and audit stay."""
    runs = select(Run.run_id).where(Run.thread_id == thread_id, Run.tenant == session.tenant)
    plain = {"synchronize_session": False}
    await session.execute(delete(RunEvent).where(RunEvent.run_id.in_(runs)), execution_options=plain)
    await session.execute(delete(Run).where(Run.thread_id == thread_id), execution_options=plain)
    await session.execute(
        delete(Approval).where(Approval.thread_id == thread_id, Approval.status == "pending"), execution_options=plain
    )
    await session.execute(delete(Thread).where(Thread.thread_id == thread_id), execution_options=plain)
