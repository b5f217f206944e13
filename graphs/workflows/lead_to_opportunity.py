"""From a lead to an account, a contact and an opportunity, if there is something to it."""

from datetime import timedelta
from typing import Any, Final

from pydantic import Field

from graphs.workflows._declare import DONE, STOP, Branch, Given, Step, Workflow, record_id
from graphs.workflows._view import View, is_outside
from tools.activities import create_task
from tools.leads import convert_lead, find_lead_duplicates
from tools.qualification import qualify_lead
from tools.records import confirm_fields, get_record, update_record

_FROM_OUTSIDE: Final = ("FirstName", "LastName", "Company", "Title", "Email", "Phone")


class LeadToOpportunity(Given):
    """What it is started with."""

    lead_id: str = record_id("Lead", "The lead.")
    accept_unknown: bool = Field(
        default=False,
        description="Go on although a part of budget, authority, need or time is not known.",
    )


def _lead(view: View) -> dict[str, Any]:
    return dict(view.result("read")["fields"])


def _is_open(view: View) -> str | tuple[str, str]:
    return (DONE, "the lead was converted already") if _lead(view).get("IsConverted") else "qualify"


def _weigh(view: View) -> str:
    found = view.result("qualify")
    if found["not_met"]:
        return "set_aside"
    return "vouch" if found["is_qualified"] or view.given["accept_unknown"] else "ask"


def _outside_fields(view: View) -> dict[str, Any] | None:
    """Fields that an outsider has written, and that nobody has vouched for."""
    fields = [name for name in _FROM_OUTSIDE if is_outside(_lead(view).get(name))]
    return {"object": "Lead", "record_id": view.given["lead_id"], "fields": fields} if fields else None


def _mark(view: View) -> dict[str, Any] | None:
    wanted = {"Status": "Qualified", "Rating": "Hot" if view.result("qualify")["is_qualified"] else "Warm"}
    changed = {name: value for name, value in wanted.items() if _lead(view).get(name) != value}
    return {"object": "Lead", "record_id": view.given["lead_id"], "fields": changed} if changed else None


def _ways_to_convert(view: View) -> list[dict[str, Any]]:
    """Into the account of exactly that name and the person with that address there; else, or if that was not meant,
    into new ones."""
    found = view.result("duplicates")
    ways: list[dict[str, Any]] = []
    for account in (one for one in found["accounts"] if one["exact"]):
        people = [one for one in found["contacts"] if one.get("AccountId") == account["id"]]
        person = {"contact_id": people[0]["Id"]} if people else {"new_contact": True}
        ways.append({"account_id": account["id"], **person})
    return [*ways, {"new_account": True, "new_contact": True}]


def _convert(view: View) -> dict[str, Any]:
    ways = _ways_to_convert(view)
    return {"lead_id": view.given["lead_id"], **ways[min(len(view.reasons("convert")), len(ways) - 1)]}


def _is_there_another_way(view: View) -> str:
    return "convert" if len(view.reasons("convert")) < len(_ways_to_convert(view)) else "note"


def _deal(view: View) -> Any:
    return view.result("look_again")["fields"].get("ConvertedOpportunityId")


def _first_task(view: View) -> dict[str, Any]:
    due = view.today + timedelta(days=2)
    return {
        "subject": "Call about the new opportunity",
        "related_to_id": _deal(view),
        "due_date": due.isoformat(),
    }


def _ask(view: View) -> dict[str, Any]:
    return {
        "subject": "Find out what is not known of the lead",
        "description": "\n".join(view.result("qualify")["ask_next"]),
        "who_id": view.given["lead_id"],
        "due_date": view.today.isoformat(),
    }


def _note(view: View) -> dict[str, Any]:
    said = [f"{step}: {reason}" for step in ("vouch", "mark", "convert") for reason in view.reasons(step)]
    return {
        "subject": "Look at the lead again: a step was rejected",
        "description": "\n".join(said) or "No reason was given.",
        "who_id": view.given["lead_id"],
        "due_date": view.today.isoformat(),
        "priority": "High",
    }


def _summary(view: View) -> str:
    return f"The lead has become the opportunity {_deal(view)}."


lead_to_opportunity = Workflow(
    name="lead_to_opportunity",
    title="Lead to opportunity",
    description="Qualifies a lead, has what outsiders wrote confirmed, and converts it into an account, a contact and "
    "an opportunity; or sets it aside, or asks for what is not known.",
    input=LeadToOpportunity,
    about=("Lead", "lead_id"),
    fingerprint="7148941595aaf4c1d7eaebfd499a903ffc6b6ae67f664856681fc5402d650829",
    summary=_summary,
    steps=(
        Step(
            "read",
            "Look at the lead",
            get_record,
            call=lambda view: {"object": "Lead", "record_id": view.given["lead_id"]},
        ),
        Branch("check", "See whether it is open", _is_open, {"qualify": "open", DONE: "converted"}),
        Step(
            "qualify",
            "Look for budget, authority, need and time",
            qualify_lead,
            call=lambda view: {"lead_id": view.given["lead_id"]},
        ),
        Branch(
            "weigh",
            "Weigh what was found",
            _weigh,
            {"vouch": "worth it", "set_aside": "something speaks against it", "ask": "something is not known"},
        ),
        Step("vouch", "Have what outsiders wrote confirmed", confirm_fields, call=_outside_fields, on_rejected="note"),
        Step("mark", "Mark it as qualified", update_record, call=_mark, on_rejected="note"),
        Step(
            "duplicates",
            "Look for the company and the person",
            find_lead_duplicates,
            call=lambda view: {"lead_id": view.given["lead_id"]},
        ),
        Step("convert", "Convert it", convert_lead, call=_convert, to="look_again", on_rejected="reconsider"),
        Branch(
            "reconsider",
            "See whether it can become something else",
            _is_there_another_way,
            {"convert": "other records", "note": "no"},
        ),
        Step(
            "look_again",
            "Look at what it became",
            get_record,
            call=lambda view: {"object": "Lead", "record_id": view.given["lead_id"]},
        ),
        Step("first_task", "Leave the first task", create_task, call=_first_task, to=DONE, on_rejected=DONE),
        Step(
            "set_aside",
            "Set it aside",
            update_record,
            call=lambda view: {"object": "Lead", "record_id": view.given["lead_id"], "fields": {"Rating": "Cold"}},
            to=STOP,
            on_rejected="vouch",
        ),
        Step("ask", "Leave a task about what is not known", create_task, call=_ask, to=STOP),
        Step("note", "Leave a task about what was rejected", create_task, call=_note, to=STOP),
    ),
)
