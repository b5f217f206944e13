"""From a quote that was agreed on to an order with its items: to the cent."""

from typing import Any

from graphs.workflows._declare import DONE, STOP, Given, Step, Workflow, record_id
from graphs.workflows._view import View
from tools.activities import create_task
from tools.ordering import create_order
from tools.records import get_record, update_record


class QuoteToOrder(Given):
    """What it is started with."""

    quote_id: str = record_id("Quote", "The quote that the customer has agreed on.")


def _accept(view: View) -> dict[str, Any] | None:
    if view.result("read_quote")["fields"].get("Status") == "Accepted":
        return None
    return {"object": "Quote", "record_id": view.given["quote_id"], "fields": {"Status": "Accepted"}}


def _activate(view: View) -> dict[str, Any]:
    order = view.result("create_order")["id"]
    return {"object": "Order", "record_id": order, "fields": {"Status": "Activated"}}


def _note(view: View) -> dict[str, Any]:
    """What a person has to see to, with what was said."""
    return {
        "subject": "Put the order right: a step of it was rejected",
        "description": "\n".join([*view.reasons("activate"), *view.reasons("accept_quote")]) or "No reason was given.",
        "related_to_id": view.result("create_order")["id"],
        "priority": "High",
        "due_date": view.today.isoformat(),
    }


def _summary(view: View) -> str:
    return f"The order {view.result('activate')['name']} is active with its items, and the quote is accepted."


quote_to_order = Workflow(
    name="quote_to_order",
    title="Quote to order",
    description="Makes an order with its items out of an agreed quote, activates it and marks the quote as accepted.",
    input=QuoteToOrder,
    about=("Quote", "quote_id"),
    fingerprint="581cbabdd34086eeb4b47019f3c3333d1574df9d678e2aadf0352c65b6318951",
    summary=_summary,
    steps=(
        Step(
            "read_quote",
            "Look at the quote",
            get_record,
            call=lambda view: {"object": "Quote", "record_id": view.given["quote_id"]},
        ),
        Step(
            "create_order",
            "Create the order with its items",
            create_order,
            call=lambda view: {"quote_id": view.given["quote_id"]},
        ),
        Step("activate", "Activate the order", update_record, call=_activate, on_rejected="note"),
        Step("accept_quote", "Mark the quote as accepted", update_record, call=_accept, to=DONE, on_rejected="note"),
        Step("note", "Leave a task about what was rejected", create_task, call=_note, to=STOP),
    ),
)
