"""Tools that exist nowhere else, described as tools are, to see that a tool is found and filled by its words alone."""

from dataclasses import dataclass, field
from typing import Any, Literal

from tests.agents.test_offline_stage import ALL_TOOLS, Chat, Crm, schema
from tools._declare import Arguments, _plain_schema, argument
from tools._shapes import day, record_reference


class MeasureUsage(Arguments):
    measure: Literal["downtime", "energy", "visits"] = argument(
        "What to measure.",
        options={
            "downtime": "downtime, outage time, how long machines stood still",
            "energy": "energy, power consumption, kilowatt hours",
            "visits": "site visits, how many visits, engineer calls",
        },
    )
    split_by: list[Literal["engineer", "plant", "vendor"]] | None = argument(
        "What to split it by: per plant, which engineer.",
        default=None,
        options={
            "engineer": "engineer, technician, employee",
            "plant": "plant, site, factory",
            "vendor": "vendor, supplier, make",
        },
    )
    every: Literal["week", "month"] | None = argument(
        "Split over time.", default=None, options={"week": "weekly, per week", "month": "monthly, per month, by month"}
    )
    since: str | None = day("From this day on.", default=None)
    until: str | None = day("Up to this day, included.", default=None)
    only: list[str] | None = argument("Keep to these: names or values as the user says them.", default=None)
    without: list[str] | None = argument("Leave these out: names or values as the user says them.", default=None)
    at_least_visits: int | None = argument("Only groups with at least so many visits.", default=None, ge=1)
    order: Literal["highest", "lowest"] | None = argument(
        "What comes first.",
        default=None,
        options={"highest": "most, longest, largest", "lowest": "fewest, least, shortest"},
    )
    limit: int | None = argument("How many groups: top 5 is 5, a single winner is 1.", default=None, ge=1, le=50)
    drawn: Literal["bars", "line"] = argument(
        "How to draw it.", default="bars", options={"bars": "as bars", "line": "as a line, curve"}
    )


class CheckWarranty(Arguments):
    account_id: str = record_reference("The account whose machine it is.")
    serial: str | None = argument("Serial number of the machine, such as SN-100.", default=None, max_length=40)


class ScheduleVisit(Arguments):
    case_id: str = record_reference("The case that the visit is for.")
    on: str = day("When the engineer comes.")
    reason: str = argument("Why somebody has to come.", max_length=1000)
    hours: int = argument("How many hours it will take.", default=2, ge=1, le=12)
    urgent: bool = argument("Whether it is an emergency.", default=False)


class RateVendor(Arguments):
    vendor_name: str = argument("Name of the vendor.", max_length=80)
    stars: int = argument("How many stars, from 1 to 5.", ge=1, le=5)


class PlanInspection(Arguments):
    opportunity_id: str = record_reference("The opportunity.")
    visitor_id: str | None = record_reference("The contact who comes along.", default=None)


class FindManual(Arguments):
    question: str = argument("The question in plain words.", max_length=500)


TOOLS: dict[str, tuple[type[Arguments], str]] = {
    "measure_usage": (MeasureUsage, "Measure how machines are used: downtime, energy and site visits, for a period."),
    "check_warranty": (
        CheckWarranty,
        "Check the warranty of a customer's machine: until when it runs, what it covers.",
    ),
    "schedule_visit": (
        ScheduleVisit,
        "Schedule the visit of an engineer on site. A person has to approve it first.",
    ),
    "rate_vendor": (RateVendor, "Rate a vendor with stars. A person has to approve it first."),
    "plan_inspection": (PlanInspection, "Plan the inspection of a site for an opportunity, with a checklist."),
    "find_manual": (FindManual, "Look a torque, pressure or wiring question up in the manuals of the manufacturer."),
}


@dataclass
class Workshop(Crm):
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __getattr__(self, tool: str) -> Any:
        if tool not in TOOLS:
            raise AttributeError(tool)
        return lambda **args: self.answers.get(tool) or {"summary": f"{tool.replace('_', ' ').capitalize()} is done."}


def schema_of(name: str) -> dict[str, Any]:
    if name not in TOOLS:
        return schema(name)
    model, description = TOOLS[name]
    function = {"name": name, "description": description, "parameters": _plain_schema(model)}
    return {"type": "function", "function": function}


def open_workshop(**answers: dict[str, Any]) -> Chat:
    """A conversation in which these tools are bound beside the usual ones; `answers`: what a tool returns."""
    return Chat(crm=Workshop(answers=answers), tools=(*ALL_TOOLS, *TOOLS), schemas=schema_of)
