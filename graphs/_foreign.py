"""How runs reach servers of others: which agents a tenant has from them, and the door that their calls go through."""

from collections.abc import Mapping
from typing import Any, Protocol

from agents._agent import DomainAgent
from agents._foreign import foreign_agents
from crm.database import TenantSession
from crm.ids import TenantId
from crm.repositories import foreign as rows
from tools._declare import ForeignServers
from trust.actions import ForeignCall
from trust.foreign_ledger import Ended


class ForeignDesk(Protocol):
    """Makes the calls. Implemented where the network is."""

    def for_run(self, tenant: TenantId) -> ForeignServers:
        """For tools that read."""
        ...

    async def carry_out(self, tenant: TenantId, call: ForeignCall) -> Ended:
        """Make a call that a person has approved, once. Raises nothing: what cannot be told is unknown."""
        ...


async def load_foreign(session: TenantSession) -> tuple[DomainAgent, ...]:
    """The agents that the tenant has from servers of others today."""
    servers = await rows.list_servers(session)
    return foreign_agents(servers, await rows.list_tools(session)) if servers else ()


def result_of(call: ForeignCall, answer: str) -> Mapping[str, Any]:
    """What is told of a call that was made."""
    return {"status": "applied", "server": call.server, "tool": call.tool, "answer": answer}
