"""Any tool is found, filled, asked about, continued and put into words by what its own schema says."""

from typing import Any

import pytest

from agents._offline.schemas import Takes, read_spec
from tests.agents.offline_workshop import open_workshop, schema_of
from tests.agents.test_offline_stage import ACME, ANN, GLOBEX, GLOBEX_CASE, RENEWAL, ROUTER


@pytest.mark.parametrize(
    ("said", "tool", "args"),
    [
        ("check the warranty of Globex", "check_warranty", {"account_id": GLOBEX}),
        ("is the Globex machine SN-100 still under warranty?", "check_warranty", {
            "account_id": GLOBEX, "serial": "SN-100"}),
        ("chekc the waranty for Globex", "check_warranty", {"account_id": GLOBEX}),
        ("what was the downtime last month per plant", "measure_usage", {
            "measure": "downtime", "split_by": ["plant"], "since": "2026-10-01", "until": "2026-10-31"}),
        ("which technician had the most site visits since May", "measure_usage", {
            "measure": "visits", "split_by": ["engineer"], "order": "highest", "limit": 1, "since": "2026-05-01"}),
        ("who drove the fewest site visits in the past 2 quarters, only with more than one visit", "measure_usage", {
            "measure": "visits", "split_by": ["engineer"], "order": "lowest", "limit": 1, "at_least_visits": 2,
            "since": "2026-05-24", "until": "2026-11-24"}),
        ("power consumption by month without Globex as a curve", "measure_usage", {
            "measure": "energy", "every": "month", "without": ["Globex"], "drawn": "line"}),
        ("top 3 factories by outage time", "measure_usage", {"measure": "downtime", "split_by": ["plant"], "limit": 3}),
        ("downtime of Urgent cases", "measure_usage", {"measure": "downtime", "only": ["Urgent"]}),
        ("schedule a visit for case 00001300 on Friday because the pump leaks", "schedule_visit", {
            "case_id": GLOBEX_CASE, "on": "2026-11-27", "reason": "the pump leaks"}),
        ("schedule an urgent visit of 4 hours for case 1300 tomorrow, reason: no power", "schedule_visit", {
            "case_id": GLOBEX_CASE, "on": "2026-11-25", "hours": 4, "urgent": True, "reason": "no power"}),
        ("rate vendor Kappa Pumps with 4 stars", "rate_vendor", {"vendor_name": "Kappa Pumps", "stars": 4}),
        ("plan an inspection for the Acme Fabrikam renewal with Ann Poe", "plan_inspection", {
            "opportunity_id": RENEWAL, "visitor_id": ANN}),
        ("find the wiring of the valve in the manual", "find_manual", {
            "question": "find the wiring of the valve in the manual"}),
    ],
)  # fmt: skip
def test_a_tool_is_found_and_filled_by_its_words(said: str, tool: str, args: dict[str, Any]) -> None:
    chat = open_workshop()
    chat.say(said)
    assert chat.last(tool) == args


@pytest.mark.parametrize(
    ("said", "tool"),
    [
        ("list cases with high priority", "query_records"),
        ("show Globex", "get_record"),
        ("add a comment to case 1234 saying the visit is scheduled", "add_case_comment"),
        ("remind me to schedule the site visit tomorrow", "create_task"),
        ("how many open cases per priority", "aggregate_records"),
        ("set the amount of the Acme Fabrikam renewal to 70k", "update_record"),
    ],
)
def test_what_the_grammar_of_records_reads_stays_with_it(said: str, tool: str) -> None:
    chat = open_workshop()
    chat.say(said)
    assert [name for name, _ in chat.made][-1] == tool


def test_what_is_missing_is_asked_for_one_by_one_and_the_answers_complete_the_call() -> None:
    chat = open_workshop()
    assert "Which case" in chat.say("schedule a visit")
    assert "date" in chat.say("1300")
    assert "reason" in chat.say("tomorrow")
    assert chat.made == []
    chat.say("the pump leaks")
    assert chat.last("schedule_visit") == {"case_id": GLOBEX_CASE, "on": "2026-11-25", "reason": "the pump leaks"}


def test_a_question_for_a_choice_names_what_can_be_chosen() -> None:
    chat = open_workshop()
    asked = chat.say("measure usage per plant")
    assert "downtime, energy, visits" in asked
    chat.say("power consumption")
    assert chat.last("measure_usage") == {"measure": "energy", "split_by": ["plant"]}


def test_another_request_in_place_of_an_answer_is_done() -> None:
    chat = open_workshop()
    chat.say("schedule a visit")
    chat.say("check the warranty of Globex")
    assert chat.last("check_warranty") == {"account_id": GLOBEX}


def test_follow_ups_change_the_last_call() -> None:
    chat = open_workshop()
    chat.say("which plant had the most downtime last month?")
    first: dict[str, Any] = {"measure": "downtime", "split_by": ["plant"], "order": "highest"}
    october = {"since": "2026-10-01", "until": "2026-10-31"}
    assert chat.last("measure_usage") == {**first, "limit": 1, **october}
    follow_ups: list[tuple[str, dict[str, Any]]] = [
        ("by month", {"every": "month"}),
        ("only Globex", {"only": ["Globex"]}),
        ("as a line", {"drawn": "line"}),
        ("and for Acme?", {"only": ["Acme"]}),
        ("since May", {"since": "2026-05-01"}),
    ]
    for said, more in follow_ups:
        chat.say(said)
        if said == "since May":
            october = {}
        first = {**first, **more}
        assert chat.last("measure_usage") == {**first, **october}, said


def test_a_follow_up_asks_the_same_of_another_record() -> None:
    chat = open_workshop()
    chat.say("check the warranty of Globex")
    chat.say("and for Acme Industries?")
    assert chat.last("check_warranty") == {"account_id": ACME}


def test_it_means_the_record_spoken_of_last() -> None:
    chat = open_workshop()
    chat.say("show case 00001234")
    chat.say("schedule a visit for it tomorrow because it is broken")
    assert chat.last("schedule_visit")["case_id"] == ROUTER


def test_several_requests_in_one_sentence_each_find_their_tool() -> None:
    chat = open_workshop()
    chat.say("check the warranty of Globex and schedule a visit for case 1300 on Friday because the pump leaks")
    assert chat.last("check_warranty") == {"account_id": GLOBEX}
    assert chat.last("schedule_visit")["reason"] == "the pump leaks"


def test_an_ambiguous_name_is_asked_about_and_the_call_goes_on_with_the_answer() -> None:
    chat = open_workshop()
    assert "Which one" in chat.say("check the warranty of Acme")
    chat.say("the one in Boston")
    assert chat.last("check_warranty") == {"account_id": ACME}


def test_a_result_is_said_from_its_summary_values_and_rows() -> None:
    result = {
        "summary": "The warranty runs until 2027-01-31.",
        "covered_parts": ["pump", "valve"],
        "claims": [
            {"id": ROUTER, "number": "00001234", "subject": "Router drops connection", "cost": 1200, "paid": True},
            {"label": "Transport", "cost": 80.5, "paid": False},
        ],
        "contact": {"name": "Ann *Poe*", "empty": None},
        "vendor": "Kappa",
        "chart": {"$schema": "https://vega.github.io/schema/vega-lite/v5.json"},
    }
    chat = open_workshop(check_warranty=result)
    answer = chat.say("check the warranty of Globex")
    assert answer.splitlines()[0] == "The warranty runs until 2027-01-31."
    assert "- Vendor: Kappa" in answer
    assert "Covered parts: pump, valve" in answer
    assert f"- Case 00001234 ({ROUTER}): Router drops connection — cost: 1,200, paid: yes" in answer
    assert "- Transport — cost: 80.50, paid: no" in answer
    assert r"Ann \*Poe\*" in answer
    assert "vega" not in answer
    chat.say("show the first one")
    assert chat.last("get_record")["record_id"] == ROUTER


def test_what_a_write_came_to_is_told() -> None:
    chat = open_workshop()
    chat.crm.refuse["rate_vendor"] = ("rejected", "rejected by Bob: not yet")
    assert "not yet" in chat.say("rate vendor Kappa Pumps with 4 stars")
    applied = {"status": "applied", "object": "Case", "id": ROUTER, "name": "Router", "changes": [
        {"field": "Status", "old": "New", "new": "Working"}]}  # fmt: skip
    chat = open_workshop(schedule_visit=applied)
    answer = chat.say("schedule a visit for case 1234 tomorrow because it is broken")
    assert "status: Working (was New)" in answer


def test_words_without_a_meaning_are_named() -> None:
    assert "zzgl" in open_workshop().say("what was the downtime last month zzgl frobnitz")


def test_a_schema_is_read_through_references_and_nulls() -> None:
    spec = read_spec(schema_of("measure_usage")["function"])
    takes = {one.name: (one.takes, one.is_list, one.is_required) for one in spec.arguments}
    assert takes["measure"] == (Takes.CHOICE, False, True)
    assert takes["split_by"] == (Takes.CHOICE, True, False)
    assert takes["only"] == (Takes.TEXT, True, False)
    assert takes["since"] == (Takes.DAY, False, False)
    assert takes["limit"] == (Takes.NUMBER, False, False)
    visit = read_spec(schema_of("schedule_visit")["function"])
    assert visit.writes
    case, *_ = visit.arguments
    assert (case.takes, case.objects) == (Takes.RECORD, ("Case",))


@pytest.mark.parametrize(
    "function",
    [
        {"name": "x"},
        {"name": "x", "description": None, "parameters": None},
        {"name": "x", "parameters": {"properties": {"a": {"anyOf": []}, "b": {"$ref": "#/$defs/b"}, "c": 3}}},
        {"name": "x", "parameters": {"properties": [], "required": 5, "$defs": {"b": {"$ref": "#/$defs/b"}}}},
        {"name": "x", "parameters": {"properties": {"b": {"$ref": "b"}}, "$defs": {"b": {"$ref": "b"}}}},
        {"name": "x", "description": "a" * 100_000, "parameters": {"properties": {"a": {"enum": list(range(3))}}}},
    ],
)
def test_odd_schemas_are_read_without_harm(function: dict[str, Any]) -> None:
    assert read_spec(function).name == "x"
