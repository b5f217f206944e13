"""A mutual plan for a deal: what both sides do until it closes, reckoned back from the close date."""

from datetime import date, timedelta

from pydantic import BaseModel, ConfigDict, Field

from crm.connector import Filter, Query, Row
from tools._declare import Arguments, Proposal, ToolContext, ToolFailedError, argument, tool
from tools._reading import read_all
from tools._shapes import record_reference
from tools._stages import STAGES
from trust.actions import Effect
from trust.scopes import CRM_WRITE

_MOST_STEPS = 9
_STEPS: tuple[tuple[str, str, int], ...] = (
    ("Qualification", "Agree on goals, budget and who decides", 42),
    ("Discovery", "Confirm the requirements with the customer's experts", 35),
    ("Discovery", "Agree on how success is measured", 28),
    ("Quote", "Present the quote and go through it together", 21),
    ("Quote", "Answer open questions and adapt the quote", 16),
    ("Negotiation", "Agree on terms and the discount", 11),
    ("Negotiation", "Legal and purchasing review on the customer's side", 7),
    ("Negotiation", "Final decision with everybody who has a say", 3),
    ("Negotiation", "Signature", 0),
)
"""Stage in which a step is due at the latest, what is to be done, and how many days before the close date."""


class PlanStep(BaseModel):
    """One step of the plan."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    subject: str = Field(description="What is to be done.", min_length=1, max_length=255)
    days_before_close: int = Field(description="How many days before the close date it is due.", ge=0, le=365)


class CreateClosePlan(Arguments):
    opportunity_id: str = record_reference("The opportunity or deal.")
    steps: list[PlanStep] = argument(
        "Own steps in place of the usual ones, which follow from the stage; leave out for those.",
        default=[],
        max_length=_MOST_STEPS,
    )


@tool(effect=Effect.WRITE, scope=CRM_WRITE, changes=(("create", "Task"),), asks="Create a close plan for {record}")
async def create_close_plan(ctx: ToolContext, args: CreateClosePlan) -> Proposal:
    """Close plan (mutual action plan) of an opportunity: the steps that are left until it closes, with due dates
    reckoned back from the close date, saved as tasks. A person has to approve it first.

    People say: what do we need to do to get it over the line; what do we need to do to close/win it; what is left to do
    to close/win it; what needs to happen to close/win it; how do we get it over the line; how do we get it
    closed/done/signed; what is missing to close/win it; plan the steps to close it; lay out the steps to close it.
    """
    fields = ("StageName", "CloseDate", "IsClosed", "ContactId")
    deal = await ctx.crm.get("Opportunity", args.opportunity_id, fields)
    if deal["IsClosed"]:
        raise ToolFailedError("the opportunity is closed: there is nothing left to plan")
    closes = date.fromisoformat(deal["CloseDate"])
    if closes < ctx.today:
        raise ToolFailedError(f"the close date {closes} has passed: agree on a new one first")
    planned = [(one.subject, one.days_before_close) for one in args.steps] or _left(deal["StageName"])
    standing = await _standing(ctx, deal["Id"])
    wanted = [(subject, days) for subject, days in planned if subject.casefold() not in standing]
    if not wanted:
        raise ToolFailedError("every step of the plan is among the opportunity's open tasks already")
    dates = spread([days for _, days in wanted], closes, ctx.today)
    changes = [
        await ctx.crm.propose_create("Task", _task(deal, subject, due))
        for (subject, _), due in sorted(zip(wanted, dates, strict=True), key=lambda one: one[1])
    ]
    return Proposal(tuple(changes))


def _left(stage: str) -> list[tuple[str, int]]:
    """The steps from the deal's stage on."""
    reached = STAGES.index(stage) if stage in STAGES else 0
    return [(subject, days) for at, subject, days in _STEPS if STAGES.index(at) >= reached]


def spread(days_before: list[int], closes: date, today: date) -> list[date]:
    """Due dates on working days, none before today; if time is short, all of them move together in proportion."""
    longest = max(days_before, default=0)
    left = (closes - today).days
    share = min(1.0, left / longest) if longest else 1.0
    return [_working_day(closes - timedelta(days=round(days * share)), today) for days in days_before]


def _working_day(day: date, today: date) -> date:
    """The day, or the Friday before; today if that has passed."""
    return max(today, day - timedelta(days=max(0, day.weekday() - 4)))


async def _standing(ctx: ToolContext, opportunity_id: str) -> set[str]:
    conditions = [Filter("WhatId", "eq", opportunity_id), Filter("Status", "ne", "Completed")]
    page = await read_all(ctx.crm, Query("Task", ("Subject",), conditions))
    return {row["Subject"].casefold() for row in page.records}


def _task(deal: Row, subject: str, due: date) -> dict[str, str]:
    person = {"WhoId": deal["ContactId"]} if deal["ContactId"] else {}
    fields = {"Subject": subject, "ActivityDate": due.isoformat(), "WhatId": deal["Id"], "TaskSubtype": "Task"}
    return fields | person
