"""Suites on the whole service: a few shipped cases with the offline model, and scripted models that are caught."""

from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel

from evals.quality.cases import Case, SimulatedUser, Suite
from evals.quality.people import PlayedUser, approvers_for
from evals.quality.result import CaseResult, RunResult
from evals.quality.run import Plan, find_suites, parts_of, run_plan
from tests.service import calls, script

pytestmark = pytest.mark.slow

OF_EACH = 2
"""Cases of each shipped suite that are played here; `make eval` plays all."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("quality")


def play(folder: Path, model: BaseChatModel | None = None, given: Any = (), **case: Any) -> CaseResult:
    """One case with that model on a small organisation."""
    suite = Suite.model_validate(
        {
            "suite": "mine",
            "caller": {"employee": "dana"},
            "given": list(given),
            "cases": [{"id": "one", **case}],
        }
    )
    model_for = None if model is None else lambda tenant: model
    (result,) = run_plan(Plan((suite,), factor=0.1), model_for=model_for, folder=folder).cases
    return result


def test_some_of_every_shipped_suite_can_be_played(folder: Path) -> None:
    suites = tuple(one.model_copy(update={"cases": _without_wordings(one)[:OF_EACH]}) for one in find_suites([]))
    run = run_plan(Plan(suites, factor=0.1), folder=folder)
    assert len(run.cases) == OF_EACH * len(suites)
    assert not [case for case in run.cases if "error" in [fault.value for fault in case.faults]]
    assert RunResult.from_json(run.to_json()).to_json() == run.to_json()


def _without_wordings(suite: Suite) -> list[Case]:
    return [case.model_copy(update={"also": ()}) for case in suite.cases]


def test_a_run_comes_out_the_same_again(folder: Path) -> None:
    runs = [run_plan(Plan(find_suites(["core"]), sample=3, seed=4, factor=0.1), folder=folder) for _ in range(2)]
    first, second = ([_without_time(case) for case in run.cases] for run in runs)
    assert first == second


def _without_time(case: CaseResult) -> dict[str, Any]:
    return {name: value for name, value in case.to_json().items() if name != "seconds"}


RENEWAL = "@Opportunity:Acme Industries - Fabrication Line Renewal"
STAGE = {
    "say": "move the Acme renewal to Negotiation",
    "expect": {
        "agent": "sales",
        "approvals": [{"tool": "update_record", "fields": {"StageName": "Negotiation"}}],
        "records": [{"object": "Opportunity", "find": {"Id": RENEWAL}, "fields": {"StageName": "Negotiation"}}],
    },
}


def say(text: str) -> Any:
    return calls(text=text)


def change(**fields: Any) -> Any:
    return calls(("update_record", {"object": "Opportunity", "record_id": "006CS0000000001YAA", "fields": fields}))


def test_the_approver_agrees_to_what_the_case_expects_and_to_nothing_else(folder: Path) -> None:
    right = play(folder, script(change(StageName="Negotiation"), say("Done.")), **STAGE)
    assert right.findings == ()
    assert right.transcript[0]["held"][0] | {"new": 0} == {
        "tool": "update_record",
        "new": 0,
        "decision": "approve",
        "by": "mara",
        "status": "applied",
    }
    wrong = play(folder, script(change(StageName="Quote"), say("Done.")), **STAGE)
    assert [one.fault.value for one in wrong.findings] == ["unneeded approval", "bad arguments", "wrong records"]


def test_the_approver_may_be_told_to_reject_or_to_edit(folder: Path) -> None:
    left = {"object": "Opportunity", "find": {"Id": RENEWAL}, "fields": {"StageName": "Discovery"}}
    expect = STAGE["expect"] | {"records": [left]}  # type: ignore[operator]
    rejected = play(
        folder,
        script(change(StageName="Negotiation"), say("Mara did not agree: too early.")),
        say=STAGE["say"],
        expect=expect,
        approver={"decisions": [{"reject": "too early"}]},
    )
    assert rejected.findings == ()
    edited = play(
        folder,
        script(change(StageName="Negotiation"), say("Done.")),
        say=STAGE["say"],
        expect=STAGE["expect"] | {"records": [left | {"fields": {"StageName": "Quote"}}]},  # type: ignore[operator]
        approver={"employee": "mara", "decisions": [{"edit": {"fields": {"StageName": "Quote"}}}, {"approve": True}]},
    )
    assert edited.findings == ()


def test_a_suites_own_records_are_there_and_queries_answer_for_it(folder: Path) -> None:
    article = {"Title": "Zebra handling", "ArticleNumber": "90000001", "FAQ_Answer__c": "Zebras need 17 blankets."}
    given = [{"object": "Knowledge__kav", "number": 1, "fields": article | {"PublishStatus": "Online"}}]
    sql = 'SELECT count(*) FROM "knowledge__kav" WHERE tenant = :tenant AND "Title" = \'Zebra handling\''
    result = play(
        folder,
        script(calls(("search_knowledge", {"query": "zebra blankets"})), say("1 article says: 17 blankets.")),
        given=given,
        say="what does the knowledge article on zebra handling say?",
        expect={"answer": {"value": {"sql": sql}, "numbers": 17}, "tools": [{"search_knowledge": {}}]},
    )
    assert result.findings == ()


def test_a_case_that_cannot_be_played_is_an_error_and_counts_against_the_rates(folder: Path) -> None:
    broken = play(folder, script(AssertionError("broken"), AssertionError("broken")), say="show Acme Industries' cases")
    assert [fault.value for fault in broken.faults] == ["error"]
    lost = {"records": [{"object": "Case", "find": {"Id": "@Case:nowhere"}}], "agent": "service"}
    result = play(folder, script(say("Done.")), say="show my cases", expect=lost)
    assert "expected one record of that name, found 0" in result.findings[0].text
    assert result.tallies["routing"].of == 1


USER = {
    "persona": "Dana, in a hurry",
    "goal": "move a deal",
    "opens": "move a deal on",
    "facts": [
        {"asked": ["which deal", "which opportunity"], "says": "the Acme renewal", "times": 1},
        {"asked": ["stage"], "says": "to Negotiation"},
    ],
    "agenda": ["thanks, that is all"],
    "gives_up_after": 5,
}


def test_a_played_user_answers_goes_on_and_gives_up() -> None:
    user = PlayedUser(SimulatedUser.model_validate(USER))
    said = [user.open(), user.reply("Which opportunity do you mean?"), user.reply("To which stage?")]
    assert said == ["move a deal on", "the Acme renewal", "to Negotiation"]
    assert user.reply("It is done.") == "thanks, that is all"
    assert (user.reply("You are welcome."), user.ended) == (None, "done")

    asked_again = PlayedUser(SimulatedUser.model_validate(USER))
    asked_again.open()
    assert asked_again.reply("Which deal?") == "the Acme renewal"
    assert "already" in str(asked_again.reply("Which deal?"))
    assert (asked_again.reply("Which deal?"), asked_again.ended) == (None, "gave up")

    lost = PlayedUser(SimulatedUser.model_validate(USER | {"agenda": []}))
    lost.open()
    assert lost.reply("What is your favourite colour?") == "I don't know that."
    assert (lost.reply("And your second favourite?"), lost.ended) == (None, "gave up")


def test_a_played_user_talks_with_the_service(folder: Path) -> None:
    lines = ("Which opportunity?", "To which stage?", change(StageName="Negotiation"), "Done.", "Good day.")
    spoken = [say(line) if isinstance(line, str) else line for line in lines]
    result = play(folder, script(*spoken), user=USER, expect=STAGE["expect"])
    assert result.says == ("move a deal on", "the Acme renewal", "to Negotiation", "thanks, that is all")
    assert result.findings == ()


def test_requests_go_to_whoever_may_decide() -> None:
    assert approvers_for("dana", self_approval=False, named=None) == ["mara", "victor", "grace", "ada"]
    assert approvers_for("dana", self_approval=True, named=None)[0] == "dana"
    assert approvers_for(None, self_approval=False, named="stella") == ["stella", "ada"]


def test_processes_share_all_cases_and_none_twice(folder: Path) -> None:
    plan = Plan(find_suites([]), jobs=2)
    shared = [case.id for part in parts_of(plan, folder) for _, _, case in part[3]]
    assert shared == [case.id for _, case in plan.cases()]
    assert len(Plan(plan.suites, sample=3, seed=1).cases()) == 3
