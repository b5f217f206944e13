"""The case it exists for: a generic update that would bring back a canceled order, or skip the review of an article."""

import pytest

from crm.connector import Change, FieldChange
from tests.trust.acting import create, staff, writes
from trust.actions import UNDO, UNDOER
from trust.decisions import Allow, Deny
from trust.guards.keep_order_of_states import keep_order_of_states


def moved(object_name: str, field: str, old: str, new: str) -> Change:
    return Change("update", object_name, "801CS0000000001YAA", "a name", (FieldChange(field, old, new),))


@pytest.mark.parametrize(
    ("change", "is_allowed"),
    [
        (moved("Order", "Status", "Draft", "Canceled"), True),
        (moved("Order", "Status", "Activated", "Canceled"), True),
        (moved("Order", "Status", "Activated", "Draft"), False),
        (moved("Order", "Status", "Canceled", "Activated"), False),
        (moved("Knowledge__kav", "PublishStatus", "Draft", "Online"), True),
        (moved("Knowledge__kav", "PublishStatus", "Draft", "Archived"), False),
        (moved("Knowledge__kav", "PublishStatus", "Archived", "Online"), False),
        (moved("EmailMessage", "Status", "Dismissed", "Draft"), False),
        (moved("EmailMessage", "Status", "New", "Read"), True),
        (moved("Order", "EffectiveDate", "Canceled", "Activated"), True),
        (create("Order", Status="Canceled"), True),
    ],
    ids=lambda value: (
        f"{value.object_name}-{value.fields[0].old}-{value.fields[0].new}" if hasattr(value, "fields") else None
    ),
)
def test_states_follow_each_other(change: Change, is_allowed: bool) -> None:
    decision = keep_order_of_states(writes(change), staff())
    assert isinstance(decision, Allow if is_allowed else Deny)


def test_taking_back_goes_the_other_way() -> None:
    change = moved("Order", "Status", "Canceled", "Activated")
    assert keep_order_of_states(writes(change, agent=UNDOER, tool=UNDO), staff()) == Allow()
    assert isinstance(keep_order_of_states(writes(change, tool=UNDO), staff()), Deny)


def test_the_refusal_says_what_may_follow() -> None:
    denial = keep_order_of_states(writes(moved("Order", "Status", "Activated", "Draft")), staff())
    assert denial == Deny("keep_order_of_states", "Order.Status: Activated is followed by Canceled, not by Draft")
