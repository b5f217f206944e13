"""Questions about metrics through HTTP: a finding, its chart, follow-ups, a report, and an alert that goes off."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage

from api.settings import Settings
from crm.database import DatabaseConfig
from tests.oracle import raw_rows
from tests.service import ADMIN, DANA, OTHER_DANA, calls, held, open_world, script, tool_results

ALAN = "alan@northwind.example"
"""Analyst."""
ANN = "ann.poe@acme-industries.example"
"""A customer."""
QUESTION = {"metric": "case_count", "group_by": ["priority"]}
OWN = """
cases:
  measures:
    phone_share:
      label: Share of calls
      says: how many cases come by phone
      definition: Cases that came by phone among all cases, in per cent.
      function: share
      holds: [{field: Origin, value: Phone}]
      time: opened
      unit: percent
"""

Json = Any


async def test_a_question_its_chart_a_report_and_an_alert(settings: Settings, seeded_config: DatabaseConfig) -> None:
    model = script(
        calls(("ask_metric", QUESTION)),
        AIMessage("Here it is."),
        calls(("ask_metric", {**QUESTION, "group_by": [], "per": "quarter", "chart": "line"})),
        AIMessage("Here it is, by quarter."),
        calls(("save_report", {**QUESTION, "name": "Priorities at a glance"})),
        AIMessage("It is saved."),
        calls(("run_report", {"report": "priorities AT a glance"})),
        AIMessage("There."),
        calls(("create_alert", {"metric": "case_count", "when": "above", "threshold": 1, "name": "Too many cases"})),
        AIMessage("It is set."),
    )
    settings = settings.model_copy(update={"notice_from": "notices@countersign.example"})
    async with open_world(settings, model=model) as world:
        thread = await world.open_thread(ALAN)
        asked = tool_results(await world.say(ALAN, thread, "How many cases by priority?"))[-1]["result"]
        assert asked["summary"].startswith("Number of cases is highest for ")
        await shows_its_chart_to_nobody_else(world, thread)
        quarterly = tool_results(await world.say(ALAN, thread, "Make it a chart by quarter, as a line"))[-1]["result"]
        assert quarterly["chart"]["mark"]["type"] == "line"
        assert quarterly["total"] == asked["total"]

        report = await approve(world, thread, "Save that as a report", "Report")
        assert report["Name"] == "Priorities at a glance"
        again = tool_results(await world.say(ALAN, thread, "Run the report"))[-1]["result"]
        assert again == asked
        listed, seeded = await world.get(ALAN, "/metrics/reports")
        assert seeded["name"] == "Cases by priority"
        assert (await world.get(ALAN, f"/metrics/reports/{listed['report_id']}"))["rows"] == asked["rows"]
        assert await world.get(DANA, "/metrics/reports") == []
        for who in (DANA, OTHER_DANA):
            assert (await world.call(who, "GET", f"/metrics/reports/{listed['report_id']}")).status_code == 404
        assert (await world.call(ANN, "GET", "/metrics/reports")).status_code == 403

        await approve(world, thread, "Alert me when there is more than one case", "MetricAlert__c")
        await goes_off_once(world, seeded_config)


async def shows_its_chart_to_nobody_else(world: Any, thread: str) -> None:
    state = await world.get(ALAN, f"/threads/{thread}/state")
    call = next(m["tool_call_id"] for m in state["values"]["messages"] if m["type"] == "tool")
    path = f"/threads/{thread}/charts/{call}"
    drawn = await world.call(ALAN, "GET", f"{path}.svg")
    assert drawn.status_code == 200, drawn.text
    assert drawn.headers["content-type"] == "image/svg+xml"
    assert drawn.text.startswith("<svg")
    assert "default-src 'none'" in drawn.headers["content-security-policy"]
    for who in (DANA, OTHER_DANA, ADMIN):
        assert (await world.call(who, "GET", f"{path}.svg")).status_code == 404
    assert (await world.call(ALAN, "GET", f"/threads/{thread}/charts/call-none.svg")).status_code == 404
    assert (await world.call(ALAN, "GET", f"{path}.gif")).status_code == 422


async def approve(world: Any, thread: str, text: str, object_name: str) -> Json:
    """The record that stands there once the held request has been approved."""
    values = await world.say(ALAN, thread, text)
    [approval] = held(values)
    assert (await world.decide(ADMIN, approval, "approve")).status_code == 200
    applied = tool_results((await world.get(ALAN, f"/threads/{thread}/state"))["values"])[-1]
    return await world.get(ALAN, f"/records/{object_name}/{applied['result']['id']}")


async def goes_off_once(world: Any, config: DatabaseConfig) -> None:
    """With the rights of who set it; they are told when it comes true, and not again while it stays so."""
    await world.service.watcher.stop()
    await world.service.announcer.stop()
    await world.call(ALAN, "PUT", "/me/notices", json={"how": "each"})
    await world.service.watcher.make_round()
    alert, dormant = await world.get(ALAN, "/metrics/alerts")
    assert (dormant["is_active"], dormant["checked_at"]) == (False, None)
    total = (await world.get(ALAN, "/metrics/definitions"))["cases"]["measures"]["case_count"]
    assert total["function"] == "count"
    cases = [row for row in raw_rows(config, "case") if row["tenant"] == "northwind" and not row["IsDeleted"]]
    assert (alert["is_met"], alert["value"], alert["fault"]) == (True, len(cases), None)
    assert await world.get(DANA, "/metrics/alerts") == []
    clock = world.service.runner.clock
    world.service.watcher._clock = lambda: clock() + timedelta(days=2)
    assert await world.service.watcher.make_round() == 1
    assert await world.service.watcher.make_round() == 0
    told = [row for row in raw_rows(config, "notice") if row["alert_id"]]
    assert [row["event"] for row in told] == ["alert.met"]
    await world.service.announcer.make_round()
    [letter] = [one for one in letters_in(world.service.settings.data_dir) if alert["alert_id"] in one]
    assert "on Number of cases has come true" in letter.replace("=\n", "").replace("\n", " ")
    assert "Too many" not in letter


def letters_in(folder: Path) -> list[str]:
    return [path.read_text() for path in folder.rglob("*.eml")]


async def test_a_tenant_defines_metrics_of_its_own(settings: Settings) -> None:
    model = script(calls(("ask_own_metric", {"metric": "phone_share"})), AIMessage("There."))
    async with open_world(settings, model=model) as world:
        refused = await world.call(ADMIN, "PUT", "/admin/metrics", json={"text": OWN.replace("Origin", "Nothing")})
        assert refused.status_code == 422
        assert "there is no field Nothing" in refused.text
        assert (await world.call(DANA, "PUT", "/admin/metrics", json={"text": OWN})).status_code == 403
        put = await world.call(ADMIN, "PUT", "/admin/metrics", json={"text": OWN})
        assert "phone_share" in put.json()["metrics"]
        thread = await world.open_thread(ALAN)
        answer = tool_results(await world.say(ALAN, thread, "What is the metric share of calls?"))[-1]["result"]
        assert answer["unit"] == "percent"
        assert answer["computed"].startswith("Cases that came by phone among all cases, in per cent.")
        assert "phone_share" not in str(await world.get(OTHER_DANA, "/metrics/definitions"))
