"""The case it exists for: a model calls a tool that exists, but not for its agent."""

import pytest

from agents._roster import load_roster
from tests.trust.acting import reads, staff
from tools._catalogue import load_catalogue
from trust.decisions import Allow, Deny
from trust.guards.require_listed_tool import require_listed_tool


def test_each_agent_has_its_own_tools_and_no_others() -> None:
    for agent in load_roster().values():
        for name in load_catalogue():
            decision = require_listed_tool(reads(tool=name, agent=agent.name, agent_tools=agent.tool_names), staff())
            assert isinstance(decision, Allow) is (name in agent.tool_names), (agent.name, name)


@pytest.mark.parametrize("name", ["", "query_record", "query_records ", "QUERY_RECORDS", "query_records_all", "*"])
def test_names_are_compared_whole(name: str) -> None:
    assert isinstance(require_listed_tool(reads(tool=name), staff()), Deny)
    assert isinstance(require_listed_tool(reads(tool="query_records"), staff()), Allow)


def test_agents_that_change_no_customers_records_have_no_tool_that_could() -> None:
    catalogue, roster = load_catalogue(), load_roster()

    def changed_by(agent: str) -> set[str]:
        writing = [tool for tool in map(catalogue.get, roster[agent].tool_names) if tool and tool.effect != "READ"]
        assert all(tool.changes for tool in writing), "what it may propose is not declared"
        return {object_name for tool in writing for _, object_name in tool.changes}

    assert changed_by("analytics") == {"Report", "MetricAlert__c"}
    assert changed_by("developer") == {"ValidationRule", "PolicyChange__c"}
