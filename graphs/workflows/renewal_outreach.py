"""Over a book of accounts: whose contract ends soon is written to, and called."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pydantic import Field

from graphs.workflows._declare import DONE, NEXT, Branch, Given, Step, Workflow
from graphs.workflows._view import Made, View
from tools.activities import create_task
from tools.drafts import create_draft
from tools.records import query_records
from tools.sending import send_email

_RUNNING = ["Activated", "Signed"]
_CALL_AFTER = timedelta(days=7)


class RenewalOutreach(Given):
    """What it is started with."""

    within_days: int = Field(default=90, ge=7, le=365, description="Contracts that end within so many days.")
    most: int = Field(default=10, ge=1, le=30, description="How many contracts at most, those that end first.")


def _find_contracts(view: View) -> dict[str, Any]:
    until = view.today + timedelta(days=view.given["within_days"])
    return {
        "object": "Contract",
        "fields": ["Id", "AccountId", "EndDate", "Status"],
        "filters": [
            {"field": "EndDate", "op": "ge", "value": view.today.isoformat()},
            {"field": "EndDate", "op": "le", "value": until.isoformat()},
            {"field": "Status", "op": "in", "value": _RUNNING},
        ],
        "sort": [{"field": "EndDate"}, {"field": "Id"}],
        "limit": view.given["most"],
    }


def _contracts(view: View) -> list[dict[str, Any]]:
    """One per account, the one that ends first."""
    found: dict[str, dict[str, Any]] = {}
    for one in view.result("find_contracts").get("records", ()):
        found.setdefault(one["AccountId"], one)
    return list(found.values())


def _is_there_any(view: View) -> str | tuple[str, str]:
    if _contracts(view):
        return "find_people"
    return DONE, f"no running contract that you can see ends within {view.given['within_days']} days"


def _find_people(view: View) -> dict[str, Any]:
    return {
        "object": "Contact",
        "fields": ["Id", "AccountId", "FirstName", "LastName"],
        "filters": [
            {"field": "AccountId", "op": "in", "value": [one["AccountId"] for one in _contracts(view)]},
            {"field": "HasOptedOutOfEmail", "value": False},
            {"field": "Email", "op": "is_null", "value": False},
        ],
        "sort": [{"field": "CreatedDate"}, {"field": "Id"}],
        "limit": 200,
    }


def _people(view: View) -> dict[str, dict[str, Any]]:
    """Account -> the person to write to."""
    found: dict[str, dict[str, Any]] = {}
    for one in view.result("find_people").get("records", ()):
        found.setdefault(one["AccountId"], one)
    return found


def _drafts(view: View) -> list[dict[str, Any]]:
    people = _people(view)
    return [_draft(one, people[one["AccountId"]]) for one in _contracts(view) if one["AccountId"] in people]


def _draft(contract: Mapping[str, Any], person: Mapping[str, Any]) -> dict[str, Any]:
    name = " ".join(part for part in (person.get("FirstName"), person.get("LastName")) if part)
    body = (
        f"Dear {name},\n\n"
        f"our contract with you ends on {contract['EndDate']}. We would like to go on working with you, and to hear "
        "what should be different from then on.\n\n"
        "When would suit you for a short call?\n"
    )
    return {
        "record_id": contract["AccountId"],
        "recipient_id": person["Id"],
        "subject": f"Your contract until {contract['EndDate']}",
        "body": body,
    }


def _letters(view: View) -> list[tuple[Made, Made | None]]:
    """Each draft with what became of sending it."""
    sent = {one.arguments["draft_id"]: one for one in view.made("send")}
    return [(one, sent.get(one.result["id"]) if one.result else None) for one in view.made("draft")]


def _tasks(view: View) -> list[dict[str, Any]]:
    """What is left for a person: to call those written to, to write by hand where somebody said no, to find people."""
    letters = {draft.arguments["record_id"]: (draft, sent) for draft, sent in _letters(view)}
    return [_task(contract, letters.get(contract["AccountId"]), view) for contract in _contracts(view)]


def _task(contract: Mapping[str, Any], letter: tuple[Made, Made | None] | None, view: View) -> dict[str, Any]:
    task = {"related_to_id": contract["AccountId"], "due_date": view.today.isoformat(), "priority": "High"}
    ends = f"The contract ends on {contract['EndDate']}."
    if letter is None:
        return task | {"subject": "Find somebody to write to about the renewal", "description": ends}
    draft, sent = letter
    task |= {"who_id": draft.arguments["recipient_id"]}
    if sent is not None and sent.outcome == "done":
        due = (view.today + _CALL_AFTER).isoformat()
        return task | {"subject": "Call about the renewal", "description": ends, "due_date": due, "priority": "Normal"}
    said = f"{ends} The e-mail was not sent: {(sent or draft).reason or 'no reason was given'}"
    return task | {"subject": "Write about the renewal by hand", "description": said}


def _summary(view: View) -> str:
    if not _contracts(view):
        return f"No running contract that you can see ends within {view.given['within_days']} days."
    sent = sum(1 for _, one in _letters(view) if one is not None and one.outcome == "done")
    return (
        f"{len(_contracts(view))} accounts have a contract that ends within {view.given['within_days']} days: "
        f"{sent} were written to, {len(view.results('tasks'))} tasks are left."
    )


renewal_outreach = Workflow(
    name="renewal_outreach",
    title="Renewal outreach",
    description="Goes through the accounts whose contracts end soon: an e-mail to each, sent once agreed to, a task.",
    input=RenewalOutreach,
    fingerprint="fcadf9fbd64393d9787dfdba9b6e4e0d66a6777ad3c313361e26611a83e17056",
    summary=_summary,
    steps=(
        Step("find_contracts", "Find contracts that end soon", query_records, call=_find_contracts),
        Branch("check", "See whether there are any", _is_there_any, {"find_people": "some end", DONE: "none ends"}),
        Step("find_people", "Find whom to write to", query_records, call=_find_people),
        Step(
            "draft", "Write the e-mails", create_draft, calls=_drafts, on_rejected=NEXT, on_expired=NEXT, on_failed=NEXT
        ),
        Step(
            "send",
            "Send the e-mails",
            send_email,
            calls=lambda view: [{"draft_id": one["id"]} for one in view.results("draft")],
            on_rejected=NEXT,
            on_expired=NEXT,
            on_failed=NEXT,
        ),
        Step(
            "tasks",
            "Leave tasks",
            create_task,
            calls=_tasks,
            to=DONE,
            on_rejected=DONE,
            on_expired=DONE,
            on_failed=DONE,
        ),
    ),
)
