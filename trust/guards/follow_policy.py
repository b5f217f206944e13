"""What the written policy says: `trust/policies`, and what the tenant adds to it."""

from trust.actions import Action
from trust.cedar import engine_for
from trust.decisions import Decision
from trust.facts import facts_of, names_of
from trust.principal import Principal


def follow_policy(action: Action, principal: Principal) -> Decision:
    facts = facts_of(action, principal, principal.policy)
    return engine_for(principal.policy.additions).decide(facts, names_of(action, principal)).decision
