"""What the guards know of each suite: its tools, its kinds of record, and what its tenant has approved in advance."""

from collections.abc import Mapping
from dataclasses import dataclass

from evals.agentdojo import banking, slack, tenant
from evals.agentdojo.declare import ForeignTool, Kind
from trust.principal import Principal
from trust.tenant_policy import TenantPolicy


@dataclass(frozen=True)
class Adapter:
    tools: Mapping[str, ForeignTool]
    kinds: tuple[Kind, ...]
    policy: TenantPolicy

    def principal(self) -> Principal:
        return tenant.make_principal(self.policy, self.kinds)


def _adapt(tools: tuple[ForeignTool, ...], kinds: tuple[Kind, ...], policy: TenantPolicy) -> Adapter:
    return Adapter({tool.name: tool for tool in tools}, kinds, policy)


ADAPTERS: Mapping[str, Adapter] = {
    "banking": _adapt(banking.TOOLS, banking.KINDS, tenant.BANKING),
    "slack": _adapt(slack.TOOLS, slack.KINDS, tenant.SLACK),
}
