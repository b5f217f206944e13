"""Rules about events, and which effects of the ledger they have looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update

from crm.database import TenantSession
from crm.repositories.inserting import insert_if_absent
from crm.triggers import Firing, Trigger
from crm.work import LedgerEffect, LedgerEntry

_PLAIN: dict[str, Any] = {"synchronize_session": False}


@dataclass(frozen=True)
class NewEffect:
    """An effect that was applied and that a rule has not looked at."""

    entry: LedgerEntry
    place: int


async def add(session: TenantSession, trigger: Trigger) -> None:
    session.add(trigger)
    await session.flush()


async def find(session: TenantSession, trigger_id: str, *, owner: str | None) -> Trigger | None:
    """None if there is no such rule, or it is somebody else's; `owner` None: anybody's."""
    found = await session.scalar(select(Trigger).where(Trigger.trigger_id == trigger_id))
    return found if found is not None and owner in (None, found.owner) else None


async def list_triggers(session: TenantSession, *, owner: str | None) -> list[Trigger]:
    """Newest first; `owner` None: all of the tenant."""
    statement = select(Trigger).order_by(Trigger.created_at.desc(), Trigger.trigger_id)
    return list(await session.scalars(statement if owner is None else statement.where(Trigger.owner == owner)))


async def count(session: TenantSession) -> int:
    return await session.scalar(select(func.count()).select_from(Trigger)) or 0


async def remove(session: TenantSession, trigger: Trigger) -> None:
    await session.execute(delete(Firing).where(Firing.trigger_id == trigger.trigger_id), execution_options=_PLAIN)
    await session.delete(trigger)
    await session.flush()


async def list_enabled(session: TenantSession) -> list[Trigger]:
    return list(await session.scalars(select(Trigger).where(Trigger.enabled).order_by(Trigger.trigger_id)))


async def switch_off(session: TenantSession, trigger_id: str, *, because: str) -> None:
    statement = update(Trigger).where(Trigger.trigger_id == trigger_id)
    await session.execute(statement.values(enabled=False, stopped_because=because[:200]), execution_options=_PLAIN)


async def list_effects_on(
    session: TenantSession, trigger_id: str, object_name: str, *, since: datetime, limit: int = 50
) -> list[NewEffect]:
    """Effects on a kind of record that the rule has not looked at, oldest first."""
    return await _list_new(session, trigger_id, LedgerEffect.object_name == object_name, since=since, limit=limit)


async def list_effects_of(
    session: TenantSession, trigger_id: str, tool: str, *, since: datetime, limit: int = 50
) -> list[NewEffect]:
    """First effects of calls of a tool that have not been looked at under this name, oldest first."""
    of_tool = (LedgerEntry.tool == tool) & (LedgerEffect.place == 0)
    return await _list_new(session, trigger_id, of_tool, since=since, limit=limit)


async def _list_new(
    session: TenantSession, trigger_id: str, condition: Any, *, since: datetime, limit: int
) -> list[NewEffect]:
    looked_at = (
        select(Firing.entry_id)
        .where(
            Firing.trigger_id == trigger_id,
            Firing.entry_id == LedgerEffect.entry_id,
            Firing.place == LedgerEffect.place,
        )
        .exists()
    )
    statement = (
        select(LedgerEntry, LedgerEffect.place)
        .join(LedgerEffect, LedgerEffect.entry_id == LedgerEntry.entry_id)
        .where(LedgerEntry.status == "applied", LedgerEntry.created_at >= since, condition, ~looked_at)
        .order_by(LedgerEntry.created_at, LedgerEntry.entry_id, LedgerEffect.place)
        .limit(limit)
    )
    return [NewEffect(entry, place) for entry, place in (await session.execute(statement)).all()]


async def note(session: TenantSession, trigger_id: str, effect: NewEffect, *, at: datetime) -> Firing | None:
    """Note that the rule looks at the effect; None if it has, here or in another process."""
    values = {"trigger_id": trigger_id, "entry_id": effect.entry.entry_id, "place": effect.place, "fired_at": at}
    key: Sequence[str] = ["tenant", "trigger_id", "entry_id", "place"]
    return await insert_if_absent(session, Firing, values, key=key)
