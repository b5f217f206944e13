"""Questions about defined metrics: what is counted, for whom, and what is told of it."""

from typing import Any

import pytest

from crm.seed.people import ANN_POE, staff_id
from tests.tools.desk import THERE, Desk
from tools._run import ToolError


async def ask(desk: Desk, who: str, metric: str, /, **arguments: Any) -> Any:
    answer = await desk.call(who, "ask_metric", metric=metric, **arguments)
    assert not isinstance(answer, ToolError), answer
    return answer


async def refused(desk: Desk, who: str, metric: str, /, **arguments: Any) -> ToolError:
    error = await desk.call(who, "ask_metric", metric=metric, **arguments)
    assert isinstance(error, ToolError), error
    return error


class TestCounting:
    async def test_a_metric_counts_what_listing_shows(self, desk: Desk) -> None:
        for one in (desk, Desk(desk.database, THERE)):
            listed = await one.call("alan", "query_records", object="Case", limit=200)
            counted = await ask(one, "alan", "case_count", group_by=["agent"], per="month")
            assert counted["total"] == counted["records_counted"] == listed["total"]
            assert sum(row["case_count"] for row in counted["rows"]) == listed["total"]

    async def test_only_what_the_caller_sees_is_counted(self, desk: Desk) -> None:
        for who in ("dana", "eli", "mara"):
            listed = await desk.call(who, "query_records", object="Opportunity", limit=200)
            counted = await ask(desk, who, "opportunity_count")
            assert counted["total"] == listed["total"]

    async def test_a_hidden_account_lends_its_cases_no_state(self, desk: Desk) -> None:
        """Dana sees cases of accounts that she does not see: they count, and not by where the customer is."""
        everything = await ask(desk, "alan", "case_count", group_by=["state"])
        hers = await ask(desk, "dana", "case_count", group_by=["state"])
        page = await desk.call("dana", "query_records", object="Account", fields=["ShippingState"], limit=200)
        seen = {row["ShippingState"] for row in page["records"]}
        assert {row["state"] for row in hers["rows"]} <= seen
        left_out = {one["why"]: one["records"] for one in hers["left_out"]}
        assert hers["records_counted"] + left_out["without state"] == everything["records_counted"]
        hidden = next(row["state"] for row in everything["rows"] if row["state"] not in seen)
        assert "only, without" in (await refused(desk, "dana", "case_count", only=[hidden])).message
        by_filter = await ask(desk, "dana", "case_count", filters=[{"field": "state", "value": hidden}])
        assert by_filter["total"] == 0

    async def test_follow_ups_change_arguments(self, desk: Desk) -> None:
        first = await ask(desk, "alan", "case_count", group_by=["priority"])
        monthly = await ask(desk, "alan", "case_count", per="month")
        high = await ask(desk, "alan", "case_count", per="month", only=["high"], chart="line")
        rest = await ask(desk, "alan", "case_count", without=["High"])
        assert first["total"] == monthly["total"] == sum(row["case_count"] for row in monthly["rows"])
        assert high["total"] == next(row["case_count"] for row in first["rows"] if row["priority"] == "High")
        assert rest["total"] == first["total"] - high["total"]
        assert [first["chart"]["mark"]["type"], high["chart"]["mark"]["type"]] == ["bar", "line"]
        months = [row["month"] for row in monthly["rows"]]
        assert months == sorted(months)

    async def test_groups_may_need_a_number_of_records(self, desk: Desk) -> None:
        all_groups = await ask(desk, "alan", "case_count", group_by=["state"])
        several = await ask(desk, "alan", "case_count", group_by=["state"], more_than_records=1)
        assert [row["state"] for row in several["rows"]] == [
            row["state"] for row in all_groups["rows"] if row["case_count"] > 1
        ]
        assert "at least 2 records" in several["computed"]

    async def test_a_shared_first_place_is_said(self, desk: Desk) -> None:
        lowest = await ask(desk, "alan", "case_count", group_by=["state"], order="lowest", limit=1)
        assert len(lowest["rows"]) > 1
        assert len({row["case_count"] for row in lowest["rows"]}) == 1
        assert lowest["summary"].startswith("No single one is lowest")

    async def test_a_closed_account_of_how_it_was_computed(self, desk: Desk) -> None:
        answer = await ask(
            desk, "alan", "handle_time", group_by=["agent"], order="best", past_count=8, past_unit="quarters", limit=1
        )
        assert answer["summary"].startswith("Average handle time is lowest for ")
        for part in ("closed", "2024-11-02 to 2026-11-02", "Left out", "not closed"):
            assert part in answer["computed"]
        assert answer["rows"][0]["id"].startswith("005")


class TestRights:
    @pytest.mark.parametrize(
        "arguments",
        [
            {"metric": "won_amount"},
            {"metric": "won_amount", "group_by": ["agent"]},
            {"metric": "opportunity_count", "filters": [{"field": "Amount", "op": "gt", "value": 1}]},
            {"metric": "sales_amount"},
        ],
    )
    async def test_a_hidden_field_is_no_measure_and_no_filter(self, desk: Desk, arguments: dict[str, Any]) -> None:
        error = await desk.call("sam", "ask_metric", **arguments)
        assert isinstance(error, ToolError)
        assert "no such field that you can read" in error.message
        assert not isinstance(await desk.call("alan", "ask_metric", **arguments), ToolError)

    async def test_what_a_hidden_reference_leads_to_is_no_group(self, desk: Desk) -> None:
        error = await refused(desk, "dana", "transfer_count", group_by=["agent"])
        assert error.kind == "failed"
        assert "Number of transfers cannot be worked out for you" in error.message

    async def test_metrics_are_for_staff(self, desk: Desk) -> None:
        error = await desk.call(ANN_POE.contact_id, "ask_metric", metric="handle_time")
        assert error == ToolError("denied", "ask_metric is for staff only")

    async def test_a_record_of_the_other_tenant_is_not_found(self, desk: Desk) -> None:
        other = Desk(desk.database, THERE)
        mine = (await desk.call("alan", "query_records", object="Account", limit=200))["records"]
        theirs = {
            row["Id"] for row in (await other.call("alan", "query_records", object="Account", limit=200))["records"]
        }
        foreign = next(row for row in mine if row["Id"] not in theirs)
        error = await refused(other, "alan", "case_count", only=[foreign["Name"]])
        assert foreign["Id"] not in error.message
        counted = await ask(other, "alan", "case_count", filters=[{"field": "account", "value": foreign["Id"]}])
        assert counted["total"] == 0


class TestHostileArguments:
    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            ({"metric": "handle_time", "group_by": ["stage"]}, "cannot be split by this; expected one of agent"),
            ({"metric": "handle_time", "date_of": "signed"}, "has no date 'signed'; expected one of opened, closed"),
            ({"metric": "case_count", "segments": ["won"]}, "have no part 'won'; there are open"),
            ({"metric": "case_count", "filters": [{"field": "account.Name", "value": "x"}]}, "expected one of agent"),
            ({"metric": "case_count", "filters": [{"field": "tenant", "value": "x"}]}, "expected one of agent"),
            ({"metric": "case_count", "filters": [{"field": "market", "value": "Mars"}]}, "expected some of EMEA"),
            ({"metric": "case_count", "past_count": 10_000, "past_unit": "years"}, "before the calendar begins"),
            ({"metric": "case_count", "past_count": 10_000, "past_unit": "quarters"}, "before the calendar begins"),
            ({"metric": "case_count", "until": "9999-12-31"}, "expected a date before 9999-12-31"),
            ({"metric": "case_count", "since": "2026-02-31"}, "since: expected a date"),
            ({"metric": "case_count", "since": "2026-05-01", "until": "2026-04-01"}, "it ends before it begins"),
            ({"metric": "case_count", "period": "this_year", "since": "2026-05-01"}, "give either a period"),
            ({"metric": "case_count", "order": "best"}, "neither high nor low is better"),
            ({"metric": "case_count", "only": ["'; DROP TABLE case; --"]}, "nothing of what can be filtered by"),
            ({"metric": "case_count", "only": ["\x00"]}, ""),
            ({"metric": "revenue"}, "metric"),
        ],
    )
    async def test_a_fault_is_named_with_what_was_expected(
        self, desk: Desk, arguments: dict[str, Any], told: str
    ) -> None:
        error = await desk.call("alan", "ask_metric", **arguments)
        assert isinstance(error, ToolError), error
        assert error.kind == "retry"
        assert told in error.message

    async def test_two_of_one_name_are_told_apart_by_id(self, desk: Desk) -> None:
        error = await refused(desk, "alan", "case_count", only=["PT-200"])
        assert "may mean" in error.message or "fits several" in error.message
        assert "product" in error.message


async def test_names_in_the_finding_are_as_trustworthy_as_the_records(desk: Desk) -> None:
    """Summaries name records, so they carry the worst label of the names in them."""
    from tools._catalogue import load_catalogue
    from tools._labels import label_result
    from trust.labels import Integrity

    tool = load_catalogue()["ask_metric"]
    by_agent = await ask(desk, "alan", "handle_time", group_by=["agent"])
    async with desk.database.session(desk.tenant) as session:
        labelled = await label_result(session, tool, by_agent)
    assert labelled.outside == {}
    assert labelled.values["summary",].integrity is Integrity.CRM_VERIFIED
    assert staff_id("sam") in labelled.ids
    assert labelled.personal["rows", 0, "agent"] == (by_agent["rows"][0]["id"], "name")
