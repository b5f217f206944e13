"""`countersign policy`: what it prints, against answers as the service gives them, and the check that needs none."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from api import _delegations_cli, _policy_cli
from api._terminal import CommandError
from tests.service import ADMIN, DANA, MARA, RENEWAL, World

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


DOCUMENT = """
# Two people of the deal desk, at the weekend.
rules:
  - id: weekend
    reason: two people look at weekends
    when:
      hours: {zone: Europe/Berlin, days: [sat, sun], start: 08:00, end: 18:00}
    then:
      approvers: [{group: deal_desk}]
      votes: 2
"""


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("votes: 2", "votes: 0"), "rules.0.then.votes: Input should be greater"),
        (("votes: 2", "votes: 2\n      votes: 1"), "'votes' stands there twice"),
        (("votes: 2", "vote: 2"), "rules.0.then.vote: Extra inputs"),
        (("rules:", "rule:"), "expected one or more of additions, preapprovals, rules, settings"),
        (("  - id: weekend", "  - id: weekend\n    reason: r\n  - id: weekend"), "rules.1.id: there is another rule"),
        (("when:", "when:\n      tools: [drop_table]"), "rules.0.when.tools: there is no tool 'drop_table'"),
        (("Europe/Berlin", "Europe/Bärlin"), "rules.0.when.hours.zone: .* time zone"),
        (("rules:", "additions: 'permit (principal, action, resource);'\nrules:"), "only restrict"),
        (("rules:", "rules: !!python/object/apply:os.system ['true']\nothers:"), "could not determine a constructor"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_document_is_read_strictly(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(DOCUMENT)
    assert "1 approval rules and 0 rules in Cedar" in run("check", str(file))
    file.write_text(DOCUMENT.replace(*change))
    with pytest.raises(CommandError, match=told):
        run("check", str(file))


def test_the_documents_that_the_documentation_shows_are_good(tmp_path: Path) -> None:
    shown = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "approvals.md").read_text(), re.DOTALL)
    assert shown
    for number, text in enumerate(shown):
        (tmp_path / f"{number}.yaml").write_text(text)
        assert "all good" in run("check", str(tmp_path / f"{number}.yaml"))


async def test_a_document_is_tried_and_put_in_as_it_was_written(world: World, tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    later = (datetime.now(UTC) + timedelta(days=3)).strftime("%a").lower()
    file.write_text(DOCUMENT.replace("sat, sun", later))  # hours that it is not now
    sent: dict[tuple[str, str], Any] = {}

    def call(method: str, path: str, url: str, who: str | None, **options: Any) -> Any:
        sent[method, path] = options.get("json")
        return {"version": 0} if path == "/admin/policy" else answer

    answer: Any = {}
    assert CliRunner().invoke(_policy_cli.build(call), ["put", str(file)], catch_exceptions=False).exit_code == 0
    body = sent["PUT", "/admin/policy"]
    assert body["rules"][0]["when"]["hours"]["start"] == "08:00", "and not 480 minutes"
    put_in = await world.call(ADMIN, "PUT", "/admin/policy", json=body)
    assert put_in.status_code == 200, put_in.text
    assert (await world.get(ADMIN, "/admin/policy"))["rules"] == body["rules"]
    thread = await world.open_thread(DANA)
    await world.say(DANA, thread, f"move the {RENEWAL} to Negotiation")
    everywhere = {"rules": [{**body["rules"][0], "when": {}}]}
    answer = await world.post(ADMIN, "/admin/policy/simulate", everywhere)
    result = CliRunner().invoke(_policy_cli.build(call), ["simulate", str(file)], catch_exceptions=False)
    assert sent["POST", "/admin/policy/simulate"]["rules"] == body["rules"]
    assert (
        "would held (weekend): 2 vote(s) of approve_writes and the group 'deal_desk', a second person" in result.output
    )
    assert "1 of 1 requests would have become something else." in result.output
    shown = run("show", answers={("GET", "/admin/policy"): await world.get(ADMIN, "/admin/policy")})
    assert "approval rule weekend: two people look at weekends" in shown


async def test_preapprovals_are_listed_added_and_taken_back(world: World) -> None:
    answers: dict[tuple[str, str], Any] = {("GET", "/admin/policy"): await world.get(ADMIN, "/admin/policy")}
    sent: Any = None

    def call(method: str, path: str, url: str, who: str | None, **options: Any) -> Any:
        nonlocal sent
        sent = options
        return answers[method, path]

    def do(*arguments: str) -> str:
        result = CliRunner().invoke(_policy_cli.build(call), ["preapprovals", *arguments], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    answers["POST", "/admin/preapprovals"] = {"preapprovals": [{"id": "p-1"}]}
    given = ["--tool", "update_record", "--object", "Case", "--field", "Subject", "--until", "2099-01-01"]
    assert "p-1 counts" in do("add", *given, "--reason", "routine", "--count-cap", "3", "--period", "week")
    made = await world.post(ADMIN, "/admin/preapprovals", sent["json"])
    answers["GET", "/admin/preapprovals"] = await world.get(ADMIN, "/admin/preapprovals")
    assert re.search(
        r"update_record Case \(Subject\), 3 times a week, until 2099-01-01, used since .*: 0 times", do("list")
    )
    one = made["preapprovals"][0]["id"]
    answers["DELETE", f"/admin/preapprovals/{one}"] = {}
    assert "Taken back" in do("withdraw", one)
    assert sent["params"] == {"based_on": 0}
    answers["GET", "/admin/preapprovals"] = []
    assert "Nothing is approved" in do("list")
    assert do("list", "--json").strip() == "[]"


async def test_delegations_are_made_listed_and_taken_back(world: World) -> None:
    answers: dict[tuple[str, str], Any] = {}
    sent: Any = None

    def call(method: str, path: str, url: str, who: str | None, **options: Any) -> Any:
        nonlocal sent
        sent = options
        return answers[method, path]

    def do(*arguments: str) -> str:
        result = CliRunner().invoke(_delegations_cli.build(call), list(arguments), catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    until = (datetime.now(UTC) + timedelta(days=7)).isoformat(timespec="seconds")
    body = {"delegate": MARA, "ends_at": until, "limits": {"amount_cap": 5}}
    answers["POST", "/delegations"] = await world.post(DANA, "/delegations", body)
    assert "only amount_cap 5" in do("add", MARA, "--until", until, "--amount-cap", "5")
    assert {name: sent["json"][name] for name in ("delegate", "ends_at")} == {"delegate": MARA, "ends_at": until}
    assert (await world.call(DANA, "POST", "/delegations", json=sent["json"])).status_code == 200
    answers["GET", "/delegations"] = await world.get(DANA, "/delegations")
    assert do("list").count("(live)") == 2
    assert do("list", "--json").startswith("[")
    [first, _] = answers["GET", "/delegations"]
    answers["DELETE", f"/delegations/{first['delegation_id']}"] = {}
    assert "Taken back" in do("withdraw", first["delegation_id"])
    answers["GET", "/delegations"] = []
    assert "Nobody decides" in do("list", "--all", "--past")
