"""The case it exists for: somebody who may approve writes lets the rules about approving be changed."""

from tests.trust.acting import create, reads, staff, update, writes
from trust.decisions import Allow, Hold
from trust.guards.hold_policy_changes import hold_policy_changes


def test_a_change_of_the_policy_waits_for_who_may_change_it() -> None:
    change = create("PolicyChange__c", Operation__c="Remove", RuleId__c="big-deals")
    held = hold_policy_changes(writes(update("Task", Subject="x"), change), staff())
    assert isinstance(held, Hold)
    assert (held.permissions, held.self_approval) == ({"manage_policy"}, False)


def test_nothing_else_is_its_business() -> None:
    for action in (reads(), writes(), writes(update("Opportunity", Amount=1))):
        assert hold_policy_changes(action, staff()) == Allow()
