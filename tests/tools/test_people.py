"""Contacts made from messages, and e-mails that say nothing but what records say."""

from typing import Any

import pytest

from crm.repositories.records import EmbeddedCrm
from crm.seed.people import ANN_POE, staff_id
from crm.work import Approval
from tests.tools.desk import THERE, Desk
from tests.trust.scene import KEY, NOW, RENEWAL, Scene
from tools._run import ToolError
from tools._signatures import Signature, name_in_address, read_signature

BODY = "Hello Dana,\n\nwho is our contact?\n\nKind regards,\nPia Marlow\nHead of Procurement\nTel. +49 30 901820"


async def add(scene: Scene, object_name: str, /, who: str = "dana", **fields: Any) -> str:
    async with scene.database.session(scene.tenant, write=True) as session:
        principal = await scene.principal(session, who)
        crm = EmbeddedCrm(session, principal.access, NOW, KEY)
        return (await crm.apply(await crm.propose_create(object_name, fields))).change.record_id


async def mail(scene: Scene, **fields: Any) -> str:
    given = {"FromAddress": "pia.marlow@acme-industries.example", "TextBody": BODY, "Incoming": True, "Status": "New"}
    return await add(scene, "EmailMessage", **{"RelatedToId": RENEWAL, "ToIds": staff_id("dana"), **given, **fields})


async def told(scene: Scene, tool: str, who: str = "dana", **arguments: Any) -> str:
    answer = await scene.ask(who, tool, **arguments)
    assert not isinstance(answer, Approval), answer.card
    return str(answer["error"]["message"])


class TestContactFromMessage:
    async def test_sender_and_signature_make_a_contact_in_the_writers_name(self, scene: Scene) -> None:
        message = await mail(scene)
        approval = await scene.hold(tool="create_contact_from_message", message_id=message)
        [change] = approval.changes
        values = {one["field"]: one["new"] for one in change["fields"]}
        async with scene.database.session(scene.tenant) as session:
            crm = EmbeddedCrm(session, (await scene.principal(session, "ada")).access, NOW, KEY)
            acme = (await crm.get("Contact", ANN_POE.contact_id, ["AccountId"]))["AccountId"]
        assert values == {
            "FirstName": "Pia",
            "LastName": "Marlow",
            "Email": "pia.marlow@acme-industries.example",
            "Title": "Head of Procurement",
            "Phone": "+49 30 901820",
            "AccountId": acme,
            "OwnerId": staff_id("dana"),
        }
        outside = {one["field"] for one in approval.labels["fields"] if one["new"]["integrity"] == "external"}
        assert outside == {"FirstName", "LastName", "Email", "Title", "Phone"}
        assert approval.card["warnings"]
        await scene.decide(approval, "dana")
        assert (await scene.settle(approval)).applied
        assert "has the sender's address already" in await told(
            scene, "create_contact_from_message", message_id=await mail(scene)
        )
        draft = {"record_id": change["id"], "to": f"contact:{change['id']}.Email", "subject": "Hi", "body": "Hi"}
        saved = await scene.hold(tool="create_draft", **draft)
        await scene.decide(saved, "dana")
        assert (await scene.settle(saved)).applied
        refused = await told(scene, "send_email", draft_id=saved.changes[0]["id"])
        assert refused == "where it would go was named by somebody outside", "until somebody vouches for the address"

    async def test_what_the_message_does_not_say_is_asked_for(self, scene: Scene) -> None:
        silent = await mail(scene, TextBody="call me", FromAddress="info@gmail.com")
        assert "last_name" in await told(scene, "create_contact_from_message", message_id=silent)
        named = await scene.hold(tool="create_contact_from_message", message_id=silent, last_name="Marlow")
        fields = {one["field"]: one["new"] for one in named.changes[0]["fields"]}
        assert (fields["LastName"], fields["Email"], "AccountId" in fields) == ("Marlow", "info@gmail.com", False)
        labels = {one["field"]: one["new"]["integrity"] for one in named.labels["fields"]}
        assert labels["Email"] == "external"
        assert labels["LastName"] != "external"
        spelled = await mail(scene, TextBody="call me", FromAddress="lee.stone@newco.example")
        fields = {
            one["field"]: one["new"]
            for one in (await scene.hold(tool="create_contact_from_message", message_id=spelled)).changes[0]["fields"]
        }
        assert (fields["FirstName"], fields["LastName"]) == ("Lee", "Stone")

    async def test_messages_of_the_house_hidden_ones_and_other_tenants_make_nobody(self, scene: Scene) -> None:
        own = await mail(scene, Incoming=False, Status="Sent")
        assert "did not come in" in await told(scene, "create_contact_from_message", message_id=own)
        message = await mail(scene)
        assert "that you can see" in await told(scene, "create_contact_from_message", "eli", message_id=message)
        there = await Desk(scene.database, THERE).call("dana", "create_contact_from_message", message_id=message)
        assert isinstance(there, ToolError)
        lead = await add(scene, "Lead", LastName="Marlow", Email="pia.marlow@acme-industries.example")
        assert f"Lead {lead}" in await told(scene, "create_contact_from_message", message_id=message)

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("Hello Dana,\n\nOscar decides.\n\nAnn Poe", Signature("Ann", "Poe")),
            (
                "Best\n\nMaría-José O'Neill\n+1 212 555 2368",
                Signature("María-José", "O'Neill", None, "+1 212 555 2368"),
            ),
            ("> Ann Poe\n> quoted", Signature()),
            ("Thanks,\nJoe", Signature()),
            ("", Signature()),
        ],
    )
    def test_signatures(self, text: str, expected: Signature) -> None:
        assert read_signature(text) == expected
        assert name_in_address("info@x.example") == Signature()


class TestGroundedDrafts:
    async def test_facts_of_the_named_records_pass_and_are_cited(self, scene: Scene) -> None:
        deal = {"record_id": RENEWAL, "recipient_id": ANN_POE.contact_id, "subject": "Your renewal"}
        body = "Dear Ann Poe,\n\nthe Fabrication Line Renewal comes to 41,049.10 and closes on 2026-11-07.\n\nDana"
        approval = await scene.hold(tool="create_draft", **deal, body=body, based_on=[RENEWAL])
        [text] = [one for one in approval.card["changes"][0]["fields"] if one["field"] == "TextBody"]
        assert f"Opportunity {RENEWAL}" in text["source"]["origin"], "the card says what it rests on"
        plain = await scene.hold(tool="create_draft", **deal, body=body)
        assert plain.changes

    async def test_what_no_record_says_is_refused_by_name(self, scene: Scene) -> None:
        deal = {"record_id": RENEWAL, "recipient_id": ANN_POE.contact_id, "subject": "Your renewal"}
        said = await told(scene, "create_draft", **deal, body="We offer it for 39,999.", based_on=[RENEWAL])
        assert said.startswith("body: none of the records of based_on says '39,999'")
        said = await told(scene, "create_draft", **deal, body="It comes on 2027-03-03.", based_on=[RENEWAL])
        assert "'2027-03-03'" in said
        hidden = await told(scene, "create_draft", **deal, body="Hello.", based_on=[staff_id("dana")[:3] + "0" * 12])
        assert "no such record that you can see" in hidden

    async def test_hidden_fields_ground_nothing(self, scene: Scene) -> None:
        deal = {"record_id": RENEWAL, "recipient_id": ANN_POE.contact_id, "subject": "Your renewal"}
        said = await told(scene, "create_draft", "sam", **deal, body="It comes to 41,049.10.", based_on=[RENEWAL])
        assert "'41,049.10'" in said, "to whom amounts are hidden, they are nobody's fact"
