"""Asks again and again, at set times: for the one who set them, or for everybody with a permission set.

Moving a schedule on and accepting its runs are one transaction, so that each point in time fires once however many
processes look. What was missed while nothing ran is made up for once, not once for every time.
"""

import asyncio
import logging
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from croniter import CroniterError, croniter

from crm.database import TenantSession
from crm.errors import ErasedError
from crm.ids import TenantId
from crm.repositories import schedules as rows
from crm.repositories.access import UnknownCallerError
from crm.scheduling import Schedule
from crm.work import Run
from graphs.assistants import TURN
from graphs.conversations import Ask, Conversations
from trust import audit
from trust.principal import Principal, load_principal
from trust.scopes import POLICY_MANAGE

LOOK_EVERY_S = 5.0
MOST_PEOPLE = 500
"""How many people one schedule asks for at most."""
MOST_SCHEDULES = 100
"""How many a person may have."""
FOR_OTHERS = "manage_policy"
"""The permission to make a schedule for other people."""

_log = logging.getLogger(__name__)


class ScheduleError(Exception):
    """A schedule cannot be as it was asked for. `field` names what is wrong with it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class ScheduleNotFoundError(Exception):
    """There is no such schedule, or it is somebody else's."""

    def __init__(self, schedule_id: str) -> None:
        super().__init__(f"no schedule {schedule_id!r} of yours")


@dataclass(frozen=True)
class Wanted:
    """What a schedule is to be. In a change, None leaves things as they are."""

    text: str | None = None
    given: Mapping[str, Any] | None = None
    """In place of a message: what the assistant is started with, validated."""
    assistant: str = TURN.name
    instructions: str | None = None
    cron: str | None = None
    timezone: str | None = None
    audience: str | None = None
    ends_at: datetime | None = None
    details: Mapping[str, Any] | None = None
    enabled: bool | None = None


@dataclass
class Schedules:
    """The schedules of all tenants, and the chore that fires them."""

    conversations: Conversations
    _chore: asyncio.Task[None] | None = field(default=None, repr=False)

    def start(self) -> None:
        self._chore = asyncio.create_task(self._fire_forever())

    async def stop(self) -> None:
        if self._chore is not None:
            self._chore.cancel()
            await asyncio.gather(self._chore, return_exceptions=True)

    async def create(self, principal: Principal, wanted: Wanted) -> Schedule:
        """Raises: ScheduleError."""
        now = self._clock()
        async with self._session(principal.tenant, write=True) as session:
            if await rows.count(session, owner=principal.id) >= MOST_SCHEDULES:
                raise ScheduleError("schedule", f"you have {MOST_SCHEDULES} schedules already; delete one first")
            await _check_audience(session, wanted.audience, principal)
            schedule = Schedule(
                schedule_id=str(uuid.uuid4()),
                owner=principal.id,
                audience=wanted.audience,
                cron=wanted.cron or "",
                timezone=wanted.timezone or "UTC",
                assistant=wanted.assistant,
                message={"text": wanted.text, "instructions": wanted.instructions}
                | ({} if wanted.given is None else {"given": dict(wanted.given)}),
                scopes=sorted(principal.scopes),
                enabled=wanted.enabled is not False,
                ends_at=wanted.ends_at,
                details=dict(wanted.details or {}),
                created_at=now,
                updated_at=now,
            )
            schedule.next_at = next_time(schedule, now) if schedule.enabled else None
            await rows.add(session, schedule)
            await _tell_audit(session, "schedule.created", schedule, principal, at=now)
        return schedule

    async def change(self, principal: Principal, schedule_id: str, wanted: Wanted) -> Schedule:
        """Raises: ScheduleNotFoundError, ScheduleError, ErasedError."""
        now = self._clock()
        async with self._session(principal.tenant, write=True) as session:
            schedule = await self._own(session, principal, schedule_id)
            await _check_audience(session, schedule.audience, principal)
            message = dict(schedule.message)
            if wanted.text is not None:
                message |= {"text": wanted.text}
            if wanted.given is not None:
                message |= {"given": dict(wanted.given)}
            if wanted.instructions is not None:
                message |= {"instructions": wanted.instructions}
            schedule.message = message
            for name in ("cron", "timezone", "ends_at", "enabled"):
                if getattr(wanted, name) is not None:
                    setattr(schedule, name, getattr(wanted, name))
            if wanted.details is not None:
                schedule.details = dict(wanted.details)
            schedule.scopes = sorted(principal.scopes)
            schedule.next_at = next_time(schedule, now) if schedule.enabled else None
            schedule.stopped_because = None
            schedule.updated_at = now
            await _tell_audit(session, "schedule.changed", schedule, principal, at=now)
        return schedule

    async def get_assistant(self, principal: Principal, schedule_id: str) -> str:
        """The name of the graph that a schedule starts. Raises: ScheduleNotFoundError."""
        async with self._session(principal.tenant) as session:
            return (await self._own(session, principal, schedule_id)).assistant

    async def delete(self, principal: Principal, schedule_id: str) -> None:
        """Raises: ScheduleNotFoundError."""
        async with self._session(principal.tenant, write=True) as session:
            schedule = await self._own(session, principal, schedule_id)
            await rows.remove(session, schedule)
            await _tell_audit(session, "schedule.deleted", schedule, principal, at=self._clock())

    async def search(self, principal: Principal, **criteria: Any) -> list[Schedule]:
        """The caller's own, newest first."""
        async with self._session(principal.tenant) as session:
            return await rows.list_schedules(session, owner=principal.id, **criteria)

    async def count(self, principal: Principal, *, assistants: Sequence[str] = ()) -> int:
        async with self._session(principal.tenant) as session:
            return await rows.count(session, owner=principal.id, assistants=assistants)

    # Firing

    async def _fire_forever(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.fire_due()
            except Exception:  # what is due stays due
                _log.exception("firing schedules failed")

    async def fire_due(self) -> int:
        """Fire what is due in all tenants; how many runs were begun."""
        begun = 0
        for name in await self.conversations.runner.database.tenants():
            tenant = TenantId(name)  # tenant-id: the service's own chores, for each tenant by itself
            async with self._session(tenant) as session:
                due = await rows.list_due(session, at=self._clock())
            for schedule in due:
                begun += await self._fire(tenant, schedule)
        return begun

    async def _fire(self, tenant: TenantId, schedule: Schedule) -> int:
        now = self._clock()
        begun: list[Run] = []
        async with self._session(tenant, write=True) as session:
            due = schedule.next_at
            if due is None or not await rows.advance(session, schedule, to=next_time(schedule, now)):
                return 0
            reason = None
            try:
                people = await self._people(session, schedule, at=now)
                message = (await rows.unlock(session, schedule)).message
            except (UnknownCallerError, ErasedError, ScheduleError) as error:
                reason = str(error)
            if reason is not None:
                await rows.switch_off(session, schedule.schedule_id, because=reason, at=now)
                await _tell_audit(session, "schedule.stopped", schedule, None, at=now)
                return 0
            ask = Ask(
                message["text"],
                assistant=schedule.assistant,
                given=message.get("given"),
                instructions=message["instructions"],
                today=due.astimezone(ZoneInfo(schedule.timezone)).date(),
                details={"schedule_id": schedule.schedule_id},
                in_background=True,
            )
            scopes = frozenset(schedule.scopes)
            begun += [await self.conversations.open_for(session, person, scopes, ask) for person in people]
        for run in begun:
            await self.conversations.runner.enqueue(tenant, run)
        return len(begun)

    async def _people(self, session: TenantSession, schedule: Schedule, *, at: datetime) -> list[str]:
        """For whom it asks now. Raises: UnknownCallerError, ScheduleError if its owner may not do so any more."""
        owner = await load_principal(session, schedule.owner, frozenset(schedule.scopes), at=at)
        if schedule.audience is None:
            return [schedule.owner]
        return (await _check_audience(session, schedule.audience, owner))[:MOST_PEOPLE]

    # Parts

    def _clock(self) -> datetime:
        return self.conversations.runner.clock()

    def _session(self, tenant: TenantId, *, write: bool = False) -> Any:
        return self.conversations.runner.database.session(tenant, write=write)

    async def _own(self, session: TenantSession, principal: Principal, schedule_id: str) -> Schedule:
        schedule = await rows.find(session, schedule_id, owner=principal.id)
        if schedule is None:
            raise ScheduleNotFoundError(schedule_id)
        return schedule


def next_time(schedule: Schedule, after: datetime) -> datetime | None:
    """When the schedule is due next, in the wall time of its zone; None if it ends before. Raises: ScheduleError."""
    try:
        zone = ZoneInfo(schedule.timezone)
    except (KeyError, ValueError, OSError):
        raise ScheduleError("timezone", "expected the name of a time zone, such as Europe/Berlin") from None
    if len(schedule.cron.split()) != 5:
        raise ScheduleError("schedule", "expected five fields: minute, hour, day, month, weekday; such as 0 7 * * 1-5")
    try:
        found: datetime = croniter(schedule.cron, after.astimezone(zone)).get_next(datetime)
    except (CroniterError, ValueError, OverflowError):
        raise ScheduleError(
            "schedule", "expected a cron expression that is due some day, such as 0 7 * * 1-5"
        ) from None
    return None if schedule.ends_at is not None and found > schedule.ends_at else found.astimezone(after.tzinfo)


async def _check_audience(session: TenantSession, audience: str | None, principal: Principal) -> list[str]:
    """Ids of those for whom it would ask. Raises: ScheduleError."""
    if principal.is_customer:
        raise ScheduleError("schedule", "schedules are for employees")
    if audience is None:
        return [principal.id]
    if FOR_OTHERS not in principal.access.permissions or POLICY_MANAGE not in principal.scopes:
        needed = f"the permission {FOR_OTHERS!r} and scope {POLICY_MANAGE!r}"
        raise ScheduleError("for_each", f"asking for other people needs {needed}")
    people = await rows.list_holders(session, audience)
    if people is None:
        raise ScheduleError("for_each", "expected the name of a permission set")
    return people


async def _tell_audit(
    session: TenantSession, kind: str, schedule: Schedule, principal: Principal | None, *, at: datetime
) -> None:
    payload = {"cron": schedule.cron, "timezone": schedule.timezone, "audience": schedule.audience}
    actor = audit.SERVICE if principal is None else principal.id
    await audit.record(session, at=at, kind=kind, actor=actor, subject=schedule.schedule_id, payload=payload)
