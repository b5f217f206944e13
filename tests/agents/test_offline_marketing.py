"""What people in marketing ask for in their own words, read as pure functions."""

import pytest

from agents._offline.request import Verb
from tests.agents.test_offline_needs import wish


@pytest.mark.parametrize(
    ("said", "field", "value"),
    [
        ("how many leads opted out of e-mail?", "HasOptedOutOfEmail", True),
        ("number of contacts who have opted out of our emails", "HasOptedOutOfEmail", True),
        ("which leads have unsubscribed?", "HasOptedOutOfEmail", True),
        ("how many opted-out leads do we have?", "HasOptedOutOfEmail", True),
        ("how many contacts don't want e-mail?", "HasOptedOutOfEmail", True),
        ("list the leads that never opted out", "HasOptedOutOfEmail", False),
        ("count the leads without email consent", "HasEmailConsent__c", False),
        ("how many campaign members have responded?", "HasResponded", True),
    ],
)
def test_a_field_of_yes_or_no_is_spoken_of_by_the_words_of_its_name(said: str, field: str, value: bool) -> None:
    asked = wish(said, "analytics")
    assert [(one.field, one.op, one.value) for one in asked.conditions] == [(field, "eq", value)]
    assert (asked.scope, asked.ignored) == (None, ())


def test_an_address_that_is_missing_is_no_consent_that_is_missing() -> None:
    assert [one.field for one in wish("count the leads without email", "analytics").conditions] == ["Email"]


@pytest.mark.parametrize(
    ("said", "kind", "fields"),
    [
        ("break our leads down by where they came from", "Lead", ("LeadSource",)),
        ("where do our leads come from?", "Lead", ("LeadSource",)),
        ("leads by the channel they came through", "Lead", ("LeadSource",)),
        ("break down the leads by how they found us", "Lead", ("LeadSource",)),
        ("group the leads by origin and rating", "Lead", ("LeadSource", "Rating")),
        ("break the cases down by where they came from", "Case", ("Origin",)),
    ],
)
def test_by_which_way_somebody_came_is_something_to_group_by(said: str, kind: str, fields: tuple[str, ...]) -> None:
    asked = wish(said, "marketing")
    assert (asked.verb, asked.object, asked.group_by) == (Verb.MEASURE, kind, fields)
    assert (asked.scope, asked.ignored) == (None, ())
