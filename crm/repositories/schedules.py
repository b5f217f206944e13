"""Schedules: found by whoever made them, and by the clock."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, func, select, update

from crm.database import TenantSession
from crm.records import User
from crm.repositories import keys
from crm.rights import PermissionSet, PermissionSetAssignment
from crm.scheduling import Schedule


async def add(session: TenantSession, schedule: Schedule) -> None:
    """Raises: ErasedError if its owner was erased."""
    schedule.take_key(await keys.get(session, ("person", schedule.owner)))
    session.add(schedule)
    await session.flush()


async def find(session: TenantSession, schedule_id: str, *, owner: str) -> Schedule | None:
    """None if there is no such schedule, or it is somebody else's."""
    statement = select(Schedule).where(Schedule.schedule_id == schedule_id, Schedule.owner == owner)
    found = await session.scalar(statement.with_for_update().execution_options(populate_existing=True))
    return None if found is None else await unlock(session, found)


async def list_schedules(
    session: TenantSession,
    *,
    owner: str,
    limit: int = 10,
    offset: int = 0,
    details: Mapping[str, Any] | None = None,
    enabled: bool | None = None,
    assistants: Sequence[str] = (),
) -> list[Schedule]:
    """Newest first; `details` must all be among a schedule's own. No `assistants`: of all."""
    statement = select(Schedule).where(Schedule.owner == owner)
    if assistants:
        statement = statement.where(Schedule.assistant.in_(assistants))
    if enabled is not None:
        statement = statement.where(Schedule.enabled.is_(enabled))
    found = list(await session.scalars(statement.order_by(Schedule.created_at.desc(), Schedule.schedule_id)))
    wanted = (details or {}).items()
    kept = [one for one in found if all(one.details.get(name) == value for name, value in wanted)]
    return [await unlock(session, one) for one in kept[offset : offset + limit]]


async def count(session: TenantSession, *, owner: str, assistants: Sequence[str] = ()) -> int:
    statement = select(func.count()).select_from(Schedule).where(Schedule.owner == owner)
    if assistants:
        statement = statement.where(Schedule.assistant.in_(assistants))
    return await session.scalar(statement) or 0


async def remove(session: TenantSession, schedule: Schedule) -> None:
    await session.delete(schedule)
    await session.flush()


async def list_due(session: TenantSession, *, at: datetime, limit: int = 20) -> list[Schedule]:
    """Those whose time has come, the longest overdue first."""
    statement = select(Schedule).where(Schedule.enabled, Schedule.next_at <= at)
    return list(await session.scalars(statement.order_by(Schedule.next_at).limit(limit)))


async def advance(session: TenantSession, schedule: Schedule, *, to: datetime | None) -> bool:
    """Move a schedule on from the time it is due at; False if another process did. Whoever moved it fires it."""
    statement = (
        update(Schedule)
        .where(Schedule.schedule_id == schedule.schedule_id, Schedule.enabled, Schedule.next_at == schedule.next_at)
        .values(next_at=to)
    )
    result = await session.execute(statement, execution_options={"synchronize_session": False})
    return cast("CursorResult[Any]", result).rowcount == 1


async def switch_off(session: TenantSession, schedule_id: str, *, because: str, at: datetime) -> None:
    values = {"enabled": False, "next_at": None, "stopped_because": because[:200], "updated_at": at}
    statement = update(Schedule).where(Schedule.schedule_id == schedule_id).values(**values)
    await session.execute(statement, execution_options={"synchronize_session": False})


async def list_holders(session: TenantSession, permission_set: str) -> list[str] | None:
    """Ids of the active users who have the permission set, sorted; None if there is no such set."""
    if await session.scalar(select(PermissionSet.name).where(PermissionSet.name == permission_set)) is None:
        return None
    assigned = select(PermissionSetAssignment.user_id).where(PermissionSetAssignment.permission_set == permission_set)
    return list(await session.scalars(select(User.Id).where(User.IsActive, User.Id.in_(assigned)).order_by(User.Id)))


async def unlock(session: TenantSession, schedule: Schedule) -> Schedule:
    """The schedule with its owner's key; without one if that was shredded."""
    name: keys.Name = ("person", schedule.owner)
    schedule.take_key((await keys.find(session, [name])).get(name))
    return schedule
