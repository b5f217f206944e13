"""Says why a decision is what it is, and what would satisfy it. Asks the same guards, and never decides anything."""

from dataclasses import dataclass
from typing import Literal

from trust import telemetry
from trust.actions import Action
from trust.approvers import Requirement
from trust.cedar import engine_for
from trust.decisions import Allow, Decision, Deny, Hold
from trust.facts import Facts, facts_of, names_of
from trust.policy import Grant, ask_guards, decide, policy_version
from trust.principal import Principal
from trust.rule_matching import find_rules

Outcome = Literal["allow", "hold", "deny"]

REMEDIES = {
    "stay_in_tenant": "nothing: nothing crosses from one tenant to another",
    "require_listed_tool": "an agent that lists the tool",
    "stay_in_plan": "a new message in which the person asks for it",
    "keep_mail_status": "sending the e-mail, which is the one way to make it a sent one",
    "keep_order_of_states": "a state that the record can go to from where it is",
    "suppress": "recipients who wish to be written to and may read it, at addresses that staff has entered",
    "bind_customers": "a member of staff who asks for it",
    "require_scope": "a token with the tool's scope",
    "require_permission": "a permission set with the permission that the tool asks for",
    "require_rights": "a permission set that lets the person write every object and field of the change",
    "limit_records": "several actions of fewer records each",
    "hold_policy_changes": "an approval by somebody else who may change the policy",
    "hold_writes": "an approval, or a pre-approval of this kind by the tenant",
}


@dataclass(frozen=True)
class Step:
    """What one guard said, or one written rule, and what would satisfy it."""

    source: str
    """A guard, or `policy:` and the id of a rule; a tenant's own begin with `tenant/`."""
    outcome: Outcome
    reason: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class Explanation:
    """The decision that stands, who could lift a hold, and everything that was said on the way."""

    outcome: Outcome
    source: str
    reason: str
    permission: str | None
    second_person: bool
    votes: int
    requirements: tuple[Requirement, ...]
    """What the tenant's approval rules ask of whoever decides."""
    steps: tuple[Step, ...]
    facts: Facts
    policy_version: str

    @property
    def remedies(self) -> list[str]:
        """What would satisfy all that speaks against it, each once; empty if nothing does."""
        return list(dict.fromkeys(step.remedy for step in self.steps if step.outcome == self.outcome and step.remedy))


def explain(action: Action, principal: Principal) -> Explanation:
    with telemetry.watched_by(None):  # nothing is decided here
        decision = decide(action, principal)
    facts = facts_of(action, principal, principal.policy)
    steps = [
        Step(name, _outcome_of(said), _reason_of(said), REMEDIES.get(name, "") if not isinstance(said, Allow) else "")
        for name, said in ask_guards(action, principal)
        if name != "follow_policy"
    ]
    held = decision if isinstance(decision, Hold) else None
    return Explanation(
        outcome="allow" if isinstance(decision, Grant) else _outcome_of(decision),
        source="" if isinstance(decision, Grant) else decision.guard,
        reason="" if isinstance(decision, Grant) else decision.reason,
        permission=held.permission if held else None,
        second_person=held is not None and not held.self_approval,
        votes=held.votes if held else 0,
        requirements=held.requirements if held else (),
        steps=(*steps, *_steps_of_policy(action, principal, facts), *_steps_of_rules(action, principal)),
        facts=facts,
        policy_version=policy_version(principal),
    )


def _steps_of_policy(action: Action, principal: Principal, facts: Facts) -> list[Step]:
    engine = engine_for(principal.policy.additions)
    verdict = engine.decide(facts, names_of(action, principal))
    outcome = _outcome_of(verdict.decision)
    if not verdict.rules:
        return [Step("policy", outcome, _reason_of(verdict.decision))]
    rules = [(name, engine.rules[name]) for name in verdict.rules]
    return [Step(f"policy:{name}", outcome, rule.reason, rule.remedy) for name, rule in rules]


def _outcome_of(decision: Decision) -> Outcome:
    if isinstance(decision, Allow):
        return "allow"
    return "deny" if isinstance(decision, Deny) else "hold"


def _reason_of(decision: Decision) -> str:
    return "" if isinstance(decision, Allow) else decision.reason


def _steps_of_rules(action: Action, principal: Principal) -> list[Step]:
    try:
        found = find_rules(action, principal)
    except Exception:
        return [Step("approval_rules", "deny", "the check could not be made")]
    return [Step(f"rule:{rule.id}", "hold", rule.reason, "an approval as the rule asks for") for rule in found]
