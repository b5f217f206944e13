"""What people in marketing ask for in their own words, read as pure functions."""

from typing import Any

import pytest

from agents._offline.request import Verb
from tests.agents.test_offline_needs import wish

WEB = {"field": "LeadSource", "op": "contains", "value": "web"}


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


@pytest.mark.parametrize(
    ("said", "values"),
    [
        ("how large would an audience of all leads from the web be?", {"filters": [WEB]}),
        ("try out a segment: leads with lead source Web", {"filters": [{**WEB, "value": "Web"}]}),
        ("preview a segment of hot leads from the web", {"rating": "Hot", "filters": [WEB]}),
        (
            "try out a target group of leads without email",
            {"filters": [{"field": "Email", "op": "is_null", "value": True}]},
        ),
        (
            "how large an audience are the leads that opted out?",
            {"filters": [{"field": "HasOptedOutOfEmail", "op": "eq", "value": True}]},
        ),
    ],
)
def test_a_segment_is_tried_out_under_the_conditions_that_were_said(said: str, values: dict[str, Any]) -> None:
    asked = wish(said, "marketing")
    assert (asked.tool, asked.values) == ("preview_segment", {"object": "Lead", **values})


@pytest.mark.parametrize(
    ("said", "values"),
    [
        (
            "save the leads from trade shows as a segment called Trade show leads",
            {"name": "Trade show leads", "object": "Lead", "filters": [{**WEB, "value": "trade show"}]},
        ),
        (
            "save a segment of warm leads from the web named Warm web leads",
            {"name": "Warm web leads", "object": "Lead", "rating": "Warm", "filters": [WEB]},
        ),
    ],
)
def test_a_segment_is_saved_under_its_name_and_what_it_is_from_is_no_campaign(
    said: str, values: dict[str, Any]
) -> None:
    asked = wish(said, "marketing")
    assert (asked.tool, asked.values, asked.spare) == ("save_segment", values, ())
