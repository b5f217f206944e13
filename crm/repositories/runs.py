"""Runs, their leases and their events. A lease says which process works on a run, and until when that is believed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, Select, and_, delete, func, or_, select, update
from sqlalchemy.orm import aliased

from crm.database import TenantSession
from crm.errors import ErasedError
from crm.repositories import items, keys
from crm.sealed_row import from_bytes, to_bytes
from crm.work import Run, RunEvent, Thread

UNFINISHED = ("pending", "running")
"""What some process has to work on."""
OPEN = ("waiting", *UNFINISHED)
"""What has not come to its end: also messages that wait in the queue of a conversation that waits for a decision."""


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
        statement = statement.where(Run.status.in_(("waiting", "pending") if status == "pending" else (status,)))
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


async def list_waiting(session: TenantSession, thread_id: str) -> list[Run]:
    """Messages that wait until the conversation waits for nothing, oldest first."""
    statement = select(Run).where(Run.thread_id == thread_id, Run.status == "waiting")
    return await _unlocked(session, statement.order_by(Run.created_at, Run.run_id))


async def hold_back(session: TenantSession, thread_id: str) -> None:
    """The conversation has come to wait: messages that were entered before wait with it, unless they withdraw."""
    queued = [
        one.run_id
        for one in await list_unfinished(session, thread_id)
        if one.request["kind"] == "message" and one.multitask_strategy not in ("interrupt", "rollback")
    ]
    untouched = Run.run_id.in_(queued) & (Run.status == "pending")
    await session.execute(
        update(Run).where(untouched).values(status="waiting"), execution_options={"synchronize_session": False}
    )


async def release_waiting(session: TenantSession, thread_id: str) -> None:
    """The conversation waits for nothing any more: what was held back is to be worked on, in its order."""
    held_back = (Run.thread_id == thread_id) & (Run.status == "waiting")
    await session.execute(
        update(Run).where(held_back).values(status="pending", queued_at=None, ticket=Run.ticket + 1),
        execution_options={"synchronize_session": False},
    )


async def drop_waiting(session: TenantSession, run: Run, *, at: datetime) -> bool:
    """Take a message out of the queue; False if it is not in it."""
    mine = (Run.run_id == run.run_id) & (Run.status == "waiting")
    statement = update(Run).where(mine).values(status="interrupted", updated_at=at)
    if not await _changed(session, statement):
        return False
    told = [
        ("metadata", {"run_id": run.run_id, "attempt": 0}),
        ("end", {"run_id": run.run_id, "status": "interrupted"}),
    ]
    await add_events(session, run.run_id, 1, told, thread_id=run.thread_id)
    return True


async def count_unfinished(session: TenantSession) -> int:
    """Over the whole tenant."""
    statement = select(func.count()).select_from(Run).where(Run.status.in_(UNFINISHED))
    return await session.scalar(statement) or 0


async def list_claimable(session: TenantSession, *, at: datetime, limit: int = 20) -> list[Run]:
    """Unfinished runs that no living process works on, oldest first."""
    statement = select(Run).where(_is_claimable(at)).order_by(Run.created_at).limit(limit)
    return list(await session.scalars(statement))


async def list_misplaced(
    session: TenantSession, *, at: datetime, fresh: datetime, unseen: datetime, limit: int = 200
) -> list[Run]:
    """Those of them that may have no place in the queue, oldest first.

    That is: never put there, though accepted before `fresh`; left by a process since they were; or not seen there
    since `unseen`. A run whose turn has not come in its thread is not among them.
    """
    ahead = aliased(Run)
    waits_for_another = (
        select(ahead.run_id)
        .where(ahead.thread_id == Run.thread_id, ahead.status.in_(UNFINISHED), ahead.lease_until >= at)
        .where(ahead.run_id != Run.run_id)
        .exists()
    )
    misplaced = or_(
        and_(Run.queued_at.is_(None), or_(Run.created_at < fresh, Run.lease_until.is_not(None), Run.ticket > 0)),
        Run.queued_at < Run.lease_until,
        Run.queued_at < unseen,
    )
    statement = select(Run).where(_is_claimable(at), misplaced, ~waits_for_another)
    return list(await session.scalars(statement.order_by(Run.created_at).limit(limit)))


async def place(session: TenantSession, run_id: str, *, ticket: int, at: datetime) -> bool:
    """Write down that a run has been put into the queue; False if it has a newer place by now."""
    mine = (Run.run_id == run_id) & (Run.ticket <= ticket) & Run.status.in_(UNFINISHED)
    return await _changed(session, update(Run).where(mine).values(queued_at=at, ticket=ticket))


async def displace(session: TenantSession, run_id: str, *, ticket: int, at: datetime) -> bool:
    """Write down that a run has left the queue and nobody works on it; False if somebody does."""
    mine = (Run.run_id == run_id) & (Run.ticket == ticket) & _is_claimable(at)
    return await _changed(session, update(Run).where(mine).values(queued_at=None, ticket=ticket + 1))


async def are_free(session: TenantSession, run_ids: Collection[str], *, at: datetime) -> set[str]:
    """Those that no living process works on, the finished ones and those that are gone among them."""
    held = select(Run.run_id).where(Run.run_id.in_(run_ids), Run.status.in_(UNFINISHED), Run.lease_until >= at)
    return set(run_ids) - set(await session.scalars(held))


async def count_waiting(session: TenantSession) -> int:
    """Runs of the tenant that nobody has begun with."""
    statement = select(func.count()).select_from(Run).where(Run.status == "pending")
    return await session.scalar(statement) or 0


async def list_parked(session: TenantSession, *, limit: int = 100) -> list[Run]:
    """Given up after too many attempts, newest first."""
    statement = select(Run).where(Run.parked_at.is_not(None)).order_by(Run.parked_at.desc(), Run.run_id)
    return list(await session.scalars(statement.limit(limit)))


async def unpark(session: TenantSession, run_id: str, *, at: datetime) -> bool:
    """Let a run that was given up try again, from where it was; False if it was not given up."""
    statement = update(Run).where(Run.run_id == run_id, Run.parked_at.is_not(None))
    values = {"parked_at": None, "status": "pending", "error": None, "attempt": 1, "queued_at": None, "updated_at": at}
    return await _changed(session, statement.values(**values))


def _is_claimable(at: datetime) -> ColumnElement[bool]:
    return and_(Run.status.in_(UNFINISHED), or_(Run.lease_until.is_(None), Run.lease_until < at))


async def claim(session: TenantSession, run_id: str, *, by: str, at: datetime, until: datetime) -> bool:
    """Take the lease if it is free or run out; False if somebody else has it or the run is done."""
    return await _changed(
        session,
        update(Run)
        .where(Run.run_id == run_id, _is_claimable(at))
        .values(status="running", lease_owner=by, lease_until=until, attempt=Run.attempt + 1, updated_at=at),
    )


async def renew(session: TenantSession, run_id: str, *, by: str, until: datetime) -> bool:
    """Prolong an own lease; False if it was lost."""
    mine = (Run.run_id == run_id) & (Run.lease_owner == by) & Run.status.in_(UNFINISHED)
    return await _changed(session, update(Run).where(mine).values(lease_until=until))


async def is_held(session: TenantSession, run_id: str, *, by: str) -> bool:
    """Whether the lease is this process's; if so it stays that until the transaction ends."""
    mine = (Run.run_id == run_id) & (Run.lease_owner == by) & Run.status.in_(UNFINISHED)
    return await session.scalar(select(Run.run_id).where(mine).with_for_update(read=True)) is not None


async def release(session: TenantSession, run_id: str, *, by: str) -> bool:
    """Give an own lease back unfinished, so that another process need not wait for it to run out."""
    mine = (Run.run_id == run_id) & (Run.lease_owner == by) & Run.status.in_(UNFINISHED)
    return await _changed(
        session, update(Run).where(mine).values(lease_until=None, queued_at=None, ticket=Run.ticket + 1)
    )


async def finish(
    session: TenantSession,
    run_id: str,
    *,
    by: str | None,
    status: str,
    error: str | None,
    at: datetime,
    parked: bool = False,
) -> bool:
    """End a run; False if the lease was lost, so that another process ends it. `parked`: it was given up."""
    statement = update(Run).where(Run.run_id == run_id, Run.status.in_(UNFINISHED))
    if by is not None:
        statement = statement.where(Run.lease_owner == by)
    ended = {"status": status, "error": error, "lease_until": None, "updated_at": at}
    return await _changed(session, statement.values(**ended, parked_at=at if parked else None))


async def take_up_parked(session: TenantSession, graph: str, version: int, *, at: datetime) -> int:
    """Let runs go on that were put aside, if their conversations rest on this version of this graph."""
    within = select(Thread.thread_id).where(Thread.graph == graph, Thread.graph_version == version)
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
    whole = [data for name, data in events if name == "values" and "messages" in data]
    spans = iter(await items.store_each(session, thread_id, key, [data["messages"] for data in whole]))
    for seq, (name, data) in enumerate(events, first):
        kept = data
        if name == "values" and "messages" in data:
            kept = {field: value for field, value in data.items() if field != "messages"}
            kept[items.NUMBERS] = next(spans)
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
