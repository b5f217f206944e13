"""Conversations, found only by the caller who opened them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Select, delete, func, select, update

from crm.database import TenantSession
from crm.inbox import ApprovalRecord
from crm.repositories import checkpoints, items, keys
from crm.repositories.inserting import insert_if_absent
from crm.work import Approval, Feedback, Run, RunEvent, Thread

_PLAIN = {"synchronize_session": False}

SortKey = Literal["created_at", "updated_at", "status", "thread_id"]


async def find(session: TenantSession, thread_id: str, *, owner: str, for_update: bool = False) -> Thread | None:
    """None if there is no such thread, or it is somebody else's."""
    statement = select(Thread).where(Thread.thread_id == thread_id, Thread.owner == owner)
    return await _find(session, statement, for_update=for_update)


async def get_for_service(session: TenantSession, thread_id: str) -> Thread | None:
    """The thread whoever owns it; for runs that continue it on the owner's behalf."""
    return await _find(session, select(Thread).where(Thread.thread_id == thread_id), for_update=True)


async def _find(session: TenantSession, statement: Select[Thread], *, for_update: bool) -> Thread | None:
    if for_update:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    thread = await session.scalar(statement)
    if thread is not None:
        await keys.unlock(session, thread)
    return thread


async def load_values(session: TenantSession, thread: Thread) -> None:
    """Let the row show what clients see of the state, its messages with it. Raises: ErasedError, SealError."""
    kept = dict(thread.kept or {})
    if items.NUMBERS in kept:
        (kept["messages"],) = await items.load(session, thread.thread_id, thread.data_key(), [kept.pop(items.NUMBERS)])
    thread.show_values(kept)


async def keep_values(session: TenantSession, thread: Thread, values: Mapping[str, Any]) -> None:
    """Keep what clients see of the state. For a thread that the transaction has locked."""
    kept = {key: value for key, value in values.items() if key != "messages"}
    if "messages" in values:
        kept[items.NUMBERS] = await items.store(session, thread.thread_id, thread.data_key(), values["messages"])
    thread.kept = kept
    thread.show_values(dict(values))


async def describe(session: TenantSession, thread: Thread, details: Mapping[str, Any]) -> None:
    """Set the metadata."""
    thread.details = dict(details)
    thread.detail_marks = await _marks(session, details)


async def lock(session: TenantSession, thread_id: str) -> None:
    """Hold the thread until the transaction ends; it is locked before everything else of it."""
    if session.get_bind().dialect.name == "sqlite":
        return  # its writers take turns anyhow
    await session.execute(select(Thread.thread_id).where(Thread.thread_id == thread_id).with_for_update())


async def get_graph_version(session: TenantSession, thread_id: str) -> int:
    """The version of the graph that the thread's checkpoints are of; 0 if there are none, or no such thread."""
    return await session.scalar(select(Thread.graph_version).where(Thread.thread_id == thread_id)) or 0


async def keep_graph_version(session: TenantSession, thread_id: str, version: int) -> None:
    changed = update(Thread).where(Thread.thread_id == thread_id, Thread.graph_version != version)
    await session.execute(changed.values(graph_version=version), execution_options=_PLAIN)


_WAITING = ("pending", "approved")
"""Approvals that their conversation has yet to go on with."""


async def count_waiting_by_version(session: TenantSession) -> dict[tuple[str, int], int]:
    """How many approvals wait, by the graph and the version of it that their conversation rests on."""
    statement = (
        select(Thread.graph, Thread.graph_version, func.count())
        .select_from(Approval)
        .join(Thread, Thread.thread_id == Approval.thread_id)
        .where(Approval.status.in_(_WAITING), Thread.status != "erased")
        .group_by(Thread.graph, Thread.graph_version)
    )
    return {(graph, number): count for graph, number, count in (await session.execute(statement)).all()}


async def list_waiting(session: TenantSession) -> list[tuple[str, str, int]]:
    """The conversations that approvals wait in, with the graph and the version of it that they rest on."""
    waiting = select(Approval.thread_id).where(Approval.status.in_(_WAITING))
    statement = select(Thread.thread_id, Thread.graph, Thread.graph_version).where(
        Thread.thread_id.in_(waiting), Thread.status != "erased"
    )
    return [(thread_id, graph, number) for thread_id, graph, number in (await session.execute(statement)).all()]


async def list_parked_versions(session: TenantSession) -> list[tuple[str, int]]:
    """The graphs and versions that conversations with runs put aside rest on."""
    parked = select(Run.thread_id).where(Run.status == "parked")
    statement = select(Thread.graph, Thread.graph_version).where(Thread.thread_id.in_(parked)).distinct()
    return [(graph, number) for graph, number in (await session.execute(statement)).all()]


async def create(
    session: TenantSession, thread_id: str, *, owner: str, details: Mapping[str, Any], at: datetime
) -> Thread | None:
    """None if anybody in the tenant has a thread under this id."""
    row = Thread(thread_id=thread_id, owner=owner, status="idle", created_at=at, updated_at=at)
    row.graph, row.graph_version = "", 0
    await keys.seal(session, row)
    await describe(session, row, details)
    row.interrupts = {}
    values = {column.key: getattr(row, column.key) for column in Thread.__table__.columns}
    thread = await insert_if_absent(session, Thread, values, key=["tenant", "thread_id"])
    if thread is not None:
        await keys.unlock(session, thread)
        thread.show_values({})
    return thread


async def _marks(session: TenantSession, details: Mapping[str, Any]) -> dict[str, str]:
    """For each text that can be searched for, what stands for it in the database."""
    plain = {key: value for key, value in details.items() if _is_searchable(key, value)}
    if not plain:
        return {}
    tenant_key = await keys.get(session, keys.TENANT)
    return {key: tenant_key.mark("thread detail", key, value) for key, value in plain.items()}


def _is_searchable(key: str, value: Any) -> bool:
    return isinstance(value, str) and key.isidentifier()


async def search(
    session: TenantSession,
    *,
    owner: str,
    status: str | None = None,
    ids: Sequence[str] | None = None,
    details: Mapping[str, Any] | None = None,
    values: Mapping[str, Any] | None = None,
    graphs: Sequence[str] = (),
    except_graphs: Sequence[str] = (),
    sort_by: SortKey = "updated_at",
    descending: bool = True,
    limit: int = 10,
    offset: int = 0,
) -> list[Thread]:
    """The caller's threads. `details` and `values` must be contained, key by key, in what the thread has.

    `graphs`: only those that go by one of these; `except_graphs`: none of those that go by one of these.
    """
    statement = select(Thread).where(Thread.owner == owner)
    if except_graphs:
        statement = statement.where(Thread.graph.not_in(except_graphs))
    if graphs:
        statement = statement.where(Thread.graph.in_(graphs))
    if status is not None:
        statement = statement.where(Thread.status == status)
    if ids is not None:
        statement = statement.where(Thread.thread_id.in_(ids))
    statement = statement.where(Thread.status != "erased")
    wanted = {key: value for key, value in (details or {}).items() if _is_searchable(key, value)}
    if wanted and not await keys.find(session, [keys.TENANT]):
        return []
    for key, mark in (await _marks(session, wanted)).items():
        statement = statement.where(Thread.detail_marks[key].as_string() == mark)
    details = {key: value for key, value in (details or {}).items() if key not in wanted}
    column = getattr(Thread, sort_by)
    statement = statement.order_by(column.desc() if descending else column.asc(), Thread.thread_id)
    if not details and not values:
        return await _open_all(session, await session.scalars(statement.offset(offset).limit(limit)))
    matching = [
        thread
        for thread in await _open_all(session, await session.scalars(statement))
        if _contains(thread.details, details) and _contains(thread.values, values)
    ]
    return matching[offset : offset + limit]


async def _open_all(session: TenantSession, found: Iterable[Thread]) -> list[Thread]:
    """With their values; those that were erased with the tenant are left out."""
    threads = list(found)
    await keys.unlock(session, *threads)
    kept = [thread for thread in threads if not thread.is_erased]
    for thread in kept:
        await load_values(session, thread)
    return kept


def _contains(have: Mapping[str, Any], wanted: Mapping[str, Any] | None) -> bool:
    return all(have.get(key) == value for key, value in (wanted or {}).items())


async def count(
    session: TenantSession, *, owner: str, status: str | None = None, except_graphs: Sequence[str] = ()
) -> int:
    statement = select(func.count()).select_from(Thread).where(Thread.owner == owner, Thread.status != "erased")
    if except_graphs:
        statement = statement.where(Thread.graph.not_in(except_graphs))
    if status is not None:
        statement = statement.where(Thread.status == status)
    return await session.scalar(statement) or 0


async def list_ids(session: TenantSession, *, owner: str | None = None) -> list[str]:
    """Threads that are not erased: a caller's, or all of the tenant."""
    statement = select(Thread.thread_id).where(Thread.status != "erased").order_by(Thread.thread_id)
    return list(await session.scalars(statement if owner is None else statement.where(Thread.owner == owner)))


async def can_be_erased(session: TenantSession, thread_id: str) -> bool:
    """Whether there is anything to erase; if so, the thread is locked."""
    statement = select(Thread.status).where(Thread.thread_id == thread_id).with_for_update()
    return await session.scalar(statement) not in (None, "erased")


async def erase(session: TenantSession, thread_id: str) -> None:
    """Lose all that was said in a thread; a row stays that says so."""
    await clear(session, thread_id)
    emptied: dict[str, Any] = {
        "status": "erased",
        "sealed_details": None,
        "sealed_kept": None,
        "sealed_interrupts": None,
        "detail_marks": {},
        "error": None,
    }
    await session.execute(
        update(Thread).where(Thread.thread_id == thread_id).values(**emptied), execution_options=_PLAIN
    )


async def remove(session: TenantSession, thread_id: str) -> None:
    """The thread, what it rests on, its runs, their events, feedback, and approvals that nobody has decided.

    What was decided stays, but its words are lost with the key. Ledger and audit stay.
    """
    await clear(session, thread_id)
    await session.execute(delete(Thread).where(Thread.thread_id == thread_id), execution_options=_PLAIN)


async def clear(session: TenantSession, thread_id: str) -> None:
    """Lose all that was said in a thread, for good, and stop what is at work on it."""
    await checkpoints.remove(session, thread_id)
    await keys.shred(session, ("thread", thread_id))
    runs = select(Run.run_id).where(Run.thread_id == thread_id, Run.tenant == session.tenant)
    await session.execute(delete(RunEvent).where(RunEvent.run_id.in_(runs)), execution_options=_PLAIN)
    await session.execute(delete(Run).where(Run.thread_id == thread_id), execution_options=_PLAIN)
    pending = (Approval.thread_id == thread_id) & (Approval.status == "pending")
    ids = select(Approval.approval_id).where(pending, Approval.tenant == session.tenant)
    await session.execute(delete(ApprovalRecord).where(ApprovalRecord.approval_id.in_(ids)), execution_options=_PLAIN)
    await session.execute(delete(Approval).where(pending), execution_options=_PLAIN)
    await session.execute(delete(Feedback).where(Feedback.thread_id == thread_id), execution_options=_PLAIN)
