"""Approval rows and their votes. Every change of status is a compare-and-set on the row itself."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, select, update

from crm.database import TenantSession
from crm.repositories import keys
from crm.repositories.approval_facts import note_facts
from crm.sealed_row import seal_json
from crm.work import Approval, Vote

AGAIN = "again:"
ALONE = (AGAIN, "undo:")
"""How the keys of requests begin that no conversation waits for."""


async def find_by_key(session: TenantSession, key: str) -> Approval | None:
    return await _unlocked(session, await session.scalar(select(Approval).where(Approval.key == key)))


async def _unlocked(session: TenantSession, found: Approval | None) -> Approval | None:
    if found is not None:
        await keys.unlock(session, found)
    return found


async def find(session: TenantSession, approval_id: str, *, for_update: bool = False) -> Approval | None:
    """None if there is no such approval in the tenant. With `for_update` the row is held until the end."""
    statement = select(Approval).where(Approval.approval_id == approval_id)
    if for_update:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return await _unlocked(session, await session.scalar(statement))


async def list_by_ids(session: TenantSession, approval_ids: Sequence[str]) -> list[Approval]:
    """In the order of `approval_ids`; ids that do not exist are left out."""
    found = await session.scalars(
        select(Approval).where(Approval.approval_id.in_(approval_ids)).execution_options(populate_existing=True)
    )
    by_id = {one.approval_id: one for one in found}
    await keys.unlock(session, *by_id.values())
    return [by_id[one] for one in approval_ids if one in by_id]


async def list_approvals(
    session: TenantSession,
    *,
    statuses: Sequence[str] = (),
    thread_id: str | None = None,
    run_id: str | None = None,
    requester: str | None = None,
    limit: int = 100,
    before: tuple[datetime, str] | None = None,
) -> list[Approval]:
    """Newest first; `before` is the (created_at, approval_id) of the last one already seen."""
    statement = select(Approval)
    if statuses:
        statement = statement.where(Approval.status.in_(statuses))
    if thread_id is not None:
        statement = statement.where(Approval.thread_id == thread_id)
    if run_id is not None:
        statement = statement.where(Approval.run_id == run_id)
    if requester is not None:
        statement = statement.where(Approval.requester == requester)
    if before is not None:
        at, last = before
        statement = statement.where(
            (Approval.created_at < at) | ((Approval.created_at == at) & (Approval.approval_id < last))
        )
    ordered = statement.order_by(Approval.created_at.desc(), Approval.approval_id.desc())
    found = list(await session.scalars(ordered.limit(limit)))
    await keys.unlock(session, *found)
    return found


async def list_held(session: TenantSession, thread_id: str) -> list[Approval]:
    """What a conversation waits for, newest first; requests that stand by themselves are not among it."""
    pending = await list_approvals(session, statuses=["pending"], thread_id=thread_id)
    return [one for one in pending if not one.key.startswith(ALONE)]


async def find_successors(session: TenantSession, approval_ids: Sequence[str]) -> dict[str, str]:
    """By the id of a request, the newest one that took its place; requests that nothing replaced are left out."""
    statement = select(Approval.replaces, Approval.approval_id).where(Approval.replaces.in_(approval_ids))
    found = await session.execute(statement.order_by(Approval.created_at, Approval.approval_id))
    return {replaced: successor for replaced, successor in found if replaced is not None}


async def list_between(
    session: TenantSession, *, since: datetime | None, until: datetime | None, limit: int
) -> list[Approval]:
    """Newest first; `since` is taken in, `until` is not."""
    statement = select(Approval)
    if since is not None:
        statement = statement.where(Approval.created_at >= since)
    if until is not None:
        statement = statement.where(Approval.created_at < until)
    ordered = statement.order_by(Approval.created_at.desc(), Approval.approval_id.desc())
    found = list(await session.scalars(ordered.limit(limit)))
    await keys.unlock(session, *found)
    return found


async def add(session: TenantSession, row: Approval | Vote) -> None:
    """Raises: ErasedError."""
    if isinstance(row, Approval):
        await keys.seal(session, row)
        note_facts(session, row)
    session.add(row)
    await session.flush()


async def assign(session: TenantSession, approval_id: str, assignee: str) -> bool:
    """Put it before somebody, as long as it is pending; False if it was decided meanwhile."""
    statement = update(Approval).where(Approval.approval_id == approval_id, Approval.status == "pending")
    options = {"synchronize_session": "fetch"}
    result = await session.execute(statement.values(assignee=assignee), execution_options=options)
    return cast("CursorResult[Any]", result).rowcount == 1


async def list_expired(session: TenantSession, *, at: datetime, limit: int = 100) -> list[tuple[str, str]]:
    """(thread, approval) ids of pending requests that nobody decided in time, oldest first."""
    statement = select(Approval.thread_id, Approval.approval_id).where(
        Approval.status == "pending", Approval.expires_at <= at
    )
    found = await session.execute(statement.order_by(Approval.expires_at, Approval.approval_id).limit(limit))
    return [(thread_id, approval_id) for thread_id, approval_id in found]


async def has_older(session: TenantSession) -> bool:
    """Whether there are requests that an earlier version wrote down."""
    statement = select(Approval.approval_id).where(Approval.object_name.is_(None)).limit(1)
    return await session.scalar(statement) is not None


async def index_older(session: TenantSession, *, limit: int = 200) -> int:
    """Note the facts of requests that an earlier version wrote down; gives how many it looked at."""
    statement = select(Approval).where(Approval.object_name.is_(None)).limit(limit)
    found = list(await session.scalars(statement))
    await keys.unlock(session, *found)
    for one in found:
        note_facts(session, one)
    await session.flush()
    return len(found)


async def move(
    session: TenantSession,
    approval: Approval,
    *,
    expected: str,
    to: str,
    told: Mapping[str, Any] | None = None,
    **values: Any,
) -> bool:
    """Change the status if it still is `expected`; False if somebody else was faster.

    `told` are values of sealed columns: `reason`, `edited_arguments`, `result`. Of an erased request none are kept.
    """
    sealed = {
        f"sealed_{name}": seal_json(approval.data_key(), value, approval.purpose(name))
        for name, value in (told or {}).items()
        if not approval.is_erased
    }
    result = await session.execute(
        update(Approval)
        .where(Approval.approval_id == approval.approval_id, Approval.status == expected)
        .values(status=to, **values, **sealed)
        .execution_options(synchronize_session="fetch")
    )
    return cast("CursorResult[Any]", result).rowcount == 1


async def list_escalating(session: TenantSession, *, at: datetime, limit: int) -> list[Approval]:
    """Pending ones that have not run out and whose next escalation has come, in the order in which it did."""
    statement = select(Approval).where(
        Approval.status == "pending", Approval.escalates_at <= at, Approval.expires_at > at
    )
    found = list(await session.scalars(statement.order_by(Approval.escalates_at, Approval.approval_id).limit(limit)))
    await keys.unlock(session, *found)
    return found


async def mark_escalated(
    session: TenantSession, approval: Approval, *, seen: datetime, next_at: datetime | None
) -> bool:
    """Note what the next escalation is; False if somebody else did, or the request was decided meanwhile."""
    result = await session.execute(
        update(Approval)
        .where(
            Approval.approval_id == approval.approval_id,
            Approval.status == "pending",
            Approval.escalates_at == seen,
        )
        .values(escalates_at=next_at)
        .execution_options(synchronize_session=False)
    )
    return cast("CursorResult[Any]", result).rowcount == 1


async def list_votes_on(session: TenantSession, approval_ids: Sequence[str]) -> dict[str, list[Vote]]:
    """By request; those that nobody has voted on are left out."""
    found: dict[str, list[Vote]] = {}
    for vote in await session.scalars(select(Vote).where(Vote.approval_id.in_(approval_ids))):
        found.setdefault(vote.approval_id, []).append(vote)
    return found


async def list_votes(session: TenantSession, approval_id: str) -> list[Vote]:
    return list(await session.scalars(select(Vote).where(Vote.approval_id == approval_id).order_by(Vote.created_at)))
