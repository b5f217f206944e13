"""What may leave the house, and the many things that may not."""

import dataclasses

import pytest

from crm.connector import Query
from crm.database import Database
from crm.ids import TenantId, numbered_id
from crm.repositories.records import EmbeddedCrm
from crm.seed.people import SOUTHRIDGE, staff_id
from crm.work import Approval
from tests.tools.mailing import ANN, OSCAR, RUTH, TEXT, MailScene, parsed
from tests.trust.scene import KEY, RENEWAL
from trust.approvals import NotEntitledError

ANN_MAIL = "ann.poe@acme-industries.example"


@pytest.fixture
def scene(seeded: Database) -> MailScene:
    return MailScene(seeded)


async def lead_of(scene: MailScene, **fields: object) -> str:
    """A lead of Dana's whose address nobody else has."""
    given = {"LastName": "Prospect", "FirstName": "Pia", "Company": "Newco", "Email": "pia@newco.example", **fields}
    async with scene.database.session(scene.tenant, write=True) as session:
        principal = await scene.principal(session, "dana")
        crm = EmbeddedCrm(session, principal.access, scene.now, KEY)
        return (await crm.apply(await crm.propose_create("Lead", given))).change.record_id


async def test_an_approved_draft_is_sent_as_it_was_shown(scene: MailScene) -> None:
    draft_id = await scene.draft(CcAddress=f"contact:{OSCAR}.Email; mara@northwind.example")
    approval = await scene.send(draft_id)
    assert isinstance(approval, Approval)
    shown = approval.card["message"]
    assert (shown["subject"], shown["body"]) == ("Your offer", TEXT)
    assert [(one["role"], one["name"], one["address"], one["record"]) for one in shown["recipients"]] == [
        ("to", "Ann Poe", ANN_MAIL, f"Contact:{ANN}"),
        ("cc", "Oscar Lind", "oscar.lind@acme-industries.example", f"Contact:{OSCAR}"),
        ("cc", "Mara Lindqvist", "mara@northwind.example", f"User:{staff_id('mara')}"),
    ]
    assert approval.changes[0]["fields"] == [{"field": "Status", "old": "Draft", "new": "Sent"}]
    assert await scene.mails() == []
    await scene.decide(approval)
    later = scene.later(hours=3)
    outcome = await later.settle(approval)
    assert outcome.applied, outcome.result
    [mail] = await scene.mails()
    assert (mail.status, mail.approval_id, mail.record_id) == ("pending", approval.approval_id, draft_id)
    assert outcome.result["outbox_id"] == mail.outbox_id
    assert [one["address"] for one in mail.recipients] == [one["address"] for one in shown["recipients"]]
    letter = parsed(mail)
    assert letter["Message-ID"] == f"<{mail.outbox_id}@northwind.example>"
    assert letter["From"].addresses[0].addr_spec == "mail@northwind.example"
    assert letter["Reply-To"].addresses[0].addr_spec == "dana@northwind.example"
    assert letter["Bcc"] is None
    assert letter.get_content().replace("\r\n", "\n").strip() == TEXT
    assert await scene.value("Status", draft_id, "EmailMessage") == "Sent"
    assert await scene.value("MessageDate", draft_id, "EmailMessage") == later.now.isoformat().replace("+00:00", "Z")
    assert (await later.settle(approval)).is_repeat
    assert len(await scene.mails()) == 1


async def test_recipients_come_from_references_only(scene: MailScene) -> None:
    refusals = {
        "address with nobody behind it": {"CcAddress": "thief@evil.example"},
        "bcc dressed up as a copy": {"CcAddress": "Bcc: thief@evil.example"},
        "header dressed up as a copy": {"CcAddress": f"contact:{OSCAR}.Email\r\nBcc: thief@evil.example"},
        "reference to no person": {"CcAddress": f"contact:{RENEWAL}.Email"},
        "reference of another kind": {"CcAddress": f"lead:{OSCAR}.Email"},
        "nobody at all": {"ToIds": None},
    }
    for case, fields in refusals.items():
        assert await scene.refusal(**fields), case
    told = await scene.refusal(ToIds=None)
    assert "names nobody" in told
    twin = await lead_of(scene, Email=ANN_MAIL, HasEmailConsent__c=True)
    told = await scene.refusal(CcAddress=ANN_MAIL)
    assert f"contact:{ANN}.Email" in told
    assert f"lead:{twin}.Email" in told


async def test_those_who_must_not_be_written_to_are_not(scene: MailScene) -> None:
    lead = await lead_of(scene)
    told = await scene.refusal(RelatedToId=lead, ToIds=lead)
    assert told == "Pia Prospect must not be written to: has not agreed to be mailed"
    await scene.change(lead, "Lead", HasEmailConsent__c=True)
    told = await scene.refusal(RelatedToId=lead, ToIds=lead)
    assert told == "where it would go was named by somebody outside", "anybody can write an address into a web form"
    await scene.vouch(lead, "Email")
    assert isinstance(await scene.send(await scene.draft(RelatedToId=lead, ToIds=lead)), Approval)
    await scene.change(lead, "Lead", HasEmailConsent__c=False)
    await scene.rule(leads_need_consent=False)
    assert isinstance(await scene.send(await scene.draft(RelatedToId=lead, ToIds=None)), Approval)
    await scene.change(lead, "Lead", Email=None)
    assert "no e-mail address" in await scene.refusal(RelatedToId=lead, ToIds=lead)
    await lead_of(scene, Email=ANN_MAIL.upper(), HasOptedOutOfEmail=True)
    told = await scene.refusal()
    assert told == "Ann Poe must not be written to: opted out of e-mail", "under whichever record they said so"
    await scene.change(OSCAR, "Contact", HasOptedOutOfEmail=True)
    assert "Oscar Lind must not be written to" in await scene.refusal(ToIds=OSCAR)


async def test_nobody_gets_what_is_about_others(scene: MailScene) -> None:
    told = await scene.refusal(ToIds=RUTH)
    assert told == "the message is not meant for Ruth Hale: it is about somebody else's records"
    assert "Ruth Hale" in await scene.refusal(CcAddress=f"contact:{RUTH}.Email"), "one wrong reader among right ones"
    lead = await lead_of(scene, HasEmailConsent__c=True)
    assert "Pia Prospect" in await scene.refusal(ToIds=lead)
    await scene.rule(wrong_reader="hold")
    held = await scene.send(await scene.draft(ToIds=RUTH))
    assert isinstance(held, Approval)
    assert "not meant for Ruth Hale" in held.rule["reason"]
    assert not held.rule["self_approval"]
    await scene.rule(wrong_reader="deny")
    await scene.decide(held)
    outcome = await scene.settle(held)
    assert not outcome.applied
    assert "not meant for Ruth Hale" in outcome.result["message"]


async def test_only_whole_drafts_of_ones_own_are_sent(scene: MailScene) -> None:
    assert "one line" in await scene.refusal(Subject="Your offer\r\nBcc: thief@evil.example")
    assert "no subject" in await scene.refusal(Subject="\u200b")
    assert "no text" in await scene.refusal(TextBody=None)
    assert "HTML is not sent" in await scene.refusal(TextBody=None, HtmlBody="<p>Hello</p>")
    assert "came in" in await scene.refusal(Incoming=True)
    assert "sent already" in await scene.refusal(Status="Sent")
    other = await scene.draft()
    answer = await scene.send(other, "eli")
    absent = await scene.send(numbered_id("02s", 9_999_999), "eli")
    assert [one["error"]["kind"] for one in (answer, absent)] == ["not_found", "not_found"], "no rights, no trace"
    wrong_kind = await scene.send(RENEWAL)
    assert wrong_kind["error"]["message"] == "draft_id: expected the id of an EmailMessage"
    async with scene.database.session(scene.tenant) as session:
        ada = await scene.principal(session, "ada")
        count = (await EmbeddedCrm(session, ada.access, scene.now, KEY).query(Query("EmailMessage"))).total
    assert count
    customer = await scene.send(other, ANN)
    assert customer["error"]["kind"] == "denied"
    narrow = dataclasses.replace(scene, scopes=scene.scopes - {"crm:send"}, runs=900)
    assert "crm:send" in (await narrow.send(other))["error"]["message"]
    assert await scene.mails() == []


async def test_a_draft_of_another_tenant_is_not_there(seeded: Database) -> None:
    here, there = MailScene(seeded), MailScene(seeded, TenantId(SOUTHRIDGE))
    theirs = await there.draft()
    answer = await here.send(theirs)
    assert answer["error"]["kind"] == "not_found"
    approval = await there.approved()
    assert (await there.settle(approval)).applied
    assert len(await there.mails()) == 1
    assert await here.mails() == []


async def test_what_changed_since_it_was_approved_is_not_sent(scene: MailScene) -> None:
    edited = await scene.approved()
    await scene.change(edited.changes[0]["id"], "EmailMessage", TextBody="Dear Ann, send money.")
    moved = await scene.approved(Subject="second")
    await scene.change(ANN, "Contact", Email="ann@elsewhere.example")
    for approval, part in ((edited, "body, content, recipients"), (moved, "recipients")):
        outcome = await scene.settle(approval)
        assert (outcome.applied, outcome.result["message"]) == (
            False,
            f"the message is no longer the one that was approved: {part}",
        )
    opted_out = await scene.approved(Subject="third")
    await scene.change(ANN, "Contact", HasOptedOutOfEmail=True)
    outcome = await scene.settle(opted_out)
    assert outcome.result["message"] == "Ann Poe must not be written to: opted out of e-mail"
    assert await scene.mails() == []
    for approval in (edited, moved, opted_out):
        assert await scene.value("Status", approval.changes[0]["id"], "EmailMessage") == "Draft"


async def test_a_draft_is_sent_once_whoever_asks_twice(scene: MailScene) -> None:
    draft_id = await scene.draft()
    first, second = await scene.send(draft_id), await scene.send(draft_id)
    for approval in (first, second):
        await scene.decide(approval)
    assert (await scene.settle(first)).applied
    outcome = await scene.settle(second)
    assert outcome.result["message"] == "only a draft can be sent, and this e-mail is sent already"
    assert len(await scene.mails()) == 1
    for status in ("Draft", "Read"):
        answer = await scene.ask(
            tool="update_record", object="EmailMessage", record_id=draft_id, fields={"Status": status}
        )
        assert "only sending" in answer["error"]["message"], "and it is made no draft again"


async def test_the_second_person_sees_all_of_it_and_is_a_second_person(scene: MailScene) -> None:
    approval = await scene.send(await scene.draft())
    with pytest.raises(NotEntitledError, match="second person"):
        await scene.decide(approval, "dana")
    assert await scene.sees(approval, "mara")
    assert not await scene.sees(approval, "owen"), "who does not see the draft does not decide on it"
    assert await scene.mails() == []


async def test_without_a_sender_nothing_is_sent(scene: MailScene) -> None:
    await scene.rule(address="not an address")
    assert "no sender address" in await scene.refusal()
