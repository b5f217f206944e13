"""The tenant's part of the policy over HTTP: who may see and change it, what a change does, how it comes back."""

from typing import Any

from tests.service import ADMIN, DANA, MARA, OTHER_DANA, RENEWAL, World, held

OTHER_ADMIN = "ada@southridge.example"
NO_STAGE = """
// Stages are moved in the pipeline meeting.
@id("no-stages")
@reason("stages are moved in the meeting")
forbid (principal, action == Action::"perform", resource)
when { context.fields.contains(Field::"Opportunity.StageName") };
"""
TWO_VOTES = """
@id("two-for-stages")
@reason("two people look at stages")
@second_person
@votes("2")
forbid (principal, action == Action::"performUnattended", resource)
when { context.fields.contains(Field::"Opportunity.StageName") };
"""
NEXT_STEP = {
    "tool": "update_record",
    "object": "Opportunity",
    "fields": ["NextStep"],
    "until": "2099-12-31",
    "reason": "routine",
}


async def put(world: World, additions: str, *, based_on: int, who: str = ADMIN) -> Any:
    return await world.call(who, "PUT", "/admin/policy", json={"based_on": based_on, "additions": additions})


async def ask_for_stage(world: World, who: str = DANA) -> Any:
    thread = await world.open_thread(who)
    return await world.say(who, thread, f"move the {RENEWAL} to Negotiation")


async def test_versions_come_count_and_go(world: World) -> None:
    first = await world.get(ADMIN, "/admin/policy")
    assert (first["version"], first["additions"], first["preapprovals"]) == (0, "", [])
    assert "forbid" in first["files"]["hold.cedar"]
    assert held(await ask_for_stage(world))

    changed = (await put(world, NO_STAGE, based_on=0)).json()
    assert (changed["version"], changed["additions"]) == (1, NO_STAGE)
    refused = await ask_for_stage(world)
    assert not held(refused)
    assert "stages are moved in the meeting" in str(refused["messages"])
    assert held(await ask_for_stage(world, OTHER_DANA)), "the other tenant has added nothing"
    second = await world.get(ADMIN, "/admin/policy")
    assert second["policy_version"] != first["policy_version"]

    late = await put(world, TWO_VOTES, based_on=0)
    assert late.status_code == 409
    assert "version 1, not 0" in late.json()["detail"]
    bad = await put(world, NO_STAGE + '\n\n@id("y") permit (principal, action, resource);', based_on=1)
    assert bad.status_code == 422
    assert bad.json()["errors"][0]["field"] == "additions"
    assert bad.json()["errors"][0]["message"].startswith("line 9: a tenant's rules only restrict: expected forbid")
    unknown = await put(world, NO_STAGE.replace("principal, action", "principal == Tool::1, action"), based_on=1)
    assert unknown.status_code == 422
    limits = {"based_on": 1, "settings": {"record_cap": 11}}
    assert (await world.call(ADMIN, "PUT", "/admin/policy", json=limits)).json()["errors"] == [
        {"field": "settings.record_cap", "message": "expected a whole number from 0 to 10"}
    ]
    assert (await world.get(ADMIN, "/admin/policy"))["version"] == 1

    back = await world.post(ADMIN, "/admin/policy/rollback", {"based_on": 1, "version": 0, "note": "too strict"})
    assert (back["version"], back["additions"], back["digest"]) == (2, "", first["digest"])
    assert held(await ask_for_stage(world))
    gone = await world.call(ADMIN, "POST", "/admin/policy/rollback", json={"based_on": 2, "version": 7})
    assert gone.status_code == 404
    history = await world.get(ADMIN, "/admin/policy/history")
    assert [(one["version"], one["note"], one["additions"]) for one in history] == [
        (2, "too strict", ""),
        (1, "", NO_STAGE),
    ]
    assert await world.get(OTHER_ADMIN, "/admin/policy/history") == []
    audit = await world.get(ADMIN, "/audit", params={"kind": "policy.restored"})
    assert [(one["subject"], one["payload"]["version"]) for one in audit] == [("policy-2", 2)]
    assert (await world.get(ADMIN, "/audit/verify"))["first_bad"] is None


async def test_a_request_is_carried_out_under_the_policy_of_now(world: World) -> None:
    [approval] = held(await ask_for_stage(world))
    assert (await put(world, NO_STAGE, based_on=0)).status_code == 200
    decided = (await world.decide(MARA, approval, "approve")).json()["approval"]
    assert decided["status"] == "refused"
    assert decided["result"]["message"] == "stages are moved in the meeting"


async def test_a_request_that_needs_more_by_now_is_refused(world: World) -> None:
    [approval] = held(await ask_for_stage(world))
    assert (await put(world, TWO_VOTES, based_on=0)).status_code == 200
    decided = (await world.decide(MARA, approval, "approve")).json()["approval"]
    assert decided["status"] == "refused"
    assert "more is needed by now" in decided["result"]["message"]
    [stricter] = held(await ask_for_stage(world))
    assert (stricter["rule"]["votes"], stricter["rule"]["self_approval"]) == (2, False)
    assert "two people look at stages" in stricter["rule"]["reason"]


async def test_only_administrators_see_and_change_it(world: World) -> None:
    for method, path, body in (
        ("GET", "/admin/policy", None),
        ("GET", "/admin/policy/history", None),
        ("GET", "/admin/preapprovals", None),
        ("GET", "/admin/reach?agent=sales&person=" + DANA, None),
        ("PUT", "/admin/policy", {"based_on": 0, "additions": ""}),
        ("POST", "/admin/policy/rollback", {"based_on": 0, "version": 0}),
        ("POST", "/admin/policy/explain", {"person": DANA, "agent": "sales", "tool": "get_record"}),
        ("POST", "/admin/preapprovals", {"based_on": 0, **NEXT_STEP}),
        ("DELETE", "/admin/preapprovals/00000000-0000-0000-0000-000000000000?based_on=0", None),
    ):
        for who in (DANA, MARA):
            assert (await world.call(who, method, path, json=body)).status_code == 403, (who, path)
        assert (await world.client.request(method, path, json=body)).status_code == 401
    narrow = world.service.authenticator
    ada = (await world.get(ADMIN, "/me"))["id"]
    for scopes, status in ((frozenset({"crm:read", "audit:read"}), 403), (frozenset({"policy:manage"}), 200)):
        world.tokens["narrow"] = narrow.issue((await world.get(ADMIN, "/me"))["tenant"], ada, scopes)
        assert (await world.call("narrow", "GET", "/admin/policy")).status_code == status


async def test_preapprovals_are_granted_and_withdrawn(world: World) -> None:
    granted = await world.post(ADMIN, "/admin/preapprovals", {"based_on": 0, **NEXT_STEP})
    [one] = granted["preapprovals"]
    assert (one["object"], one["fields"], one["is_live"]) == ("Opportunity", ["NextStep"], True)
    assert await world.get(OTHER_ADMIN, "/admin/preapprovals") == []
    body = {"person": DANA, "agent": "sales", "tool": "update_record", "object": "Opportunity"}
    said = await world.post(ADMIN, "/admin/policy/explain", {**body, "fields": {"NextStep": {}}})
    assert (said["decision"], said["approvers"]) == ("allow", [])
    more = await world.post(ADMIN, "/admin/policy/explain", {**body, "fields": {"NextStep": {}, "Description": {}}})
    assert more["decision"] == "hold"
    tainted = {**body, "fields": {"NextStep": {}}, "tainted": True, "inputs": {"content": "external"}}
    said = await world.post(ADMIN, "/admin/policy/explain", tainted)
    assert (said["decision"], said["source"]) == ("hold", "policy:tainted-argument")
    gone = await world.call(ADMIN, "DELETE", f"/admin/preapprovals/{one['id']}?based_on=1")
    assert gone.json()["preapprovals"] == []
    again = await world.call(ADMIN, "DELETE", f"/admin/preapprovals/{one['id']}?based_on=2")
    assert again.status_code == 404


async def test_a_preapproval_that_makes_no_sense_is_refused(world: World) -> None:
    for change, field in (
        ({"tool": "get_record"}, "tool"),
        ({"tool": "nonsense"}, "tool"),
        ({"tool": "create_task"}, "object"),
        ({"object": "Nonsense"}, "object"),
        ({"object": "User", "fields": ["Email"]}, "object"),
        ({"fields": ["Nonsense"]}, "fields"),
        ({"fields": ["Amount"]}, "amount_cap"),
        ({"until": "2020-01-01"}, "until"),
    ):
        answer = await world.call(ADMIN, "POST", "/admin/preapprovals", json={"based_on": 0, **NEXT_STEP, **change})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == field
    assert (await world.get(ADMIN, "/admin/policy"))["version"] == 0


async def test_who_may_do_what(world: World) -> None:
    async def ask(**more: Any) -> Any:
        given = {"person": DANA, "agent": "sales", "tool": "update_record", "object": "Opportunity", **more}
        return await world.post(ADMIN, "/admin/policy/explain", given)

    plain = await ask(fields={"NextStep": {}})
    assert (plain["decision"], plain["second_person"], plain["permission"]) == ("hold", False, "approve_writes")
    assert plain["approvers"][0]["name"].startswith("Dana")
    grave = await ask(fields={"Amount": {"old": 100, "new": 120}})
    assert (grave["decision"], grave["second_person"]) == ("hold", True)
    assert "policy:grave-change" in {step["source"] for step in grave["steps"]}
    assert not any(one["name"].startswith("Dana") for one in grave["approvers"])
    assert any(one["name"].startswith("Mara") for one in grave["approvers"])
    beyond = await ask(fields={"Amount": {"old": 100, "new": 1000}})
    assert "policy:beyond-limits" in {step["source"] for step in beyond["steps"]}

    unscoped = await ask(fields={"NextStep": {}}, scopes=["crm:read"])
    assert (unscoped["decision"], unscoped["source"]) == ("deny", "require_scope")
    assert "a token with the tool's scope" in unscoped["remedies"]
    assert "policy:missing-scope" in {step["source"] for step in unscoped["steps"]}
    unplanned = await ask(in_plan=False)
    assert (unplanned["decision"], unplanned["source"]) == ("deny", "stay_in_plan")
    assert "policy:outside-plan" in {step["source"] for step in unplanned["steps"]}
    analyst = await ask(agent="analytics")
    assert (analyst["decision"], analyst["source"]) == ("deny", "require_listed_tool")
    many = await ask(fields={"NextStep": {}}, records=11)
    assert (many["decision"], many["source"]) == ("deny", "limit_records")
    revenue = await ask(object="Account", fields={"AnnualRevenue": {}})
    assert (revenue["decision"], revenue["source"]) == ("deny", "require_rights")
    assert (await ask(tool="query_records"))["decision"] == "allow"

    for given, field in (
        ({"person": "nobody@nowhere.example"}, "person"),
        ({"person": "005CS0000000999AAA"}, "person"),
        ({"agent": "nobody"}, "agent"),
        ({"tool": "nothing"}, "tool"),
        ({"object": "Nothing"}, "object"),
        ({"fields": {"Nothing": {}}}, "fields"),
        ({"object": None, "fields": {"NextStep": {}}}, "object"),
    ):
        body = {"person": DANA, "agent": "sales", "tool": "update_record", "object": "Opportunity", **given}
        answer = await world.call(ADMIN, "POST", "/admin/policy/explain", json=body)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    stranger = {"person": OTHER_DANA, "agent": "sales", "tool": "update_record"}
    assert (await world.call(ADMIN, "POST", "/admin/policy/explain", json=stranger)).status_code == 422


async def test_how_far_an_agent_reaches(world: World) -> None:
    reach = await world.get(ADMIN, "/admin/reach", params={"agent": "sales", "person": DANA})
    assert reach["person"]["name"].startswith("Dana")
    assert "update_record" in reach["tools"]
    objects = {one["object"]: one for one in reach["objects"]}
    assert "Amount" in objects["Opportunity"]["readable"]
    ways = {
        field: way
        for way in objects["Opportunity"]["changes"]
        if way["tool"] == "update_record"
        for field in way["fields"]
    }
    assert (ways["Amount"]["decision"], ways["Amount"]["second_person"]) == ("hold", True)
    assert (ways["NextStep"]["decision"], ways["NextStep"]["second_person"]) == ("hold", False)
    assert "Phone" not in objects["User"]["readable"]
    assert objects["User"]["changes"] == []
    accounts = [field for way in objects["Account"]["changes"] for field in way["fields"]]
    assert "Phone" in accounts
    assert "AnnualRevenue" not in accounts
    assert [way["tool"] for way in objects["Order"]["changes"]] == []
    assert any(one["name"].startswith("Mara") for one in reach["approvers"]["approve_writes"])

    analyst = await world.get(ADMIN, "/admin/reach", params={"agent": "analytics", "person": DANA})
    assert {one["object"] for one in analyst["objects"] if one["changes"]} <= {"Report", "MetricAlert__c"}
    customer = await world.get(
        ADMIN, "/admin/reach", params={"agent": "sales", "person": "ann.poe@acme-industries.example"}
    )
    assert "update_record" not in customer["tools"]
    nobody = await world.call(ADMIN, "GET", "/admin/reach", params={"agent": "x", "person": DANA})
    assert nobody.status_code == 422
