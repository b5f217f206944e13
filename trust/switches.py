"""Throwing a kill switch, which is itself in the audit, and asking whether one stops something."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crm.database import TenantSession
from crm.fields import to_json
from crm.repositories import switches as rows
from crm.switches import KillSwitch, ServiceSwitch
from trust import audit
from trust.halts import Halt, SwitchScope, load_halts
from trust.principal import Principal

MAX_REASON = 500


class SwitchedOffError(Exception):
    """Somebody has switched off what this needs; nothing was done."""

    def __init__(self, halt: Halt, principal: Principal) -> None:
        super().__init__(halt.outline if principal.is_customer else halt.message)
        self.halt = halt


@dataclass(frozen=True)
class Throw:
    """A switch as it is to stand from now on. On stops; `until`, it stops stopping by itself."""

    scope: SwitchScope
    name: str
    is_on: bool
    reason: str
    until: datetime | None = None

    def values(self, by: str, at: datetime) -> dict[str, Any]:
        return {
            "is_on": self.is_on,
            "reason": self.reason,
            "changed_by": by,
            "changed_at": at,
            "until": self.until if self.is_on else None,
        }


async def throw(session: TenantSession, switch: Throw, *, by: str, at: datetime) -> None:
    """Throw one of a tenant's switches; it counts, with its line in the audit, when the transaction commits."""
    await rows.put(session, switch.scope, switch.name, switch.values(by, at))
    await note(session, switch, by=by, at=at)


async def note(session: TenantSession, switch: Throw, *, by: str, at: datetime) -> None:
    """Enter into the tenant's audit that a switch was thrown."""
    await audit.record(
        session,
        at=at,
        kind="switch.on" if switch.is_on else "switch.off",
        actor=by,
        subject=f"{switch.scope}:{switch.name}"[:60],
        payload={"reason": switch.reason, "until": None if switch.until is None else to_json(switch.until)},
    )


async def require_running(
    session: TenantSession, principal: Principal, *, at: datetime, agent: str | None = None, tool: str | None = None
) -> None:
    """Raises: SwitchedOffError if anything stops this now."""
    halt = (await load_halts(session, at=at)).find(agent=agent, tool=tool)
    if halt is not None:
        raise SwitchedOffError(halt, principal)


async def list_switches(session: TenantSession) -> tuple[ServiceSwitch | None, list[KillSwitch]]:
    """The operator's switch and the tenant's own, as they stand, thrown or not."""
    return await rows.find_service_switch(session), await rows.list_all(session)
