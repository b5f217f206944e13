"""Orders made of quotes."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from crm.connector import Filter, Query, Row, Sort
from tools._declare import Arguments, Proposal, ToolContext, ToolFailedError, ToolRetryError, argument, tool
from tools._reading import read_all
from tools._shapes import record_reference
from trust.actions import Effect
from trust.scopes import CRM_WRITE

_CENT = Decimal("0.01")
_AGREED = ("Approved", "Presented", "Accepted")
_MOST_LINES = 30
"""Each may become two items."""
_QUOTE = ("Status", "AccountId", "ExpirationDate", "Discount", "GrandTotal")
_LINE = ("Product2Id", "PricebookEntryId", "Quantity", "TotalPrice")


class CreateOrder(Arguments):
    quote_id: str = record_reference("The quote that the customer has agreed on.")
    status: str = argument(
        "How the order begins.",
        default="Draft",
        pattern="^(Draft|Activated)$",
        options={"Draft": "to be looked at again", "Activated": "placed at once"},
    )


@tool(
    effect=Effect.WRITE,
    scope=CRM_WRITE,
    changes=(("create", "Order"), ("create", "OrderItem")),
    asks="Turn the quote {record} into an order",
)
async def create_order(ctx: ToolContext, args: CreateOrder) -> Proposal:
    """Turn a quote that the customer agreed on into an order (purchase order): one item per line, prices net of all
    discounts, together exactly the quote's total. A second person has to approve it first.

    People say: make/place an order from it; turn it into an order; order what is in it.
    """
    quote = await ctx.crm.get("Quote", args.quote_id, _QUOTE)
    _require_agreed(quote, ctx)
    wanted = Query("QuoteLineItem", _LINE, [Filter("QuoteId", "eq", quote["Id"])], [Sort("CreatedDate"), Sort("Id")])
    page = await read_all(ctx.crm, wanted)
    if not 1 <= page.total <= _MOST_LINES:
        raise ToolFailedError(f"the quote has {page.total} lines that you can see; an order takes 1 to {_MOST_LINES}")
    amounts = share_out(quote, page.records)
    order = await ctx.crm.propose_create(
        "Order",
        {
            "AccountId": quote["AccountId"],
            "EffectiveDate": ctx.today.isoformat(),
            "Status": args.status,
            "TotalAmount": float(sum(amounts)),
        },
    )
    items = [
        await ctx.crm.propose_create("OrderItem", _item(order.record_id, line, *piece), beside=(order,))
        for line, amount in zip(page.records, amounts, strict=True)
        for piece in in_pieces(_decimal(line["Quantity"]), amount)
    ]
    return Proposal((order, *items))


def _require_agreed(quote: Row, ctx: ToolContext) -> None:
    """Raises: ToolFailedError."""
    status, expires = quote["Status"], quote["ExpirationDate"]
    if status not in _AGREED:
        raise ToolFailedError(f"the quote is {status}; only one that is {', '.join(_AGREED)} becomes an order")
    if not quote["AccountId"]:
        raise ToolFailedError("the quote names no account that you can see")
    if expires and expires < ctx.today.isoformat() and status != "Accepted":
        raise ToolFailedError(f"the quote ran out on {expires}: renew it first")


def share_out(quote: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> list[Decimal]:
    """What each line comes to with the discount of the whole: together exactly the quote's total.

    Rounding leaves a few cents, which the last lines take. Raises: ToolFailedError if it is more than that.
    """
    share = (100 - _decimal(quote["Discount"])) / 100
    amounts = [_cents(_decimal(line["TotalPrice"]) * share) for line in lines]
    total = sum((_decimal(line["TotalPrice"]) for line in lines), Decimal(0)) * share
    agreed = _cents(total if quote["GrandTotal"] is None else _decimal(quote["GrandTotal"]))
    rest = agreed - sum(amounts)
    if abs(rest) > _CENT * len(lines):
        raise ToolFailedError(f"the lines come to {_cents(total)}, and the quote says {agreed}: correct it first")
    step = _CENT.copy_sign(rest)
    for place in range(int(abs(rest) / _CENT)):
        amounts[-1 - place] += step
    return amounts


def in_pieces(quantity: Decimal, amount: Decimal) -> list[tuple[Decimal, Decimal]]:
    """Quantities and unit prices to the cent that come to the amount.

    If the amount cannot be shared out evenly, the last piece by itself takes the rest. Raises: ToolRetryError.
    """
    if quantity <= 0:
        raise ToolRetryError("quote_id: a line of the quote has no quantity")
    unit = _cents(amount / quantity)
    if unit * quantity == amount:
        return [(quantity, unit)]
    if quantity != quantity.to_integral_value() or quantity == 1:
        return [(Decimal(1), amount)]
    return [(quantity - 1, unit), (Decimal(1), amount - unit * (quantity - 1))]


def _item(order_id: str, line: Row, quantity: Decimal, price: Decimal) -> dict[str, Any]:
    fields = {
        "OrderId": order_id,
        "Product2Id": line["Product2Id"],
        "PriceBookEntryId": line["PricebookEntryId"],
        "Quantity": float(quantity),
        "UnitPrice": float(price),
    }
    return {name: value for name, value in fields.items() if value is not None}


def _decimal(value: Any) -> Decimal:
    return Decimal(str(value or 0))


def _cents(value: Decimal) -> Decimal:
    return value.quantize(_CENT, ROUND_HALF_UP)
