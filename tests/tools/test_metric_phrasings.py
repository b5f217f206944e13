"""The eleven metric questions in more than 240 wordings: what the embedded model answers is what SQL says."""

from pathlib import Path

import pytest

from crm.database import DatabaseConfig
from crm.seed.people import staff_id
from tests.service import open_world, settings_for, tool_results
from tests.tools.desk import HERE, Desk
from tests.tools.metric_wordings import QUESTIONS, Json, answer_by_sql, decide, fault_of, key_of, read_wordings
from tools._run import ToolError
from trust.principal import load_principal
from trust.scopes import ALL_SCOPES

_FEW = 6
"""What the words are understood as does not depend on the database: of the second one, every sixth wording is asked."""
FILES = ("metric_phrasings.yaml", "metric_second.yaml")
ALAN = "alan@northwind.example"
"""Analyst."""
TODAY = {"context": {"today": "2026-11-02"}}


@pytest.mark.parametrize("file", FILES)
async def test_every_wording_is_answered_as_sql_does(org: Desk, org_config: DatabaseConfig, file: str) -> None:
    async with org.database.session(HERE) as session:
        access = (await load_principal(session, staff_id("alan"), ALL_SCOPES)).access
    answers: dict[str, Json] = {}
    by_sql: dict[str, dict[str, float]] = {}
    wrong, better = {}, []
    wordings = read_wordings(file)
    for wording in wordings if org_config.file is not None else wordings[::_FEW]:
        agent, tool, arguments = decide(wording.text, access)
        fault = f"went to {agent}: {tool} {arguments}"
        if tool == "ask_metric":
            call = key_of((tool, arguments))
            if call not in answers:
                answers[call] = await org.call("alan", tool, **arguments)
            answer = answers[call]
            asked = key_of((wording.question, wording.given))
            if asked not in by_sql:
                by_sql[asked] = answer_by_sql(org_config, wording)
            expected = by_sql[asked]
            assert len(expected) > 1, wording
            fault = (
                answer.message
                if isinstance(answer, ToolError)
                else fault_of(answer, expected, QUESTIONS[wording.question])
            )
            fault = fault and f"{fault} {arguments}"
        if fault and not wording.fails:
            wrong[f"{wording.question}: {wording.text}"] = fault
        elif wording.fails and not fault:
            better.append(wording.text)
    assert wrong == {}, "\n".join(f"{said}\n    {fault}" for said, fault in wrong.items())
    assert better == [], "these are right now: take their reasons out of the file"


async def test_a_handful_goes_through_whole_turns(org_config: DatabaseConfig, tmp_path: Path) -> None:
    """The same answers through HTTP: routed, guarded, run and worded by the service."""
    wordings = [one for one in read_wordings(FILES[0]) if not one.fails][::44]
    async with open_world(settings_for(org_config, tmp_path)) as world:
        for wording in wordings:
            values = await world.say(ALAN, await world.open_thread(ALAN), wording.text, **TODAY)
            answer = tool_results(values)[-1]["result"]
            assert fault_of(answer, answer_by_sql(org_config, wording), QUESTIONS[wording.question]) == "", wording.text
            assert answer["summary"].split(". ")[0] in values["messages"][-1]["content"]
