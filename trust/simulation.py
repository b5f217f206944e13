"""What another policy would have made of a past request. Asks the same guards and rules, and writes nothing."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Literal

from trust.actions import Action
from trust.decisions import Deny, Hold
from trust.policy import Grant, decide
from trust.preapprovals import list_preapprovals, sum_of
from trust.principal import Principal
from trust.tenant_policy import TenantPolicy

Outcome = Literal["denied", "held", "preapproved"]


@dataclass(frozen=True)
class Judged:
    """What became, or would become, of a request."""

    outcome: Outcome
    guard: str
    reason: str
    hold: Hold | None = None
    preapproval_id: str | None = None


def judged_as(rule: Hold) -> Judged:
    """By the rule that a request was written down with. What was denied then left no request."""
    if rule.votes == 0:
        given = rule.drawn.preapproval_id if rule.drawn else None
        return Judged("preapproved", rule.guard, rule.reason, preapproval_id=given)
    return Judged("held", rule.guard, rule.reason, rule)


@dataclass
class Simulation:
    """A candidate policy, and what past requests would have used up of its caps, oldest first."""

    policy: TenantPolicy
    _used: Counter[tuple[str, date]] = field(default_factory=Counter)
    _spent: Counter[tuple[str, date]] = field(default_factory=Counter)

    def judge(self, action: Action, principal: Principal, *, at: datetime) -> Judged:
        """What the policy would have said when the request was made, with the requester's rights of now."""
        asking = replace(principal, policy=self.policy.standing_at(at))
        decision = decide(action, asking)
        if isinstance(decision, Grant):
            drawn = self._draw(action, asking, at.date())
            if drawn is not None:
                return Judged("preapproved", "preapproved", "pre-approved by the tenant", preapproval_id=drawn)
            decision = decide(action, asking.without_preapprovals())
        if isinstance(decision, Hold):
            return Judged("held", decision.guard, decision.reason, decision)
        if isinstance(decision, Deny):
            return Judged("denied", decision.guard, decision.reason)
        return Judged("denied", "preapprovals", "nothing holds it, and nothing has approved it")

    def _draw(self, action: Action, principal: Principal, day: date) -> str | None:
        for one in sorted(list_preapprovals(action, principal), key=lambda one: one.is_capped):
            key, amount = (one.preapproval_id, one.period_of(day)), sum_of(action)
            has_count = one.count_cap is None or self._used[key] < one.count_cap
            has_sum = one.sum_cap is None or self._spent[key] + amount <= one.sum_cap
            if has_count and has_sum:
                self._used[key] += 1
                self._spent[key] += amount
                return one.preapproval_id
        return None
