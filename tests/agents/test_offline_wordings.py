"""Wordings whose words also belong to something else: what they mean decides, not which words there are."""

import pytest

from agents._offline.request import Change, Sort, Verb
from tests.agents.test_offline_needs import wish


@pytest.mark.parametrize(
    ("said", "metric", "since", "until", "per"),
    [
        ("revenue this month vs last month", "won_amount", "2026-10-01", "2026-11-30", "month"),
        ("compare the pipeline with the previous year", "pipeline_amount", "2025-01-01", "2026-12-31", "year"),
        ("win rate compared to last quarter", "win_rate", "2026-07-01", "2026-12-31", "quarter"),
        ("number of cases this week against last week", "case_count", "2026-10-26", "2026-11-08", "week"),
    ],
)
def test_two_periods_that_are_compared_are_both_in_the_answer(
    said: str, metric: str, since: str, until: str, per: str
) -> None:
    asked = wish(said, "analytics")
    found = {name: asked.values.get(name) for name in ("metric", "since", "until", "per", "period")}
    assert found == {"metric": metric, "since": since, "until": until, "per": per, "period": None}


def test_one_period_stays_one() -> None:
    assert wish("revenue last quarter", "analytics").values["period"] == "last_quarter"
    assert wish("compare Globex and Initech", "analytics").tool == ""


def test_what_a_field_is_to_hold_names_no_tool() -> None:
    asked = wish("set the next step of Globex - Level Retrofit to prepare the proposal")
    assert asked.verb is Verb.UPDATE
    assert asked.changes == (Change("prepare the proposal", "next step"),)
    assert wish("make a proposal for Globex - Level Retrofit").tool == "create_quote"


def test_a_list_of_records_is_no_status_of_workflows() -> None:
    asked = wish("which tickets have waited longest", "service")
    assert (asked.verb, asked.object, asked.sort) == (Verb.LIST, "Case", Sort("CreatedDate", descending=False))
    assert "waited" in asked.ignored
    assert wish("which of my workflows are waiting", "service").tool == "workflow_status"


@pytest.mark.parametrize(
    ("said", "object_name", "conditions"),
    [
        ("every campaign must have an end date", "Campaign", [("EndDate", "is_null", True)]),
        ("nobody may save a quote with a negative discount", "Quote", [("Discount", "lt", 0)]),
        ("each lead has to have an email", "Lead", [("Email", "is_null", True)]),
        ("do not let people save an opportunity without a close date", "Opportunity", [("CloseDate", "is_null", True)]),
    ],
)
def test_what_must_hold_is_a_rule_about_the_kind_that_is_named(
    said: str, object_name: str, conditions: list[tuple[str, str, object]]
) -> None:
    asked = wish(said, "developer")
    assert (asked.tool, asked.values["object"]) == ("plan_validation_rule", object_name)
    assert [(one["field"], one["op"], one["value"]) for one in asked.values["conditions"]] == conditions
    assert "name" not in asked.values


@pytest.mark.parametrize(
    ("said", "verb", "text"),
    [
        ("just came off the phone with Bob Lind, he wants a second visit", Verb.CALL, "Call with Bob Lind"),
        ("any word from Initech", Verb.TIMELINE, ""),
        ("whats new with Initech", Verb.TIMELINE, ""),
    ],
)
def test_calls_and_news_are_told_in_passing(said: str, verb: Verb, text: str) -> None:
    asked = wish(said)
    assert (asked.verb, asked.text) == (verb, text)


def test_figures_that_are_to_be_watched_are_not_asked_for_now() -> None:
    asked = wish("let me know if the conversion rate falls below 12", "analytics")
    found = [asked.values[name] for name in ("metric", "when", "threshold")]
    assert (asked.tool, found) == ("create_alert", ["conversion_rate", "below", 12])
    assert wish("what is the conversion rate", "analytics").tool == "ask_metric"
    assert wish("let me know if Globex has open cases", "analytics").tool == ""
