"""An opportunity one stage further: what the stage asks for, a quote, who has to agree to its discount."""

from datetime import timedelta
from typing import Any, Final

from pydantic import Field

from graphs.workflows._declare import DONE, NEXT, STOP, Branch, Given, Step, Workflow, record_id
from graphs.workflows._view import View
from tools.activities import create_task
from tools.deals import advance_stage
from tools.quotes import create_quote
from tools.records import get_record, query_records, update_record

STAGES: Final = ("Qualification", "Discovery", "Quote", "Negotiation", "Closed")
SIGN_OFF_ABOVE: Final = 10.0
"""Percent of discount beyond which a quote is reviewed before it is approved."""
_AGREED = ("Approved", "Presented", "Accepted")
_NEEDED: Final = {
    "Qualification": (("Amount", "an amount"), ("ContactId", "a contact"), ("NextStep", "a next step")),
    "Discovery": (("Amount", "an amount"), ("CloseDate", "a close date")),
    "Quote": (("ContactId", "a contact"),),
    "Negotiation": (("NextStep", "a next step"),),
}
"""What has to be known before a stage is left."""
_TO_DO: Final = {
    "Discovery": "Find out what is needed, from whom, and when",
    "Quote": "Go through the quote with the customer",
    "Negotiation": "Settle terms and signatures",
}


class OpportunityProgress(Given):
    """What it is started with."""

    opportunity_id: str = record_id("Opportunity", "The opportunity.")
    discount: float = Field(default=0, ge=0, le=60, multiple_of=0.01, description="Percent off a new quote.")


def _deal(view: View) -> dict[str, Any]:
    return dict(view.result("read")["fields"])


def _newest_quote(view: View) -> dict[str, Any] | None:
    return next(iter(view.result("read_quotes")["records"]), None)


def _missing(view: View) -> list[str]:
    deal = _deal(view)
    missing = [told for field, told in _NEEDED[deal["StageName"]] if deal.get(field) in (None, "")]
    if deal["StageName"] == "Discovery" and not view.result("read_lines")["total"] and _newest_quote(view) is None:
        missing.append("products")
    if deal["StageName"] == "Quote" and _newest_quote(view) is None and not view.result("read_lines")["total"]:
        missing.append("products to quote")
    if deal["StageName"] == "Negotiation" and (_newest_quote(view) or {}).get("Status") != "Accepted":
        missing.append("a quote that the customer has accepted")
    return missing


def _stage_rules(view: View) -> str | tuple[str, str]:
    stage = _deal(view).get("StageName")
    if stage not in _NEEDED:
        return DONE, f"the opportunity is {stage}: there is no further stage"
    if _missing(view):
        return "ask_for_missing"
    quote = _newest_quote(view)
    if stage == "Discovery" and quote is None:
        return "make_quote"
    if stage == "Quote":
        if quote is None or quote["Status"] in ("Rejected", "Denied"):
            return "make_quote"
        return "advance" if quote["Status"] in _AGREED else "weigh_discount"
    return "advance"


def _quote(view: View) -> tuple[str, float]:
    """The quote at hand: the new one, else the newest; with its discount."""
    if view.is_done("make_quote"):
        return view.result("make_quote")["id"], float(view.given["discount"])
    quote = _newest_quote(view) or {}
    return quote["Id"], float(quote.get("Discount") or 0)


def _after_quote(view: View) -> str:
    """A quote made on the way to the stage for quotes is approved there."""
    return "weigh_discount" if _deal(view)["StageName"] == "Quote" else "advance"


def _set_quote(view: View, status: str) -> dict[str, Any] | None:
    """None if it stands there already."""
    if not view.is_done("make_quote") and (_newest_quote(view) or {}).get("Status") == status:
        return None
    return {"object": "Quote", "record_id": _quote(view)[0], "fields": {"Status": status}}


def _next_stage(view: View) -> str:
    return STAGES[STAGES.index(_deal(view)["StageName"]) + 1]


def _advance(view: View) -> dict[str, Any]:
    wins = {"outcome": "won"} if _next_stage(view) == "Closed" else {}
    return {"opportunity_id": view.given["opportunity_id"], **wins}


def _task(view: View) -> dict[str, Any] | None:
    to_do = _TO_DO.get(_next_stage(view))
    if to_do is None:
        return None
    due = (view.today + timedelta(days=7)).isoformat()
    return {"subject": to_do, "related_to_id": view.given["opportunity_id"], "due_date": due}


def _ask(view: View) -> dict[str, Any]:
    return {
        "subject": f"Before {_next_stage(view)}: {', '.join(_missing(view))}",
        "related_to_id": view.given["opportunity_id"],
        "due_date": view.today.isoformat(),
        "priority": "High",
    }


def _note(view: View) -> dict[str, Any]:
    steps = ("make_quote", "review", "sign_off", "approve", "advance")
    said = [f"{step.replace('_', ' ')}: {reason}" for step in steps for reason in view.reasons(step)]
    return {
        "subject": f"Not yet {_next_stage(view)}: see what was said",
        "description": "\n".join(said) or "No reason was given.",
        "related_to_id": view.given["opportunity_id"],
        "due_date": view.today.isoformat(),
        "priority": "High",
    }


def _summary(view: View) -> str:
    return f"The opportunity has come to {_next_stage(view)}." if view.is_done("advance") else "Nothing was left to do."


opportunity_progress = Workflow(
    name="opportunity_progress",
    title="Opportunity progress",
    description="Takes an opportunity one stage further: checks what the stage asks for, makes a quote where one is "
    "due, has its discount agreed to, moves the stage and leaves the next task.",
    input=OpportunityProgress,
    about=("Opportunity", "opportunity_id"),
    fingerprint="609c316cae8e58af8658b97da6e6fa9be87bd35bfff366822c1f2f3fb53f0750",
    summary=_summary,
    steps=(
        Step(
            "read",
            "Look at the opportunity",
            get_record,
            call=lambda view: {"object": "Opportunity", "record_id": view.given["opportunity_id"]},
        ),
        Step(
            "read_lines",
            "Look at its products",
            query_records,
            call=lambda view: {
                "object": "OpportunityLineItem",
                "filters": [{"field": "OpportunityId", "value": view.given["opportunity_id"]}],
                "limit": 1,
            },
        ),
        Step(
            "read_quotes",
            "Look at its quotes",
            query_records,
            call=lambda view: {
                "object": "Quote",
                "fields": ["Id", "Status", "Discount"],
                "filters": [{"field": "OpportunityId", "value": view.given["opportunity_id"]}],
                "sort": [{"field": "CreatedDate", "descending": True}],
                "limit": 1,
            },
        ),
        Branch(
            "stage_rules",
            "See what the stage asks for",
            _stage_rules,
            {
                "make_quote": "a quote is due",
                "weigh_discount": "the quote is not approved",
                "advance": "all is there",
                "ask_for_missing": "something is missing",
                DONE: "closed",
            },
        ),
        Step(
            "make_quote",
            "Make a quote",
            create_quote,
            call=lambda view: {"opportunity_id": view.given["opportunity_id"], "discount": view.given["discount"]},
            on_rejected="note",
        ),
        Branch(
            "after_quote",
            "See whether the quote is to be approved now",
            _after_quote,
            {"weigh_discount": "it is", "advance": "at its stage"},
        ),
        Branch(
            "weigh_discount",
            "See who has to agree to the discount",
            lambda view: "review" if _quote(view)[1] > SIGN_OFF_ABOVE else "approve",
            {"review": f"more than {SIGN_OFF_ABOVE:g} percent", "approve": f"up to {SIGN_OFF_ABOVE:g} percent"},
        ),
        Step(
            "review",
            "Put the quote into review",
            update_record,
            call=lambda view: _set_quote(view, "In Review"),
            on_rejected="note",
        ),
        Step(
            "sign_off",
            "Sign the discount off",
            update_record,
            call=lambda view: _set_quote(view, "Approved"),
            to="advance",
            on_rejected="turn_down",
        ),
        Step(
            "approve",
            "Approve the quote",
            update_record,
            call=lambda view: _set_quote(view, "Approved"),
            to="advance",
            on_rejected="turn_down",
        ),
        Step("advance", "Move it to the next stage", advance_stage, call=_advance, on_rejected="note"),
        Step("next_task", "Leave the next task", create_task, call=_task, to=DONE, on_rejected=DONE),
        Step(
            "turn_down",
            "Mark the quote as rejected",
            update_record,
            call=lambda view: _set_quote(view, "Rejected"),
            on_rejected=NEXT,
            on_failed=NEXT,
        ),
        Step("note", "Leave a task about what was rejected", create_task, call=_note, to=STOP),
        Step("ask_for_missing", "Leave a task about what is missing", create_task, call=_ask, to=STOP),
    ),
)
