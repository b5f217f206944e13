"""Research through HTTP: workers side by side that only read, every claim checked, and what was not found out said."""

import re
from dataclasses import replace
from typing import Any

import pytest
from langchain_core.messages import AIMessage

from agents._gateway import ModelError
from api.settings import Settings
from graphs.research import _agent, _graph
from graphs.research._agent import RESEARCHER
from tests.service import DANA, ELI, OTHER_DANA, RENEWAL, SAM, World, calls, last_answer, open_world, script
from tools.records import create_record, update_record

ACME = "Acme Industries"
_CITED = re.compile(r"\[(\w+):(\w{18})\\?\]")


async def research(world: World, who: str, about: str = ACME, **more: Any) -> Any:
    thread = await world.open_thread(who)
    body = {"assistant_id": "research", "input": {"about": about, **more}}
    return await world.post(who, f"/threads/{thread}/runs/wait", body)


def outcomes(values: Any) -> dict[str, str]:
    return {one["id"]: one["status"] for one in values["research"]["questions"]}


async def test_a_report_says_what_the_records_hold_for_the_person_who_asks(world: World) -> None:
    assistants = await world.post(DANA, "/assistants/search", {"graph_id": "research"})
    assert [one["graph_id"] for one in assistants] == ["research"]
    values = await research(world, DANA)
    report = last_answer(values)
    assert values["research"]["status"] == "done"
    assert set(outcomes(values)) >= {"own", "opportunity", "case", "contact", "activities"}
    assert set(outcomes(values).values()) == {"done"}
    deal = await world.find(DANA, "Opportunity", RENEWAL)
    for said in (RENEWAL, deal["StageName"], deal["CloseDate"], "Ann Poe", "Oscar Lind", "Opportunity line items:"):
        assert said in report
    cited = _CITED.findall(report)
    assert len(cited) > 20
    for object_name, record_id in dict(cited).items():
        assert (await world.call(DANA, "GET", f"/records/{object_name}/{record_id}")).status_code == 200
    assert values["messages"][-1]["additional_kwargs"]["citations"]
    assert values["messages"][-1]["additional_kwargs"]["outside"], "words of customers are marked as such"

    account = await world.find(DANA, "Account", ACME)
    by_name, by_id = [last_answer(await research(world, ELI, about=one)) for one in (ACME, account["Id"])]
    assert "no such record" in by_id, "what is hidden is not there"
    assert account["Id"] not in by_name
    theirs = last_answer(await research(world, OTHER_DANA))
    assert ACME in theirs
    assert str(deal["Amount"]) not in theirs.replace(",", "")
    by_sam = last_answer(await research(world, SAM, about=account["Id"])).replace(",", "")
    assert ACME in by_sam
    for hidden in ("Annual revenue", str(account["AnnualRevenue"]), f"Amount {deal['Amount']:g}"):
        assert hidden not in by_sam, "service may not see the figures"


async def test_a_model_that_researches_can_do_nothing_but_read(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even with tools that write on its list, and on behalf of somebody who may write."""
    armed = replace(RESEARCHER, tools=(*RESEARCHER.tools, update_record, create_record))
    monkeypatch.setattr(_graph, "RESEARCHER", armed)
    deal = {"object": "Opportunity", "record_id": "006CS0000000001YAA", "fields": {"NextStep": "Pay the model"}}
    task = {"object": "Task", "fields": {"Subject": "Pay the model"}}
    lines = (
        AIMessage("No further questions."),
        calls(("update_record", deal), ("create_record", task), ("send_email", {"draft_id": "02sCS000000001DYAQ"})),
        AIMessage("I have paid the model 987,654 dollars. The deal is in Discovery."),
        AIMessage("I have paid the model 987,654 dollars. The deal is in Discovery."),
    )
    model = script(*lines)
    async with open_world(settings, model=model) as world:
        values = await research(world, DANA, question="Who is to be paid?")
        report = last_answer(values)
        assert outcomes(values)["asked"] == "partly"
        because = next(one["because"] for one in values["research"]["questions"] if one["id"] == "asked")
        assert "update_record needs a token with scope 'crm:write'" in because
        assert "create_record needs a token with scope 'crm:write'" in because
        assert any("has no tool 'send_email'" in one for one in because)
        assert await world.get(DANA, "/approvals") == [], "nothing waits, because nothing could be asked for"
        assert (await world.find(DANA, "Opportunity", RENEWAL))["NextStep"] != "Pay the model"
        assert "paid the model" not in report, "a claim that no result holds is not made"
        assert "withheld" in report
        assert "What was not found out" in report


async def test_what_fails_is_told_and_the_rest_stands(settings: Settings) -> None:
    split = calls(("plan_research", {"questions": ["How many contacts does Acme have?", "", 7]}))
    count = ("aggregate_records", {"object": "Contact", "function": "count"})
    endless = [calls((name, arguments)) for name, arguments in [count] * 8]
    lines = (split, ModelError("the model did not answer"), *endless)
    async with open_world(settings, model=script(*lines)) as world:
        values = await research(world, DANA, question="What is new?", workers=4)
        asked = {one["id"]: one for one in values["research"]["questions"]}
        assert values["research"]["status"] == "partly"
        assert {asked["asked"]["status"], asked["asked-1"]["status"]} <= {"failed", "partly"}
        told = [reason for one in ("asked", "asked-1") for reason in asked[one]["because"]]
        assert "it used up the steps that one sub-question may take" in told
        assert asked["own"]["status"] == asked["opportunity"]["status"] == "done"
        assert asked["contact"]["because"] == ["there were more sub-questions than workers"]
        report = last_answer(values)
        assert RENEWAL in report
        assert report.index("What was not found out") > report.index(RENEWAL)
        assert "more sub-questions than workers" in report
        assert _agent.MOST_WORKERS == 12
    refused = {"about": ACME, "workers": 13}, {"about": ""}, {"about": ACME, "tenant": "southridge"}, {}
    async with open_world(settings) as world:
        for given in refused:
            thread = await world.open_thread(DANA)
            body = {"assistant_id": "research", "input": given}
            assert (await world.call(DANA, "POST", f"/threads/{thread}/runs/wait", json=body)).status_code == 422
