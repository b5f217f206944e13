"""The case it exists for: a model changes a record, and nobody looked."""

import pytest

from crm.connector import Change
from tests.trust.acting import DANA, MARA, create, reads, staff, update, writes
from trust.actions import Effect
from trust.decisions import Allow, Hold
from trust.guards.hold_writes import hold_writes

ALONE = Hold("hold_writes", "every write is countersigned", "approve_writes", self_approval=True)


def test_reading_and_working_out_a_change_are_not_held() -> None:
    for action in (reads(), writes(), writes(effect=Effect.SEND), writes(effect=Effect.DRAFT)):
        assert hold_writes(action, staff()) == Allow()


@pytest.mark.parametrize("effect", [Effect.WRITE, Effect.DRAFT, Effect.SEND])
def test_every_change_is_held(effect: Effect) -> None:
    assert isinstance(hold_writes(writes(update("Task", Subject="x"), effect=effect), staff()), Hold)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(update("Account", Phone="1"), id="a phone number"),
        pytest.param(update("Opportunity", NextStep="call"), id="a next step"),
        pytest.param(create("Opportunity", Amount=5, StageName="Qualification", CloseDate="2026-06-01"), id="a start"),
        pytest.param(create("Task", Subject="x", OwnerId=DANA), id="an own task"),
        pytest.param(create("Case", Subject="x", OwnerId=DANA), id="an own case"),
        pytest.param(create("CaseComment", CommentBody="x", IsPublished=False), id="an internal comment"),
        pytest.param(create("Knowledge__kav", Title="x", IsVisibleInCsp=False), id="an internal article"),
        pytest.param(create("EmailMessage", Subject="x", Status="Draft"), id="a draft"),
    ],
)
def test_ordinary_changes_may_be_approved_by_the_requester(change: Change) -> None:
    assert hold_writes(writes(change), staff()) == ALONE


@pytest.mark.parametrize(
    "change",
    [
        *(
            pytest.param(update(name, **{field: value}), id=f"{name}.{field}")
            for name, field, value in (
                ("Opportunity", "Amount", 1),
                ("Opportunity", "StageName", "Closed"),
                ("Opportunity", "CloseDate", "2026-06-01"),
                ("Opportunity", "Probability", 90),
                ("Opportunity", "IsWon", True),
                ("Opportunity", "OwnerId", MARA),
                ("OpportunityLineItem", "Discount", 50),
                ("Account", "OwnerId", MARA),
                ("Account", "ParentId", "001"),
                ("Contact", "OwnerId", MARA),
                ("Lead", "OwnerId", MARA),
                ("Case", "OwnerId", MARA),
                ("Campaign", "BudgetedCost", 1),
                ("Contact", "HasOptedOutOfEmail", False),
                ("Lead", "HasOptedOutOfEmail", False),
                ("Lead", "HasEmailConsent__c", True),
                ("CaseComment", "IsPublished", True),
                ("Knowledge__kav", "IsVisibleInCsp", True),
                ("Knowledge__kav", "IsVisibleInPkb", True),
                ("Contract", "Description", "x"),
                ("Order", "Status", "Activated"),
                ("Quote", "Name", "x"),
                ("PricebookEntry", "UnitPrice", 1),
                ("User", "IsActive", True),
            )
        ),
        pytest.param(create("Opportunity", StageName="Closed", Amount=9), id="born closed"),
        pytest.param(create("Opportunity", StageName="Discovery", IsWon=True), id="born won"),
        pytest.param(create("Opportunity", Amount=9, OwnerId=MARA), id="born as somebody else's"),
        pytest.param(create("CaseComment", CommentBody="x", IsPublished=True), id="a comment to the customer"),
        pytest.param(create("Account", Name="x", AnnualRevenue=5), id="a new account with revenue"),
        pytest.param(update("Opportunity", NextStep="x", Amount=1), id="one grave field among others"),
    ],
)
def test_money_ownership_commitments_and_publishing_need_a_second_person(change: Change) -> None:
    decision = hold_writes(writes(change), staff())
    assert isinstance(decision, Hold)
    assert not decision.self_approval
    assert decision.permission == "approve_writes"
    assert change.object_name in decision.reason


def test_sending_needs_a_second_person_whatever_it_changes() -> None:
    decision = hold_writes(writes(update("Task", Subject="x"), effect=Effect.SEND), staff())
    assert isinstance(decision, Hold)
    assert not decision.self_approval


def test_what_is_grave_is_named_once() -> None:
    decision = hold_writes(writes(*(update("Case", OwnerId=MARA) for _ in range(3))), staff())
    assert isinstance(decision, Hold)
    assert decision.reason == "needs a second person: Case.OwnerId"


def test_one_grave_change_among_many_decides() -> None:
    decision = hold_writes(writes(update("Task", Subject="x"), update("Case", OwnerId=MARA)), staff())
    assert isinstance(decision, Hold)
    assert (decision.self_approval, decision.reason) == (False, "needs a second person: Case.OwnerId")
