"""Suites, thresholds, reports and imported CSV files: what is read, what is refused, and where the fault is."""

import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from api import cli
from evals.quality.cases import SHIPPED
from evals.quality.comparing import ReportError, compare, load_report
from evals.quality.findings import Fault, Finding, Tally
from evals.quality.importing import CsvImport, ImportFaults, load_map
from evals.quality.loading import SuiteError, load_suite
from evals.quality.page import build_page
from evals.quality.report import print_comparison, print_result
from evals.quality.result import CaseResult, RunResult
from evals.quality.run import find_suites, names
from evals.quality.thresholds import SHIPPED_THRESHOLDS, ThresholdError, is_green, judge, load_thresholds

CONTACT = "ann.poe@acme-industries.example"


def written(folder: Path, text: str, name: str = "mine.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_suites_can_be_read_and_name_what_exists() -> None:
    suites = {suite.suite: suite for suite in find_suites([])}
    assert set(suites) == {path.stem for path in SHIPPED.glob("*.yaml")} - {"thresholds"}
    load_thresholds(SHIPPED_THRESHOLDS)


@pytest.mark.parametrize(
    ("case", "fault"),
    [
        ("{id: a, say: x, expects: {}}", "case 'a': expects: Extra inputs are not permitted"),
        ("{id: a}", "case 'a': expected exactly one of say, turns, user"),
        ("{say: x}", "case 1: id: Field required"),
        ("{id: a, say: x, caller: {employee: nobody}}", "case 'a': caller: there is no employee 'nobody'"),
        ("{id: a, say: x, caller: {role: ceo, employee: dana}}", "expected exactly one of employee, role, contact"),
        ("{id: a, say: x, caller: {contact: x@y.example}}", "'x@y.example' is no verified contact"),
        ("{id: a, say: x, expect: {agent: finance}}", "case 'a': there is no agent 'finance'"),
        ("{id: a, say: x, expect: {tools: [fly]}}", "case 'a': there is no tool 'fly'"),
        ("{id: a, say: x, expect: {refusal: {because: [mood]}}}", "'mood' is none of"),
        ("{id: a, say: x, expect: {records: [{object: Acount}]}}", "there is no object 'Acount'"),
        ("{id: a, say: x, expect: {records: [{object: Case, find: {Nme: x}}]}}", "Case has no field 'Nme'"),
        ("{id: a, say: x}\n  - {id: a, say: y}", "case 'a': there are two of that id"),
    ],
)
def test_a_fault_in_a_suite_is_named_with_its_case(tmp_path: Path, case: str, fault: str) -> None:
    path = written(tmp_path, f"suite: mine\ncaller: {{employee: dana}}\ncases:\n  - {case}\n")
    with pytest.raises(SuiteError) as caught:
        load_suite(path, names())
    assert fault in str(caught.value)
    assert str(caught.value).startswith(str(path))


def test_wordings_become_cases_of_their_own_with_what_the_suite_says(tmp_path: Path) -> None:
    text = "suite: mine\ncaller: {role: service_agent}\ntoday: 2026-05-01\ncases:\n  - {id: a, say: x, also: [y, z]}\n"
    cases = load_suite(written(tmp_path, text), names()).all_cases()
    assert [(one.id, one.say) for one in cases] == [("a", "x"), ("a--2", "y"), ("a--3", "z")]
    assert {(one.asker.key, str(one.day)) for one in cases} == {("sam", "2026-05-01")}


def result(*cases: tuple[str, Fault | None], model: str = "offline") -> RunResult:
    made = {"model": model, "prompts": "abc", "suites": ["core"], "seed": 0, "sample": None, "factor": 1.0}
    return RunResult(made, [played(name, fault) for name, fault in cases])


def played(name: str, fault: Fault | None) -> CaseResult:
    findings = () if fault is None else (Finding(fault, 1, "because <b>"),)
    tallies = {"passed": Tally(int(fault is None), 1), "routing": Tally(int(fault is not Fault.WRONG_ROUTE), 1)}
    said = {"user": "<script>alert(1)</script>", "route": "sales", "calls": [], "held": [], "answer": ["&"]}
    shown = ({**said, "fault": ""},)
    return CaseResult("core", name, "dana", ("hello",), findings, tallies, shown, 0.1)


def test_a_comparison_names_regressions_fixes_and_classes(tmp_path: Path) -> None:
    before = result(("a", None), ("b", Fault.WRONG_ROUTE), ("c", Fault.WRONG_ANSWER), ("gone", None))
    after = result(("a", Fault.WRONG_ANSWER), ("b", None), ("c", Fault.ERROR), ("new", Fault.ERROR), model="x:y")
    for name, one in (("a.json", before), ("b.json", after)):
        written(tmp_path, json.dumps(one.to_json()), name)
    found = compare(load_report(tmp_path / "a.json"), load_report(tmp_path / "b.json"))
    assert [one.key for one in found.regressions] == ["core/a"]
    assert [one.key for one in found.fixes] == ["core/b"]
    assert [now.key for _, now in found.otherwise] == ["core/c"]
    assert (found.added, found.removed) == (["core/new"], ["core/gone"])
    assert found.faults == {Fault.WRONG_ROUTE: (1, 0), Fault.WRONG_ANSWER: (1, 1), Fault.ERROR: (0, 1)}
    assert found.measures["routing"] == (Tally(2, 3), Tally(3, 3))
    assert found.differences == ["model: 'offline' -> 'x:y'"]
    with (tmp_path / "out").open("w") as file:
        print_comparison(found, Console(file=file))
    assert "Regressions: 1" in (tmp_path / "out").read_text()
    code = (
        CliRunner().invoke(cli.app, ["eval", "compare", str(tmp_path / "a.json"), str(tmp_path / "b.json")]).exit_code
    )
    assert code == 1
    same = [str(tmp_path / "a.json")] * 2
    assert CliRunner().invoke(cli.app, ["eval", "compare", *same]).exit_code == 0


@pytest.mark.parametrize("text", ["", "[]", '{"form": 2}', '{"form": 1}', '{"form": 1, "made": {}, "cases": [1]}'])
def test_a_file_that_is_no_report_is_refused_by_name(tmp_path: Path, text: str) -> None:
    with pytest.raises(ReportError, match=r"r\.json"):
        load_report(written(tmp_path, text, "r.json"))


def test_the_page_has_no_script_and_escapes_everything() -> None:
    page = build_page(result(("a", Fault.WRONG_ANSWER), ("b", None)), [])
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "because &lt;b&gt;" in page
    assert "default-src 'none'" in page
    assert "http:" not in page
    assert "https:" not in page


def test_thresholds_make_a_model_red_or_green(tmp_path: Path) -> None:
    run = result(("a", Fault.WRONG_ROUTE), ("b", None))
    for bound, green in (
        ("at_least: 0.5", True),
        ("at_least: 0.6", False),
        ("below: 0.5", False),
        ("at_most: 0.5", True),
    ):
        bounds = load_thresholds(written(tmp_path, f"all: {{routing: {{{bound}}}}}"))
        assert is_green(run, judge(run, bounds)) is green, bound
    other = load_thresholds(written(tmp_path, "suites: {sales: {routing: {at_least: 1}}}"))
    assert judge(run, other) == []
    assert not is_green(run, []), "nothing measured is not green"
    count = load_thresholds(written(tmp_path, "all: {passed: {count_at_most: 0}, refusals: {at_least: 1}}"))
    assert [one.holds for one in judge(run, count)] == [False, None]
    with (tmp_path / "out").open("w") as file:
        print_result(run, judge(run, count), Console(file=file))
    assert "not measured" in (tmp_path / "out").read_text()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("all: {speed: {at_least: 1}}", "there is no measure 'speed'"),
        ("all: {routing: {at_least: 1, at_most: 1}}", "expected exactly one of"),
        ("everything: {}", "everything: Extra inputs"),
        ("all: [", "cannot be read"),
    ],
)
def test_a_fault_in_the_thresholds_is_named(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(ThresholdError, match=fault):
        load_thresholds(written(tmp_path, text))


HEAD = "Utterance,Expected Topic,Expected Actions,Expected Response,Conversation History,Context Variables\n"


def imported(folder: Path, text: str, **maps: Any) -> list[dict[str, Any]]:
    return CsvImport(names(), **maps).read(written(folder, text, "cases.csv"))


def test_a_csv_becomes_cases(tmp_path: Path) -> None:
    history = (
        '"[{""role"": ""user"", ""message"": ""hello""}, {""role"": ""agent"", ""message"": ""hi"", ""topic"": ""x""}]"'
    )
    rows = (
        f"Show my cases,Case Management,\"['QueryRecords', 'get_record']\",You have 3 cases.,{history},"
        f'"{{""$Context.ContactEmail"": ""{CONTACT}"", ""today"": ""2026-05-01"", ""Mood"": ""bad""}}"\n'
        "Ship it,Order Inquiries,Ship Order,,,\n"
    )
    first, second = imported(
        tmp_path, HEAD + rows, topics={"order inquiries": "service"}, actions={"ShipOrder": "get_record"}
    )
    assert first == {
        "id": "row-2",
        "say": "Show my cases",
        "history": ["hello"],
        "caller": {"contact": CONTACT},
        "today": "2026-05-01",
        "instructions": "Mood: bad",
        "expect": {
            "agent": "service",
            "tools": {"order": "partial", "calls": ["query_records", "get_record"]},
            "answer": {"says": "You have 3 cases."},
        },
    }
    assert second["expect"]["tools"]["calls"] == ["get_record"]


def test_every_fault_of_a_csv_is_named_with_row_and_column(tmp_path: Path) -> None:
    rows = (
        ",Case Management,,,,\n"
        "Hello,Gardening,['Fly'],,not json,\n"
        'Hello,sales,[broken,,"[{""role"": ""cat""}]",mood\n'
        "Hello,sales,,,,,,one too many\n"
    )
    with pytest.raises(ImportFaults) as caught:
        imported(tmp_path, HEAD + rows, topics={"x": "nobody"})
    faults = [line.partition("cases.csv: ")[2] for line in str(caught.value).splitlines()]
    assert [one.partition(": ")[0] for one in faults] == [
        "row 2, column 'Utterance'",
        "row 3, column 'Expected Topic'",
        "row 3, column 'Expected Actions'",
        "row 3, column 'Conversation History'",
        "row 4, column 'Expected Actions'",
        "row 4, column 'Conversation History'",
        "row 4, column 'Context Variables'",
        "row 5",
    ]
    with pytest.raises(ImportFaults, match=r"row 1, column 'Mood'.*\n.*column 'Expected Topic' is missing"):
        imported(tmp_path, "Utterance,Mood\nHello,bad\n")


def test_the_command_writes_a_suite_that_can_be_played(tmp_path: Path) -> None:
    source = written(tmp_path, "utterance,EXPECTED TOPIC\nshow my open cases,Case Management\n", "cases.csv")
    mapping = written(tmp_path, "topics: {Case Management: analytics}", "map.yaml")
    into = tmp_path / "my-cases.yaml"
    done = CliRunner().invoke(cli.app, ["eval", "import", str(source), str(into), "--map", str(mapping)])
    assert done.exit_code == 0
    suite = load_suite(into, names())
    assert (suite.suite, suite.cases[0].expect.agent) == ("my_cases", ("analytics",))
    again = CliRunner().invoke(cli.app, ["eval", "import", str(source), str(into)])
    assert again.exit_code == 1, "nothing is overwritten"
    with pytest.raises(ImportFaults, match=r"expected topics and actions"):
        load_map(written(tmp_path, "topic: {}", "bad.yaml"))
