"""Requests as people look at them: what they may do, in a line each, and a record with all that hangs on it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from langchain_core.messages import AIMessage

from api.settings import Settings
from crm.seed.people import staff_id
from tests.service import ADMIN, DANA, ELI, MARA, OTHER_DANA, SAM, World, calls, held, open_world, script

Json = Any
RENEWAL_ID, ACME = "006CS0000000001YAA", "001CS0000000001YAA"
OWEN, VICTOR, OTHER_MARA = "owen@northwind.example", "victor@northwind.example", "mara@southridge.example"
ANN = "ann.poe@acme-industries.example"
DONE = AIMessage("Done.")
LATE = {
    "id": "late",
    "reason": "somebody above looks at it when nobody did",
    "when": {"fields": ["Opportunity.LeadSource"]},
    "then": {"approvers": [{"person": staff_id("mara")}], "escalate": {"after": "1h", "to": [{"role": "VP Sales"}]}},
}


def update(**fields: Any) -> tuple[str, dict[str, Any]]:
    return "update_record", {"object": "Opportunity", "record_id": RENEWAL_ID, "fields": fields}


async def ask(world: World, who: str = DANA) -> list[Json]:
    return held(await world.say(who, await world.open_thread(who), "change the opportunity"))


async def card(world: World, who: str, approval: Json) -> Json:
    return await world.get(who, f"/approvals/{approval['approval_id']}")


async def test_a_card_says_who_decides_and_what_each_may_do(settings: Settings) -> None:
    wanted = calls(update(NextStep="Call Ann"), update(StageName="Negotiation"), update(OwnerId=staff_id("eli")))
    async with open_world(settings, model=script(wanted, wanted, DONE)) as world:
        own, stage, owner = await ask(world)
        await ask(world, OTHER_DANA)
        decides = ["approve", "reject", "edit", "answer"]
        for who, approval, ways in (
            (DANA, own, [*decides, "recall", "reassign"]),
            (DANA, stage, ["answer", "recall", "reassign"]),
            (MARA, stage, [*decides, "reassign"]),
        ):
            assert (await card(world, who, approval))["ways"] == ways, who
        assert (await world.call(OTHER_MARA, "GET", f"/approvals/{stage['approval_id']}/candidates")).status_code == 404
        seen = await card(world, MARA, stage)
        assert seen["asked"]["second_person"] is True
        assert seen["asked"]["conditions"] == ["the permission approve_writes"]
        assert seen["names"][staff_id("dana")].startswith("Dana ")
        named = (await card(world, MARA, owner))["names"]
        assert named[staff_id("eli")].startswith("Eli ")

        path = f"/approvals/{stage['approval_id']}/candidates"
        found = await world.get(DANA, path)
        ids = {one["id"] for one in found["people"]}
        assert {staff_id("mara"), staff_id("victor")} <= ids
        assert ids.isdisjoint({staff_id("dana"), staff_id("eli"), staff_id("sam")})
        assert [one["id"] for one in (await world.get(DANA, path, params={"name": "MARA"}))["people"]] == [
            staff_id("mara")
        ]
        for one in found["people"][:2]:  # whoever is offered can be taken
            answer = await world.call(
                DANA, "POST", f"/approvals/{stage['approval_id']}/reassign", json={"to": one["id"]}
            )
            assert answer.status_code == 200, one

        lines = await world.get(MARA, "/approvals/summaries", params={"view": "mine"})
        whole = await world.get(MARA, "/approvals", params={"view": "mine"})
        assert [one["approval_id"] for one in lines] == [one["approval_id"] for one in whole]
        assert [one["title"] for one in lines] == [one["card"]["title"] for one in whole]
        assert all(one["may_decide"] and one["agreed"] == 0 and one["votes"] == 1 for one in lines)
        assert {one["requester_name"] for one in lines} == {seen["names"][staff_id("dana")]}
        first = await world.call(MARA, "GET", "/approvals/summaries", params={"view": "mine", "limit": 1})
        more = {"view": "mine", "cursor": first.headers["X-Pagination-Next"]}
        rest = await world.get(MARA, "/approvals/summaries", params=more)
        assert first.json() + rest == lines
        assert (await world.decide(MARA, stage, "approve")).status_code == 200
        decided = await card(world, MARA, stage)
        assert decided["ways"] == []
        assert [(one["voter"], one["decision"]) for one in decided["votes"]] == [(staff_id("mara"), "approve")]


async def test_where_a_second_person_is_needed_whoever_edits_does_not_approve_the_edit(settings: Settings) -> None:
    wanted = calls(update(StageName="Negotiation"), update(NextStep="Call Ann"))
    async with open_world(settings, model=script(wanted, DONE)) as world:
        stage, plain = await ask(world)

        async def edit(who: str, approval: Json, **fields: Any) -> Json:
            arguments = {"object": "Opportunity", "record_id": RENEWAL_ID, "fields": fields}
            answer = await world.decide(who, approval, "edit", arguments=arguments)
            assert answer.status_code == 200, answer.text
            return answer.json()["approval"]

        again = await edit(MARA, plain, NextStep="Call Ben")
        assert (await world.decide(MARA, again, "approve")).json()["approval"]["status"] == "applied"
        once = await edit(MARA, stage, StageName="Quote")
        assert "approve" not in (await card(world, MARA, once))["ways"]
        refused = await world.decide(MARA, once, "approve")
        assert (refused.status_code, "you have edited it" in refused.text) == (403, True)
        twice = await edit(MARA, once, StageName="Qualification")
        assert (await world.decide(MARA, twice, "approve")).status_code == 403
        assert (await world.decide(DANA, twice, "approve")).status_code == 403
        last = await edit(VICTOR, twice, StageName="Negotiation")
        assert (await world.decide(VICTOR, last, "approve")).status_code == 403
        assert (await world.decide(MARA, last, "approve")).json()["approval"]["status"] == "applied"


@pytest.mark.parametrize("templates", ["sqlite"], indirect=True)
async def test_an_edit_may_hold_what_the_requester_may_write_and_the_editor_sees(settings: Settings) -> None:
    wanted = calls(("update_record", {"object": "Account", "record_id": ACME, "fields": {"Industry": "Energy"}}))
    async with open_world(settings, model=script(wanted, DONE, wanted)) as world:
        [asked] = await ask(world)
        path = f"/approvals/{asked['approval_id']}"
        assert (await world.call(OTHER_MARA, "GET", f"{path}/editable")).status_code == 404
        found = await world.get(MARA, f"{path}/editable")
        assert set(found["arguments"]["properties"]) == {"object", "record_id", "fields"}
        fields = {one["name"]: one["value"] for one in found["fields"]["fields"]}
        assert fields["NumberOfEmployees"] == {"type": "integer"}
        assert fields["ParentId"]["x-object"] == "Account"
        assert {"AnnualRevenue", "Id", "CreatedDate"}.isdisjoint(fields), "the first is not the requester's to write"
        for change, status, place in (
            ({"AnnualRevenue": 5}, 422, "arguments.fields.AnnualRevenue"),
            ({"NumberOfEmployees": "many"}, 422, "arguments.fields.NumberOfEmployees"),
            ({"Nothing": 1}, 422, "arguments.fields.Nothing"),
            ({"Industry": "Energy", "NumberOfEmployees": 70}, 200, None),
        ):
            arguments = {"object": "Account", "record_id": ACME, "fields": change}
            answer = await world.decide(MARA, asked, "edit", arguments=arguments)
            assert answer.status_code == status, answer.text
            assert place is None or [one["field"] for one in answer.json()["errors"]] == [place]
        bad = {"object": "Account", "record_id": "x", "fields": {}}
        new = answer.json()["approval"]
        refused = await world.decide(MARA, new, "edit", arguments=bad)
        assert refused.json()["errors"][0]["field"] == "arguments.record_id"
        assert (new["status"], new["arguments"]["fields"]["NumberOfEmployees"]) == ("pending", 70)
        closed = await world.call(MARA, "GET", f"{path}/editable")
        assert (closed.status_code, closed.json()["type"]) == (409, "urn:countersign:problem:approval-closed")
        asker = await world.call(DANA, "GET", f"/approvals/{new['approval_id']}/editable")
        assert asker.status_code in (403, 200)
        assert (asker.status_code == 200) is ("edit" in (await card(world, DANA, new))["ways"])


async def test_what_nobody_decided_is_found_and_what_a_delegate_may_decide_is_counted(settings: Settings) -> None:
    hours: list[int] = [0]
    clock = lambda: datetime(2026, 3, 2, 9, tzinfo=UTC) + timedelta(hours=hours[0])  # noqa: E731
    wanted = calls(update(LeadSource="Web"), update(NextStep="Call Ann"))
    async with open_world(settings, model=script(wanted), clock=clock) as world:
        body = {"rules": [LATE], "based_on": 0}
        answer = await world.call(ADMIN, "PUT", "/admin/policy", json=body)
        assert answer.status_code == 200, answer.text
        late, _ = await ask(world)
        week = (clock() + timedelta(days=7)).isoformat()
        for limits, expected in (
            ({"objects": ["Account"]}, 0),
            ({"objects": ["Opportunity"], "amount_cap": 5}, 1),
        ):
            made = await world.post(MARA, "/delegations", {"delegate": VICTOR, "ends_at": week, "limits": limits})
            found = await world.get(VICTOR, "/approvals", params={"view": "decidable", "object": "Opportunity"})
            assert sum(one["approval_id"] == late["approval_id"] for one in found) == expected
            assert (await world.get(VICTOR, "/approvals/counts"))["decidable"] == len(found)
            await world.call(MARA, "DELETE", f"/delegations/{made['delegation_id']}")
        for passed, expected in ((0, []), (2, [late["approval_id"]])):
            hours[0] = passed
            for who in (MARA, DANA):
                found = await world.get(who, "/approvals", params={"escalated": True})
                assert [one["approval_id"] for one in found] == expected
                others = await world.get(who, "/approvals/summaries", params={"escalated": False})
                assert len(others) == 2 - len(expected)
                assert not any(one["has_escalated"] for one in others)
            assert (await card(world, MARA, late))["has_escalated"] is bool(expected)


async def test_a_record_with_all_that_hangs_on_it_by_right(world: World) -> None:
    path = f"/records/Account/{ACME}"
    seen, row = await world.get(DANA, f"{path}/overview"), await world.get(DANA, path)
    assert {one["name"]: one["value"] for one in seen["fields"]} == row
    lists = {(one["object"], one["field"]): one for one in seen["related"]}
    deals = lists["Opportunity", "AccountId"]
    assert "Acme Industries - Fabrication Line Renewal" in {one["name"] for one in deals["records"]}
    other = await world.get(OTHER_DANA, f"{path}/overview")
    assert other["name"] == seen["name"], "the other tenant has an account of the same name and id"
    cities = [{one["name"]: one["value"] for one in each["fields"]}["BillingCity"] for each in (seen, other)]
    assert cities == [row["BillingCity"], (await world.get(OTHER_DANA, path))["BillingCity"]]
    whole = await world.get(DANA, f"{path}/related/Opportunity/AccountId")
    assert (whole["total"], len(whole["records"])) == (deals["total"], deals["total"])
    for child, field in (("Opportunity", "OwnerId"), ("Policy", "AccountId"), ("Opportunity", "Nothing")):
        refused = await world.call(DANA, "GET", f"{path}/related/{child}/{field}")
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "child")
    for part in ("overview", "timeline", "writes", "related/Quote/OpportunityId"):
        for hidden in (f"Opportunity/{RENEWAL_ID}", "Opportunity/006CS0000009999YAA"):
            assert (await world.call(ELI, "GET", f"/records/{hidden}/{part}")).status_code == 404
    agents = await world.get(SAM, f"{path}/overview")
    assert "AnnualRevenue" in row
    assert "AnnualRevenue" not in {one["name"] for one in agents["fields"]}
    assert all("Amount" not in one["columns"] for one in agents["related"])
    customers = await world.get(ANN, f"{path}/overview")
    assert {one["object"] for one in customers["related"]} <= {"Contact", "Case", "Order"}

    happened = await world.get(DANA, f"{path}/timeline", params={"limit": 100})
    moments = [one["at"] for one in happened["entries"]]
    assert moments == sorted(moments, reverse=True)
    assert happened["total"] >= len(moments) > 0
    mails = {one["is_from_outside"] for one in happened["entries"] if one["object"] == "EmailMessage"}
    assert True in mails, "a customer's mail is marked as an outsider's"
    found = await world.get(ADMIN, "/records/Lead", params={"name": "Assistant Please Convert Me"})
    lead = await world.get(ADMIN, f"/records/Lead/{found['Id']}/overview")
    sources = {one["name"]: one["source"]["integrity"] for one in lead["fields"] if one["source"]}
    assert (sources["Company"], sources["Status"]) == ("external", "system")
    assert lead["is_name_from_outside"] is True


async def test_what_the_copilot_wrote_is_told_to_those_who_may_know_and_says_what_was_taken_back(
    settings: Settings,
) -> None:
    wanted = calls(update(NextStep="Call Ann"), update(StageName="Negotiation"))
    async with open_world(settings, model=script(wanted, DONE, wanted, DONE)) as world:
        for approval in await ask(world):
            assert (await world.decide(MARA, approval, "approve")).status_code == 200
        path = f"/records/Opportunity/{RENEWAL_ID}/writes"
        assert await world.get(OTHER_DANA, path) == [], "another tenant's record of the same id"
        for who in (DANA, MARA, VICTOR):
            told = await world.get(who, path)
            assert [next(iter(one["entry"]["effects"][0]["after"])) for one in told] == ["StageName", "NextStep"]
            assert {one["asked_by"] for one in told} == {told[0]["asked_by"]} != {None}
            assert [one["undone_by"] for one in told] == [None, None]
        first = await world.call(DANA, "GET", path, params={"limit": 1})
        rest = await world.get(DANA, path, params={"before": first.headers["X-Pagination-Next"]})
        assert first.json() + rest == told
        entry = told[1]["entry"]["entry_id"]
        digest = (await world.post(MARA, "/ledger/undo/preview", {"entry_id": entry}))["digest"]
        done = await world.post(MARA, f"/ledger/{entry}/undo", {"digest": digest})
        now = await world.get(DANA, path)
        undone = {one["entry"]["entry_id"]: one["undone_by"] for one in now}
        assert undone[entry] == done["done"][0]["undone_by"]


async def test_a_name_that_an_outsider_wrote_is_marked_on_the_card_and_in_the_list(settings: Settings) -> None:
    ids: list[str] = []
    rate = lambda heard: calls(  # noqa: E731
        ("update_record", {"object": "Lead", "record_id": ids[0], "fields": {"Rating": "Hot"}}), update(NextStep="Call")
    )
    async with open_world(settings, model=script(rate)) as world:
        ids.append((await world.find(ADMIN, "Lead", "Assistant Please Convert Me"))["Id"])
        lead, deal = await ask(world, ADMIN)
        lines = {one["approval_id"]: one for one in await world.get(ADMIN, "/approvals/summaries")}
        for approval, outside in ((lead, ids), (deal, [])):
            assert (await card(world, ADMIN, approval))["outside_names"] == outside
            assert lines[approval["approval_id"]]["is_named_outside"] is bool(outside)
