"""Segments: who is in them by records and by rights, and that nobody becomes a member who wants no mail."""

from typing import Any

import pytest

from crm.connector import Query, Sort
from crm.database import Database
from crm.ids import TenantId
from crm.repositories.records import EmbeddedCrm
from crm.seed.people import SOUTHRIDGE
from crm.work import Approval
from tests.tools.desk import Desk
from tests.tools.mailing import ANN, MailScene
from tests.trust.scene import KEY, Scene
from tools._declare import Proposal
from tools._run import ToolError
from trust.guards.limit_records import MAX_RECORDS
from trust.undo import Undoing

MAKERS = [{"field": "Account.Industry", "op": "eq", "value": "Manufacturing"}]


async def all_rows(scene: Scene, object_name: str, fields: list[str], who: str = "ada") -> list[dict[str, Any]]:
    async with scene.database.session(scene.tenant) as session:
        principal = await scene.principal(session, who)
        crm = EmbeddedCrm(session, principal.access, scene.now, KEY)
        page = await crm.query(Query(object_name, fields, sort=[Sort("Id")], limit=200))
        assert page.next_cursor is None
        return page.records


async def people_in(scene: Scene, industry: str, who: str) -> list[dict[str, Any]]:
    """Contacts of companies in an industry, joined in Python from what the person may list."""
    accounts = {row["Id"]: row for row in await all_rows(scene, "Account", ["Industry"], who)}
    contacts = await all_rows(scene, "Contact", ["AccountId", "HasOptedOutOfEmail", "Email"], who)
    return [row for row in contacts if accounts.get(row["AccountId"], {}).get("Industry") == industry]


@pytest.fixture
def scene(seeded: Database) -> MailScene:
    return MailScene(seeded, agent="marketing")


async def test_a_segment_counts_who_is_there_for_the_person_who_asks(scene: Scene, desk: Desk) -> None:
    counts = {}
    for who in ("iris", "dana", "eli"):
        found = await desk.call(who, "preview_segment", object="Contact", filters=MAKERS, sample=3)
        expected = await people_in(scene, "Manufacturing", who)
        assert found["count"] == len(expected)
        assert found["opted_out"] == sum(row["HasOptedOutOfEmail"] for row in expected)
        assert found["reachable"] + found["opted_out"] + found["without_email"] == found["count"]
        assert {row["Id"] for row in found["sample"]} <= {row["Id"] for row in expected}
        assert str(found["count"]) in found["summary"]
        in_words = await desk.call(who, "preview_segment", industry="manufacturing, Alchemy")
        assert in_words["count"] == found["count"], "plain words say the same"
        counts[who] = found["count"]
    assert counts["iris"] > max(counts["dana"], counts["eli"]), "reps count among the companies that they see"
    there = Desk(scene.database, TenantId(SOUTHRIDGE))
    theirs = await there.call("iris", "preview_segment", object="Contact", filters=MAKERS)
    expected = await people_in(Scene(scene.database, TenantId(SOUTHRIDGE)), "Manufacturing", "iris")
    assert theirs["count"] == len(expected)


async def test_conditions_ask_nothing_that_is_hidden(desk: Desk) -> None:
    hidden, absent = [
        await desk.call("sam", "preview_segment", filters=[{"field": f"Account.{field}", "op": "gt", "value": 1}])
        for field in ("AnnualRevenue", "NoSuchField")
    ]
    assert isinstance(hidden, ToolError)
    assert hidden.message.replace("AnnualRevenue", "*") == absent.message.replace("NoSuchField", "*")
    refused = {
        "object that may not be read": {"object": "Contact", "filters": [{"field": "Account.Name", "value": "A"}]},
        "two steps": {"object": "Contact", "filters": [{"field": "Account.Owner.Alias", "value": "a"}]},
        "no such relation": {"object": "Contact", "filters": [{"field": "Campaign.Name", "value": "a"}]},
        "no such operator": {"object": "Contact", "filters": [{"field": "Account.Industry", "op": "gt", "value": "a"}]},
        "another kind of record": {"object": "User", "filters": []},
        "too many": {"object": "Contact", "filters": MAKERS * 13},
        "too many with words": {"object": "Contact", "filters": MAKERS * 12, "industry": "Energy"},
        "companies of leads": {"object": "Lead", "industry": "Energy"},
        "ratings of contacts": {"object": "Contact", "rating": "Hot"},
    }
    customer = await desk.call(ANN, "preview_segment")
    assert customer.message == "preview_segment is for staff only"
    for case, arguments in refused.items():
        who = "devi" if case == "object that may not be read" else "iris"
        assert isinstance(await desk.call(who, "preview_segment", **arguments), ToolError), case


async def test_a_saved_segment_is_what_was_tried(desk: Desk) -> None:
    fields = await desk.fields_of("iris", "save_segment", name="Makers", object="Contact", filters=MAKERS)
    assert fields["Definition__c"] == (
        '{"object":"Contact","filters":[{"field":"Account.Industry","op":"eq","value":"Manufacturing"}]}'
    )
    nobody = await desk.call(
        "iris", "save_segment", name="None", filters=[{"field": "Account.Industry", "op": "eq", "value": "Alchemy"}]
    )
    assert "nobody meets" in nobody.message
    denied = await desk.call("dana", "save_segment", name="Makers", filters=MAKERS)
    assert isinstance(denied, ToolError), "sales may look at segments and not save them"


async def campaign_for(scene: Scene, filters: str, **more: Any) -> str:
    async with scene.database.session(scene.tenant, write=True) as session:
        principal = await scene.principal(session, "iris")
        crm = EmbeddedCrm(session, principal.access, scene.now, KEY)
        given = {"Name": "Makers in spring", "SegmentDefinition__c": filters, **more}
        return (await crm.apply(await crm.propose_create("Campaign", given))).change.record_id


ALL = '{"object":"Contact","filters":[]}'


async def test_members_are_those_who_want_mail_and_are_not_in_it_yet(scene: MailScene, desk: Desk) -> None:
    campaign = await campaign_for(scene, ALL)
    contacts = await all_rows(scene, "Contact", ["HasOptedOutOfEmail"], "iris")
    willing = [row["Id"] for row in contacts if not row["HasOptedOutOfEmail"]]
    assert len(willing) > MAX_RECORDS + 2
    twin = next(row for row in await all_rows(scene, "Contact", ["Email"]) if row["Id"] == willing[1])
    await scene.change(willing[0], "Contact", HasOptedOutOfEmail=True)
    async with scene.database.session(scene.tenant, write=True) as session:  # the same person, as a lead
        ada = await scene.principal(session, "ada")
        crm = EmbeddedCrm(session, ada.access, scene.now, KEY)
        lead = {"LastName": "Twin", "Email": twin["Email"].upper(), "HasOptedOutOfEmail": True}
        await crm.apply(await crm.propose_create("Lead", lead))
    first = await scene.ask("iris", "add_campaign_members", campaign_id=campaign, limit=12)
    assert isinstance(first, Approval), first
    listed = [value["new"] for one in first.changes for value in one["fields"] if value["field"] == "ContactId"]
    assert listed == willing[2:14]
    assert first.card["title"] == "Create 12 CampaignMember"
    assert not first.rule["self_approval"], "that many records are for a second person"
    await scene.decide(first, "ada")
    assert (await scene.settle(first, "iris")).applied
    second = await scene.ask("iris", "add_campaign_members", campaign_id=campaign, limit=100)
    added = [value["new"] for one in second.changes for value in one["fields"] if value["field"] == "ContactId"]
    assert added == willing[14:]
    await scene.change(added[0], "Contact", HasOptedOutOfEmail=True)
    await scene.decide(second, "ada")
    outcome = await scene.settle(second, "iris")
    assert (outcome.applied, outcome.result["message"]) == (
        False,
        f"Contact:{added[0]} must not be written to: opted out of e-mail",
    )
    members = await all_rows(scene, "CampaignMember", ["CampaignId"])
    assert sum(row["CampaignId"] == campaign for row in members) == 12


async def test_no_way_leads_round_the_suppression(scene: MailScene) -> None:
    campaign = await campaign_for(scene, ALL)
    [willing, other] = (await all_rows(scene, "Contact", ["HasOptedOutOfEmail"], "iris"))[:2]
    await scene.change(other["Id"], "Contact", HasOptedOutOfEmail=True)
    member = {"CampaignId": campaign, "ContactId": other["Id"]}
    told = await scene.ask("iris", "create_record", object="CampaignMember", fields=member)
    assert "must not be written to" in told["error"]["message"]
    held = await scene.ask(
        "iris", "create_record", object="CampaignMember", fields=member | {"ContactId": willing["Id"]}
    )
    await scene.decide(held, "iris")
    made = await scene.settle(held, "iris")
    assert made.applied
    told = await scene.ask(
        "iris",
        "update_record",
        object="CampaignMember",
        record_id=made.result["id"],
        fields={"ContactId": other["Id"]},
    )
    assert "must not be written to" in told["error"]["message"]


async def test_a_whole_list_is_taken_back_at_once(scene: MailScene) -> None:
    campaign = await campaign_for(scene, ALL)
    held = await scene.ask("iris", "add_campaign_members", campaign_id=campaign, limit=12)
    await scene.decide(held, "ada")
    assert (await scene.settle(held, "iris")).applied
    async with scene.database.session(scene.tenant) as session:
        ada = await scene.principal(session, "ada")
    undoing = Undoing(scene.database, scene.desk.crm_for, lambda: scene.now)
    preview = await undoing.preview(ada, run_id=held.run_id, is_auditor=True)
    done = await undoing.undo(ada, preview.digest, run_id=held.run_id, is_auditor=True)
    assert not done.refused, done.refused
    assert done.done or done.asked


async def test_segments_of_others_are_not_there(desk: Desk, scene: Scene) -> None:
    campaign = await campaign_for(scene, ALL)
    there = Desk(desk.database, TenantId(SOUTHRIDGE))
    for who in ("iris", "ada"):
        answer = await there.call(who, "add_campaign_members", campaign_id=campaign)
        assert isinstance(answer, ToolError)
        assert answer.kind == "not_found"
    broken = await campaign_for(scene, '{"object":"User","filters":[]}')
    answer = await desk.call("iris", "add_campaign_members", campaign_id=broken)
    assert "no segment is kept there" in answer.message
    proposal = await desk.call("iris", "add_campaign_members", campaign_id=campaign, limit=3)
    assert isinstance(proposal, Proposal)
    assert len(proposal.changes) == 3
