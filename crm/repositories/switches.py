"""Kill switches: read before anything is done, thrown by administrators and the operator."""

from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection, func, insert, or_, select

from crm.database import TenantSession
from crm.repositories.inserting import insert_or_replace
from crm.switches import KillSwitch, ServiceSwitch


async def list_on(session: TenantSession, *, at: datetime) -> list[KillSwitch]:
    """The tenant's switches that stop something now."""
    still = or_(KillSwitch.until.is_(None), KillSwitch.until > at)
    fresh = {"populate_existing": True}
    statement = select(KillSwitch).where(KillSwitch.is_on, still).order_by(KillSwitch.scope, KillSwitch.name)
    return list(await session.scalars(statement.execution_options(**fresh)))


async def list_all(session: TenantSession) -> list[KillSwitch]:
    """All that were ever thrown, as they stand."""
    return list(await session.scalars(select(KillSwitch).order_by(KillSwitch.scope, KillSwitch.name)))


async def find_service_switch(session: TenantSession) -> ServiceSwitch | None:
    """The operator's switch as it stands; None if it was never thrown."""
    statement = select(ServiceSwitch).order_by(ServiceSwitch.number.desc()).limit(1)
    return cast("ServiceSwitch | None", await session.scalar(statement))


async def put(session: TenantSession, scope: str, name: str, values: dict[str, Any]) -> None:
    await insert_or_replace(
        session, KillSwitch, {"scope": scope, "name": name, **values}, key=("tenant", "scope", "name")
    )


def throw_service_switch(connection: Connection, values: dict[str, Any]) -> None:
    """Add a row to the history of the operator's switch; for the owner of the tables, who takes turns for it."""
    newest = connection.scalar(select(func.max(ServiceSwitch.number))) or 0
    connection.execute(insert(ServiceSwitch).values(number=newest + 1, **values))
