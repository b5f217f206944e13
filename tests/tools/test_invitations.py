"""A meeting request: shown whole, sent as shown, to nobody who must not be written to."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from icalendar import Calendar

from crm.database import Database
from crm.repositories.records import EmbeddedCrm
from crm.work import Approval
from tests.conftest import SqliteTemplates, seed_small
from tests.tools.mailing import ANN, OSCAR, RUTH, MailScene, parsed
from tests.trust.scene import KEY, RENEWAL
from trust.actions import Meeting, Outgoing, Recipient
from trust.approvals import NotEntitledError
from trust.labels import Integrity, Label
from trust.meeting_part import says_the_same, write_meeting

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
    plain, calendar = letter.iter_parts()
    assert plain.get_content().replace("\r\n", "\n").strip("\n") == shown["body"].strip("\n")
    assert (calendar.get_content_type(), calendar.get_param("method")) == ("text/calendar", "REQUEST")
    [event] = Calendar.from_ical(calendar.get_content()).walk("VEVENT")
    assert (str(event["summary"]), str(event["location"])) == ("Line 3", "San Jose")
    assert event.decoded("dtstart").isoformat() == "2026-11-05T10:00:00+00:00"
    assert [str(one) for one in event["attendee"]] == [f"MAILTO:{one['address']}" for one in shown["recipients"]]
    assert shown["meeting"]["ends"] == "2026-11-05T11:00:00Z"
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


async def test_what_looks_like_calendar_syntax_stays_text(scene: MailScene) -> None:
    subject = r'Line 3; "review", \nEND:VEVENT ATTENDEE:MAILTO:thief@evil.example'
    approval = await ask(scene, subject=subject, location="Hall A, gate 2; left")
    assert isinstance(approval, Approval), approval
    await scene.decide(approval, "mara")
    outcome = await scene.settle(approval)
    assert outcome.applied, outcome.result
    [mail] = await scene.mails()
    [event] = Calendar.from_ical(list(parsed(mail).iter_parts())[1].get_content()).walk("VEVENT")
    assert (str(event["summary"]), str(event["location"])) == (subject, "Hall A, gate 2; left")
    assert str(event["attendee"]) == "MAILTO:ann.poe@acme-industries.example"


def test_a_part_that_says_something_else_is_found_out() -> None:
    at = datetime(2026, 11, 5, 10, tzinfo=UTC)
    meeting = Meeting("Line 3", at, at + timedelta(hours=1), "Here")
    label = Label(Integrity.CRM_VERIFIED)
    message = Outgoing("email", (Recipient("ann@acme.example", label, name="Ann"),), label, sender="mail@us.example")
    written = write_meeting(message, meeting, uid="1", at=at)
    assert says_the_same(written, message, meeting)
    for old, new in (
        ("ann@acme.example", "thief@evil.example"),
        ("20261105T100000Z", "20261106T100000Z"),
        ("Line 3", "Line 4"),
        ("METHOD:REQUEST", "METHOD:CANCEL"),
        ("END:VEVENT", "END:VEVENT\r\nBEGIN:VEVENT\r\nUID:2\r\nEND:VEVENT"),
    ):
        assert old in written
        assert not says_the_same(written.replace(old, new), message, meeting), new
