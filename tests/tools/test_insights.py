"""What stands out in a metric: numbers that can be looked up, ranked, and nothing that the caller may not see."""

from typing import Any

import pytest

from tests.tools.desk import Desk
from tools._run import ToolError


async def look(desk: Desk, who: str, metric: str, /, **arguments: Any) -> Any:
    found = await desk.call(who, "find_insights", metric=metric, **arguments)
    assert not isinstance(found, ToolError), found
    return found


async def test_the_change_is_that_between_two_answers(desk: Desk) -> None:
    found = await look(desk, "alan", "case_count", since="2026-05-01", until="2026-10-31", most=20)
    assert [found["before_since"], found["before_until"]] == ["2025-11-01", "2026-04-30"]
    now = await desk.call("alan", "ask_metric", metric="case_count", since="2026-05-01", until="2026-10-31")
    then = await desk.call("alan", "ask_metric", metric="case_count", since="2025-11-01", until="2026-04-30")
    [change] = [one for one in found["insights"] if one["kind"] == "change"]
    assert (change["value"], change["before"]) == (now["total"], then["total"])
    assert change["change"] == now["total"] - then["total"]
    assert f"{now['total']} after {then['total']} in the period before" in found["summary"]


async def test_contributors_are_groups_of_the_metric(desk: Desk) -> None:
    found = await look(desk, "alan", "case_count", group_by=["agent"], since="2026-05-01", until="2026-10-31", most=20)
    by_agent = await desk.call(
        "alan", "ask_metric", metric="case_count", group_by=["agent"], since="2026-05-01", until="2026-10-31"
    )
    values = {row["agent_id"]: row["case_count"] for row in by_agent["rows"]}
    shown = [one for one in found["insights"] if "agent_id" in one]
    assert shown
    assert all(one["value"] == values.get(one["agent_id"], 0) for one in shown)
    assert {one["by"] for one in shown} == {"agent"}


async def test_what_the_caller_may_not_see_does_not_stand_out(desk: Desk) -> None:
    """Dana's accounts lend states; those of others do not, whatever stands out there."""
    everything = await look(desk, "dana", "opportunity_count", since="2024-01-01", until="2026-12-31", most=20)
    mine = {row["Id"] for row in (await desk.call("dana", "query_records", object="Account", limit=200))["records"]}
    assert {one["account_id"] for one in everything["insights"] if "account_id" in one} <= mine
    for arguments in ({"metric": "won_amount"}, {"metric": "handle_time", "group_by": ["stage"]}):
        assert isinstance(await desk.call("sam", "find_insights", **arguments), ToolError)


@pytest.mark.parametrize(("who", "metric"), [("alan", "sales_amount"), ("sam", "transfer_count")])
async def test_a_metric_with_nothing_in_the_period_has_nothing_to_tell(desk: Desk, who: str, metric: str) -> None:
    found = await look(desk, who, metric, since="1999-01-01", until="1999-12-31")
    assert found["insights"] == []
    assert found["summary"].endswith("nothing stands out.")
