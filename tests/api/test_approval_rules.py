"""Approval rules over HTTP: put in, refused by name, frozen into requests, tried on past ones; on both databases."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crm.seed.people import staff_id
from tests.service import ADMIN, DANA, ELI, MARA, OTHER_DANA, RENEWAL, Json, World, held

OTHER_ADMIN = "ada@southridge.example"
OWEN, VICTOR, STELLA = (f"{name}@northwind.example" for name in ("owen", "victor", "stella"))
DESK: Json = {
    "id": "stages",
    "reason": "the deal desk looks at stages",
    "when": {"fields": ["Opportunity.StageName"]},
    "then": {"approvers": [{"group": "deal_desk"}], "votes": 2, "expires_after": "12h"},
}


async def put(world: World, rules: Json, *, based_on: int = 0, who: str = ADMIN) -> Any:
    return await world.call(who, "PUT", "/admin/policy", json={"based_on": based_on, "rules": rules})


async def ask_for_stage(world: World, who: str = DANA) -> Json:
    thread = await world.open_thread(who)
    return await world.say(who, thread, f"move the {RENEWAL} to Negotiation")


async def test_a_rule_from_its_putting_in_to_the_change(world: World) -> None:
    put_in = await put(world, [DESK])
    assert put_in.status_code == 200, put_in.text
    assert (put_in.json()["version"], put_in.json()["rules"]) == (1, [DESK])
    assert (await world.get(ADMIN, "/admin/policy"))["rules"] == [DESK]
    [approval] = held(await ask_for_stage(world))
    rule = approval["rule"]
    assert (rule["votes"], rule["self_approval"], rule["permission"]) == (2, False, "approve_writes")
    assert rule["requirements"][0]["any_of"] == [{"kind": "group", "name": "deal_desk"}]
    assert "the deal desk looks at stages" in rule["reason"]
    path = f"/approvals/{approval['approval_id']}"
    assert (await world.call(STELLA, "GET", path)).status_code == 404, "she may approve writes, but is not of the desk"
    assert [one["approval_id"] for one in await world.get(MARA, "/approvals")] == [approval["approval_id"]]
    assert await world.get(STELLA, "/approvals") == []
    assert (await world.decide(DANA, approval, "approve")).status_code == 403
    first = await world.decide(MARA, approval, "approve")
    assert first.json()["approval"]["status"] == "pending"
    second = await world.decide(VICTOR, approval, "approve")
    assert second.json()["approval"]["status"] == "applied"
    [there] = held(await ask_for_stage(world, OTHER_DANA))
    assert "requirements" not in there["rule"], "the other tenant has added nothing"
    history = await world.get(ADMIN, "/admin/policy/history")
    assert history[0]["rules"] == [DESK]
    back = await world.post(ADMIN, "/admin/policy/rollback", {"based_on": 1, "version": 0})
    assert back["rules"] == []


async def test_people_without_the_permission_decide_where_a_rule_says_why(world: World) -> None:
    then = {"approvers": [{"person": staff_id("eli")}], "qualified_because": "he knows the customer"}
    assert (await put(world, [{**DESK, "then": then}])).status_code == 200
    [approval] = held(await ask_for_stage(world))
    assert (await world.decide(MARA, approval, "approve")).status_code == 403
    # Eli does not see the opportunity, and a rule lends nobody eyes.
    assert (await world.decide(ELI, approval, "approve")).status_code == 404
    lena = "lena@northwind.example"
    then = {"approvers": [{"person": staff_id("victor")}], "qualified_because": "he is the boss"}
    assert (await put(world, [{**DESK, "then": then}], based_on=1)).status_code == 200
    [approval] = held(await ask_for_stage(world))
    assert (await world.decide(lena, approval, "approve")).status_code == 404
    assert (await world.decide(VICTOR, approval, "approve")).json()["approval"]["status"] == "applied"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"then": {"votes": 0}}, "rules.0.then.votes"),
        ({"then": {"self_approval": True}}, "rules.0.then.self_approval"),
        ({"then": {"expires_after": "30d"}}, "rules.0.then"),
        ({"then": {"approvers": [{"group": "nobody"}]}}, "rules.0.then.approvers.0.group"),
        ({"then": {"approvers": [{"role": "Emperor"}]}}, "rules.0.then.approvers.0.role"),
        ({"then": {"approvers": [{"permission": "approve_everything"}]}}, "rules.0.then.approvers.0.permission"),
        ({"then": {"approvers": [{"person": "005CS0000000099MAA"}]}}, "rules.0.then.approvers.0.person"),
        ({"then": {"approvers": [{"person": staff_id("gus")}]}}, "rules.0.then.approvers.0.person"),
        ({"when": {"tools": ["drop_table"]}}, "rules.0.when.tools"),
        ({"when": {"requester": {"roles": ["Emperor"]}}}, "rules.0.when.requester.roles"),
        ({"when": {"requester": {"groups": ["x"]}}}, "rules.0.when.requester.groups"),
        ({"when": {"requester": {"permission_sets": ["x"]}}}, "rules.0.when.requester.permission_sets"),
        ({"when": {"fields": ["Opportunity.Secret"]}}, "rules.0.when.fields.0"),
        ({"id": "No Good"}, "rules.0.id"),
    ],
    ids=str,
)
async def test_a_rule_that_cannot_be_is_refused_by_name_and_changes_nothing(
    world: World, change: Json, field: str
) -> None:
    good = {"id": "good", "reason": "r"}
    refused = await put(world, [{**good, **change}])
    assert refused.status_code == 422, refused.text
    assert refused.json()["errors"][0]["field"].startswith(field)
    assert (await world.get(ADMIN, "/admin/policy"))["version"] == 0
    assert (await put(world, [good, good])).json()["errors"][0]["field"] == "rules.1.id"
    assert (await put(world, [good])).status_code == 200


class TestSimulating:
    async def test_what_would_have_been_held_and_nothing_is_written(self, world: World) -> None:
        await ask_for_stage(world)
        thread = await world.open_thread(DANA)
        await world.say(DANA, thread, f"set the next step of {RENEWAL} to call Ann")
        before = await world.get(ADMIN, "/audit", params={"limit": 200})
        said = await world.post(ADMIN, "/admin/policy/simulate", {"rules": [DESK]})
        assert (said["looked_at"], said["changed"], said["totals"]) == (2, 1, {"held -> held": 2})
        stage = next(one for one in said["requests"] if one["is_changed"])
        assert (stage["was"]["votes"], stage["would"]["votes"]) == (1, 2)
        assert stage["would"]["rules"] == ["stages"]
        assert stage["would"]["approvers"] == ["the group 'deal_desk'"]
        assert stage["would"]["expires_after_s"] == 12 * 3600
        assert (stage["requester"], stage["objects"]) == (staff_id("dana"), ["Opportunity"])
        only = await world.post(ADMIN, "/admin/policy/simulate", {"rules": [DESK], "only_changed": True})
        assert [one["approval_id"] for one in only["requests"]] == [stage["approval_id"]]
        same = await world.post(ADMIN, "/admin/policy/simulate", {})
        assert same["changed"] == 0
        assert (await world.get(ADMIN, "/admin/policy"))["version"] == 0
        assert await world.get(ADMIN, "/audit", params={"limit": 200}) == before

    async def test_denials_and_pre_approvals_with_their_caps(self, world: World) -> None:
        for words in ("call Ann", "write to Ann", "meet Ann"):
            thread = await world.open_thread(DANA)
            assert held(await world.say(DANA, thread, f"set the next step of {RENEWAL} to {words}"))
        given = {"tool": "update_record", "object": "Opportunity", "fields": ["NextStep"], "until": "2099-12-31"}
        capped = {**given, "reason": "routine", "count_cap": 2}
        said = await world.post(ADMIN, "/admin/policy/simulate", {"preapprovals": [capped]})
        assert said["totals"] == {"held -> held": 1, "held -> preapproved": 2}
        assert [one["would"]["outcome"] for one in said["requests"]] == ["preapproved", "preapproved", "held"]
        again = [{"id": "no", "reason": "r", "when": {"preapproved": True}}]
        said = await world.post(ADMIN, "/admin/policy/simulate", {"preapprovals": [capped], "rules": again})
        assert said["totals"] == {"held -> held": 3}
        never = '@id("x") @reason("never") forbid (principal, action == Action::"perform", resource);'
        said = await world.post(ADMIN, "/admin/policy/simulate", {"additions": never})
        assert said["totals"] == {"held -> denied": 3}
        assert {one["would"]["reason"] for one in said["requests"]} == {"never"}

    async def test_what_was_erased_is_counted_and_left_out(self, world: World) -> None:
        await ask_for_stage(world)
        thread = await world.open_thread(DANA)
        [approval] = held(await world.say(DANA, thread, f"set the next step of {RENEWAL} to call Ann"))
        assert (await world.decide(DANA, approval, "approve")).json()["approval"]["status"] == "applied"
        await world.post(ADMIN, f"/erasure/thread/{thread}", {})
        said = await world.post(ADMIN, "/admin/policy/simulate", {"rules": [DESK]})
        assert (said["looked_at"], said["skipped"]) == (1, {"erased": 1})

    async def test_the_window_and_the_tenant(self, world: World) -> None:
        await ask_for_stage(world)
        await ask_for_stage(world, OTHER_DANA)
        body = {"rules": [DESK]}
        assert (await world.post(ADMIN, "/admin/policy/simulate", body))["looked_at"] == 1
        future, past = {"since": "2099-01-01T00:00:00Z"}, {"until": "2001-01-01T00:00:00Z"}
        for window in (future, past):
            assert (await world.post(ADMIN, "/admin/policy/simulate", body | window))["looked_at"] == 0
        bad = await world.call(ADMIN, "POST", "/admin/policy/simulate", json=body | future | past)
        assert bad.json()["errors"][0]["field"] == "until"
        for who in (DANA, MARA):
            assert (await world.call(who, "POST", "/admin/policy/simulate", json=body)).status_code == 403
        wrong = [{**DESK, "then": {"approvers": [{"group": "nobody"}]}}]
        refused = await world.call(ADMIN, "POST", "/admin/policy/simulate", json={"rules": wrong})
        assert refused.json()["errors"][0]["field"] == "rules.0.then.approvers.0.group"
        spec = {"tool": "get_record", "object": "Case", "fields": ["Subject"], "until": "2099-01-01", "reason": "r"}
        refused = await world.call(ADMIN, "POST", "/admin/policy/simulate", json={"preapprovals": [spec]})
        assert refused.json()["errors"][0]["field"] == "preapprovals.0.tool"


class TestPreapproving:
    async def test_caps_are_shown_with_what_is_used(self, world: World) -> None:
        body = {
            "based_on": 0,
            "tool": "update_record",
            "object": "Opportunity",
            "fields": ["NextStep"],
            "until": "2099-12-31",
            "reason": "routine",
            "count_cap": 1,
            "period": "always",
        }
        await world.post(ADMIN, "/admin/preapprovals", body)
        for words, expected in (("call Ann", 0), ("meet Ann", 1)):
            thread = await world.open_thread(DANA)
            values = await world.say(DANA, thread, f"set the next step of {RENEWAL} to {words}")
            assert len(held(values)) == expected
        [shown] = await world.get(ADMIN, "/admin/preapprovals")
        assert (shown["count_cap"], shown["period"]) == (1, "always")
        assert (shown["used"]["count"], shown["used"]["amount"]) == (1, 0)
        bad = await world.call(ADMIN, "POST", "/admin/preapprovals", json={**body, "based_on": 1, "sum_cap": 5})
        assert bad.json()["errors"][0]["field"] == "sum_cap"


class TestDelegating:
    async def test_while_mara_is_away_victor_decides(self, world: World) -> None:
        then = {"approvers": [{"person": staff_id("mara")}]}
        assert (await put(world, [{**DESK, "then": then}])).status_code == 200
        [approval] = held(await ask_for_stage(world))
        assert (await world.decide(VICTOR, approval, "approve")).status_code == 403
        made = await world.post(MARA, "/delegations", {"delegate": VICTOR, "ends_at": _in_a_week()})
        assert (made["delegator"], made["delegate"], made["is_live"]) == (staff_id("mara"), staff_id("victor"), True)
        assert [one["approval_id"] for one in await world.get(VICTOR, "/approvals")] == [approval["approval_id"]]
        for who, expected in ((MARA, 1), (VICTOR, 1), (OWEN, 0)):
            assert len(await world.get(who, "/delegations")) == expected
        assert len(await world.get(ADMIN, "/delegations", params={"all": True})) == 1
        assert await world.get(OTHER_ADMIN, "/delegations", params={"all": True}) == []
        assert (await world.call(OWEN, "GET", "/delegations?all=true")).status_code == 403
        assert (await world.decide(VICTOR, approval, "approve")).json()["approval"]["status"] == "applied"
        [entry] = await world.get(ADMIN, "/audit", params={"kind": "approval.approved"})
        assert entry["actor"] == staff_id("victor")
        assert entry["payload"]["in_stead_of"] == staff_id("mara")
        path = f"/delegations/{made['delegation_id']}"
        for who in (OWEN, OTHER_ADMIN):
            assert (await world.call(who, "DELETE", path)).status_code == 404
        assert (await world.call(MARA, "DELETE", path)).json()["withdrawn_by"] == staff_id("mara")
        assert await world.get(MARA, "/delegations") == []
        assert len(await world.get(MARA, "/delegations", params={"past": True})) == 1

    async def test_what_cannot_be_is_refused_by_name(self, world: World) -> None:
        week = _in_a_week()
        for who, body, status, field in (
            (MARA, {"delegate": "nobody@northwind.example", "ends_at": week}, 422, "delegate"),
            (MARA, {"delegate": "dana@southridge.example", "ends_at": week}, 422, "delegate"),
            (MARA, {"delegate": MARA, "ends_at": week}, 422, "delegate"),
            (MARA, {"delegate": "003CS0000000001YAA", "ends_at": week}, 422, "delegate"),
            (MARA, {"delegate": OWEN, "ends_at": "2001-01-01T00:00:00Z"}, 422, "ends_at"),
            (MARA, {"delegate": OWEN, "ends_at": "2199-01-01T00:00:00Z"}, 422, "ends_at"),
            (MARA, {"delegate": OWEN}, 422, "ends_at"),
            (MARA, {"delegate": OWEN, "ends_at": week, "limits": {"tools": ["x"]}}, 422, "limits.tools"),
            (MARA, {"delegate": OWEN, "ends_at": week, "limits": {"objects": ["x"]}}, 422, "limits.objects"),
            (MARA, {"delegate": OWEN, "ends_at": week, "delegator": VICTOR}, 403, None),
            (ADMIN, {"delegate": ADMIN, "ends_at": week, "delegator": VICTOR}, 422, "delegate"),
        ):
            refused = await world.call(who, "POST", "/delegations", json=body)
            assert refused.status_code == status, (body, refused.text)
            assert field is None or refused.json()["errors"][0]["field"] == field
        assert await world.get(ADMIN, "/delegations", params={"all": True, "past": True}) == []
        made = await world.post(ADMIN, "/delegations", {"delegate": OWEN, "delegator": MARA, "ends_at": week})
        assert (made["delegator"], made["created_by"]) == (staff_id("mara"), staff_id("ada"))
        customer = "ann.poe@acme-industries.example"
        assert (await world.call(customer, "GET", "/delegations")).status_code == 403


def _in_a_week() -> str:
    return (datetime.now(UTC) + timedelta(days=7)).isoformat(timespec="seconds")
