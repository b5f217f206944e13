"""Alerts and reports: what is proposed, whose rights count, and what becomes of questions that were tampered with."""

from typing import Any

import pytest

from crm.repositories.records import EmbeddedCrm
from crm.seed.people import ANN_POE, staff_id
from tests.tools.desk import HERE, KEY, NOW, Desk
from tools._alerting import read_alert
from tools._declare import ToolFailedError, ToolRetryError
from tools._run import ToolError
from trust.principal import load_principal
from trust.scopes import ALL_SCOPES

ALERT = {"metric": "case_count", "when": "above", "threshold": 3, "name": "Many cases", "only": ["High"]}


async def read(desk: Desk, who: str, **row: Any) -> Any:
    stored = {"Metric__c": "case_count", "Question__c": "{}", "Condition__c": "Above", "Threshold__c": 1, **row}
    async with desk.database.session(HERE) as session:
        principal = await load_principal(session, staff_id(who), ALL_SCOPES)
        return await read_alert(EmbeddedCrm(session, principal.access, NOW, KEY), stored, today=NOW.date())


class TestProposing:
    async def test_an_alert_is_a_record_that_a_person_approves(self, desk: Desk) -> None:
        fields = await desk.fields_of("alan", "create_alert", **ALERT)
        assert fields["Condition__c"] == "Above"
        assert (fields["Threshold__c"], fields["Frequency__c"]) == (3, "Daily")
        assert fields["Question__c"] == '{"only": ["High"]}'
        assert fields["OwnerId"] == staff_id("alan")

    async def test_a_report_keeps_the_question_and_not_the_answer(self, desk: Desk) -> None:
        fields = await desk.fields_of(
            "alan", "save_report", metric="handle_time", group_by=["agent"], period="last_quarter", name="Handling"
        )
        assert fields["Metric__c"] == "handle_time"
        assert fields["Question__c"] == '{"group_by": ["agent"], "period": "last_quarter"}'

    @pytest.mark.parametrize("tool", ["create_alert", "save_report"])
    async def test_nobody_keeps_a_question_that_they_may_not_ask(self, desk: Desk, tool: str) -> None:
        more = {"when": "above", "threshold": 1} if tool == "create_alert" else {}
        for metric in ("won_amount", "sales_amount"):
            error = await desk.call("sam", tool, metric=metric, name="Money", **more)
            assert isinstance(error, ToolError), metric
            assert "no such field that you can read" in error.message
        denied = await desk.call(ANN_POE.contact_id, tool, metric="case_count", name="Mine", **more)
        assert denied == ToolError("denied", f"{tool} is for staff only")

    async def test_a_change_needs_a_period_to_compare(self, desk: Desk) -> None:
        error = await desk.call("alan", "create_alert", **{**ALERT, "when": "rises_by"})
        assert isinstance(error, ToolError)
        assert "a change needs a period with both ends" in error.message
        fields = await desk.fields_of("alan", "create_alert", **{**ALERT, "when": "falls_by", "period": "last_month"})
        assert fields["Condition__c"] == "Falls By"

    async def test_a_report_or_alert_that_is_not_there_is_not_named(self, desk: Desk) -> None:
        for tool, argument in (("run_report", "report"), ("stop_alert", "alert")):
            error = await desk.call("alan", tool, **{argument: "Nothing"})
            assert isinstance(error, ToolError)
            assert "there is none called 'Nothing' that you can see" in error.message


class TestReading:
    async def test_the_condition_is_compared_with_what_the_metric_says(self, desk: Desk) -> None:
        total = (await desk.call("alan", "ask_metric", metric="case_count"))["total"]
        for threshold, condition, holds in (
            (total - 1, "Above", True),
            (total, "Above", False),
            (total + 1, "Below", True),
            (total, "Below", False),
        ):
            reading = await read(desk, "alan", Threshold__c=threshold, Condition__c=condition)
            assert (reading.value, reading.is_met) == (total, holds)

    async def test_one_group_that_passes_is_enough(self, desk: Desk) -> None:
        rows = (await desk.call("alan", "ask_metric", metric="case_count", group_by=["agent"]))["rows"]
        most = rows[0]["case_count"]
        question = '{"group_by": ["agent"]}'
        assert (await read(desk, "alan", Question__c=question, Threshold__c=most - 1)).is_met
        assert not (await read(desk, "alan", Question__c=question, Threshold__c=most)).is_met

    async def test_a_change_is_against_the_period_before(self, desk: Desk) -> None:
        async def count(since: str, until: str) -> int:
            answer = await desk.call("alan", "ask_metric", metric="case_count", since=since, until=until)
            return int(answer["total"])

        now, then = await count("2026-07-01", "2026-10-31"), await count("2026-03-01", "2026-06-30")
        change = 100 * (now - then) / then
        condition, least = ("Rises By", change) if change >= 0 else ("Falls By", -change)
        question = '{"since": "2026-07-01", "until": "2026-10-31"}'
        for threshold, holds in ((least - 1, True), (least + 1, False)):
            row = {"Question__c": question, "Condition__c": condition, "Threshold__c": threshold}
            assert (await read(desk, "alan", **row)).is_met is holds

    async def test_it_counts_what_the_person_sees(self, desk: Desk) -> None:
        for who in ("dana", "eli"):
            listed = await desk.call(who, "query_records", object="Opportunity", limit=200)
            assert (await read(desk, who, Metric__c="opportunity_count")).value == listed["total"]

    @pytest.mark.parametrize(
        "question",
        [
            "",
            "null",
            "[]",
            "{",
            '{"since": 1}',
            '{"tenant": "southridge"}',
            '{"only": ["\ud800"]}',
            "[" * 5_000,
            '{"x": NaN}',
        ],
    )
    async def test_a_question_that_somebody_tampered_with_is_not_asked(self, desk: Desk, question: str) -> None:
        with pytest.raises((ToolFailedError, ToolRetryError)):
            await read(desk, "alan", Question__c=question)
        with pytest.raises((ToolFailedError, ToolRetryError)):
            await read(desk, "alan", Metric__c="everything")
        with pytest.raises(ToolFailedError):
            await read(desk, "alan", Condition__c="Whenever")
