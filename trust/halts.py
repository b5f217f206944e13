"""What is switched off at this moment, and why: read from the database before each decision."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from crm.database import TenantSession
from crm.repositories import switches as rows

SwitchScope = Literal["global", "tenant", "agent", "tool"]


@dataclass(frozen=True)
class Halt:
    """A switch that stops something. `reason` is the words of whoever threw it."""

    scope: SwitchScope
    name: str
    reason: str

    @property
    def message(self) -> str:
        """For staff and models."""
        return f"{self.outline}: {self.reason}" if self.reason else self.outline

    @property
    def outline(self) -> str:
        """Without the reason: for people outside."""
        match self.scope:
            case "global":
                return "the service is switched off by its operator"
            case "tenant":
                return "the copilot is switched off"
            case "agent":
                return f"the {self.name} agent is switched off"
            case "tool":
                return f"the tool {self.name!r} is switched off"


@dataclass(frozen=True)
class Halts:
    """All switches that stop something for one tenant."""

    everything: Halt | None = None
    agents: Mapping[str, Halt] = field(default_factory=dict)
    tools: Mapping[str, Halt] = field(default_factory=dict)

    def find(self, *, agent: str | None = None, tool: str | None = None) -> Halt | None:
        """What stops this agent or this tool, the widest first; None if nothing does."""
        return self.everything or self.agents.get(agent or "") or self.tools.get(tool or "")


NOTHING_HALTED = Halts()


async def load_halts(session: TenantSession, *, at: datetime) -> Halts:
    """What is switched off at `at`; never from a cache, so that a switch counts for whatever begins after it."""
    service = await rows.find_service_switch(session)
    everything: Halt | None = None
    agents: dict[str, Halt] = {}
    tools: dict[str, Halt] = {}
    for one in await rows.list_on(session, at=at):
        match one.scope:
            case "agent":
                agents[one.name] = Halt("agent", one.name, one.reason)
            case "tool":
                tools[one.name] = Halt("tool", one.name, one.reason)
            case _:
                everything = Halt("tenant", "", one.reason)
    if service is not None and service.is_on and (service.until is None or service.until > at):
        everything = Halt("global", "", service.reason)
    return Halts(everything, agents, tools)
