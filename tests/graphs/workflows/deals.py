"""Scenarios of quotes, contracts and opportunities, on the demo tenants' own records."""

from tests.graphs.workflows.stage import Check, Json, Rejected, Scenario, create, records_of
from tests.service import ADMIN, DANA, World, last_answer

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
    case="presented",
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

DANAS_ID = "005CS0000000005YAA"
RENEWAL = "006CS0000000001YAA"
"""Dana's, in Discovery."""


async def book(world: World) -> Json:
    """Three contracts end soon: of an account with people, of one with nobody to write to, and the seeded one."""
    lonely = await create(world, "Account", DANAS_ID, Name="Nobody's Works")
    for account in (lonely, "001CS0000000004YAA"):
        await create(world, "Contract", DANAS_ID, AccountId=account, Status="Activated", EndDate="2026-10-15")
    return {"within_days": 90, "most": 12}


async def tasks_of(world: World, values: Json) -> dict[str, list[Json]]:
    """The tasks that were left, by subject."""
    found: dict[str, list[Json]] = {}
    for one in records_of(values, "tasks"):
        task = await world.get(DANA, f"/records/Task/{one}")
        found.setdefault(task["Subject"], []).append(task)
    return found


async def book_was_gone_through(world: World, values: Json) -> None:
    subjects = {subject: len(tasks) for subject, tasks in (await tasks_of(world, values)).items()}
    assert subjects == {"Call about the renewal": 2, "Find somebody to write to about the renewal": 1}
    assert "2 were written to, 3 tasks are left" in last_answer(values)
    sent = [await world.get(DANA, f"/records/EmailMessage/{one}") for one in records_of(values, "draft")]
    assert {one["Status"] for one in sent} == {"Sent"}
    assert all(one["TextBody"].startswith("Dear ") and "Dear ⟦" not in one["TextBody"] for one in sent)


async def is_left_to_people(world: World, values: Json) -> None:
    tasks = (await tasks_of(world, values))["Write about the renewal by hand"]
    assert len(tasks) == 2
    assert all("not like this" in one["Description"] for one in tasks)


RENEWAL_OUTREACH = Scenario(
    workflow="renewal_outreach",
    case="book",
    who=DANA,
    given=book,
    waits=("draft", "send", "tasks"),
    check=book_was_gone_through,
    rejected={
        "draft": Rejected("done", ("tasks",), is_left_to_people),
        "send": Rejected("done", ("tasks",), is_left_to_people),
        "tasks": Rejected("done"),
    },
)


async def discovery(world: World) -> Json:
    return {"opportunity_id": RENEWAL, "discount": 5}


async def _quoted(world: World, discount: int) -> Json:
    deal = await create(world, "Opportunity", DANAS_ID, **DEAL, StageName="Quote")
    more = {"Name": "An offer", "Discount": discount, "ExpirationDate": "2026-12-31"}
    await create(world, "Quote", DANAS_ID, OpportunityId=deal, **more)
    return {"opportunity_id": deal}


async def quoted(world: World) -> Json:
    return await _quoted(world, 5)


async def dear(world: World) -> Json:
    """A deal whose newest quote gives a lot away."""
    return await _quoted(world, 20)


DEAL = {
    "Name": "Cheap Deal",
    "AccountId": "001CS0000000001YAA",
    "ContactId": "003CS0000000001YAA",
    "Amount": 1000,
    "CloseDate": "2026-12-01",
}


async def empty(world: World) -> Json:
    bare = {name: value for name, value in DEAL.items() if name not in ("Amount", "ContactId")}
    return {"opportunity_id": await create(world, "Opportunity", DANAS_ID, **bare, StageName="Qualification")}


def moved_to(stage: str) -> Check:
    async def check(world: World, values: Json) -> None:
        [deal] = records_of(values, "advance")
        assert (await world.get(DANA, f"/records/Opportunity/{deal}"))["StageName"] == stage
        [task] = records_of(values, "next_task")
        assert (await world.get(DANA, f"/records/Task/{task}"))["WhatId"] == deal
        assert f"come to {stage}" in last_answer(values)

    return check


async def is_noted(world: World, values: Json) -> None:
    [task] = records_of(values, "note")
    assert "not like this" in (await world.get(DANA, f"/records/Task/{task}"))["Description"]
    assert records_of(values, "advance") in ([], [None])


async def is_turned_down(world: World, values: Json) -> None:
    await is_noted(world, values)
    [quote] = records_of(values, "turn_down")
    assert (await world.get(DANA, f"/records/Quote/{quote}"))["Status"] == "Rejected"


async def is_asked_for(world: World, values: Json) -> None:
    [task] = records_of(values, "ask_for_missing")
    subject = (await world.get(DANA, f"/records/Task/{task}"))["Subject"]
    assert subject == "Before Discovery: an amount, a contact, a next step"


NOTED = Rejected("stopped", ("note",), is_noted)
TURNED_DOWN = Rejected("stopped", ("turn_down", "note"), is_turned_down)
LEFT_OUT = Rejected("done")

OPPORTUNITY_PROGRESS = (
    Scenario(
        workflow="opportunity_progress",
        case="quote-due",
        who=DANA,
        given=discovery,
        waits=("make_quote", "advance", "next_task"),
        check=moved_to("Quote"),
        rejected={"make_quote": NOTED, "advance": NOTED, "next_task": LEFT_OUT},
    ),
    Scenario(
        workflow="opportunity_progress",
        case="small-discount",
        who=DANA,
        given=quoted,
        waits=("approve", "advance", "next_task"),
        check=moved_to("Negotiation"),
        rejected={"approve": TURNED_DOWN, "advance": NOTED, "next_task": LEFT_OUT},
        is_main=False,
    ),
    Scenario(
        workflow="opportunity_progress",
        case="large-discount",
        who=DANA,
        given=dear,
        waits=("review", "sign_off", "advance", "next_task"),
        check=moved_to("Negotiation"),
        rejected={"review": NOTED, "sign_off": TURNED_DOWN, "advance": NOTED, "next_task": LEFT_OUT},
        is_main=False,
    ),
    Scenario(
        workflow="opportunity_progress",
        case="something-missing",
        who=DANA,
        given=empty,
        waits=("ask_for_missing",),
        check=is_asked_for,
        rejected={"ask_for_missing": Rejected("stopped")},
        ends="stopped",
        is_main=False,
    ),
)
