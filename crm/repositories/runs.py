"""Runs, their leases and their events. A lease says which process works on a run, and until when that is believed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, Select, delete, func, or_, select, update

from crm.database import TenantSession
from crm.errors import ErasedError
from crm.repositories import items, keys
from crm.sealed_row import from_bytes, to_bytes
from crm.work import Run, RunEvent, Thread

UNFINISHED = ("pending", "running")


async def find(session: TenantSession, run_id: str, *, thread_id: str | None = None) -> Run | None:
    statement = select(Run).where(Run.run_id == run_id).execution_options(populate_existing=True)
    if thread_id is not None:
        statement = statement.where(Run.thread_id == thread_id)
    run = await session.scalar(statement)
    if run is not None:
        await keys.unlock(session, run)
    return run


async def add(session: TenantSession, run: Run) -> None:
    """Raises: ErasedError."""
    await keys.seal(session, run)
    session.add(run)
    await session.flush()


async def list_runs(
    session: TenantSession, thread_id: str, *, limit: int = 10, offset: int = 0, status: str | None = None
) -> list[Run]:
    """Newest first."""
    statement = select(Run).where(Run.thread_id == thread_id)
    if status is not None:
        statement = statement.where(Run.status == status)
    ordered = statement.order_by(Run.created_at.desc(), Run.run_id).offset(offset).limit(limit)
    return await _unlocked(session, ordered)


async def _unlocked(session: TenantSession, statement: Select[Run]) -> list[Run]:
    found = list(await session.scalars(statement))
    await keys.unlock(session, *found)
    return found


async def list_unfinished(session: TenantSession, thread_id: str) -> list[Run]:
    """Oldest first: the order in which they are worked on."""
    statement = select(Run).where(Run.thread_id == thread_id, Run.status.in_(UNFINISHED))
    return await _unlocked(session, statement.order_by(Run.created_at, Run.run_id))


async def count_unfinished(session: TenantSession) -> int:
    """Over the whole tenant."""
    statement = select(func.count()).select_from(Run).where(Run.status.in_(UNFINISHED))
    return await session.scalar(statement) or 0


async def list_claimable(session: TenantSession, *, at: datetime, limit: int = 20) -> list[Run]:
    """Unfinished runs that no living process works on, oldest first."""
    free = or_(Run.lease_until.is_(None), Run.lease_until < at)
    statement = select(Run).where(Run.status.in_(UNFINISHED), free).order_by(Run.created_at).limit(limit)
    return list(await session.scalars(statement))


async def claim(session: TenantSession, run_id: str, *, by: str, at: datetime, until: datetime) -> bool:
    """Take the lease if it is free or run out; False if somebody else has it or the run is done."""
    free = or_(Run.lease_until.is_(None), Run.lease_until < at)
    return await _changed(
        session,
        update(Run)
        .where(Run.run_id == run_id, Run.status.in_(UNFINISHED), free)
        .values(status="running", lease_owner=by, lease_until=until, attempt=Run.attempt + 1, updated_at=at),
    )


async def renew(session: TenantSession, run_id: str, *, by: str, until: datetime) -> bool:
    """Prolong an own lease; False if it was lost."""
    mine = (Run.run_id == run_id) & (Run.lease_owner == by) & Run.status.in_(UNFINISHED)
    return await _changed(session, update(Run).where(mine).values(lease_until=until))


async def release(session: TenantSession, run_id: str, *, by: str) -> bool:
    """Give an own lease back unfinished, so that another process need not wait for it to run out."""
    mine = (Run.run_id == run_id) & (Run.lease_owner == by) & Run.status.in_(UNFINISHED)
    return await _changed(session, update(Run).where(mine).values(lease_until=None))


async def finish(
    session: TenantSession, run_id: str, *, by: str | None, status: str, error: str | None, at: datetime
) -> bool:
    """End a run; False if the lease was lost, so that another process ends it."""
    statement = update(Run).where(Run.run_id == run_id, Run.status.in_(UNFINISHED))
    if by is not None:
        statement = statement.where(Run.lease_owner == by)
    return await _changed(session, statement.values(status=status, error=error, lease_until=None, updated_at=at))


async def take_up_parked(session: TenantSession, versions: Sequence[int], *, at: datetime) -> int:
    """Let runs go on that were put aside, if their conversations rest on one of these versions of the graph."""
    within = select(Thread.thread_id).where(Thread.graph_version.in_(versions))
    statement = update(Run).where(Run.status == "parked", Run.thread_id.in_(within))
    fresh = {"status": "pending", "attempt": 0, "error": None, "lease_owner": None, "lease_until": None}
    result = await session.execute(
        statement.values(**fresh, updated_at=at), execution_options={"synchronize_session": False}
    )
    return cast("CursorResult[Any]", result).rowcount


async def end_parked(session: TenantSession, thread_id: str, *, error: str, at: datetime) -> None:
    """End the runs of a thread that were put aside and will not go on."""
    statement = update(Run).where(Run.status == "parked", Run.thread_id == thread_id)
    await session.execute(
        statement.values(status="error", error=error, updated_at=at), execution_options={"synchronize_session": False}
    )


async def request_cancel(session: TenantSession, run_id: str) -> bool:
    """Ask the process that works on the run to stop; False if it is done already."""
    unfinished = (Run.run_id == run_id) & Run.status.in_(UNFINISHED)
    return await _changed(session, update(Run).where(unfinished).values(cancel_requested=True))


async def remove(session: TenantSession, run_id: str) -> None:
    plain = {"synchronize_session": False}
    await session.execute(delete(RunEvent).where(RunEvent.run_id == run_id), execution_options=plain)
    await session.execute(delete(Run).where(Run.run_id == run_id), execution_options=plain)


@dataclass(frozen=True)
class Event:
    """One event of a run's stream."""

    seq: int
    event: str
    data: Any


async def add_events(
    session: TenantSession, run_id: str, first: int, events: Sequence[tuple[str, Any]], *, thread_id: str
) -> None:
    """Append (name, data) pairs, numbered from `first`. Raises: ErasedError."""
    key = await keys.get(session, ("thread", thread_id))
    for seq, (name, data) in enumerate(events, first):
        kept = data
        if name == "values" and "messages" in data:
            kept = {field: value for field, value in data.items() if field != "messages"}
            kept[items.NUMBERS] = await items.store(session, thread_id, key, data["messages"])
        sealed = key.seal(to_bytes(kept), "event", run_id, str(seq), name)
        session.add(RunEvent(run_id=run_id, seq=seq, event=name, sealed=sealed))
    await session.flush()


async def list_events(
    session: TenantSession, run_id: str, *, thread_id: str, after: int = 0, limit: int = 500
) -> list[Event]:
    """Raises: ErasedError, SealError."""
    statement = select(RunEvent).where(RunEvent.run_id == run_id, RunEvent.seq > after)
    found = list(await session.scalars(statement.order_by(RunEvent.seq).limit(limit)))
    if not found:
        return []
    key = (await keys.find(session, [("thread", thread_id)])).get(("thread", thread_id))
    if key is None:
        raise ErasedError("thread")
    opened = [(row, from_bytes(key.open(row.sealed, "event", run_id, str(row.seq), row.event))) for row in found]
    naming = [data for row, data in opened if row.event == "values" and items.NUMBERS in data]
    named = await items.load(session, thread_id, key, [data.pop(items.NUMBERS) for data in naming])
    for data, messages in zip(naming, named, strict=True):
        data["messages"] = messages
    return [Event(row.seq, row.event, data) for row, data in opened]


async def last_event(session: TenantSession, run_id: str) -> int:
    """Number of the newest event, 0 if there is none."""
    return await session.scalar(select(func.max(RunEvent.seq)).where(RunEvent.run_id == run_id)) or 0


async def _changed(session: TenantSession, statement: Any) -> bool:
    result = await session.execute(statement, execution_options={"synchronize_session": False})
    return cast("CursorResult[Any]", result).rowcount == 1
