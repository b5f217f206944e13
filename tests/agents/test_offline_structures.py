"""Conditions on fields, and fields with values, are filled from how people say them."""

from typing import Any

import pytest

from tests.agents.test_offline_needs import wish


@pytest.mark.parametrize(
    ("said", "tool", "filled"),
    [
        pytest.param(
            "generate a trigger that sets the priority of a case to High when it is escalated",
            "generate_code",
            {
                "kind": "trigger",
                "object": "Case",
                "set_fields": {"Priority": "High"},
                "conditions": [{"field": "Status", "op": "eq", "value": "Escalated"}],
            },
            id="fields-to-set",
        ),
        pytest.param(
            "write a validation rule for Opportunity that refuses an amount below zero",
            "generate_code",
            {"kind": "validation_rule", "conditions": [{"field": "Amount", "op": "lt", "value": 0}]},
            id="below-zero",
        ),
        pytest.param(
            "plan a validation rule on Case that requires a subject",
            "plan_validation_rule",
            {"object": "Case", "conditions": [{"field": "Subject", "op": "is_null", "value": True}]},
            id="required",
        ),
        pytest.param(
            "plan a validation rule on Opportunity: the amount must be at least 500",
            "plan_validation_rule",
            {"conditions": [{"field": "Amount", "op": "lt", "value": 500}]},
            id="what-must-be-is-turned",
        ),
        pytest.param(
            "give me Python code that sends new cases to https://hooks.example.com/cases",
            "generate_code",
            {"kind": "integration", "object": "Case", "url": "https://hooks.example.com/cases"},
            id="a-choice-is-implied-by-what-belongs-to-it",
        ),
        pytest.param(
            "what values can the status of a case have?",
            "describe_object",
            {"object": "Case", "field": "Status"},
            id="a-field-by-its-words",
        ),
        pytest.param(
            "which values may Opportunity.StageName take?",
            "describe_object",
            {"object": "Opportunity", "field": "StageName"},
            id="a-field-with-its-object",
        ),
    ],
)
def test_structures_are_filled(said: str, tool: str, filled: dict[str, Any]) -> None:
    asked = wish(said, "developer")
    assert asked.tool == tool
    assert {name: asked.values.get(name) for name in filled} == filled


def test_nothing_is_filled_where_no_kind_of_record_is_named() -> None:
    asked = wish("plan a validation rule: the amount must not be negative", "developer")
    assert "conditions" not in asked.values
