"""Deals on their way: one stage at a time, for reasons; and what the quarter brings, reckoned again by the test."""

from datetime import date
from typing import Any

import pytest

from crm.connector import Filter, Query
from crm.repositories.records import EmbeddedCrm
from crm.seed.people import staff_id
from crm.work import Approval
from tests.tools.desk import THERE, Desk
from tests.trust.scene import KEY, NOW, RENEWAL, Scene
from tools.deals import _span


@pytest.fixture
def desk(scene: Scene) -> Desk:
    return Desk(scene.database)


async def rows(scene: Scene, who: str, object_name: str, *filters: Filter) -> list[dict[str, Any]]:
    async with scene.database.session(scene.tenant) as session:
        principal = await scene.principal(session, who)
        crm = EmbeddedCrm(session, principal.access, NOW, KEY)
        return (await crm.query(Query(object_name, None, list(filters), limit=200))).records


async def add(scene: Scene, object_name: str, /, **fields: Any) -> str:
    async with scene.database.session(scene.tenant, write=True) as session:
        principal = await scene.principal(session, "dana")
        crm = EmbeddedCrm(session, principal.access, NOW, KEY)
        return (await crm.apply(await crm.propose_create(object_name, fields))).change.record_id


class TestAdvanceStage:
    async def refusal(self, scene: Scene, who: str = "dana", **arguments: Any) -> str:
        answer = await scene.ask(who, "advance_stage", **{"opportunity_id": RENEWAL, **arguments})
        assert not isinstance(answer, Approval), answer.card
        return str(answer["error"]["message"])

    async def test_it_goes_one_stage_further_with_all_that_belongs_to_it(self, scene: Scene) -> None:
        approval = await scene.hold(tool="advance_stage", opportunity_id=RENEWAL)
        [change] = approval.changes
        assert {one["field"]: one["new"] for one in change["fields"]} == {
            "StageName": "Quote",
            "Probability": 50,
            "ForecastCategory": "Best Case",
        }
        assert "second person" in approval.rule["reason"]
        assert "after Discovery comes Quote" in await self.refusal(scene, to_stage="Negotiation")
        assert "leave it out" in await self.refusal(scene, outcome="won")
        lost = await scene.hold(tool="advance_stage", opportunity_id=RENEWAL, outcome="lost")
        new = {one["field"]: one["new"] for one in lost.changes[0]["fields"]}
        assert (new["StageName"], new["Probability"], new["ForecastCategory"]) == ("Closed", 0, "Omitted")

    async def test_what_a_stage_needs_is_named(self, scene: Scene) -> None:
        deal = await add(scene, "Opportunity", Name="New", CloseDate="2026-12-01")
        assert await self.refusal(scene, opportunity_id=deal) == (
            "to enter Discovery the opportunity lacks a contact (ContactId)"
        )
        await scene.change(deal, StageName="Discovery")
        told = await self.refusal(scene, opportunity_id=deal)
        assert told.endswith("lacks at least one product (OpportunityLineItem) and an amount (Amount)")
        await scene.change(RENEWAL, StageName="Quote")
        assert "a quote with status Approved or Presented or Accepted" in await self.refusal(scene)
        quote = await add(scene, "Quote", OpportunityId=RENEWAL, Name="Q", Status="Presented")
        assert (await scene.hold(tool="advance_stage", opportunity_id=RENEWAL)).changes
        await scene.change(RENEWAL, StageName="Negotiation")
        assert "won or lost" in await self.refusal(scene)
        assert "a quote with status Accepted" in await self.refusal(scene, outcome="won")
        await scene.change(quote, "Quote", Status="Accepted")
        won = await scene.hold(tool="advance_stage", opportunity_id=RENEWAL, outcome="won")
        assert {"StageName": "Closed", "IsWon": True, "Probability": 100}.items() <= {
            one["field"]: one["new"] for one in won.changes[0]["fields"]
        }.items()
        await scene.change(RENEWAL, StageName="Closed")
        assert "closed already" in await self.refusal(scene)

    async def test_rights_hold(self, scene: Scene) -> None:
        assert "that you can see" in await self.refusal(scene, "eli")
        assert "no such field that you can read" in await self.refusal(scene, "sam")


class TestForecast:
    async def test_it_adds_up_to_what_the_rows_say(self, scene: Scene, desk: Desk) -> None:
        late = await add(scene, "Opportunity", Name="Late", CloseDate="2026-10-30", Amount=1_000, NextStep="Call")
        for who, whose in (("dana", "mine"), ("mara", "team"), ("grace", "team")):
            found = await desk.call(who, "forecast_guidance", period="this_quarter", whose=whose)
            assert (found["first_day"], found["last_day"]) == ("2026-10-01", "2026-12-31")
            all_rows = await rows(scene, who, "Opportunity", Filter("CloseDate", "ge", "2026-10-01"))
            within = [row for row in all_rows if row["CloseDate"] <= "2026-12-31"]
            within = [row for row in within if whose == "team" or row["OwnerId"] == staff_id("dana")]
            still_open = [row for row in within if not row["IsClosed"]]
            assert found["open_amount"] == pytest.approx(sum(row["Amount"] for row in still_open))
            weighted = sum(
                row["Amount"] * (10 if row["Probability"] is None else row["Probability"]) / 100 for row in still_open
            )
            assert found["weighted_pipeline"] == pytest.approx(weighted, abs=0.01)
            assert found["closed_won"] == pytest.approx(sum(row["Amount"] for row in within if row["IsWon"]))
            assert sum(one["deals"] for one in found["categories"]) == len(still_open)
            assert late in [row["Id"] for row in found["slipped"]]
        assert found["what_to_do"][0]["point"].startswith("close date ")

    async def test_hidden_amounts_give_no_forecast_and_tenants_have_their_own(self, desk: Desk) -> None:
        hidden = await desk.call("sam", "forecast_guidance", whose="team")
        assert hidden.message == "Amount: Opportunity has no such field that you can read"
        ours = await desk.call("grace", "forecast_guidance", whose="team")
        theirs = await Desk(desk.database, THERE).call("grace", "forecast_guidance", whose="team")
        assert ours["open_amount"] != theirs["open_amount"]

    @pytest.mark.parametrize(
        ("period", "today", "expected"),
        [
            ("this_month", date(2026, 12, 31), ("2026-12-01", "2026-12-31")),
            ("next_month", date(2026, 12, 31), ("2027-01-01", "2027-01-31")),
            ("this_quarter", date(2026, 2, 1), ("2026-01-01", "2026-03-31")),
            ("next_quarter", date(2026, 11, 2), ("2027-01-01", "2027-03-31")),
            ("this_year", date(2024, 2, 29), ("2024-01-01", "2024-12-31")),
        ],
    )
    def test_periods_end_where_calendars_say(self, period: Any, today: date, expected: tuple[str, str]) -> None:
        first, last = _span(period, today)
        assert (first.isoformat(), last.isoformat()) == expected
