"""A meeting request: shown whole, sent as shown, to nobody who must not be written to."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from crm.database import Database
from crm.repositories.records import EmbeddedCrm
from crm.seed.people import staff_id
from crm.work import Approval
from tests.conftest import SqliteTemplates, seed_small
from tests.tools.mailing import ANN, OSCAR, RUTH, MailScene, parsed
from tests.trust.scene import KEY, RENEWAL
from trust.approvals import NotEntitledError

WHEN = "2026-11-05T10:00:00Z"


@pytest.fixture
async def scene(sqlite_templates: SqliteTemplates) -> AsyncIterator[MailScene]:
    sqlite_templates.build("seeded", seed_small)
    with sqlite_templates.copied("seeded") as config:
        opened = Database(config)
        yield MailScene(opened)
        await opened.close()


def request(**more: Any) -> dict[str, Any]:
    given = {"subject": "Line 3", "starts_at": WHEN, "to": [f"contact:{ANN}.Email"], "related_to_id": RENEWAL}
    return {**given, **more}


async def ask(scene: MailScene, who: str = "dana", **more: Any) -> Any:
    return await scene.ask(who, "send_meeting_request", **request(**more))


async def refusal(scene: MailScene, who: str = "dana", **more: Any) -> str:
    answer = await ask(scene, who, **more)
    assert not isinstance(answer, Approval), answer.card
    assert await scene.mails() == []
    return str(answer["error"]["message"])


async def test_it_is_sent_as_shown_and_stands_in_the_calendar(scene: MailScene) -> None:
    approval = await ask(
        scene,
        to=[f"contact:{ANN}.Email", f"contact:{OSCAR}.Email"],
        location="San Jose",
        text="See https://evil.example/x",
    )
    assert isinstance(approval, Approval), approval
    assert [change["object"] for change in approval.changes] == ["EmailMessage", "Event"]
    shown = approval.card["message"]
    assert shown["subject"] == "Invitation: Line 3"
    assert "When: Thursday, 2026-11-05 10:00 to 11:00 UTC\nWhere: San Jose" in shown["body"]
    assert "evil.example" not in shown["body"], "what goes out is cleaned like any other letter"
    assert [one["name"] for one in shown["recipients"]] == ["Ann Poe", "Oscar Lind"]
    assert await scene.sees(approval, "mara")
    assert not await scene.sees(approval, "eli")
    with pytest.raises(NotEntitledError, match="second person"):
        await scene.decide(approval, "dana")
    await scene.decide(approval, "mara")
    outcome = await scene.settle(approval)
    assert outcome.applied, outcome.result
    [mail] = await scene.mails()
    letter = parsed(mail)
    assert letter.get_content().replace("\r\n", "\n").strip("\n") == shown["body"].strip("\n")
    assert mail.record_id == approval.changes[0]["id"]
    event = approval.changes[1]["id"]
    assert await scene.value("StartDateTime", event, "Event") == WHEN
    assert (await scene.value("WhoId", event, "Event"), await scene.value("WhatId", event, "Event")) == (ANN, RENEWAL)
    assert await scene.value("Status", mail.record_id, "EmailMessage") == "Sent"
    assert (await scene.settle(approval)).is_repeat


async def test_who_must_not_be_written_to_is_not_invited(scene: MailScene) -> None:
    assert "not meant for Ruth Hale" in await refusal(scene, to=[f"contact:{RUTH}.Email"])
    await scene.change(OSCAR, "Contact", HasOptedOutOfEmail=True)
    assert "Oscar Lind must not be written to" in await refusal(scene, to=[f"contact:{OSCAR}.Email"])
    assert "mail goes to records only" in await refusal(scene, to=["thief@evil.example"])
    assert "that you can see" in await refusal(scene, "eli")
    alone = await ask(scene, related_to_id=None, to=[f"contact:{RUTH}.Email", "mara@northwind.example"])
    assert isinstance(alone, Approval), "what is about nobody's records is for those who are invited"
    approval = await ask(scene)
    await scene.decide(approval, "mara")
    await scene.change(ANN, "Contact", HasOptedOutOfEmail=True)
    outcome = await scene.settle(approval)
    assert not outcome.applied, "asked again at the moment of sending"
    assert await scene.mails() == []


async def test_an_address_from_outside_is_no_target_and_words_from_outside_are_told(scene: MailScene) -> None:
    async with scene.database.session(scene.tenant, write=True) as session:
        principal = await scene.principal(session, "dana")
        crm = EmbeddedCrm(session, principal.access, scene.now, KEY)
        fields = {"LastName": "Prospect", "Company": "Newco", "Email": "pia@newco.example", "HasEmailConsent__c": True}
        lead = (await crm.apply(await crm.propose_create("Lead", fields))).change.record_id
    told = await refusal(scene, to=[f"lead:{lead}.Email"], related_to_id=None)
    assert told == "where it would go was named by somebody outside"


async def test_times_and_texts_are_checked(scene: MailScene) -> None:
    assert "still to come" in await refusal(scene, starts_at="2026-11-02T08:00:00Z")
    assert "starts_at" in await refusal(scene, starts_at="tomorrow")
    assert "control characters" in await refusal(scene, subject="Line 3\nBcc: thief@evil.example")
    assert "control characters" in await refusal(scene, location="Here\nSubject: other")
    late = await ask(scene, starts_at="2026-11-05T23:30:00+02:00", duration_minutes=240)
    assert "2026-11-05 21:30 to 2026-11-06 01:30 UTC" in late.card["message"]["body"]
    await scene.decide(late, "mara")
    after = scene.later(days=4)
    assert not (await after.settle(late)).applied, "an invitation to what is over is not sent"
    assert staff_id("dana")
