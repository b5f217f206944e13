"""The case it exists for: a customer's model calls a tool that is meant for staff."""

from tests.trust.acting import customer, reads, staff
from tools._catalogue import load_catalogue
from trust.actions import Effect
from trust.decisions import Allow, Deny
from trust.guards.bind_customers import bind_customers


def test_customers_use_only_tools_declared_for_them() -> None:
    for tool in load_catalogue().values():
        action = reads(tool=tool.name, effect=tool.effect, for_customers=tool.for_customers)
        assert isinstance(bind_customers(action, customer()), Allow) is tool.for_customers, tool.name
        assert bind_customers(action, staff()) == Allow()


def test_tools_for_customers_read_their_own_or_write_to_their_cases() -> None:
    for_customers = [tool for tool in load_catalogue().values() if tool.for_customers]
    reading = {tool.name for tool in for_customers if tool.effect is Effect.READ}
    own = {"case_summary", "fetch_cases", "order_status"}
    assert reading == {*own, "get_record", "query_records", "read_text", "search_knowledge"}
    writing = {tool.name: tool.changes for tool in for_customers if tool.effect is not Effect.READ}
    assert writing == {"add_case_comment": (("create", "CaseComment"),), "open_case": (("create", "Case"),)}


def test_the_refusal_names_the_rule() -> None:
    assert bind_customers(reads(), customer()) == Deny("bind_customers", "query_records is for staff only")
