"""Workflows begin when records change, and from a conversation: once each, with no more rights than a person has."""

import asyncio
from typing import Any

from langchain_core.messages import AIMessage

from api.settings import Settings
from crm.database import DatabaseConfig
from crm.ids import TenantId
from tests.oracle import raw_connection, raw_rows
from tests.service import (
    ADMIN,
    DANA,
    ELI,
    MARA,
    OTHER_DANA,
    World,
    calls,
    held,
    last_answer,
    open_world,
    script,
    tool_results,
)

Json = Any
NORTHWIND = TenantId("northwind")  # tenant-id: a test looks into the tenant that it asks through
QUOTE = "0Q0CS00000000030AA"
"""A draft of Dana's."""
DANAS_ID, MARAS_ID = "005CS0000000005YAA", "005CS0000000003YAA"
RULE = {"assistant_id": "quote_to_order", "operation": "update", "field": "Status", "becomes": "Accepted"}
DONE = AIMessage("Done.")


def set_status(status: str) -> AIMessage:
    return calls(("update_record", {"object": "Quote", "record_id": QUOTE, "fields": {"Status": status}}))


async def change(world: World) -> None:
    """Dana's quote changes through the copilot."""
    thread = await world.open_thread(DANA)
    [approval] = held(await world.say(DANA, thread, "change the status of the quote"))
    assert (await world.decide(ADMIN, approval, "approve")).json()["approval"]["status"] == "applied"


async def begun(world: World, who: str) -> list[Json]:
    """The workflows that a person has."""
    return list(await world.post(who, "/threads/search", {"metadata": {"graph_id": "quote_to_order"}}))


async def fire(world: World) -> int:
    """How many are started by two processes that look at the same time."""
    tenants = [TenantId(name) for name in await world.service.database.tenants()]  # tenant-id: as the chore does
    return sum(await asyncio.gather(*(world.service.triggers.fire_new(one) for one in [*tenants, *tenants])))


async def settled(world: World, who: str) -> Json:
    """The person's newest workflow, once it rests."""
    thread = (await begun(world, who))[0]["thread_id"]
    [run] = await world.get(who, f"/threads/{thread}/runs")
    async for _ in world.service.runner.follow(NORTHWIND, run["run_id"]):
        pass
    return await world.get(who, f"/threads/{thread}")


async def test_a_change_starts_it_once_in_the_name_of_who_sees_the_record(
    settings: Settings, seeded_config: DatabaseConfig
) -> None:
    lines = [line for status in ("Accepted", "Draft", "Accepted") for line in (set_status(status), DONE)]
    async with open_world(settings, model=script(*lines)) as world:
        await world.service.housekeeper.stop()  # the test looks itself
        await change(world)
        rule = await world.post(MARA, "/triggers", RULE)
        await world.post(ELI, "/triggers", RULE)  # he does not see Dana's quotes
        await world.post(OTHER_DANA, "/triggers", RULE)  # she is of another tenant
        assert await fire(world) == 0  # what happened before there was a rule starts nothing
        await change(world)
        assert await fire(world) == 0  # a draft is not what the rule is about
        await change(world)
        assert await fire(world) == 1
        assert await fire(world) == 0
        found = await settled(world, MARA)
        assert found["values"]["workflow"]["step"] == "create_order"
        assert held(found["values"] | {"__interrupt__": [one for some in found["interrupts"].values() for one in some]})
        assert [await begun(world, who) for who in (DANA, ELI, OTHER_DANA)] == [[], [], []]
        [mine] = await world.get(MARA, "/triggers")
        assert (mine["trigger_id"], mine["object"], mine["person"]) == (rule["trigger_id"], "Quote", MARAS_ID)
        assert len(await world.get(ADMIN, "/triggers")) == 2
        assert (await world.call(ELI, "DELETE", f"/triggers/{rule['trigger_id']}")).status_code == 404
        assert (await world.call(MARA, "DELETE", f"/triggers/{rule['trigger_id']}")).status_code == 204
    kinds = [row["kind"] for row in raw_rows(seeded_config, "audit_entry")]
    assert (kinds.count("trigger.created"), kinds.count("trigger.deleted")) == (3, 1)


async def test_in_another_persons_name_for_administrators_with_that_persons_rights(
    settings: Settings, seeded_config: DatabaseConfig
) -> None:
    lines = [line for status in ("Accepted", "Draft", "Accepted") for line in (set_status(status), DONE)]
    async with open_world(settings, model=script(*lines)) as world:
        await world.service.housekeeper.stop()
        for field, body in (
            ("assistant_id", {**RULE, "assistant_id": "countersign"}),
            ("field", {**RULE, "field": "Nonsense"}),
            ("field", {"assistant_id": "quote_to_order", "operation": "update", "becomes": "Accepted"}),
            ("input.quote_id", {**RULE, "input": {"quote_id": QUOTE}}),
            ("input.other", {**RULE, "input": {"other": 1}}),
            ("person", {**RULE, "person": DANAS_ID}),
        ):
            refused = await world.call(MARA, "POST", "/triggers", json=body)
            assert refused.status_code == 422, refused.text
            assert [error["field"] for error in refused.json()["errors"]] == [field]
        await world.post(ADMIN, "/triggers", {**RULE, "person": DANAS_ID})
        await change(world)
        switch = {"scope": "agent", "name": "quote_to_order", "state": "on", "reason": "not today"}
        assert (await world.call(ADMIN, "POST", "/admin/switches", json=switch)).status_code == 200
        assert await fire(world) == 0
        await world.call(ADMIN, "POST", "/admin/switches", json={**switch, "state": "off"})
        assert await fire(world) == 1  # what was switched off is looked at again
        found = await settled(world, DANA)
        assert "may not create" in last_answer(found["values"])  # she has no right to, whoever made the rule
        await change(world)
        with raw_connection(seeded_config) as connection:
            connection.execute(f'UPDATE "user" SET "IsActive" = false WHERE "Id" = \'{DANAS_ID}\'')
        assert await fire(world) == 0


async def test_started_in_a_conversation_it_waits_for_a_person_and_tells_how_it_stands(settings: Settings) -> None:
    start = calls(("start_workflow", {"workflow": "quote_to_order", "record_id": QUOTE}))
    wrong = calls(("start_workflow", {"workflow": "quote_to_order", "record_id": DANAS_ID}))
    status = calls(("workflow_status", {}))
    async with open_world(
        settings, model=script(set_status("Accepted"), DONE, wrong, start, DONE, status, DONE)
    ) as world:
        await world.service.housekeeper.stop()
        await change(world)
        thread = await world.open_thread(MARA)
        values = await world.say(MARA, thread, f"start the workflow quote to order for the quote {QUOTE}")
        assert "a record of Quote" in tool_results(values)[0]["error"]["message"]
        [approval] = held(values)
        assert await fire(world) == 0
        assert (await world.decide(ADMIN, approval, "approve")).json()["approval"]["status"] == "applied"
        assert await fire(world) == 1
        assert (await settled(world, MARA))["values"]["workflow"]["status"] == "waiting"
        [standing] = tool_results(await world.say(MARA, thread, "how does the workflow stand?"))[-1]["result"][
            "workflows"
        ]
        assert (standing["status"], standing["step"], standing["next_step"], standing["waiting_requests"]) == (
            "waiting",
            "Create the order with its items",
            "Activate the order",
            1,
        )
