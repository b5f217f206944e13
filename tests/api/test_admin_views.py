"""What administrators and auditors look at: people and rights, usage, targets of switches, names, their own writes."""

from typing import Any

from langchain_core.messages import AIMessage

from api.settings import Settings
from crm.database import Database
from crm.ids import TenantId
from crm.repositories import outgoing
from tests.service import ADMIN, DANA, ELI, MARA, OTHER_DANA, calls, held, open_world, script

Json = Any
RENEWAL = "006CS0000000001YAA"
OTHER_ADMIN = "ada@southridge.example"
UPDATE = calls(("update_record", {"object": "Opportunity", "record_id": RENEWAL, "fields": {"NextStep": "Call Ann"}}))


async def test_admins_see_their_own_people_and_people_their_own_writes(settings: Settings) -> None:
    async with open_world(settings, model=script(UPDATE, AIMessage("Done."))) as world:
        people = {one["username"]: one for one in await world.get(ADMIN, "/admin/rights")}
        assert {DANA, MARA, ADMIN} <= set(people)
        assert OTHER_DANA not in people
        dana, mara = people[DANA], people[MARA]
        assert (mara["permissions"], dana["permissions"]) == (["approve_writes"], [])
        assert (dana["manager"], dana["is_active"]) == (mara["id"], True)
        sets = {one["name"]: one for one in await world.get(ADMIN, "/admin/permission-sets")}
        assert set(dana["permission_sets"]) <= set(sets)
        assert "manage_policy" in sets["admin"]["permissions"]
        assert "modify all" in sets["admin"]["objects"]["Account"]
        assert sum(one["members"] for one in sets.values()) >= len(people) // 2

        await _use(world.service.database, "northwind", dana["id"], tokens=70)
        await _use(world.service.database, "southridge", dana["id"], tokens=999)
        [day] = await world.get(ADMIN, "/admin/gateway/usage", params={"days": 2})
        assert (day["tokens"], day["calls"]) == (70, 1)
        assert day["people"] == [{"person": dana["id"], "name": dana["name"], "calls": 1, "tokens": 70}]
        assert (await world.get(ADMIN, "/admin/gateway"))["provider"] == settings.model

        targets = await world.get(ADMIN, "/admin/switches/targets")
        assert {"sales", "quote_to_order"} <= set(targets["agents"])
        assert "update_record" in targets["tools"]
        for path in ("rights", "permission-sets", "gateway/usage", "switches/targets", "evaluations"):
            assert (await world.call(MARA, "GET", f"/admin/{path}")).status_code == 403

        thread = await world.open_thread(DANA)
        [approval] = held(await world.say(DANA, thread, "change the opportunity"))
        assert (await world.decide(MARA, approval, "approve")).status_code == 200
        for who, person in ((DANA, dana), (MARA, mara)):
            [entry] = await world.get(who, "/ledger", params={"person": person["id"]})
            assert entry["effects"][0]["after"] == {"NextStep": "Call Ann"}
        eli = people[ELI]["id"]
        assert await world.get(ELI, "/ledger", params={"person": eli}) == []
        for query in ({}, {"person": dana["id"]}, {"record_id": RENEWAL}, {"person": dana["id"], "limit": 1}):
            assert (await world.call(ELI, "GET", "/ledger", params=query)).status_code == 403
        beyond = {"person": eli, "before": entry["entry_id"]}
        assert (await world.call(ELI, "GET", "/ledger", params=beyond)).status_code == 404

        ids = [RENEWAL, dana["id"], "006CS0000009999YAA"]
        names = await world.get(DANA, "/names", params={"record": ids})
        assert [(one["object"], one["id"]) for one in names] == [("User", dana["id"]), ("Opportunity", RENEWAL)]
        hidden = await world.get(ELI, "/names", params={"record": [RENEWAL]})
        visible = (await world.call(ELI, "GET", f"/records/Opportunity/{RENEWAL}")).status_code == 200
        assert bool(hidden) is visible


async def _use(database: Database, tenant: str, person: str, *, tokens: int) -> None:
    from api.wiring import utc_now

    async with database.session(TenantId(tenant), write=True) as session:
        accounts = ["tenant", f"user:{person}", "run:1"]
        await outgoing.add_usage(session, utc_now().date(), accounts, calls=1, tokens=tokens)


async def test_a_workflow_describes_its_steps_for_drawing(settings: Settings) -> None:
    async with open_world(settings, model=script()) as world:
        kinds = await world.post(DANA, "/assistants/search", {"metadata": {"kind": "workflow"}})
        assert {"quote_to_order", "campaign"} <= {one["graph_id"] for one in kinds}
        assert "countersign" not in {one["graph_id"] for one in kinds}
        assert {one["metadata"]["title"] for one in kinds} >= {"Quote to order"}
        graph = await world.get(DANA, "/assistants/quote_to_order/graph")
        nodes = {one["id"]: one["data"] for one in graph["nodes"]}
        assert (nodes["create_order"]["title"], nodes["create_order"]["tool"]) == (
            "Create the order with its items",
            "create_order",
        )
        assert (nodes["create_order"]["is_checkpoint"], nodes["read_quote"]["is_checkpoint"]) == (True, False)
        ways = {(one["source"], one["target"]): one["data"] for one in graph["edges"]}
        assert ways["create_order", "activate"] == "done"
        schema = (await world.get(DANA, "/assistants/quote_to_order/schemas"))["input_schema"]
        assert schema["properties"]["quote_id"]["x-object"] == "Quote"
