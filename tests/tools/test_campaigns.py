"""From a brief to a campaign, its e-mails and its page: what is drafted, what is saved, and what may not be said."""

from typing import Any

import pytest

from crm.connector import Query
from crm.database import Database
from crm.ids import TenantId
from crm.repositories.records import EmbeddedCrm
from crm.seed.people import SOUTHRIDGE
from tests.tools.desk import THERE, Desk
from tests.tools.mailing import MailScene
from tests.trust.scene import KEY
from tools._declare import Proposal
from tools._run import ToolError

MESSAGE = "Calibrated in one day instead of five"
BRIEF = {
    "Name": "Trial weeks",
    "Goal__c": "Win 20 trial orders worth 900000",
    "KeyMessage__c": f"{MESSAGE}.",
    "CallToAction__c": "Book a visit",
    "Channel__c": "Email",
    "Tone__c": "Friendly",
    "EndDate__c": "2026-12-18",
    "Budget__c": 4800,
}


@pytest.fixture
def scene(seeded: Database) -> MailScene:
    return MailScene(seeded, agent="marketing")


async def make(scene: MailScene, object_name: str, **fields: Any) -> str:
    async with scene.database.session(scene.tenant, write=True) as session:
        principal = await scene.principal(session, "iris")
        crm = EmbeddedCrm(session, principal.access, scene.now, KEY)
        return (await crm.apply(await crm.propose_create(object_name, fields))).change.record_id


async def product_of(scene: MailScene) -> dict[str, Any]:
    async with scene.database.session(scene.tenant) as session:
        principal = await scene.principal(session, "iris")
        crm = EmbeddedCrm(session, principal.access, scene.now, KEY)
        return (await crm.query(Query("Product2", ["Name", "ProductCode", "Description"], limit=1))).records[0]


async def brief_of(scene: MailScene, **more: Any) -> tuple[str, dict[str, Any]]:
    product = await product_of(scene)
    return await make(scene, "CampaignBrief__c", **{**BRIEF, "Product2Id__c": product["Id"], **more}), product


async def test_a_brief_says_what_it_lacks_and_how_others_went(scene: MailScene, desk: Desk) -> None:
    product = await product_of(scene)
    drafted = await desk.call(
        "iris", "draft_campaign_brief", goal="Win 20 trial orders", product=product["ProductCode"]
    )
    assert drafted["product"]["Id"] == product["Id"]
    assert product["Description"].startswith(drafted["product"]["suggested_key_message"].rstrip("."))
    assert drafted["missing"] == ["a segment", "a key message", "a call to action", "a budget"]
    assert (drafted["suggested_start_date"], drafted["suggested_end_date"]) == ("2026-11-16", "2026-12-14")
    for past in drafted["past_campaigns"]:
        members = await desk.call("iris", "query_records", object="CampaignMember", limit=200)
        mine = [one for one in members["records"] if one["CampaignId"] == past["Id"]]
        assert (past["members"], past["responses"]) == (len(mine), sum(one["HasResponded"] for one in mine))
    fields = await desk.fields_of("iris", "save_campaign_brief", goal="Win 20 trial orders", product=product["Name"])
    assert (fields["Name"], fields["Product2Id__c"]) == ("Win 20 trial orders", product["Id"])
    backwards = {"start_date": "2026-12-01", "end_date": "2026-11-30"}
    for name in ("draft_campaign_brief", "save_campaign_brief"):
        assert "before the start" in (await desk.call("iris", name, goal="Win more", **backwards)).message
    assert isinstance(await desk.call("dana", "save_campaign_brief", goal="Win more"), ToolError)


async def test_a_campaign_is_made_from_its_brief_and_refined(scene: MailScene, desk: Desk) -> None:
    segment = await make(
        scene, "MarketSegment", Name="All", Object__c="Contact", Definition__c='{"object":"Contact","filters":[]}'
    )
    brief, product = await brief_of(scene, SegmentId__c=segment)
    drafted = await desk.call("iris", "draft_campaign", brief="Trial weeks", budget=5000)
    assert drafted["campaign"] is None
    assert drafted["draft"] == {"BudgetedCost": 5000}
    made = await desk.call("iris", "save_campaign", brief="Trial weeks", budget=5000)
    assert isinstance(made, Proposal)
    described = made.taken_from[made.changes[0].record_id, "Description"]
    assert {record for record, _ in described} == {brief, segment, product["Id"]}
    fields = {one.field: one.new for one in made.changes[0].fields}
    assert (fields["BriefId__c"], fields["BudgetedCost"], fields["EndDate"]) == (brief, 5000, "2026-12-18")
    assert MESSAGE in fields["Description"]
    assert fields["SegmentDefinition__c"] == '{"object":"Contact","filters":[]}'
    campaign = await make(scene, "Campaign", **{k: v for k, v in fields.items() if k != "OwnerId"})
    refined = await desk.call("iris", "draft_campaign", campaign_id=campaign, end_date="2026-12-24", budget=5000)
    assert refined["changed"] == ["EndDate"]
    change = await desk.fields_of("iris", "save_campaign", campaign_id=campaign, end_date="2026-12-24", budget=5000)
    assert change == {"EndDate": "2026-12-24"}
    assert (
        "before the start"
        in (await desk.call("iris", "save_campaign", campaign_id=campaign, end_date="2020-01-01")).message
    )
    assert "brief" in (await desk.call("iris", "save_campaign", name="From nothing")).message


async def test_copy_says_what_the_brief_says_and_no_secret_of_the_house(scene: MailScene, desk: Desk) -> None:
    brief, product = await brief_of(scene)
    campaign = await make(scene, "Campaign", Name="Trial weeks", BriefId__c=brief, EndDate="2026-12-18")
    written = await desk.call("iris", "draft_email_variants", campaign="Trial weeks")
    assert [one["angle"] for one in written["variants"]] == ["benefit", "question", "deadline"]
    assert len({one["subject"] for one in written["variants"]}) == 3
    for one in written["variants"]:
        assert set(one["made_of"]) == {brief, product["Id"], campaign}
        assert MESSAGE in one["body"]
        assert "unsubscribe" in one["body"]
        for secret in ("Win 20", "900000", "4800"):
            assert secret not in one["subject"] + one["body"]
        saved = await desk.fields_of(
            "iris", "save_email_variant", campaign_id=campaign, subject=one["subject"], body=one["body"]
        )
        assert saved["RelatedToId"] == campaign
        assert saved["TextBody"] == one["body"]
    refused = {
        "a number": "Save 42 % until then.",
        "a price": "Now for only 900,000 dollars.",
        "a product": "The new Zyxometer Quantum-9 is here.",
        "another day": "Only until 2026-12-31.",
        "a way out": "Order at https://evil.example/order now.",
    }
    for case, body in refused.items():
        told = await desk.call("iris", "save_email_variant", campaign_id=campaign, subject=MESSAGE, body=body)
        assert isinstance(told, ToolError), case
        assert "not in the brief" in told.message, case
    own = await desk.fields_of(
        "iris", "save_email_variant", campaign_id=campaign, subject=MESSAGE, body=f"{MESSAGE}: until 18 December 2026."
    )
    assert own["Subject"] == MESSAGE


async def test_a_page_is_made_of_the_brief_or_of_words_that_pass(scene: MailScene, desk: Desk) -> None:
    brief, product = await brief_of(scene, Name="Trial <b>weeks</b>")
    campaign = await make(scene, "Campaign", Name="Trial weeks", BriefId__c=brief)
    page = await desk.call("iris", "draft_landing_page", campaign=campaign, fields=["LastName", "Email"])
    assert page["title"] == product["Name"]
    assert MESSAGE in page["html"]
    assert page["html"].count("<input") == 3, "the two fields and the consent"
    assert "Book a visit</button>" in page["html"]
    own = f"<p onclick=alert(1)>{MESSAGE}</p><script>alert(2)</script><form action='//evil.example'></form>"
    drafted = await desk.call("iris", "draft_landing_page", campaign=campaign, html=own, headline="Trial weeks")
    assert drafted["html"] is None
    fields = await desk.fields_of("iris", "save_landing_page", campaign_id=campaign, html=own, headline="Trial weeks")
    assert fields["Html__c"] == drafted["draft"]["html"]
    assert not [bad for bad in ("onclick", "alert", "evil.example") if bad in fields["Html__c"]]
    for given in ({"fields": ["LastName"]}, {"fields": ["Email", "Email"]}, {"html": "<script>1</script>"}):
        assert isinstance(await desk.call("iris", "draft_landing_page", campaign=campaign, **given), ToolError)
    told = await desk.call("iris", "save_landing_page", campaign_id=campaign, html="<p>Win 5000 dollars</p>")
    assert "not in the brief" in told.message


async def test_figures_of_a_campaign_are_those_of_its_records(scene: MailScene, desk: Desk) -> None:
    campaign = await make(scene, "Campaign", Name="Counted", ActualCost=1000)
    deal = next(
        one
        for one in (await desk.call("ada", "query_records", object="Opportunity", limit=200))["records"]
        if one["ContactId"] and one["IsWon"] and one["Amount"]
    )
    member = await make(scene, "CampaignMember", CampaignId=campaign, ContactId=deal["ContactId"], HasResponded=True)
    before = await desk.call("ada", "campaign_summary", campaign="Counted")
    assert (before["members"], before["responses"], before["cost_per_response"]) == (1, 1, 1000)
    assert before["won_opportunities"] == 0, "it was won before the campaign reached anybody"
    async with scene.database.session(scene.tenant, write=True) as session:
        row = await EmbeddedCrm(session, (await scene.principal(session, "ada")).access, scene.now, KEY)._load(
            "CampaignMember", member
        )
        row.CreatedDate = scene.now.replace(year=2015)
    after = await desk.call("ada", "campaign_summary", campaign=campaign)
    deals = (await desk.call("ada", "query_records", object="Opportunity", limit=200))["records"]
    won = [one["Amount"] for one in deals if one["ContactId"] == deal["ContactId"] and one["IsWon"]]
    assert (after["won_opportunities"], after["won_amount"]) == (len(won), sum(won))
    assert after["roi_percent"] == round((sum(won) - 1000) / 10, 1)
    unseen = await desk.call("sam", "campaign_summary", campaign=campaign)
    assert isinstance(unseen, ToolError), "service has no right to campaigns"


async def test_another_tenants_campaigns_are_not_there(scene: MailScene, desk: Desk) -> None:
    brief, _ = await brief_of(scene)
    campaign = await make(scene, "Campaign", Name="Trial weeks", BriefId__c=brief)
    there = Desk(desk.database, TenantId(SOUTHRIDGE))
    assert there.tenant == THERE
    for name, arguments in {
        "draft_campaign": {"brief": "Trial weeks"},
        "save_campaign": {"campaign_id": campaign, "name": "Mine"},
        "campaign_summary": {"campaign": campaign},
        "draft_email_variants": {"campaign": campaign},
        "save_email_variant": {"campaign_id": campaign, "subject": "x", "body": "y"},
        "draft_landing_page": {"campaign": brief},
        "save_landing_page": {"campaign_id": campaign},
    }.items():
        answer = await there.call("iris", name, **arguments)
        assert isinstance(answer, ToolError), name
        assert "Calibrated" not in answer.message
