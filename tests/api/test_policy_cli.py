"""`countersign policy`: what it prints, against answers as the service gives them, and the check that needs none."""

import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from api import _policy_cli
from api._terminal import CommandError
from tests.service import ADMIN, DANA, World

ROOT = Path(__file__).parents[2]
RULE = '@id("x") @reason("r")\nforbid (principal, action, resource)\nwhen { context.isTainted };\n'


def run(*arguments: str, answers: Any = None) -> str:
    """The output of a command whose service answers from a table of method and path."""

    def call(method: str, path: str, url: str, who: str | None, **options: Any) -> Any:
        return answers[method, path]

    result = CliRunner().invoke(_policy_cli.build(call), list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_rules_are_checked_without_a_service(tmp_path: Path) -> None:
    file = tmp_path / "rules.cedar"
    file.write_text(RULE)
    assert "1 rules, all good" in run("check", str(file))
    for bad, told in (
        (RULE.replace("isTainted", "isTanted"), "line 3: attribute `isTanted`.*such as isTainted"),
        (RULE.replace("forbid", "permit"), "line 1: a tenant's rules only restrict"),
        (RULE.replace("resource)", 'resource == Tool::"x")'), 'line 1: there is no Tool::"x"'),
    ):
        file.write_text(bad)
        with pytest.raises(CommandError, match=told):
            run("check", str(file))


def test_the_rules_that_the_documentation_shows_are_good(tmp_path: Path) -> None:
    shown = re.findall(r"```cedar\n(.*?)```", (ROOT / "docs" / "policy.md").read_text(), re.DOTALL)
    assert shown
    for number, text in enumerate(shown):
        (tmp_path / f"{number}.cedar").write_text(text)
        assert "all good" in run("check", str(tmp_path / f"{number}.cedar"))


async def test_what_the_service_answers_is_printed(world: World, tmp_path: Path) -> None:
    person = {"person": DANA, "agent": "sales"}
    asked = {**person, "tool": "update_record", "object": "Opportunity", "fields": {"Amount": {"new": 5}}}
    granted = {"tool": "update_record", "object": "Case", "fields": ["Subject"], "until": "2099-01-01", "reason": "r"}
    await world.post(ADMIN, "/admin/preapprovals", {"based_on": 0, **granted})
    answers = {
        ("GET", "/admin/policy"): await world.get(ADMIN, "/admin/policy"),
        ("GET", "/admin/policy/history"): await world.get(ADMIN, "/admin/policy/history"),
        ("POST", "/admin/policy/explain"): await world.post(ADMIN, "/admin/policy/explain", asked),
        ("GET", "/admin/reach"): await world.get(ADMIN, "/admin/reach", params=person),
    }
    shown = run("show", answers=answers)
    assert re.search(
        r"version 1.*record_cap +5.*pre-approved: update_record Case \(Subject\) until 2099", shown, re.DOTALL
    )
    assert re.search(r"1 .*  r\n", run("history", answers=answers))
    call = ["--person", DANA, "--agent", "sales"]
    said = run(
        "explain", *call, "--tool", "update_record", "--field", "Amount=5", "--label", "target=user", answers=answers
    )
    assert "a second person with approve_writes" in said
    assert "policy:grave-change" in said
    assert "Mara" in said
    reach = run("reach", *call, answers=answers)
    assert re.search(r"update .*Amount.*\(update_record: hold, by a second person", reach)
    for command in (["show"], ["history"], ["reach", *call], ["explain", *call, "--tool", "update_record"]):
        assert run(*command, "--json", answers=answers).startswith(("{", "["))
    with pytest.raises(CommandError, match="such as target=external"):
        run("explain", *call, "--tool", "x", "--label", "target", answers=answers)
