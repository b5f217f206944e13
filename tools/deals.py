"""Opportunities on their way: the next stage, and what the quarter will bring."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Literal

from crm.connector import Filter, Query, Row, Sort
from tools._briefing import DEAL_COLUMNS, Point, days_since, sum_of
from tools._declare import (
    Arguments,
    Integrity,
    Proposal,
    Result,
    ToolContext,
    ToolFailedError,
    ToolRetryError,
    argument,
    output,
    tool,
)
from tools._reading import columns, counted, money, read_all, require_staff
from tools._shapes import Names, record_reference
from tools._stages import STANDING, Stage, missing_for, next_of
from trust.actions import Effect
from trust.scopes import CRM_READ, CRM_WRITE

_LISTED = 20
_SOON = 30


class AdvanceStage(Arguments):
    opportunity_id: str = record_reference("The opportunity or deal to move on.")
    to_stage: Stage | None = argument(
        "The stage it is expected to enter; the next one if left out. Stages are not skipped.", default=None
    )
    outcome: Literal["won", "lost"] | None = argument(
        "Needed to close it; a deal can be lost from any stage.",
        default=None,
        options={"won": "the customer signed, deal closed won", "lost": "the customer said no, deal closed lost"},
    )


@tool(
    effect=Effect.WRITE,
    scope=CRM_WRITE,
    changes=(("update", "Opportunity"),),
    asks="Advance {record} to its next stage",
)
async def advance_stage(ctx: ToolContext, args: AdvanceStage) -> Proposal:
    """Advance an opportunity to its next sales stage, with the chance and forecast category that belong to it. Names
    what is missing if the stage's requirements are not met. A second person has to approve it first.

    People say: move it on; move it forward; move it to the next stage; move it along; push it to the next stage; take
    it to the next stage; it is ready for the next stage.
    """
    fields = ("StageName", "IsClosed", "ContactId", "Amount", "CloseDate")
    deal = await ctx.crm.get("Opportunity", args.opportunity_id, fields)
    if deal["IsClosed"]:
        raise ToolFailedError("the opportunity is closed already")
    if args.outcome == "lost":
        return await _move(ctx, deal, _closed(is_won=False))
    following = next_of(deal["StageName"])
    if following is None:
        raise ToolFailedError("the opportunity is in no stage that has a next one")
    if args.to_stage is not None and args.to_stage != following:
        raise ToolFailedError(f"to_stage: after {deal['StageName']} comes {following}; stages are not skipped")
    if (following == "Closed") is not (args.outcome is not None):
        expected = "say whether it was won or lost" if following == "Closed" else f"leave it out: {following} is next"
        raise ToolRetryError(f"outcome: {expected}")
    missing = await missing_for(ctx.crm, deal, following)
    if missing:
        raise ToolFailedError(f"to enter {following} the opportunity lacks {' and '.join(missing)}")
    if following == "Closed":
        return await _move(ctx, deal, _closed(is_won=True))
    probability, category = STANDING[following]
    return await _move(ctx, deal, {"StageName": following, "Probability": probability, "ForecastCategory": category})


def _closed(*, is_won: bool) -> dict[str, Any]:
    standing = {"Probability": 100, "ForecastCategory": "Closed"} if is_won else {}
    return {"StageName": "Closed", "IsWon": is_won} | (standing or {"Probability": 0, "ForecastCategory": "Omitted"})


async def _move(ctx: ToolContext, deal: Row, fields: dict[str, Any]) -> Proposal:
    return Proposal((await ctx.crm.propose_update("Opportunity", deal["Id"], fields),))


Period = Literal["this_month", "next_month", "this_quarter", "next_quarter", "this_year"]


class ForecastGuidance(Arguments):
    period: Period = argument(
        "The time in which deals are to close.",
        default="this_quarter",
        options={
            "this_month": "the current month",
            "next_month": "the month after",
            "this_quarter": "the current quarter",
            "next_quarter": "the quarter after",
            "this_year": "the current year",
        },
    )
    whose: Literal["mine", "team"] = argument(
        "Whose deals.",
        default="mine",
        options={"mine": "my own pipeline", "team": "all deals that I may see, my team's pipeline, everybody"},
    )


class Category(Result):
    category: str = output("Forecast category: Commit, Best Case, Pipeline or Omitted.")
    deals: int = output("Open deals in it.")
    amount: float = output("What they are worth.")
    weighted: float = output("What they are worth, each times its chance.")


class Forecast(Names):
    summary: str = output("The forecast in two sentences.")
    first_day: str = output("First day of the period.")
    last_day: str = output("Last day of the period.")
    closed_won: float = output("Worth of the deals won in the period.")
    open_amount: float = output("Worth of the open deals that close in the period.")
    weighted_pipeline: float = output("The same, each deal times its chance.")
    expected: float = output("Closed won and weighted pipeline together.")
    categories: list[Category] = output("The open deals of the period by forecast category.")
    slipped: list[dict[str, Any]] = output(
        "Open deals whose close date has passed, longest ago first.", integrity=Integrity.BY_FIELD
    )
    what_to_do: list[Point] = output("Deals that need attention, and which.")


@tool(effect=Effect.READ, scope=CRM_READ, asks="What is the forecast of this quarter?")
async def forecast_guidance(ctx: ToolContext, args: ForecastGuidance) -> Forecast:
    """Sales forecast of a month, quarter or year: weighted pipeline, forecast categories, deals won, slipped deals and
    what to do about them. How is my pipeline, will we make the number, where will I land, what is at risk,
    am I on track for my number, will I hit my target, quota.

    People say: will I make quota/target/plan; will we make quota/target/plan; are we going to make/hit/reach the
    number/quota/target/plan; am I going to make/hit/reach my number/quota/target/plan; how far (off) am I from my
    number/quota/target; how far (off) are we from the number/quota/target; how does/is the forecast look/looking; where
    do we stand on quota/target/plan; how is the quarter going; how does the quarter look; is my quarter safe.
    """
    first, last = _span(args.period, ctx.today)
    mine = [Filter("OwnerId", "eq", require_staff(ctx))] if args.whose == "mine" else []
    wanted = (*DEAL_COLUMNS, "ForecastCategory", "IsClosed", "IsWon")
    within = [Filter("CloseDate", "ge", first.isoformat()), Filter("CloseDate", "le", last.isoformat())]
    found = await read_all(ctx.crm, Query("Opportunity", wanted, [*mine, *within], [Sort("CloseDate")]))
    overdue = [*mine, Filter("IsClosed", "eq", False), Filter("CloseDate", "lt", ctx.today.isoformat())]
    slipped = await read_all(ctx.crm, Query("Opportunity", wanted, overdue, [Sort("CloseDate")]))
    open_deals = [row for row in found.records if not row["IsClosed"]]
    won = sum_of([row for row in found.records if row["IsWon"]], "Amount") or 0.0
    weighted = _weighted(open_deals)
    return Forecast(
        summary=_sum_up(open_deals, won, weighted, slipped.total),
        first_day=first.isoformat(),
        last_day=last.isoformat(),
        closed_won=won,
        open_amount=sum_of(open_deals, "Amount") or 0.0,
        weighted_pipeline=weighted,
        expected=round(won + weighted, 2),
        categories=_categories(open_deals),
        slipped=columns(slipped.records[:_LISTED], DEAL_COLUMNS),
        what_to_do=_advice(slipped.records, open_deals, ctx.today)[:_LISTED],
        names=found.names | slipped.names,
    )


def _span(period: Period, today: date) -> tuple[date, date]:
    if period == "this_year":
        return date(today.year, 1, 1), date(today.year, 12, 31)
    months = 3 if period.endswith("quarter") else 1
    start = today.year * 12 + (today.month - 1) // months * months + (months if period.startswith("next") else 0)
    first, after = (date(month // 12, month % 12 + 1, 1) for month in (start, start + months))
    return first, after - timedelta(days=1)


def _chance(row: Row) -> float:
    """In percent; the stage's own where none is entered."""
    return float(row["Probability"] if row["Probability"] is not None else STANDING.get(row["StageName"], (0, ""))[0])


def _weighted(rows: Sequence[Row]) -> float:
    return round(sum((row["Amount"] or 0) * _chance(row) / 100 for row in rows), 2)


def _categories(rows: Sequence[Row]) -> list[Category]:
    by_name: dict[str, list[Row]] = {"Commit": [], "Best Case": [], "Pipeline": []}
    for row in rows:
        name = row["ForecastCategory"] or STANDING.get(row["StageName"], (0, "Omitted"))[1]
        by_name.setdefault(name, []).append(row)
    return [
        Category(category=name, deals=len(some), amount=sum_of(some, "Amount") or 0.0, weighted=_weighted(some))
        for name, some in by_name.items()
    ]


def _advice(slipped: Sequence[Row], open_deals: Sequence[Row], today: date) -> list[Point]:
    found = []
    for row in slipped:
        late = counted(days_since(row["CloseDate"], today), "day")
        said = f"close date {row['CloseDate']} passed {late} ago: agree on a new date or close it"
        found.append(Point(object="Opportunity", id=row["Id"], point=said))
    for row in open_deals:
        left = (date.fromisoformat(row["CloseDate"]) - today).days
        if 0 <= left <= _SOON and row["StageName"] in ("Qualification", "Discovery"):
            said = f"closes in {counted(left, 'day')} but is in stage {row['StageName']}: move the date or the stage"
            found.append(Point(object="Opportunity", id=row["Id"], point=said))
        if row["Amount"] is None:
            found.append(Point(object="Opportunity", id=row["Id"], point="has no amount: it counts as nothing"))
        if not row["NextStep"]:
            found.append(Point(object="Opportunity", id=row["Id"], point="has no next step: agree on one"))
    return found


def _sum_up(open_deals: Sequence[Row], won: float, weighted: float, slipped: int) -> str:
    amount = money(sum_of(open_deals, "Amount") or 0)
    late = f" {counted(slipped, 'deal')} slipped past the close date." if slipped else ""
    said = (
        f"{counted(len(open_deals), 'open deal')} worth {amount}, weighted {money(weighted)}; won so far {money(won)}."
    )
    return said + late
