"""From a quote that was agreed on to an order with its items: to the cent."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from graphs.workflows._declare import DONE, STOP, Branch, Given, Step, Workflow, record_id
from graphs.workflows._view import View
from tools.activities import create_task
from tools.records import create_record, get_record, query_records, update_record

_CENT = Decimal("0.01")
_AGREED = ("Approved", "Presented", "Accepted")
_MOST_LINES: Final = 100


class QuoteToOrder(Given):
    """What it is started with."""

    quote_id: str = record_id("Quote", "The quote that the customer has agreed on.")


def _quote(view: View) -> dict[str, Any]:
    return dict(view.result("read_quote")["fields"])


def _lines(view: View) -> list[dict[str, Any]]:
    return list(view.result("read_lines")["records"])


def _is_orderable(view: View) -> str | tuple[str, str]:
    quote, page = _quote(view), view.result("read_lines")
    expires = quote.get("ExpirationDate")
    if quote.get("Status") not in _AGREED:
        return STOP, f"the quote is {quote.get('Status')}; it has to be {', '.join(_AGREED[:-1])} or {_AGREED[-1]}"
    if not quote.get("AccountId"):
        return STOP, "the quote names no account"
    if expires and expires < view.today.isoformat() and quote["Status"] != "Accepted":
        return STOP, f"the quote ran out on {expires}"
    if not page["records"] or page["total"] > _MOST_LINES:
        return STOP, f"the quote has {page['total']} lines; an order takes 1 to {_MOST_LINES}"
    agreed = quote.get("GrandTotal")
    if agreed is not None and abs(_decimal(agreed) - _sum(view)) > _CENT * len(page["records"]):
        return STOP, f"the lines come to {_sum(view)}, and the quote says {_decimal(agreed):.2f}"
    return "create_order"


def _decimal(value: Any) -> Decimal:
    return Decimal(str(value or 0))


def _cents(value: Decimal) -> Decimal:
    return value.quantize(_CENT, ROUND_HALF_UP)


def _sum(view: View) -> Decimal:
    """What the lines come to, less the discount of the whole quote."""
    total = sum((_decimal(line.get("TotalPrice")) for line in _lines(view)), Decimal(0))
    return _cents(total * (100 - _decimal(_quote(view).get("Discount"))) / 100)


def _amounts(view: View) -> list[Decimal]:
    """What each line comes to: together exactly the total, the last one taking what rounding leaves."""
    share = (100 - _decimal(_quote(view).get("Discount"))) / 100
    amounts = [_cents(_decimal(line.get("TotalPrice")) * share) for line in _lines(view)]
    agreed = _quote(view).get("GrandTotal")
    amounts[-1] += (_cents(_decimal(agreed)) if agreed is not None else _sum(view)) - sum(amounts)
    return amounts


def _pieces(quantity: Decimal, amount: Decimal) -> list[tuple[Decimal, Decimal]]:
    """Quantities and unit prices that come to the amount; if it cannot be shared out evenly, one piece costs more."""
    unit = _cents(amount / quantity)
    rest = amount - unit * (quantity - 1)
    if unit * quantity == amount or quantity <= 1 or quantity != quantity.to_integral_value():
        return [(quantity, unit)]
    return [(quantity - 1, unit), (Decimal(1), rest)]


def _items(view: View) -> list[dict[str, Any]]:
    order = view.result("create_order").get("id")
    return [
        _item(order, line, quantity, price)
        for line, amount in zip(_lines(view), _amounts(view), strict=True)
        for quantity, price in _pieces(_decimal(line["Quantity"]), amount)
    ]


def _item(order: str, line: Mapping[str, Any], quantity: Decimal, price: Decimal) -> dict[str, Any]:
    fields = {
        "OrderId": order,
        "Product2Id": line.get("Product2Id"),
        "PriceBookEntryId": line.get("PricebookEntryId"),
        "Quantity": float(quantity),
        "UnitPrice": float(price),
    }
    return {"object": "OrderItem", "fields": {name: value for name, value in fields.items() if value is not None}}


def _order(view: View) -> dict[str, Any]:
    fields = {
        "AccountId": _quote(view)["AccountId"],
        "EffectiveDate": view.today.isoformat(),
        "TotalAmount": float(sum(_amounts(view))),
    }
    return {"object": "Order", "fields": fields}


def _note(view: View) -> dict[str, Any]:
    """What a person has to see to, with what was said."""
    reasons = [*view.reasons("add_items"), *view.reasons("activate"), *view.reasons("accept_quote")]
    return {
        "subject": "Put the order right: a step of it was rejected",
        "description": "\n".join(reasons) or "No reason was given.",
        "related_to_id": view.result("create_order")["id"],
        "priority": "High",
        "due_date": view.today.isoformat(),
    }


def _summary(view: View) -> str:
    total = float(sum(_amounts(view)))
    return f"The order {view.result('activate')['name']} over {total:.2f} is active with its items."


quote_to_order = Workflow(
    name="quote_to_order",
    title="Quote to order",
    description="Makes an order with its items out of an agreed quote, activates it and marks the quote as accepted.",
    input=QuoteToOrder,
    about=("Quote", "quote_id"),
    fingerprint="a35922d882a486bd0cd4d612b0e023886698b39b07b243cbbd911c5c5cd90e5b",
    summary=_summary,
    steps=(
        Step(
            "read_quote",
            "Look at the quote",
            get_record,
            call=lambda view: {"object": "Quote", "record_id": view.given["quote_id"]},
        ),
        Step(
            "read_lines",
            "Look at its lines",
            query_records,
            call=lambda view: {
                "object": "QuoteLineItem",
                "filters": [{"field": "QuoteId", "value": view.given["quote_id"]}],
                "sort": [{"field": "CreatedDate"}, {"field": "Id"}],
                "limit": _MOST_LINES,
            },
        ),
        Branch(
            "check",
            "See whether it can be ordered",
            _is_orderable,
            {"create_order": "can be ordered", STOP: "cannot be ordered"},
        ),
        Step("create_order", "Create the order", create_record, call=_order),
        Step("add_items", "Add the items", create_record, calls=_items, on_rejected="note"),
        Step(
            "activate",
            "Activate the order",
            update_record,
            call=lambda view: {
                "object": "Order",
                "record_id": view.result("create_order")["id"],
                "fields": {"Status": "Activated"},
            },
            on_rejected="note",
        ),
        Step(
            "accept_quote",
            "Mark the quote as accepted",
            update_record,
            call=lambda view: (
                None
                if _quote(view)["Status"] == "Accepted"
                else {"object": "Quote", "record_id": view.given["quote_id"], "fields": {"Status": "Accepted"}}
            ),
            to=DONE,
            on_rejected="note",
        ),
        Step("note", "Leave a task about what was rejected", create_task, call=_note, to=STOP),
    ),
)
