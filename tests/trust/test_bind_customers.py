"""The case it exists for: a customer's model calls a tool that is meant for staff."""

from tests.trust.acting import customer, reads, staff
from tools._catalogue import load_catalogue
from trust.decisions import Allow, Deny
from trust.guards.bind_customers import bind_customers


def test_customers_use_only_tools_declared_for_them() -> None:
    for tool in load_catalogue().values():
        action = reads(tool=tool.name, effect=tool.effect, for_customers=tool.for_customers)
        assert isinstance(bind_customers(action, customer()), Allow) is tool.for_customers, tool.name
        assert bind_customers(action, staff()) == Allow()


def test_no_tool_for_customers_writes_or_counts_over_many() -> None:
    for_customers = {tool.name for tool in load_catalogue().values() if tool.for_customers}
    assert for_customers == {"fetch_cases", "get_record", "query_records", "read_text", "search_knowledge"}


def test_the_refusal_names_the_rule() -> None:
    assert bind_customers(reads(), customer()) == Deny("bind_customers", "query_records is for staff only")
