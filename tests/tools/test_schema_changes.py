"""Validation rules: planned without a trace, proposed out of force, and in force for everybody once two have agreed."""

from collections.abc import Mapping
from typing import Any

import pytest

from crm.connector import Change
from crm.database import Database
from crm.errors import CrmError, FieldError, ObjectRightError
from crm.repositories.records import EmbeddedCrm
from crm.seed.people import staff_id
from crm.validation_rules import RuleViolationError
from tests.tools.desk import HERE, KEY, NOW, THERE, Desk
from tools._declare import Proposal
from tools._run import ToolError
from trust.principal import load_principal
from trust.scopes import ALL_SCOPES

RULE: dict[str, Any] = {
    "object": "Case",
    "conditions": [{"field": "Priority", "value": "Critical"}, {"field": "Reason", "op": "is_null", "value": True}],
    "name": "Critical cases need a reason",
    "message": "Say why it is critical.",
}


async def crm_of(session: Any, who: str) -> EmbeddedCrm:
    principal = await load_principal(session, staff_id(who), ALL_SCOPES)
    return EmbeddedCrm(session, principal.access, NOW, KEY)


async def apply(database: Database, who: str, change: Change, tenant: Any = HERE) -> None:
    async with database.session(tenant, write=True) as session:
        await (await crm_of(session, who)).apply(change)


async def set_up(desk: Desk, *, active: bool = True, **more: Any) -> str:
    proposal = await desk.call("devi", "propose_validation_rule", **{**RULE, **more})
    assert isinstance(proposal, Proposal), proposal
    [change] = proposal.changes
    await apply(desk.database, "devi", change, desk.tenant)
    if active:
        put = await desk.call("devi", "activate_validation_rule", rule_id=change.record_id)
        assert isinstance(put, Proposal), put
        await apply(desk.database, "devi", put.changes[0], desk.tenant)
    return change.record_id


async def a_case(desk: Desk, who: str = "sam", **wanted: Any) -> dict[str, Any]:
    filters = [{"field": field, "op": "eq", "value": value} for field, value in wanted.items()]
    found = await desk.call(who, "query_records", object="Case", filters=filters, limit=1)
    return dict(found["records"][0])


async def test_a_plan_says_what_the_rule_would_refuse_and_changes_nothing(desk: Desk) -> None:
    plan = await desk.call("stella", "plan_validation_rule", **RULE)
    counted = await desk.call(
        "stella", "query_records", object="Case", filters=[{**one} for one in RULE["conditions"]], limit=1
    )
    assert plan["records_that_meet_it"] == counted["total"]
    assert plan["rule"] == 'Priority is "Critical" and Reason is empty'
    assert plan["conditions"] == ['Priority eq "Critical"', "Reason is_null true"]
    assert plan["active_rules"] == []
    assert not plan["at_least"]
    await set_up(desk)
    assert (await desk.call("devi", "plan_validation_rule", **RULE))["active_rules"] == [RULE["name"]]
    either = await desk.call("stella", "plan_validation_rule", **{**RULE, "match": "any"})
    assert either["at_least"]
    assert either["records_that_meet_it"] >= plan["records_that_meet_it"]


async def test_a_rule_in_force_holds_for_everybody_in_proposing_and_in_executing(desk: Desk) -> None:
    case = await a_case(desk, Priority="Medium")
    change = {"object": "Case", "record_id": case["Id"], "fields": {"Priority": "Critical", "Reason": None}}
    rule = await set_up(desk, active=False)
    before = await desk.call("sam", "update_record", **change)
    assert isinstance(before, Proposal), "not in force yet"
    put = await desk.call("devi", "activate_validation_rule", rule_id=rule)
    await apply(desk.database, "devi", put.changes[0])

    refused = await desk.call("sam", "update_record", **change)
    said = "Say why it is critical. (validation rule 'Critical cases need a reason')"
    assert refused == ToolError("retry", said)
    with pytest.raises(RuleViolationError, match="Say why"):
        await apply(desk.database, "sam", before.changes[0])
    assert (await a_case(desk, Id=case["Id"]))["Priority"] == "Medium", "nothing of it was written"
    new = {"object": "Case", "fields": {"Subject": "Pump", "Priority": "CRITICAL"}}
    assert await desk.call("sam", "create_record", **new) == ToolError("retry", said)
    given = {**new, "fields": {**new["fields"], "Reason": "Safety"}}
    created = await desk.call("sam", "create_record", **given)
    assert isinstance(created, Proposal)
    await apply(desk.database, "sam", created.changes[0])

    there = Desk(desk.database, THERE)
    other = await a_case(there, Priority="Medium")
    assert isinstance(await there.call("sam", "update_record", **{**change, "record_id": other["Id"]}), Proposal)

    out = await desk.call("devi", "activate_validation_rule", rule_id=rule, active=False)
    await apply(desk.database, "devi", out.changes[0])
    assert isinstance(await desk.call("sam", "update_record", **change), Proposal)


async def test_who_may_not_set_up_rules_cannot_by_any_tool(desk: Desk) -> None:
    generic = {
        "ValidationName": "x",
        "ObjectName": "Case",
        "ErrorConditions": "Priority is_null false",
        "ErrorMessage": "No.",
        "Active": True,
    }
    for who in ("sam", "dana", "mara", "alan"):
        for name, arguments in (
            ("propose_validation_rule", RULE),
            ("create_record", {"object": "ValidationRule", "fields": generic}),
        ):
            denied = await desk.call(who, name, **arguments)
            assert isinstance(denied, ToolError), (who, name)
            assert "ValidationRule" in denied.message or "that you can read" in denied.message, denied
    rule = await set_up(desk, active=False)
    there = Desk(desk.database, THERE)
    assert (await there.call("devi", "activate_validation_rule", rule_id=rule)).kind == "not_found"
    hidden = await desk.call("sam", "activate_validation_rule", rule_id=rule)
    assert isinstance(hidden, ToolError)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"ObjectName": "Nothing"}, "you may not read records of 'Nothing'"),
        ({"ObjectName": "Lead"}, "you may not read records of 'Lead'"),
        ({"ObjectName": "ValidationRule"}, "a rule over rules could not be taken back"),
        ({"ErrorConditions": "Description is_null true"}, "Description: Case has no such field that you can read"),
        ({"ErrorConditions": "Nope is_null true"}, "Nope: Case has no such field that you can read"),
        ({"ErrorConditions": "Priority == 1"}, "line 1: expected an operator"),
        ({"ErrorConditions": "Priority eq High"}, "line 1: expected a value as JSON"),
        ({"ErrorConditions": 'Priority eq "Huge"'}, "Priority: expected one of"),
        ({"ErrorConditions": "\n".join(['Priority eq "High"'] * 11)}, "expected 1 to 10 conditions"),
        ({"ErrorMessage": "two\nlines"}, "expected one line of plain text"),
    ],
)
async def test_a_rule_that_cannot_be_followed_is_not_taken_by_the_crm(
    seeded: Database, fields: Mapping[str, Any], said: str
) -> None:
    """Below the tools, where any record is created, and over nothing that its author may not read."""
    given = {
        "ValidationName": "x",
        "ObjectName": "Case",
        "ErrorConditions": "Priority is_null true",
        "ErrorMessage": "No.",
        **fields,
    }
    async with seeded.session(HERE) as session:
        crm = await crm_of(session, "devi")
        with pytest.raises((FieldError, ObjectRightError, CrmError)) as caught:
            await crm.propose_create("ValidationRule", given)
        assert said in str(caught.value)


async def test_a_rule_that_cannot_be_read_any_more_lets_nothing_through(desk: Desk) -> None:
    """As after an import, or an upgrade that took a field away: a rule must not lapse in silence."""
    rule = await set_up(desk)
    async with desk.database.session(HERE, write=True) as session:
        from crm.records import ValidationRule

        record = await session.get_one(ValidationRule, (HERE, rule))
        record.ErrorConditions = "Gone__c is_null true"
    case = await a_case(desk)
    error = await desk.call("sam", "update_record", object="Case", record_id=case["Id"], fields={"Reason": "Other"})
    assert error == ToolError("failed", f"the validation rule {RULE['name']!r} cannot be read: have it put right")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"message": "⟦TEXT:ABCDEFGHIJ⟧"}, "message: expected plain text"),
        ({"conditions": [{"field": "Description", "value": "x"}]}, "Case has no field 'Description'"),
        ({"conditions": [{"field": "Priority", "op": "in", "value": []}]}, "in expects a list of 1"),
        (
            {"conditions": [{"field": "Reason", "value": "x"}, {"field": "Reason", "op": "is_null", "value": True}]},
            "they may exclude each other",
        ),
    ],
)
async def test_a_plan_that_cannot_work_says_why(desk: Desk, more: dict[str, Any], said: str) -> None:
    for name in ("plan_validation_rule", "propose_validation_rule"):
        error = await desk.call("devi", name, **{**RULE, **more})
        assert isinstance(error, ToolError)
        assert said in error.message
