"""What an answer says comes from a tool or the user or can be worked out; anything else is withheld."""

import json
from datetime import date
from typing import Any

import pytest

from crm.ids import numbered_id
from trust.answers import AnswerCheck, note_for_model
from trust.claims import find_claims
from trust.evidence import gather
from trust.grounding import Grounding, remark
from trust.units import split_units

TODAY = date(2026, 11, 24)
ACME = numbered_id("001", 1)
RENEWAL = numbered_id("006", 1)
UPSELL = numbered_id("006", 2)
OTHERS = numbered_id("006", 1, instance="SR")

DEALS = {
    "records": [
        {
            "Id": RENEWAL,
            "Name": "Acme Fabrication Renewal",
            "Amount": 120000,
            "StageName": "Discovery",
            "CloseDate": "2026-12-15",
            "AccountId": ACME,
            "NextStep": "Call +49 30 555 0100 or ann.poe@acme.example",
            "Website": "https://www.acme.example/shop/",
        },
        {
            "Id": UPSELL,
            "Name": "Lens Upsell GW-200",
            "Amount": 30000.5,
            "StageName": "Discovery",
            "CloseDate": "2027-02-01",
            "CreatedDate": "2026-11-14T09:30:00Z",
            "Probability": 40,
        },
    ],
    "total": 17,
    "names": {ACME: "Acme Industries"},
}
ASKED = "show my deals over 25k at 3 Rivers Lab, created last month"


def turns(*results: Any, asked: str = ASKED) -> list[dict[str, Any]]:
    said: list[dict[str, Any]] = [{"type": "human", "content": asked}]
    for place, result in enumerate(results):
        arguments = {"text": "Wayne Enterprises 4711", "record_id": OTHERS}
        said.append(
            {"type": "ai", "content": "", "tool_calls": [{"id": f"c{place}", "name": "find", "args": arguments}]}
        )
        said.append({"type": "tool", "tool_call_id": f"c{place}", "content": json.dumps(result)})
    return said


def grounding(*results: Any, asked: str = ASKED) -> Grounding:
    shown = results or ({"ok": True, "result": DEALS},)
    return Grounding(lambda: gather(turns(*shown, asked=asked), today=TODAY, known=["Dana Reyes"]))


@pytest.mark.parametrize(
    "said",
    [
        f"Acme Fabrication Renewal ({RENEWAL}) is in Discovery.",
        f"It is {RENEWAL[:15]}.",
        "It is worth 120,000.",
        "It is worth $120,000.00 or 120.000,00 € or 120k or 0.12 million.",
        "The other is worth 30,000.50, about 30,001.",
        "It closes on 2026-12-15.",
        "It closes on December 15, 2026, that is 15 December, or Dec 15th.",
        "It closes on 15.12.2026 in December 2026, and so does 2026.",
        "Created at 09:30, or 9:30 am, on 14 Nov.",
        "Call +49 (30) 555-0100 or write to Ann.Poe@acme.example.",
        "See https://acme.example/shop or www.acme.example.",
        "The GW-200 is 40% likely.",
        "There are 17 deals in all, 2 of them shown.",
        "There are two deals.",
        "Both together: a total of 150,000.50, 75,000.25 on average.",
        "There are 2 in Discovery.",
        "The first is 120,000 and the other 30,000.50, a difference of 89,999.50.",
        "It closes in 21 days and was created 10 days ago, in 3 weeks.",
        "Deals over 25,000 at 3 Rivers Lab.",
        "Created between 2026-10-01 and 2026-10-31.",
        "Today is 2026-11-24.",
        "1. Acme Industries\n2. Dana Reyes",
        "This is the 1st of them in Q4.",
        "Next Steps and Key Contacts are below.",
        "# Globex Corporation Overview",
        "You could ask for the rest.",
        "",
    ],
)
def test_what_was_shown_or_follows_from_it_is_said(said: str) -> None:
    checked = grounding().check(said)
    assert (checked.text, checked.withheld) == (said, [])


@pytest.mark.parametrize(
    ("said", "kind", "named"),
    [
        ("Case 4711 is urgent.", "number", "the number 4711"),
        ("It is worth 125,000.", "number", "the number 125,000"),
        ("It is worth 1.2 million.", "number", "the number 1.2 million"),
        ("It is 45% likely.", "number", "the number 45"),
        ("There are 18 deals.", "number", "the number 18"),
        ("There are seven open deals.", "count", "the number seven"),
        ("It closes on 2026-12-16.", "date", "the date 2026-12-16"),
        ("It closes on 16 December.", "day", "the date 16 December"),
        ("It closes on December 16th, 2026.", "date", "the date December 16th, 2026"),
        ("It closed in March 2019.", "month", "the date March 2019"),
        ("It was signed in 2019.", "year", "the date 2019"),
        ("They met at 10:45.", "time", "the time 10:45"),
        (f"See {OTHERS}.", "id", "a record id"),
        ("Write to ann.poe@evil.example.", "email", "an e-mail address"),
        ("Call +49 30 555 0199.", "phone", "a phone number"),
        ("See https://acme.example/shop/x.", "url", "a web address"),
        ("See https://evil.example.", "url", "a web address"),
        ("They use the GX-900.", "code", "a code or product"),
        ("The deal is with Umbrella Biotech.", "name", "a name"),
        ("Wayne Enterprises owns it.", "name", "a name"),
        ("It was created 400 days ago.", "number", "the number 400"),
    ],
)
def test_what_is_invented_is_withheld_and_named_only_if_that_gives_nothing_away(
    said: str, kind: str, named: str
) -> None:
    checked = grounding().check(f"It is in Discovery. {said} Ask me more.")
    assert checked.text == "It is in Discovery. Ask me more."
    [[claim]] = checked.withheld
    assert claim.kind == kind
    assert remark(checked.withheld) == f"*One sentence was withheld: {named} is in no record that was read.*"


def test_a_list_loses_the_line_and_a_table_the_row() -> None:
    listed = f"- Acme ({RENEWAL}): 120,000\n- Umbrella ({OTHERS}): 99,000\n- Lens Upsell\n"
    assert grounding().check(listed).text == f"- Acme ({RENEWAL}): 120,000\n- Lens Upsell\n"
    table = "| Name | Amount |\n| --- | ---: |\n| Renewal | 120,000 |\n| Other | 99,000 |\n"
    assert grounding().check(table).text == "| Name | Amount |\n| --- | ---: |\n| Renewal | 120,000 |\n"
    assert grounding().check("| 4711 | Amount |\n| --- | ---: |\n| Renewal | 120,000 |\n\nDone.").text == "\nDone."
    assert grounding().check("```\n4711\nok\n```\nDone.").text == "Done."


@pytest.mark.parametrize("said", ["There is no Wayne Enterprises.", "Case 4711 exists.", f"{OTHERS} exists."])
def test_a_refusal_that_repeats_what_the_model_asked_for_proves_nothing(said: str) -> None:
    error = {"kind": "not_found", "message": f"no Wayne Enterprises 4711 and no {OTHERS} for you, code 77"}
    checks = grounding({"ok": False, "error": error}, asked="show the deals")
    assert checks.check(said).withheld
    assert not checks.check("The answer was code 77.").withheld


def test_the_words_of_the_model_prove_nothing_and_those_of_the_user_do() -> None:
    said = [*turns({"ok": True, "result": {}}, asked="deal 4712?"), {"type": "ai", "content": "4713"}]
    checks = Grounding(lambda: gather(said, today=TODAY))
    assert not checks.check("Nothing on 4712.").withheld
    assert checks.check("Nothing on 4713.").withheld


MATCHES = {
    "ok": True,
    "result": {
        "matches": [
            {"id": f"001CS000000000{n}AAA", "name": name, "details": {"BillingCity": "Harbor"}}
            for n, name in enumerate(["Pump Works", "Pump Hall", "Pump Yard", "Valve Works", "Valve Hall"], start=1)
        ]
    },
}


def test_how_many_rows_hold_a_word_of_the_user_is_known() -> None:
    said = "I found 3 accounts matching pump."
    assert grounding(MATCHES, asked="show me the pump accounts").check(said).withheld == []
    assert grounding(MATCHES, asked="show me the valve accounts").check(said).withheld != []
    assert grounding(MATCHES, asked="show me the pump accounts").check("It is worth 4.").withheld != []


def test_evidence_is_gathered_only_if_there_is_something_to_look_up() -> None:
    def fail() -> Any:
        raise AssertionError("nothing was claimed")

    assert Grounding(fail).check("Which one do you mean?\n\n- this\n- that").withheld == []


def test_citations_lead_to_the_record_and_field() -> None:
    text = f"Acme ({RENEWAL}) is worth 120,000 and closes on 2026-12-15. There are 17."
    found = [(one.object, one.id, one.field, text[one.start : one.end]) for one in grounding().cite(text)]
    assert found == [
        ("Opportunity", RENEWAL, "Id", RENEWAL),
        ("Opportunity", RENEWAL, "Amount", "120,000"),
        ("Opportunity", RENEWAL, "CloseDate", "2026-12-15"),
    ]


def test_of_equal_values_the_one_of_the_record_named_is_cited() -> None:
    rows = [{"Id": one, "Amount": 500} for one in (RENEWAL, UPSELL)]
    checks = grounding({"ok": True, "result": {"records": rows}})
    assert [one.id for one in checks.cite(f"{UPSELL}: 500")] == [UPSELL, UPSELL]


def test_units_put_together_are_the_text() -> None:
    text = "# A b\n\nOne. Two (see No. 5)! “Three.” 4.\n- a\n- b. C\n\n| a |\n|---|\n| 1 |\n```\nx. Y\n\nz\n```\nend"
    assert "".join(text[start:end] for start, end, _ in split_units(text)) == text
    assert "```\nx. Y\n\nz\n```\n" in [text[start:end] for start, end, _ in split_units(text)]


def test_numbers_are_read_as_they_are_written_anywhere() -> None:
    def forms(text: str) -> list[str]:
        return [str(form) for claim in find_claims(text) for form in claim.forms]

    assert forms("1,234.50") == forms("1.234,50") == forms("1\u00a0234,50") == forms("1'234.50") == ["1234.50"]
    assert forms("1,234") == ["1234", "1.234"]
    assert forms("12k") == forms("12 thousand") == ["12000"]
    assert forms("1.2.3") == ["1.2.3"]


def test_a_block_that_fails_is_cut_out_and_the_rest_stays_harmless() -> None:
    check = AnswerCheck(grounding(), frozenset())
    passed = check.check("Worth **120,000**. Case **4711** is [here](https://evil.example/?d=1). Done.\n\n")
    assert passed.text == "Worth **120,000**. Done.\n\n"
    assert "4711" in note_for_model(passed.withheld, "Worth.")


def test_time_grows_with_the_text() -> None:
    long = f"{'4711 x@y.example 2026-12-15 GW-200 Umbrella Biotech. ' * 400}"
    assert len(grounding().check(long).withheld) == 400
