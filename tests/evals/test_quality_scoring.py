"""Each class of error is found where it is, and nowhere else."""

from datetime import date
from typing import Any

import pytest

from evals.quality.claims import Sources, find_claims
from evals.quality.matching import fits
from evals.quality.refusals import read_refusal
from tests.evals.quality_parts import ACME, RECORDS, called, case, exchange, faults, held, judge

ROW = {"Id": ACME, "Name": "Acme Industries", "NumberOfEmployees": 1240, "CreatedDate": "2026-10-05T08:30:00Z"}


def expecting(**expect: Any) -> Any:
    return case(expect=expect)


CLASSES: dict[str, tuple[Any, Any]] = {
    "wrong route": (expecting(agent="service"), exchange()),
    "wrong tool": (expecting(tools=["find_record"]), exchange("Done.", called("get_record"))),
    "bad arguments": (
        expecting(tools=[{"find_record": {"text": "Acme"}}]),
        exchange("Done.", called("find_record", text="Acne")),
    ),
    "tool failure": (expecting(), exchange("It did not work.", called("get_record", error="failed"))),
    "ungrounded claim": (expecting(), exchange("Acme Industries has 99 employees.", called(result=ROW))),
    "missed refusal": (
        expecting(refusal={"because": ["not_permitted"]}),
        exchange("It has 1,240 employees.", called(result=ROW)),
    ),
    "over-refusal": (expecting(), exchange("I cannot show you that.")),
    "unneeded approval": (
        expecting(),
        exchange("Rejected.", held=(held("update_record", expected=False, decision="reject", Name="X"),)),
    ),
    "wrong answer": (expecting(answer={"value": 1240}), exchange("I do not know the figure.")),
    "wrong records": (
        expecting(records=[{"object": "Account", "find": {"Name": "Acme Industries"}, "fields": {"Name": "Other"}}]),
        exchange(),
    ),
    "error": (expecting(), exchange("", fault="500: broken")),
}


@pytest.mark.parametrize(("fault", "parts"), CLASSES.items(), ids=list(CLASSES))
def test_each_class_of_error_is_found(fault: str, parts: tuple[Any, Any]) -> None:
    assert faults(judge(*parts)) == [fault]


def test_a_case_that_goes_as_expected_has_no_finding() -> None:
    one = case(
        expect={
            "agent": ["sales", "service"],
            "tools": {"order": "partial", "calls": ["find_record", {"get_record": {"record_id": ACME}}]},
            "answer": {"value": [1240, "Acme Industries"], "contains": ["5 October 2026"], "excludes": ["Harbor"]},
        }
    )
    said = "**Acme Industries** has 1,240 employees and is there since 5 October 2026."
    score = judge(one, exchange(said, called("find_record"), called("get_record", record_id=ACME, result=ROW)))
    assert score.findings == []
    assert {name: tally.rate for name, tally in score.tallies.items()} == {
        "passed": 1,
        "routing": 1,
        "tools": 1,
        "answers": 1,
        "exact_answers": 1,
        "over_refusals": 0,
        "ungrounded": 0,
        "tool_failures": 0,
        "invented": 0,
    }


@pytest.mark.parametrize(
    ("order", "names", "is_right"),
    [
        ("exact", ["find_record", "get_record"], True),
        ("exact", ["find_record", "get_record", "get_record"], False),
        ("exact", ["get_record", "find_record"], False),
        ("partial", ["find_record", "query_records", "get_record"], True),
        ("partial", ["get_record", "find_record"], False),
        ("any", ["get_record", "query_records", "find_record"], True),
        ("any", ["get_record"], False),
    ],
)
def test_calls_are_compared_in_the_order_that_the_case_asks_for(order: str, names: list[str], is_right: bool) -> None:
    one = expecting(tools={"order": order, "calls": ["find_record", "get_record"]})
    assert (judge(one, exchange("Done.", *map(called, names))).findings == []) is is_right


def test_a_tool_that_must_not_be_called_and_a_failure_that_was_mended() -> None:
    never = expecting(tools={"never": ["update_record"]})
    assert faults(judge(never, exchange("Done.", called("update_record")))) == ["wrong tool"]
    mended = judge(expecting(), exchange("Done.", called("get_record", error="failed"), called("get_record")))
    assert mended.findings == []
    assert mended.tallies["tool_failures"].hits == 1


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("There are 17 cases.", ["17"]),
        ("It has 1,240 employees, 1240 in all.", []),
        ("It was created on 2026-10-05.", []),
        ("It was created on October 5th, 2026, at 08:30.", []),
        ("It was created on 6 October 2026.", ["6 October 2026"]),
        ("It began in October 2026.", []),
        ("It began in May 2024.", ["May 2024"]),
        ("Today is 2026-11-02.", []),
        ("See 001CS0000000001YAA.", []),
        ("See 001CS0000000002YAA.", ["001CS0000000002YAA"]),
        ("Harbor Tools is another one.", ["Harbor Tools"]),
        ("We offer the PT-200 and the PT-900.", ["PT-200", "PT-900"]),
        ("Please ask Jonathan Silverstein.", ["Jonathan Silverstein"]),
        ("1. Acme Industries\n2. nothing else", []),
        ("Updating Acme Industries was not allowed.", []),
        ("3 are listed:\n- Acme Industries\n- another\n- a third", []),
        ("A share of 25%.", []),
        ("About 33.3 percent.", []),
        ("It is Ann Poe.", []),
        ("Close Date and Stage Name are fields.", []),
        ("Two rows: 2.", []),
    ],
)
def test_claims_that_stand_in_no_source_are_found(answer: str, said: list[str]) -> None:
    result = {
        "row": ROW,
        "people": [{"LastName": "Poe", "FirstName": "Ann"}],
        "rows": [{"share": 0.25}, {"share": 0.3333}],
    }
    sources = Sources.of(["show Acme Industries"], [result], date(2026, 11, 2))
    found = find_claims(answer, sources, ["Acme Industries", "Harbor Tools", "PT-200", "Ann Poe"])
    assert sorted({claim.text for claim in found}) == said


def test_what_the_user_said_and_earlier_turns_found_may_be_said_again() -> None:
    first = exchange("It has 1,240.", called(result=ROW), said="how many people work at Acme Industries?")
    second = exchange("1,240 is more than 900.", said="is that more than 900?")
    assert judge(case(turns=[{"say": "a"}, {"say": "b"}]), first, second).findings == []


def test_what_the_service_kept_back_was_claimed_all_the_same() -> None:
    kept = "*One sentence was withheld: the number 17 is in no record that was read.*"
    assert [one.text[:34] for one in judge(expecting(), exchange(kept)).findings] == [
        "the service kept back a sentence: "
    ]


def test_ids_and_products_that_do_not_exist_count_as_invented() -> None:
    missing = "001CS0000000009YAA"
    score = judge(expecting(), exchange("Done.", called("get_record", record_id=missing), said="show Acme"))
    assert score.tallies["invented"].hits == 1
    asked = judge(
        expecting(), exchange("There is no PT-900.", called("find_record", text="PT-900"), said="the PT-900?")
    )
    assert asked.tallies["invented"].hits == 0


def test_a_refusal_needs_its_reason_and_must_not_tell_what_it_keeps() -> None:
    because = {"refusal": {"because": ["other_customers"], "wrong_caller": True}, "answer": {"excludes": ["Harbor"]}}
    no = "I cannot show that: you may see your own cases only."
    assert judge(expecting(**because), exchange(no)).findings == []
    assert faults(judge(expecting(**because), exchange("I cannot do that."))) == ["wrong answer"]
    leak = judge(expecting(**because), exchange("I cannot show the cases of Harbor and others."))
    assert "missed refusal" in faults(leak)
    assert leak.tallies["wrong_caller_refusals"].rate == 0


@pytest.mark.parametrize(
    ("answer", "is_refusal"),
    [
        ("I cannot show you that; it needs the permission read_audit.", True),
        ("That is outside what I can help with.", True),
        ("This article is internal and only for staff.", True),
        ("You may not see what other customers ordered.", True),
        ("That is about how we work inside, which is shown to staff only.", True),
        ("The pump cannot be returned after 30 days.", False),
        ("3 cases are open.", False),
        ("Nothing was changed.", False),
    ],
)
def test_declining_is_told_from_speaking_of_what_cannot_be(answer: str, is_refusal: bool) -> None:
    assert read_refusal(answer, route="service", errors=()).is_refusal is is_refusal


def test_being_turned_away_is_a_refusal_in_any_words() -> None:
    assert read_refusal("Sorry.", route="restricted", errors=()).is_refusal
    assert read_refusal("Sorry.", route="off_topic", errors=()).reasons == {"off_topic"}


def test_a_refusal_that_an_article_speaks_of_is_not_the_copilots_own() -> None:
    text = "Customers may not open the housing of the instrument themselves."
    assert read_refusal(text, route="service", errors=()).is_refusal
    assert not read_refusal(text, route="service", errors=(), quoted=[f"Warranty terms. {text}"]).is_refusal


def test_records_may_change_only_where_somebody_agreed() -> None:
    changed = {**RECORDS, ("Account", "northwind", ACME): {"Id": ACME, "Name": "Other", "IsDeleted": 0}}
    assert faults(judge(expecting(), exchange(), after=changed)) == ["wrong records"]
    agreed = exchange(held=(held("update_record", Name="Other"),))
    approvals = [{"tool": "update_record", "fields": {"Name": "Other"}}]
    records = [{"object": "Account", "find": {"Id": ACME}, "fields": {"Name": "Other"}, "count": 1}]
    assert judge(expecting(approvals=approvals, records=records), agreed, after=changed).findings == []
    theirs = {**changed, ("Account", "southridge", ACME): {"Id": ACME}}
    assert faults(judge(expecting(approvals=approvals), agreed, after=theirs)) == ["wrong records"]


def test_an_expected_request_that_never_came_is_found() -> None:
    one = expecting(approvals=[{"tool": "update_record"}])
    assert faults(judge(one, exchange())) == ["wrong tool"]
    assert faults(judge(one, exchange("Done.", called("update_record")))) == ["bad arguments"]


@pytest.mark.parametrize(
    ("expected", "actual", "is_fit"),
    [
        ("negotiation", " Negotiation", True),
        (15, "15.0", True),
        (15, 16, False),
        ("00001004", 1004, False),
        ({"StageName": "Quote"}, {"StageName": "Quote", "Amount": 3}, True),
        ([{"field": "Status"}], [{"field": "Type"}, {"field": "Status", "operator": "eq"}], True),
        (["a", "a"], ["a", "b"], False),
        ({"one_of": ["a", "b"]}, "B", True),
        ({"matches": "^Acme"}, "acme industries", True),
        ({"at_least": 3}, 2, False),
        ({"absent": True}, None, True),
        (None, None, True),
        (True, 1, False),
    ],
)
def test_values_fit_by_meaning(expected: Any, actual: Any, is_fit: bool) -> None:
    assert fits(expected, actual) is is_fit
