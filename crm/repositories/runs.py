"""Runs, their leases and their events. A lease says which process works on a run, and until when that is believed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, delete, func, or_, select, update

from crm.database import TenantSession
from crm.work import Run, RunEvent

UNFINISHED = ("pending", "running")


async def find(session: TenantSession, run_id: str, *, thread_id: str | None = None) -> Run | None:
    statement = select(Run).where(Run.run_id == run_id).execution_options(populate_existing=True)
    if thread_id is not None:
        statement = statement.where(Run.thread_id == thread_id)
    return cast("Run | None", await session.scalar(statement))


async def add(session: TenantSession, run: Run) -> None:
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
    return list(await session.scalars(ordered))


async def list_unfinished(session: TenantSession, thread_id: str) -> list[Run]:
    """Oldest first: the order in which they are worked on."""
    statement = select(Run).where(Run.thread_id == thread_id, Run.status.in_(UNFINISHED))
    return list(await session.scalars(statement.order_by(Run.created_at, Run.run_id)))


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


async def request_cancel(session: TenantSession, run_id: str) -> bool:
    """Ask the process that works on the run to stop; False if it is done already."""
    unfinished = (Run.run_id == run_id) & Run.status.in_(UNFINISHED)
    return await _changed(session, update(Run).where(unfinished).values(cancel_requested=True))


async def remove(session: TenantSession, run_id: str) -> None:
    plain = {"synchronize_session": False}
    await session.execute(delete(RunEvent).where(RunEvent.run_id == run_id), execution_options=plain)
    await session.execute(delete(Run).where(Run.run_id == run_id), execution_options=plain)


async def add_events(session: TenantSession, run_id: str, first: int, events: Sequence[tuple[str, Any]]) -> None:
    """Append (name, data) pairs, numbered from `first`."""
    session.add_all(
        RunEvent(run_id=run_id, seq=first + index, event=name, data=data) for index, (name, data) in enumerate(events)
    )
    await session.flush()


async def list_events(session: TenantSession, run_id: str, *, after: int = 0, limit: int = 500) -> list[RunEvent]:
    statement = select(RunEvent).where(RunEvent.run_id == run_id, RunEvent.seq > after)
    return list(await session.scalars(statement.order_by(RunEvent.seq).limit(limit)))


async def last_event(session: TenantSession, run_id: str) -> int:
    """Number of the newest event, 0 if there is none."""
    return await session.scalar(select(func.max(RunEvent.seq)).where(RunEvent.run_id == run_id)) or 0


async def _changed(session: TenantSession, statement: Any) -> bool:
    result = await session.execute(statement, execution_options={"synchronize_session": False})
    return cast("CursorResult[Any]", result).rowcount == 1
