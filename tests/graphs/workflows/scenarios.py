"""One scenario per workflow, on the demo tenants' own records."""

from tests.graphs.workflows.stage import Json, Rejected, Scenario, records_of
from tests.service import ADMIN, World, last_answer

QUOTE = "0Q0CS000000000C0AQ"
OWEN = "owen@northwind.example"
"""Sales manager above Eli."""


async def leaves_a_task(world: World, values: Json) -> None:
    """A no with its reason became somebody's task."""
    [task] = records_of(values, "note")
    found = await world.get(OWEN, f"/records/Task/{task}")
    assert "not like this" in found["Description"]
    assert found["WhatId"] == records_of(values, "create_order")[0]


async def order_is_right(world: World, values: Json) -> None:
    """Order, items and quote say the same amount, to the cent."""
    [order_id] = records_of(values, "create_order")
    order = await world.get(OWEN, f"/records/Order/{order_id}")
    quote = await world.get(OWEN, f"/records/Quote/{QUOTE}")
    [entry] = [one for one in await world.get(ADMIN, "/ledger?limit=200") if one["tool"] == "create_order"]
    items = [one["after"] for one in entry["effects"] if one["object"] == "OrderItem"]
    assert len(items) >= 3
    assert {one["OrderId"] for one in items} == {order_id}
    assert (order["Status"], quote["Status"], order["AccountId"]) == ("Activated", "Accepted", quote["AccountId"])
    assert round(sum(one["Quantity"] * one["UnitPrice"] for one in items), 2) == order["TotalAmount"]
    assert order["TotalAmount"] == quote["GrandTotal"]
    assert f"The order {order['OrderNumber']} is active" in last_answer(values)


async def quote(world: World) -> Json:
    return {"quote_id": QUOTE}


QUOTE_TO_ORDER = Scenario(
    workflow="quote_to_order",
    who=OWEN,
    given=quote,
    waits=("create_order", "activate", "accept_quote"),
    check=order_is_right,
    rejected={
        "create_order": Rejected("stopped"),
        "activate": Rejected("stopped", ("note",), leaves_a_task),
        "accept_quote": Rejected("stopped", ("note",), leaves_a_task),
    },
)

SCENARIOS = (QUOTE_TO_ORDER,)
