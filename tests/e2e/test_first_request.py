"""The story of the README through HTTP: ask, see a write wait, countersign it, find it done once; on both databases."""

from tests.service import DANA, MARA, OTHER_DANA, RENEWAL, World, held, last_answer, tool_results


async def test_a_rep_asks_and_gets_an_answer_from_records(world: World) -> None:
    thread = await world.open_thread(DANA)
    values = await world.say(DANA, thread, "show the open cases of Acme Industries")
    cases = tool_results(values)[-1]["result"]["cases"]
    assert len(cases) == 3
    assert all(case["CaseNumber"] in last_answer(values) for case in cases)


async def test_a_write_waits_for_a_manager_and_is_done_exactly_once(world: World) -> None:
    thread = await world.open_thread(DANA)
    values = await world.say(DANA, thread, f"move the {RENEWAL} to Negotiation")
    [approval] = held(values)
    assert (await world.find(DANA, "Opportunity", RENEWAL))["StageName"] == "Discovery"

    refused = await world.decide(DANA, approval, "approve")
    assert refused.status_code == 403
    decided = await world.decide(MARA, approval, "approve")
    assert decided.json()["approval"]["status"] == "applied"
    again = await world.decide(MARA, approval, "approve")
    assert again.status_code == 409

    record = await world.find(DANA, "Opportunity", RENEWAL)
    assert record["StageName"] == "Negotiation"
    entries = await world.get("ada@northwind.example", "/ledger", params={"thread_id": thread})
    assert [(e["status"], e["effects"][0]["before"], e["effects"][0]["after"]) for e in entries] == [
        ("applied", {"StageName": "Discovery"}, {"StageName": "Negotiation"})
    ]
    audit = await world.get("ada@northwind.example", "/audit", params={"subject": approval["approval_id"]})
    assert [entry["kind"] for entry in audit] == ["approval.requested", "approval.approved", "effect.applied"]
    assert (await world.get("ada@northwind.example", "/audit/verify"))["first_bad"] is None
    state = await world.get(DANA, f"/threads/{thread}/state")
    assert "Negotiation" in state["values"]["messages"][-1]["content"]


async def test_the_other_tenant_sees_no_trace(world: World) -> None:
    thread = await world.open_thread(DANA)
    values = await world.say(DANA, thread, f"move the {RENEWAL} to Negotiation")
    [approval] = held(values)
    before = await world.find(OTHER_DANA, "Opportunity", RENEWAL)
    for path in (f"/threads/{thread}", f"/threads/{thread}/state", f"/approvals/{approval['approval_id']}"):
        assert (await world.call(OTHER_DANA, "GET", path)).status_code == 404
    assert await world.get(OTHER_DANA, "/approvals") == []
    assert await world.post(OTHER_DANA, "/threads/search", {}) == []
    assert (await world.decide(OTHER_DANA, approval, "approve")).status_code == 404
    await world.decide(MARA, approval, "approve")
    assert await world.find(OTHER_DANA, "Opportunity", RENEWAL) == before
    own = await world.open_thread(OTHER_DANA)
    answer = await world.say(OTHER_DANA, own, f"show the {RENEWAL}")
    assert "Negotiation" not in last_answer(answer)
    assert "Quote" in last_answer(answer)
