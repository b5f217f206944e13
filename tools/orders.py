"""Orders: where they stand, and cancelling them."""

from typing import Any

from crm.connector import Filter, Query, Row, Sort
from tools._case_facts import rows_of
from tools._declare import (
    Arguments,
    Integrity,
    Proposal,
    Result,
    ToolContext,
    ToolFailedError,
    argument,
    output,
    tool,
)
from tools._shapes import Names, record_reference
from trust.actions import Effect
from trust.scopes import CRM_READ, CRM_WRITE

_COLUMNS = ("Id", "OrderNumber", "Status", "EffectiveDate", "TotalAmount", "AccountId", "CreatedDate")
_ITEM_COLUMNS = ("Id", "Product2Id", "Quantity", "UnitPrice")
_MOST_ITEMS = 100
_NEXT = {
    "Draft": "It can still be changed, and canceled free of charge.",
    "Activated": "It is being delivered; whether it can still be canceled is decided by support.",
    "Canceled": "It was canceled; nothing follows.",
}


class OrderStatus(Arguments):
    order_id: str | None = record_reference("The order.", default=None)
    order_number: str | None = argument(
        "Or its number, with or without leading zeros.", default=None, pattern=r"^#?\d{1,8}$"
    )
    account_id: str | None = record_reference("Or the account whose orders to list.", default=None)
    limit: int = argument("How many orders to return, newest first.", default=10, ge=1, le=50)


class OrderLine(Result):
    id: str = output("Record id of the order item.")
    product: str | None = output("Id of the product.")
    quantity: float | None = output("How many.")
    unit_price: float | None = output("Price of one.")


class Orders(Names):
    summary: str = output("What was found, in a few sentences.")
    orders: list[dict[str, Any]] = output("Newest first.", integrity=Integrity.BY_FIELD)
    lines: list[OrderLine] = output("What was ordered, if a single order was found.")
    total: int = output("How many orders match in all.")


@tool(effect=Effect.READ, scope=CRM_READ, for_customers=True)
async def order_status(ctx: ToolContext, args: OrderStatus) -> Orders:
    """Look up the status of an order: where it stands, what was ordered, and whether it can be canceled.

    By order number or id, or all orders of an account; without any of them the latest orders you may see.

    People say: where is it; when will it arrive/come/ship; when does it arrive/come/ship; has it (been)
    shipped/left/arrived; did it ship/arrive; is it on its way; how is it coming along; what is in it; can it still be
    cancelled; track it; any news on it; what is the status of it.
    """
    page = await ctx.crm.query(Query("Order", None, _filters(args), [Sort("CreatedDate", True)], args.limit))
    shown = [{column: row[column] for column in _COLUMNS if column in row} for row in page.records]
    lines = await _lines(ctx, shown[0]["Id"]) if page.total == 1 else []
    products = await ctx.crm.names_of([one.product for one in lines if one.product])
    return Orders(
        summary=_describe(shown, page.total, is_customer=ctx.user_id is None),
        orders=shown,
        lines=lines,
        total=page.total,
        names=page.names | products,
    )


def _filters(args: OrderStatus) -> list[Filter]:
    wanted: list[Filter] = []
    if args.order_id:
        wanted.append(Filter("Id", "eq", args.order_id))
    if args.order_number:
        wanted.append(Filter("OrderNumber", "eq", args.order_number.lstrip("#").zfill(8)))
    if args.account_id:
        wanted.append(Filter("AccountId", "eq", args.account_id))
    return wanted


async def _lines(ctx: ToolContext, order_id: str) -> list[OrderLine]:
    query = Query("OrderItem", _ITEM_COLUMNS, [Filter("OrderId", "eq", order_id)], [Sort("Id")], _MOST_ITEMS)
    return [
        OrderLine(id=row["Id"], product=row["Product2Id"], quantity=row["Quantity"], unit_price=row["UnitPrice"])
        for row in await rows_of(ctx.crm, query)
    ]


def _describe(orders: list[Row], total: int, *, is_customer: bool) -> str:
    if not total:
        whose = "your company" if is_customer else "anybody whose orders you may see"
        return f"There is no such order of {whose}."
    if total > 1:
        return f"{total} orders were found."
    status = str(orders[0].get("Status"))
    return f"Order {orders[0].get('OrderNumber')} is {status}. {_NEXT.get(status, '')}".strip()


class CancelOrder(Arguments):
    order_id: str = record_reference("The order.")
    reason: str = argument("Why it is canceled: is noted on the order.", min_length=3, max_length=2_000)


@tool(effect=Effect.WRITE, scope=CRM_WRITE, changes=(("update", "Order"), ("create", "Task")))
async def cancel_order(ctx: ToolContext, args: CancelOrder) -> Proposal:
    """Cancel an order that is a draft or activated, and note the reason. A second person has to approve it.

    People say: call off it; call it off; they do not want it any more; customer does not want it any more; customer
    changed their/his/her mind about it; stop it from shipping; do not ship it.
    """
    order = await ctx.crm.get("Order", args.order_id, ["Status", "OrderNumber"])
    if order["Status"] == "Canceled":
        raise ToolFailedError("the order is canceled already")
    note = {
        "Subject": f"Order {order['OrderNumber'] or ''} canceled".replace("  ", " "),
        "Description": args.reason,
        "WhatId": order["Id"],
        "Status": "Completed",
        "ActivityDate": ctx.today.isoformat(),
    }
    return Proposal(
        (
            await ctx.crm.propose_update("Order", order["Id"], {"Status": "Canceled"}),
            await ctx.crm.propose_create("Task", note),
        )
    )
