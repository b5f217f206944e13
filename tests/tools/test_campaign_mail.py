"""A mailing: one approval, one letter for each member who wants mail, and none of them learns of the others."""

from typing import Any

import pytest

from crm.connector import Query, Sort
from crm.database import Database
from crm.repositories.records import EmbeddedCrm
from crm.work import Approval
from tests.tools.mailing import MailScene, parsed
from tests.trust.scene import KEY


@pytest.fixture
def scene(seeded: Database) -> MailScene:
    return MailScene(seeded, agent="marketing")


async def make(scene: MailScene, object_name: str, **fields: Any) -> str:
    async with scene.database.session(scene.tenant, write=True) as session:
        principal = await scene.principal(session, "iris")
        crm = EmbeddedCrm(session, principal.access, scene.now, KEY)
        return (await crm.apply(await crm.propose_create(object_name, fields))).change.record_id


async def contacts_of(scene: MailScene) -> list[dict[str, Any]]:
    """Those who may be written to, each with an address of their own."""
    async with scene.database.session(scene.tenant) as session:
        principal = await scene.principal(session, "iris")
        crm = EmbeddedCrm(session, principal.access, scene.now, KEY)
        rows = (await crm.query(Query("Contact", ["Email", "HasOptedOutOfEmail"], sort=[Sort("Id")], limit=60))).records
    by_address = {row["Email"]: row for row in rows if row["Email"] and not row["HasOptedOutOfEmail"]}
    return list(by_address.values())


async def mailing(scene: MailScene, people: list[dict[str, Any]], **draft: Any) -> tuple[str, str, list[str]]:
    """A campaign with these members, and a draft for them."""
    campaign = await make(scene, "Campaign", Name="Trial weeks")
    members = [
        await make(scene, "CampaignMember", CampaignId=campaign, ContactId=one["Id"], Status="Planned")
        for one in people
    ]
    given = {"RelatedToId": campaign, "ToIds": None, "Subject": "Trial weeks", "TextBody": "Hello,\n\ncome and see."}
    return campaign, await scene.draft("iris", **{**given, **draft}), members


async def ask(scene: MailScene, draft_id: str, **more: Any) -> Any:
    return await scene.ask("iris", "send_campaign_email", draft_id=draft_id, **more)


async def test_each_member_gets_a_letter_of_their_own_and_gets_it_once(scene: MailScene) -> None:
    people = (await contacts_of(scene))[:14]
    assert len(people) == 14
    campaign, draft_id, members = await mailing(scene, people)
    await scene.change(people[0]["Id"], "Contact", HasOptedOutOfEmail=True)
    await scene.change(people[1]["Id"], "Contact", Email=None)
    await scene.change(members[2], "CampaignMember", HasResponded=True)
    held = await ask(scene, draft_id, limit=10)
    assert isinstance(held, Approval), held
    able = {one["Email"] for one in people[3:]}
    expected = [one["address"] for one in held.card["message"]["recipients"]]
    assert len(expected) == 10
    assert set(expected) < able
    assert held.card["message"]["separately"] is True
    assert not held.rule["self_approval"]
    assert await scene.sees(held, "ada")
    await scene.decide(held, "ada")
    assert await scene.mails() == []
    outcome = await scene.settle(held, "iris")
    assert outcome.applied, outcome.result
    mails = await scene.mails()
    assert sorted(one["address"] for mail in mails for one in mail.recipients) == sorted(expected)
    assert len(mails) == 10
    assert sorted(outcome.result["outbox_ids"]) == sorted(mail.outbox_id for mail in mails)
    for mail in mails:
        letter = parsed(mail)
        [own] = [one.addr_spec for one in letter["To"].addresses]
        assert not [one for one in expected if one != own and one in mail.mime], "nobody learns of the others"
    assert (await scene.settle(held, "iris")).is_repeat
    assert len(await scene.mails()) == 10
    assert await scene.value("Status", draft_id, "EmailMessage") == "Sent"
    statuses = [await scene.value("Status", one, "CampaignMember") for one in members]
    assert statuses[:3] == ["Planned"] * 3
    assert sorted(statuses[3:]) == ["Planned", *["Sent"] * 10]

    again = await scene.draft("iris", RelatedToId=campaign, ToIds=None, TextBody="Hello again.")
    rest = await ask(scene, again)
    assert {one["address"] for one in rest.card["message"]["recipients"]} == able - set(expected)


async def test_who_opts_out_after_the_approval_stops_it(scene: MailScene) -> None:
    people = (await contacts_of(scene))[:3]
    _, draft_id, members = await mailing(scene, people)
    held = await ask(scene, draft_id)
    await scene.decide(held, "ada")
    await scene.change(people[1]["Id"], "Contact", HasOptedOutOfEmail=True)
    outcome = await scene.settle(held, "iris")
    assert (outcome.applied, outcome.result["message"]) == (
        False,
        "the message is no longer the one that was approved: recipients",
    )
    assert await scene.mails() == []
    assert await scene.value("Status", members[0], "CampaignMember") == "Planned"


async def test_only_a_campaigns_own_draft_goes_to_its_members(scene: MailScene) -> None:
    people = (await contacts_of(scene))[:2]
    _, to_one, _ = await mailing(scene, people, ToIds=people[0]["Id"])
    refused = {
        "a draft for somebody": to_one,
        "no draft of a campaign": await scene.draft("iris", RelatedToId=people[0]["Id"], ToIds=None),
        "another kind of record": people[0]["Id"],
    }
    for case, draft_id in refused.items():
        told = await ask(scene, draft_id)
        assert not isinstance(told, Approval), case
        assert told["error"]["kind"] == "retry", case
    _, nobody, _ = await mailing(scene, [])
    assert "no member left" in (await ask(scene, nobody))["error"]["message"]
    _, draft_id, _ = await mailing(scene, people)
    told = await ask(scene, draft_id, limit=100)
    assert "limit" in told["error"]["message"]
    assert await scene.mails() == []
