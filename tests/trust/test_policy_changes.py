"""A countersigned change of the policy: made whole and on the version it was meant for, or not at all."""

import json
from typing import Any

import pytest

from crm.connector import Change, FieldChange
from crm.database import Database
from crm.errors import CrmError
from crm.seed.people import staff_id
from tests.tools.desk import HERE, NOW, THERE
from trust.policy_book import load_current
from trust.policy_changes import put_in
from trust.principal import load_principal
from trust.scopes import ALL_SCOPES

RULE: dict[str, Any] = {"id": "big-deals", "reason": "two look at them", "then": {"votes": 2}}


def change(operation: Any = "create", **more: Any) -> Change:
    values = {"Name": "why", "Operation__c": "Add", "RuleId__c": "big-deals", "Rule__c": json.dumps(RULE)}
    fields = {**values, "BasedOn__c": 0, **more}
    listed = tuple(FieldChange(name, None, value) for name, value in fields.items())
    return Change(operation, "PolicyChange__c", "a08CS0000000001MAA", "why", listed)


async def put(database: Database, one: Change) -> None:
    async with database.session(HERE, write=True) as session:
        principal = await load_principal(session, staff_id("ada"), ALL_SCOPES)
        await put_in(session, one, principal, at=NOW)


async def test_rules_come_and_go_by_versions_of_this_tenant_only(seeded: Database) -> None:
    await put(seeded, change())
    await put(seeded, change(Operation__c="Remove", Rule__c=None, BasedOn__c=1))
    await put(seeded, change(BasedOn__c=2))
    async with seeded.session(HERE) as session:
        current = await load_current(session)
    assert (current.version, [one.id for one in current.rules]) == (3, ["big-deals"])
    async with seeded.session(THERE) as session:
        assert (await load_current(session)).version == 0


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"BasedOn__c": 7}, "the policy is at version 0, not 7"),
        ({"Operation__c": "Remove"}, "there is no approval rule 'big-deals'"),
        ({"RuleId__c": "other"}, "expected the id that the rule has"),
        ({"Rule__c": None}, "expected an approval rule as JSON"),
        ({"Rule__c": "{"}, "expected an approval rule as JSON"),
        ({"Rule__c": json.dumps({**RULE, "then": {"votes": 9}})}, "Rule__c.then.votes"),
        ({"Rule__c": json.dumps({**RULE, "allow": True})}, "Rule__c.allow"),
        ({"Rule__c": json.dumps({**RULE, "then": {"approvers": [{"role": "Pope"}]}})}, "there is no role 'Pope' here"),
        ({"Rule__c": json.dumps({**RULE, "when": {"tools": ["x"]}})}, "are put in by an administrator"),
        ({"operation": "delete"}, "stays written down"),
        ({"operation": "update"}, "stays written down"),
    ],
)
async def test_what_cannot_be_made_leaves_the_policy_as_it_was(
    seeded: Database, wrong: dict[str, Any], said: str
) -> None:
    with pytest.raises(CrmError) as caught:
        await put(seeded, change(**wrong))
    assert said in str(caught.value)
    async with seeded.session(HERE) as session:
        assert (await load_current(session)).version == 0
