"""What a change of the policy would come to: checked as it will be when it is made, and tried on past requests."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agents._agent import DomainAgent
from crm.database import TenantSession
from crm.repositories import approvals as rows
from graphs._replaying import Replayed, load_cases
from trust.decisions import Hold
from trust.guards.hold_policy_changes import MANAGE_PERMISSION
from trust.policy_book import load_current
from trust.policy_changes import PolicyPlan, draft_change
from trust.principal import Principal
from trust.scopes import POLICY_MANAGE
from trust.simulation import Judged, Simulation, judged_as
from trust.tenant_policy import TenantPolicy

_TRIED = 200
_SHOWN = 5


@dataclass(frozen=True)
class PolicyDesk:
    """Implements `tools._declare.PolicyPlanner` for one person and one transaction."""

    session: TenantSession
    principal: Principal
    now: datetime
    agents: Mapping[str, DomainAgent]

    async def plan(self, values: Mapping[str, Any]) -> PolicyPlan:
        """Raises: CrmError for a change that could not be made."""
        current = await load_current(self.session)
        changed = await draft_change(self.session, current, values)
        if MANAGE_PERMISSION not in self.principal.access.permissions or POLICY_MANAGE not in self.principal.scopes:
            return PolicyPlan(current.version)
        found = await rows.list_between(self.session, since=None, until=self.now, limit=_TRIED)
        cases, _ = await load_cases(self.session, found[::-1], self.agents)
        different = await asyncio.to_thread(_compare, changed, cases)
        return PolicyPlan(current.version, len(cases), len(different), tuple(different[-_SHOWN:]))


def _compare(changed: TenantPolicy, cases: Sequence[Replayed]) -> list[str]:
    """Ids of the requests that would be asked for more, or less, under the changed policy than when they were made."""
    simulation = Simulation(changed)
    found = []
    for approval, action, requester in cases:
        asking = Principal(requester.access, frozenset({action.scope}), halts=requester.halts)
        would = simulation.judge(action, asking, at=approval.created_at)
        if _demand(judged_as(Hold.from_json(approval.rule))) != _demand(would):
            found.append(approval.approval_id)
    return found


def _demand(judged: Judged) -> tuple[Any, ...]:
    hold = judged.hold
    if hold is None:
        return (judged.outcome,)
    asked = [one.words for one in hold.requirements]
    return judged.outcome, hold.permissions, hold.self_approval, hold.votes, asked, hold.expires_after
