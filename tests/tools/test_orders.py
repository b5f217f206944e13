"""Where orders stand, for staff and for the customers they are of, and cancelling them."""

from crm.database import DatabaseConfig
from crm.seed.people import ANN_POE, ANNE_POE
from tests.oracle import raw_rows
from tests.tools.desk import HERE, Desk
from tools._declare import Proposal
from tools._run import ToolError


async def test_a_customer_sees_the_orders_of_their_company(desk: Desk, seeded_config: DatabaseConfig) -> None:
    rows = [row for row in raw_rows(seeded_config, "order") if row["tenant"] == HERE]
    found = await desk.call(ANN_POE.contact_id, "order_status")
    company = found["orders"][0]["AccountId"]
    assert found["total"] == len([row for row in rows if row["AccountId"] == company])
    number = found["orders"][0]["OrderNumber"]
    short = await desk.call(ANN_POE.contact_id, "order_status", order_number=f"#{int(number)}")
    assert (short["total"], short["orders"][0]["OrderNumber"]) == (1, number)
    assert short["lines"]
    assert all(short["names"][one["product"]] for one in short["lines"])
    assert f"Order {number} is" in short["summary"]
    stranger = await desk.call(ANNE_POE.contact_id, "order_status", order_number=number)
    nothing = await desk.call(ANNE_POE.contact_id, "order_status", order_number="99999999")
    assert stranger == nothing
    assert stranger["total"] == 0


async def test_an_order_is_canceled_once_with_its_reason(desk: Desk) -> None:
    order = (await desk.call("sam", "order_status"))["orders"][0]
    proposal = await desk.call("sam", "cancel_order", order_id=order["Id"], reason="Bought twice.")
    assert isinstance(proposal, Proposal)
    change, note = proposal.changes
    assert [(f.field, f.old, f.new) for f in change.fields] == [("Status", order["Status"], "Canceled")]
    told = {f.field: f.new for f in note.fields}
    assert (told["WhatId"], told["Description"], told["Status"]) == (order["Id"], "Bought twice.", "Completed")
    for who in ("dana", "alan", ANN_POE.contact_id):
        assert isinstance(await desk.call(who, "cancel_order", order_id=order["Id"], reason="no rights"), ToolError)
